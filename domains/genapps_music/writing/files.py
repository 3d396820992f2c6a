"""Scores and sounds as files; the name says which format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from genapps.errors import UsageError
from genapps.io.atomic import replacing
from genapps_music.score import Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WRITTEN = (".mid", ".midi", ".musicxml", ".xml", ".mxl", ".json")


def check_suffix(path: str | Path) -> None:
    """Refuse a name of a format that is not written. Raises UsageError."""
    suffix = Path(path).suffix
    if suffix.lower() not in WRITTEN:
        raise UsageError(f"{path}: {suffix!r} is no format that is written; there are: {', '.join(WRITTEN)}")


def write_score(path: str | Path, score: Score) -> None:
    """Write a piece whole or not at all, as MIDI, MusicXML, compressed MusicXML or a piano roll, by the file's name.

    The same score gives the same bytes. Raises UsageError for another suffix, GenappsError as `replacing` does.
    """
    check_suffix(path)
    data = _writer(Path(path).suffix.lower())(score)
    with replacing(path) as file:
        file.write(data)


def _writer(suffix: str) -> Callable[[Score], bytes]:
    if suffix in (".mid", ".midi"):
        from genapps_music.writing.midi import midi_bytes

        return midi_bytes
    if suffix == ".json":
        from genapps_music.writing.pianoroll import roll_bytes

        return roll_bytes
    from genapps_music.writing.musicxml import musicxml, mxl_bytes

    return mxl_bytes if suffix == ".mxl" else lambda score: musicxml(score).encode()


def write_wave(path: str | Path, wave: NDArray[np.float32], rate: int) -> None:
    """Write sound (T,) in -1..1 as a WAV of 16 bits, whole or not at all. Raises GenappsError as `replacing` does."""
    from genapps_music.writing.sound import wave_bytes

    data = wave_bytes(wave, rate)
    with replacing(path) as file:
        file.write(data)
