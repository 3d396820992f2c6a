"""Recordings of any length as windows: short ones as they are, long ones cut, ten hours of them a minute at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genapps.errors import InputError
from genapps_audio.reading.clips import Clips
from genapps_audio.reading.decoding import open_sound, read_clip
from genapps_audio.reading.streaming import stream
from genapps_audio.records import Skipped, Unreadable, Wave

RATE = 16_000  # Hz: what is above half of it does not count unless it is asked for
LONGEST = 10.0  # seconds of clips that are taken whole
CUT = 5.0  # seconds of windows where clips are longer
SHORTEST = 0.1  # seconds
_SLACK = 1.5  # windows that are still taken whole
_REST = 0.01  # of a window, at the end of a recording, that needs none of its own
_WHOLE = 60.0  # seconds up to which a file is read at once
_BLOCK = 60  # seconds of others


@dataclass(frozen=True)
class Window:
    """A stretch of a recording. number: of the recording. wave: (T,) at `Cut.rate`. start: seconds from its begin."""

    number: int
    name: str
    start: float
    wave: Wave
    rate: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.wave) / self.rate

    @property
    def end(self) -> float:
        """Seconds from the begin of the recording."""
        return self.start + self.seconds


@dataclass(frozen=True)
class Header:
    """What a file says of itself: samples a second, and its length in seconds."""

    rate: int
    seconds: float


@dataclass(frozen=True)
class Cut:
    """How recordings become windows: of so many seconds, at so many samples a second."""

    seconds: float
    rate: int

    @classmethod
    def of(cls, headers: Sequence[Header], seconds: float | None = None, rate: int | None = None) -> Cut:
        """The rate of most clips, at most 16 kHz; windows of their median length, of 5 s where that is above 10 s."""
        usual = Counter(one.rate for one in headers).most_common(1)[0][0]
        median = float(np.median([one.seconds for one in headers]))
        whole = max(round(median, 3), SHORTEST) if median <= LONGEST else CUT
        return cls(seconds or whole, rate or min(usual, RATE))

    def count(self, seconds: float) -> int:
        """Windows of a recording of this length."""
        if seconds <= _SLACK * self.seconds:
            return 1
        return int(np.ceil(seconds / self.seconds - _REST))


def header_of(path: Path, clips: Clips) -> Header:
    """Of one file. Raises Unreadable."""
    with open_sound(path, clips.limits, whole=False) as sound:
        found = Header(int(sound.samplerate), sound.frames / sound.samplerate)
    if found.seconds < SHORTEST:
        raise Unreadable(f"{found.seconds:.2g} s long; at least {SHORTEST:g} s are needed")
    return found


def headers(clips: Clips) -> tuple[dict[int, Header], list[Skipped]]:
    """Of all files by their number, and those that are none."""
    found: dict[int, Header] = {}
    skipped = []
    for i, (name, path) in enumerate(zip(clips.names, clips.paths, strict=True)):
        try:
            if i in clips.faults:
                raise Unreadable(clips.faults[i])
            found[i] = header_of(path, clips)
        except Unreadable as error:
            skipped.append(Skipped(name, str(error)))
    return found, skipped


def refuse_none(clips: Clips, skipped: Sequence[Skipped]) -> InputError:
    """Why nothing of a collection could be used."""
    why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
    return InputError(f"{clips.where}: no clip that can be used{why}")


def windows(clips: Clips, number: int, header: Header, cut: Cut) -> Iterator[Window]:
    """The windows of one file, one in memory at a time, or a minute of a long one.

    The last one ends where the file does, and so may overlap the one before. Raises Unreadable.
    """
    name, path = clips.names[number], clips.paths[number]
    size = round(cut.seconds * cut.rate)
    if header.seconds <= max(_WHOLE, _SLACK * cut.seconds):
        wave = read_clip(path, rate=cut.rate, mono=True, limits=clips.limits).mono
        blocks: Iterator[Wave] = iter((wave,))
    else:
        blocks = (one.mono for one in stream(path, _BLOCK, rate=cut.rate, mono=True, limits=clips.limits))
    found = False
    for start, wave in _cut(blocks, size):
        found = True
        yield Window(number, name, start / cut.rate, wave, cut.rate)
    if not found:
        raise Unreadable("holds no samples that can be read")


def _cut(blocks: Iterator[Wave], size: int) -> Iterator[tuple[int, Wave]]:
    """Stretches of `size` samples and where they begin; all of what has not more than one and a half of them."""
    held, begin, cutting = np.zeros(0, np.float32), 0, False
    for block in blocks:
        held = np.concatenate([held, block])
        if not cutting and len(held) <= _SLACK * size:
            continue
        place = 0 if not cutting else size
        # What was given last stays in memory, as the last window may reach into it.
        while len(held) - place > size:
            yield begin + place, held[place : place + size]
            place, cutting = place + size, True
        if cutting:
            begin, held = begin + place - size, held[place - size :]
    if not cutting:
        if len(held):
            yield 0, held
        return
    if len(held) - size > _REST * size:
        yield begin + len(held) - size, held[len(held) - size :]
