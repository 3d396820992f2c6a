"""A piece as voices on one clock: which pitch each voice sounds at every moment, and where the bars are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genapps_music.score import QUARTER, Meter, Note, Part, Score
from genapps_music.writing.notation import first_bar

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

REST = -1
MOST = 8  # voices of a piece that are judged, and lines that one part is split into
BREATH = QUARTER // 16  # ticks by which notes of one line may overlap or be apart and still be taken as following
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True)
class Voices:
    """The V voices of a piece, the one that lies highest on average first.

    names: (V,). lines: the notes of each voice, none overlapping. moments: (T,) ticks at which any note begins or
    ends. pitches: (T, V) what sounds from then on, -1 where the voice rests. first: the number of the
    first bar, 0 for an upbeat.
    """

    names: tuple[str, ...]
    lines: tuple[tuple[Note, ...], ...]
    moments: Ints
    pitches: Ints
    meters: tuple[Meter, ...]
    first: int = 1

    def place(self, tick: int) -> tuple[int, float]:
        """Bar and beat of a tick, as the score numbers them."""
        bar, beat = place(self.meters, tick)
        return bar - 1 + self.first, beat

    @cached_property
    def sonorities(self) -> tuple[Ints, Ints]:
        """Moments (S,) at which what sounds changes in any voice, and what sounds then (S, V)."""
        if not len(self.moments):
            return self.moments, self.pitches
        differs = np.ones(len(self.moments), bool)
        differs[1:] = (self.pitches[1:] != self.pitches[:-1]).any(axis=1)
        return self.moments[differs], self.pitches[differs]

    @property
    def end(self) -> int:
        """The tick at which the last note is over."""
        return int(self.moments[-1]) if len(self.moments) else 0


def voices_of(score: Score) -> Voices:
    """The voices of a piece without its drums, at most 8 (those with most notes).

    A part whose notes sound together is split into lines: the notes that begin together go from the top down, each to
    the highest line that is free. Overlaps and gaps of up to 1/16 of a quarter, as played music has them, are closed.
    """
    found: list[tuple[str, tuple[Note, ...]]] = []
    for k, part in enumerate(score.parts):
        if not part.drums and part.notes:
            name = part.name.strip() or f"part {k + 1}"
            split = lines_of(part)
            found += [(name if len(split) == 1 else f"{name} {i + 1}", line) for i, line in enumerate(split)]
    found = sorted(found, key=lambda one: -len(one[1]))[:MOST]
    found.sort(key=lambda one: -float(np.mean([note.pitch for note in one[1]])))
    lines = tuple(line for _, line in found)
    moments, pitches = _sounding(lines)
    names, meters = _told_apart([name for name, _ in found]), score.meters or (Meter(),)
    return Voices(names, lines, moments, pitches, meters, first_bar(replace(score, meters=meters)))


def lines_of(part: Part) -> list[tuple[Note, ...]]:
    """The notes of a part as lines in which none overlap, from the top down; at most 8, what is left then is lost."""
    lines: list[list[Note]] = []
    for note in sorted(part.notes, key=lambda one: (one.onset, -one.pitch)):
        for line in lines:
            last = line[-1]
            if last.onset < note.onset and last.end <= note.onset + BREATH:
                if abs(last.end - note.onset) <= BREATH:
                    line[-1] = replace(last, duration=note.onset - last.onset)
                line.append(note)
                break
        else:
            if len(lines) < MOST:
                lines.append([note])
    return [tuple(line) for line in lines]


def _sounding(lines: Sequence[Sequence[Note]]) -> tuple[Ints, Ints]:
    ticks = {tick for line in lines for note in line for tick in (note.onset, note.end)}
    moments = np.array(sorted(ticks), np.int64)
    pitches = np.full((len(moments), len(lines)), REST, np.int64)
    for v, line in enumerate(lines):
        first = np.searchsorted(moments, [note.onset for note in line]).tolist()
        last = np.searchsorted(moments, [note.end for note in line]).tolist()
        for note, a, b in zip(line, first, last, strict=True):
            pitches[a:b, v] = note.pitch
    return moments, pitches


def _told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """The names, numbered from the top where several are the same."""
    count, seen = Counter(names), Counter[str]()
    told = []
    for name in names:
        seen[name] += 1
        told.append(f"{name} {seen[name]}" if count[name] > 1 else name)
    return tuple(told)


def bar_starts(meters: Sequence[Meter], end: int) -> Ints:
    """The ticks at which bars begin, up to `end`; a meter that comes before a bar is over cuts it short."""
    starts: list[Ints] = []
    for meter, following in zip(meters, [*meters[1:], None], strict=True):
        until = max(end, 1) if following is None else min(following.onset, max(end, 1))
        starts.append(np.arange(meter.onset, until, max(1, meter.bar), dtype=np.int64))
    return np.concatenate(starts) if starts else np.zeros(1, np.int64)


def place(meters: Sequence[Meter], tick: int) -> tuple[int, float]:
    """Bar and beat of a tick, both counted from 1; beats are those of the meter."""
    starts = bar_starts(meters, tick + 1)
    bar = int(np.searchsorted(starts, tick, side="right"))
    unit = next((meter.unit for meter in reversed(meters) if meter.onset <= tick), 4)
    return max(bar, 1), 1 + (tick - int(starts[max(bar, 1) - 1])) * unit / (4 * QUARTER)


def cut(score: Score, end: int) -> Score:
    """The beginning of a piece: what lies before the tick `end`, its last notes cut there."""

    def shorter(part: Part) -> Part:
        kept = (note for note in part.notes if note.onset < end)
        return replace(part, notes=tuple(replace(n, duration=min(n.duration, end - n.onset)) for n in kept))

    return replace(score, parts=tuple(map(shorter, score.parts)))


def pitch_name(pitch: int) -> str:
    """A pitch as musicians write it: 60 is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"
