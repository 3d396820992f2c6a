"""One file as samples: whatever its format, within limits that are checked before it is decoded."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from genapps.io.limits import BINARY, controls, recognize
from genapps_audio.reading.limits import LIMITS, AudioLimits
from genapps_audio.reading.samples import remarks, repaired
from genapps_audio.records import Clip, Unreadable, Wave, downmixed

SUFFIXES = frozenset(
    (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64")
)
FORMATS = frozenset(("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF"))
_BITS = {
    "PCM_S8": "8 bit",
    "PCM_U8": "8 bit",
    "PCM_16": "16 bit",
    "PCM_24": "24 bit",
    "PCM_32": "32 bit",
    "FLOAT": "32 bit real",
    "DOUBLE": "64 bit real",
    "ULAW": "mu-law",
    "ALAW": "A-law",
    "VORBIS": "Vorbis",
    "OPUS": "Opus",
}
_HEAD = 4096  # bytes that say what a file is
_PICTURES = {b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image", b"MThd": "a MIDI file"}
_OTHERS = {b"ftyp": "an MP4 or M4A file", b"\x1aE\xdf\xa3": "a Matroska or WebM file", b"ADIF": "an AAC file"}
_AS_WAV = "save it as WAV or FLAC"
_BLOCK = 2**20  # samples that are decoded at a time
_SMALL = 1024  # at a time, of a damaged file
_PAGE = 2 * 65_307  # bytes at the end of an Ogg file in which a page begins
_CHUNKS = 1000  # before the sound, that are passed over
_lock = threading.RLock()


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Nothing on the process's stderr meanwhile: decoders in C write there of every damaged frame."""
    with _lock:
        try:
            kept = os.dup(2)
        except OSError:  # closed: nothing can be written there
            yield
            return
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def open_sound(path: Path, limits: AudioLimits, *, whole: bool) -> Any:
    """A soundfile.SoundFile whose header was checked, to be closed by the caller. Raises Unreadable with the reason."""
    head = _head(path)
    _check_format(head, limits)
    if path.suffix.lower() == ".raw":
        raise Unreadable(f"samples without a header, of which neither rate nor kind is known; {_AS_WAV}")
    try:
        with hushed():
            sound = soundfile.SoundFile(os.fspath(path))
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError) as error:
        raise Unreadable(_said(error, head)) from None
    try:
        if sound.format not in FORMATS:
            raise Unreadable(f"a file of the format {sound.format}, which is not read; {_AS_WAV}")
        limits.check(int(sound.frames), int(sound.samplerate), int(sound.channels), whole=whole)
    except Unreadable:
        sound.close()
        raise
    return sound


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise Unreadable("no regular file" if path.exists() else "no such file")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from None
    if not head:
        raise Unreadable("empty file")
    return head


def read_clip(
    path: str | Path,
    *,
    rate: int | None = None,
    mono: bool = False,
    limits: AudioLimits = LIMITS,
    name: str | None = None,
    label: str | None = None,
) -> Clip:
    """One whole file as a clip (T, C) in -1..1.

    rate: brought to so many samples a second; as it is if not given. mono: its channels become one (`downmixed`). name:
    what it is called, the file's name if not given. Samples that are no numbers, or beyond full scale, are repaired;
    what was done and what is odd stands in the notes. Raises Unreadable with the reason.
    """
    place = Path(path)
    with open_sound(place, limits, whole=True) as sound:
        own, kind, declared = int(sound.samplerate), kind_of(sound), declared_frames(sound)
        try:
            found = _decoded(sound, _BLOCK, limits)
        except soundfile.SoundFileError:
            found = None
    if found is None:  # what comes before the damage: a decoder that fails gives nothing of its block
        with open_sound(place, limits, whole=True) as sound:
            found = _until_damaged(sound, limits)
    notes = [missing] if (missing := _missing(place, len(found), declared)) else []
    if not len(found):
        raise Unreadable(_nothing_in(place))
    wave, done = repaired(found)
    odd = remarks(wave)
    if mono:
        wave = downmixed(wave)[:, None]
    if rate is not None and rate != own:
        wave = at_rate(wave, own, rate)
    return Clip(name or place.name, wave, rate or own, label, kind, (*notes, *done, *odd))


def at_rate(wave: Wave, rate: int, new_rate: int) -> Wave:
    """Samples (T, C) at another rate."""
    import torch

    from genapps_audio.signal.resampling import resample

    found = resample(torch.from_numpy(np.ascontiguousarray(wave.T)), rate, new_rate)
    return np.ascontiguousarray(found.numpy().T)


def kind_of(sound: Any) -> str:
    """Format and kind of samples, such as "WAV, 24 bit"."""
    name = {"WAVEX": "WAV"}.get(sound.format, sound.format)
    bits = _BITS.get(sound.subtype, sound.subtype.replace("_", " ").title())
    return "MP3" if name == "MP3" else f"{name}, {bits}"


