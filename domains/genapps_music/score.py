"""What a piece of music is, whatever file it came from: parts of notes on one clock.

Time is counted in ticks of 1/480 of a quarter note, so that sixteenths, triplets and quintuplets fall on whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

QUARTER = 480  # ticks


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note. onset and duration in ticks, duration above 0; pitch as in MIDI, 60 is middle C; velocity 1..127."""

    onset: int
    duration: int
    pitch: int
    velocity: int = 80

    @property
    def end(self) -> int:
        """The tick at which it is over."""
        return self.onset + self.duration


@dataclass(frozen=True)
class Part:
    """One instrument or voice. notes: by onset, then pitch. program: General MIDI's instrument 0..127."""

    notes: tuple[Note, ...]
    name: str = ""
    program: int = 0
    drums: bool = False


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature, from a tick on: beats of 1/unit a bar."""

    onset: int = 0
    beats: int = 4
    unit: int = 4

    @property
    def bar(self) -> int:
        """Ticks in a bar."""
        return 4 * QUARTER * self.beats // self.unit


@dataclass(frozen=True)
class Score:
    """One piece.

    name: where it is from. meters: at least one, the first at tick 0. tempo: quarter notes a minute at the beginning.
    fifths: sharps (+) or flats (-) of the key signature, None where the file has none; minor: whether it says minor.
    label: a class, such as the subfolder. remarks: what was done to read it ("12 notes never ended: cut at the end").
    """

    parts: tuple[Part, ...]
    name: str = ""
    meters: tuple[Meter, ...] = (Meter(),)
    tempo: float = 100.0
    fifths: int | None = None
    minor: bool = False
    label: str | None = None
    remarks: tuple[str, ...] = field(default=())

    @property
    def end(self) -> int:
        """The tick at which the last note is over."""
        return max((note.end for part in self.parts for note in part.notes), default=0)


@dataclass(frozen=True)
class Skipped:
    """A file that is no piece that could be used, and why."""

    name: str
    reason: str


class Unreadable(ValueError):
    """Why one file is no piece; its text is the reason that people are told."""
