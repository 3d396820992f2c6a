"""How notes are written down: bars, voices without overlaps, note values, and names of pitches in a key."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from genapps_music.score import QUARTER, Meter, Note, Score

_LETTERS = "FCGDAEB"  # by fifths
_TYPES = ("whole", "half", "quarter", "eighth", "16th", "32nd", "64th")


@dataclass(frozen=True)
class Bar:
    """A measure from a tick to another. number: from 1, 0 for a pickup. meter: where a new one begins here."""

    start: int
    end: int
    number: int
    meter: Meter | None = None

    @property
    def pickup(self) -> bool:
        """Whether it is shorter, and not counted."""
        return self.number == 0


@dataclass(frozen=True)
class Chord:
    """Notes that begin and end together, by pitch; or a rest, without notes."""

    onset: int
    end: int
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Value:
    """A note value: "quarter" with dots, three in the time of two as a triplet. ticks: how long it is."""

    ticks: int
    type: str
    dots: int = 0
    triplet: bool = False


def _values() -> dict[int, Value]:
    found: dict[int, Value] = {}
    for power, name in enumerate(_TYPES):
        whole = 4 * QUARTER >> power
        for ticks, dots, triplet in ((whole, 0, False), (whole * 3 // 2, 1, False), (whole * 7 // 4, 2, False)):
            if ticks << (power + dots) == 4 * QUARTER * (2 ** (dots + 1) - 1):
                found.setdefault(ticks, Value(ticks, name, dots, triplet))
        if (whole * 2) % 3 == 0:
            found.setdefault(whole * 2 // 3, Value(whole * 2 // 3, name, 0, True))
    return found


VALUES = _values()
_PLAIN = sorted(value.ticks for value in VALUES.values() if not value.triplet and value.dots < 2)


def bars(score: Score) -> list[Bar]:
    """The measures of a piece, to the bar in which its last note ends; a silent beginning makes a pickup."""
    end = max(score.end, 1)
    made: list[Bar] = []
    for number, meter in enumerate(score.meters):
        stop = score.meters[number + 1].onset if number + 1 < len(score.meters) else end
        start, first = meter.onset, True
        while start < min(stop, end):
            following = start + meter.bar if number + 1 == len(score.meters) else min(start + meter.bar, stop)
            made.append(Bar(start, following, len(made) + 1, meter if first else None))
            start, first = following, False
    made[0] = replace(made[0], meter=_short(made[0], score.meters[0]))
    begin = min((note.onset for part in score.parts for note in part.notes), default=0)
    if len(made) > 1 and 0 < begin < made[0].end and made[0].end == score.meters[0].bar:
        made[0] = replace(made[0], start=begin)
        made = [replace(bar, number=bar.number - 1) for bar in made]
    return made


def first_bar(score: Score) -> int:
    """The number of the first bar: 0 for a pickup, else 1."""
    return bars(score)[0].number


def _short(first: Bar, meter: Meter) -> Meter:
    """The meter of a first bar: where the next one begins before it is full, what fits, lest it pass for a pickup."""
    units = (meter.unit, 4, 8, 16, 32, 64)
    fitting = (one for one in units if first.end * one % (4 * QUARTER) == 0 and first.end < meter.bar)
    unit = next(fitting, None)
    return meter if unit is None else Meter(0, first.end * unit // (4 * QUARTER), unit)


def voices(notes: Iterable[Note]) -> list[list[Chord]]:
    """Notes as voices in which nothing overlaps, as few as it takes; the highest goes into the first that is free."""
    groups = groupby(sorted(notes, key=_together), key=lambda note: (note.onset, note.end))
    chords = [Chord(onset, end, _different(group)) for (onset, end), group in groups]
    made: list[list[Chord]] = []
    for chord in sorted(chords, key=lambda one: (one.onset, -one.notes[-1].pitch)):
        free = next((voice for voice in made if voice[-1].end <= chord.onset), None)
        if free is None:
            made.append(free := [])
        free.append(chord)
    return made


def _together(note: Note) -> tuple[int, int, int]:
    return note.onset, note.end, note.pitch


def _different(notes: Iterable[Note]) -> tuple[Note, ...]:
    """One note a pitch: the same one twice at once is one on paper."""
    return tuple({note.pitch: note for note in notes}.values())


def within(voice: list[Chord], bar: Bar) -> Iterator[Chord]:
    """What a voice does in a bar, without gaps: chords cut at the bar lines, and rests between them."""
    now = bar.start
    begin = max(bisect_right(voice, bar.start, key=lambda chord: chord.onset) - 1, 0)
    for chord in voice[begin:]:
        if chord.onset >= bar.end:
            break
        if chord.end <= bar.start:
            continue
        onset, end = max(chord.onset, bar.start), min(chord.end, bar.end)
        if onset > now:
            yield Chord(now, onset)
        yield Chord(onset, end, chord.notes)
        now = end
    if now < bar.end:
        yield Chord(now, bar.end)


def split(ticks: int) -> list[int]:
    """A length as lengths of note values, the longest first; what is no value of any note is left as the last."""
    parts: list[int] = []
    while ticks and ticks not in VALUES:
        at = bisect_right(_PLAIN, ticks)
        if at == 0:
            break
        parts.append(_PLAIN[at - 1])
        ticks -= _PLAIN[at - 1]
    return [*parts, ticks] if ticks else parts


def spelled(pitch: int, fifths: int) -> tuple[str, int, int]:
    """Step, alteration and octave of a pitch in a key: among its names the one next to the key on the line of fifths.

    In C that is E flat to G sharp; other keys move along.
    """
    low = fifths - 3
    place = low + (pitch * 7 - low) % 12
    alter = (place + 1) // 7
    return _LETTERS[(place + 1) % 7], alter, (pitch - alter) // 12 - 1