def read_block(sound: Any, count: int) -> Wave:
    """(T, C): the next samples of an open file, so many at most. Raises SoundFileError where it is damaged."""
    with hushed():
        found: Wave = sound.read(count, dtype="float32", always_2d=True)
    return found


def declared_frames(sound: Any) -> int | None:
    """Samples that a file says it has; None where it does not know, as Ogg that was cut short."""
    frames = int(sound.frames)
    return frames if 0 < frames < 2**62 else None


def _decoded(sound: Any, block: int, limits: AudioLimits) -> Wave:
    """(T, C) of a whole file, so many samples at a time, as it may hold more, or less, than it declares."""
    return _joined(list(_pieces(sound, block, limits)), sound.channels)


def _until_damaged(sound: Any, limits: AudioLimits) -> Wave:
    """(T, C): what comes before the damage. Raises Unreadable where nothing does."""
    pieces: list[Wave] = []
    try:
        pieces.extend(_pieces(sound, _SMALL, limits))
    except soundfile.SoundFileError as error:
        if not pieces:
            raise Unreadable(f"damaged ({_plain(error)})") from None
    return _joined(pieces, sound.channels)


def _pieces(sound: Any, block: int, limits: AudioLimits) -> Iterator[Wave]:
    most = min(limits.values // sound.channels, int(limits.seconds * sound.samplerate) + 1)
    left = min(declared_frames(sound) or most, most)
    while left > 0 and len(piece := read_block(sound, min(block, left))):
        yield piece
        left -= len(piece)


def _joined(pieces: list[Wave], channels: int) -> Wave:
    if not pieces:
        return np.zeros((0, channels), np.float32)
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _missing(path: Path, found: int, declared: int | None) -> str:
    """What of a file is not there, as far as it says."""
    if declared is None and found:
        return "cut short: it has no end"
    if declared is not None and found < declared:
        return f"cut short or damaged: {found:,} of {declared:,} samples are there"
    if _ends_early(path):
        return "cut short: its last page is missing"
    data = chunk_of_sound(path)
    if data is not None and data[0] not in (0, 2**32 - 1) and data[1] < data[0]:
        return f"cut short: its header declares {data[0]:,} bytes of sound, {data[1]:,} are there"
    return ""


def _ends_early(path: Path) -> bool:
    """Whether a file of Ogg pages has none that is marked as the last (RFC 3533, section 6)."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        if file.read(4) != b"OggS":
            return False
        file.seek(max(0, os.fstat(file.fileno()).st_size - _PAGE))
        tail = file.read()
        last = tail.rfind(b"OggS\0")
        return 0 <= last < len(tail) - 5 and not tail[last + 5] & 4
    return False


def _nothing_in(path: Path) -> str:
    data = chunk_of_sound(path)
    if data is not None and data[0] == 0 and data[1]:
        return f"its header declares no sound, though {data[1]:,} bytes follow: the recording was not finished"
    return "holds no samples"


def chunk_of_sound(path: Path) -> tuple[int, int] | None:
    """Bytes of sound that a WAV or AIFF file declares, and those that are there; None where it has no such chunk."""
    with contextlib.suppress(OSError, struct.error), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        kind = file.read(12)[:4]
        if kind not in (b"RIFF", b"FORM"):
            return None
        layout = "<4sI" if kind == b"RIFF" else ">4sI"
        for _ in range(_CHUNKS):
            tag, length = struct.unpack(layout, file.read(8))
            if tag in (b"data", b"SSND"):
                return length, max(0, size - file.tell())
            file.seek(length + length % 2, os.SEEK_CUR)
    return None


def _check_format(head: bytes, limits: AudioLimits) -> None:
    """Refuse numbers of a WAV header that libsndfile would refuse in words of its own."""
    if head[:4] == b"RIFF" and (place := head.find(b"fmt ")) >= 0 and len(head) >= place + 16:
        channels, rate = struct.unpack("<HI", head[place + 10 : place + 16])
        limits.check(0, rate, channels)


def _said(error: Exception, head: bytes) -> str:
    """Why a file could not be opened."""
    text = _plain(error)
    if controls(head) < BINARY and b"\0\0" not in head and b"\xff" not in head:
        return "a text, no audio"
    if not any(words in text.lower() for words in ("not recognised", "unknown format", "does not exist")):
        if "too many channels" in text.lower():
            return "declares more than 1,024 channels"
        if "unimplemented format" in text.lower():
            return "damaged, or of a kind that is not read"
        return f"damaged, or of a kind that is not read ({text})"
    for start, what in _PICTURES.items():
        if head.startswith(start):
            return f"{what}, no audio"
    if what := next((what for mark, what in _OTHERS.items() if mark in head[:16]), ""):
        return f"{what}, which is not read; {_AS_WAV}"
    if known := recognize(head):
        return f"{known[0]}, no audio"
    return "no audio of a known format"


def _plain(error: Exception) -> str:
    """libsndfile's reason, without the path that it names too."""
    text = " ".join(str(error).split())
    return text.rpartition(": ")[2].rstrip(".")[:120] or type(error).__name__
