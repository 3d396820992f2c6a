"""Which passages of made pieces were taken from real ones, in whatever key, and how made pieces repeat each other.

A passage is copied where the same follows the same for as long: of the melody (the voice that lies highest) the steps
and the times from note to note, of all voices together the chords, how far they move and how long they last. A passage
in other note values, or under another melody, is not found. Real pieces quote, too, so that only beside them a length
says something.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from genapps_music.judging.passages import Shared, longest_among, longest_shared
from genapps_music.judging.voices import REST, Ints, Voices, place
from genapps_music.score import QUARTER

Way = Literal["voices", "melody"]
WAYS: dict[Way, str] = {"voices": "all voices", "melody": "melody alone"}
ALLOWED = 0.05  # share of unseen real pieces that would be said to copy
LARGE = 0.5  # of a piece in another one: nearly the same


@dataclass
class Symbols:
    """Pieces as sequences of whole numbers, equal where what happens is equal; numbers are given as they come."""

    known: dict[tuple[object, ...], int] = field(default_factory=dict)

    def of(self, piece: Voices, way: Way) -> tuple[Ints, Ints]:
        """What happens from each of the ticks (n,) to the next: the symbols (n - 1,), and the ticks."""
        told = _melody(piece) if way == "melody" else _voices(piece)
        ticks, events = told
        return np.array([self.known.setdefault(one, len(self.known)) for one in events], np.int64), ticks


@dataclass(frozen=True, slots=True)
class Passage:
    """The longest passage of a piece that a real one has, too.

    notes: of the melody, or chords of all voices; 0 where nothing is shared. quarters: how long it lasts, part: which
    share of the piece that is. bar, last: the bars that it begins and ends in; source: the number of the real piece,
    source_bar: where it begins there.
    """

    notes: int
    quarters: float = 0.0
    part: float = 0.0
    bar: int = 0
    last: int = 0
    source: int = -1
    source_bar: int = 0


@dataclass(frozen=True)
class Copies:
    """One way of looking. made, unseen: the passages of made and of unseen real pieces.

    limit: the length in notes that 95 % of the unseen pieces do not exceed. share: of made pieces that do; usual: of
    unseen ones; allowed: of made pieces by chance, more than 5 % where they were looked for in more pieces.
    """

    way: Way
    made: tuple[Passage, ...]
    unseen: tuple[Passage, ...]
    allowed: float = ALLOWED

    @property
    def limit(self) -> float:
        """NaN where there are no unseen pieces."""
        lengths = [one.notes for one in self.unseen]
        return float(np.quantile(lengths, 1 - ALLOWED, method="higher")) if lengths else float("nan")

    @property
    def share(self) -> float:
        """Of made pieces whose passage is longer than the limit."""
        return _share(self.made, self.limit)

    @property
    def usual(self) -> float:
        """Of unseen pieces."""
        return _share(self.unseen, self.limit)

    @property
    def halves(self) -> int:
        """How many made pieces are one copied passage by half or more."""
        return sum(one.part >= LARGE for one in self.made)

    @property
    def usual_halves(self) -> int:
        """How many unseen pieces are."""
        return sum(one.part >= LARGE for one in self.unseen)


@dataclass(frozen=True)
class Repeats:
    """How much some pieces repeat each other. distinct: share that is left when each is kept once, in whatever key.

    near: share of pieces more than half of which is one passage of another.
    """

    distinct: float
    near: float
    pieces: int


def copied(pieces: Sequence[Voices], reference: Sequence[Voices], way: Way) -> tuple[Passage, ...]:
    """The longest passage of each piece that is in the reference."""
    symbols = Symbols()
    ours, theirs = ([symbols.of(one, way) for one in side] for side in (pieces, reference))
    found = longest_shared([one for one, _ in ours], [one for one, _ in theirs])
    return tuple(
        _passage(piece, ticks, shared, reference, theirs)
        for piece, (_, ticks), shared in zip(pieces, ours, found, strict=True)
    )


def repeats(pieces: Sequence[Voices]) -> Repeats:
    """How much the pieces repeat each other, all voices together; in one voice, that voice."""
    symbols = Symbols()
    told = [symbols.of(one, "voices" if len(one.names) > 1 else "melody")[0] for one in pieces]
    shared = longest_among(told)
    near = [one.length > LARGE * len(own) for one, own in zip(shared, told, strict=True)]
    distinct = len({own.tobytes() for own in told}) / max(len(told), 1)
    return Repeats(distinct, float(np.mean(near)) if near else 0.0, len(told))


def _melody(piece: Voices) -> tuple[Ints, Iterable[tuple[object, ...]]]:
    line = piece.lines[0] if piece.lines else ()
    onsets, pitches = np.array([one.onset for one in line], np.int64), np.array([one.pitch for one in line], np.int64)
    return onsets, zip(np.diff(onsets).tolist(), np.diff(pitches).tolist(), strict=True)


def _voices(piece: Voices) -> tuple[Ints, Iterable[tuple[object, ...]]]:
    """Chord, time until the next, how far the lowest note moves, next chord; a silence is an empty chord."""
    moments, pitches = piece.sonorities
    moments, pitches = moments[: len(moments) - 1], pitches[: len(moments) - 1]  # the last is what is silent at the end
    chords = [sorted(p for p in row if p != REST) for row in pitches.tolist()]
    lowest = [chord[0] if chord else 0 for chord in chords]
    shapes = [tuple(p - low for p in chord) for chord, low in zip(chords, lowest, strict=True)]
    waits = np.diff(moments).tolist()
    return moments, (
        (shapes[k], waits[k], lowest[k + 1] - lowest[k], shapes[k + 1]) for k in range(max(len(shapes) - 1, 0))
    )


def _passage(
    piece: Voices, ticks: Ints, shared: Shared, reference: Sequence[Voices], theirs: Sequence[tuple[Ints, Ints]]
) -> Passage:
    if not shared.length:
        return Passage(0)
    begin, end = int(ticks[shared.start]), int(ticks[shared.start + shared.length])
    source = reference[shared.other]
    there = int(theirs[shared.other][1][shared.other_start])
    return Passage(
        notes=shared.length + 1,
        quarters=(end - begin) / QUARTER,
        part=(end - begin) / max(int(ticks[-1] - ticks[0]), 1),
        bar=place(piece.meters, begin)[0],
        last=place(piece.meters, end)[0],
        source=shared.other,
        source_bar=place(source.meters, there)[0],
    )


def _share(passages: Sequence[Passage], limit: float) -> float:
    return float(np.mean([one.notes > limit for one in passages])) if passages and limit == limit else float("nan")
