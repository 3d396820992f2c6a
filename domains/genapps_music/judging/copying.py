"""Which passages of made pieces were taken from real ones, in whatever key, and how made pieces repeat each other.

A passage is copied where the same follows the same for as long: of the melody (the voice that lies highest) the steps
and the times from note to note, of all voices together the chords, how far they move and how long they last. A passage
in other note values, or under another melody, is not found. Real pieces quote, too, so that only beside them a length
says something. What was given to go on from is no copy, whoever wrote it: a step from one given note to another, or
from one chord of given notes alone to another, is like no other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from genapps_music.judging.passages import Shared, longest_among, longest_shared
from genapps_music.judging.voices import REST, Ints, Mask, Voices
from genapps_music.score import QUARTER

Way = Literal["voices", "melody"]
WAYS: dict[Way, str] = {"voices": "all voices", "melody": "melody alone"}
ALLOWED = 0.05  # share of unseen real pieces that would be said to copy
LARGE = 0.5  # of a piece in another one: nearly the same
Notes = Collection[tuple[int, int]]  # notes of a piece by onset and pitch


@dataclass
class Symbols:
    """Pieces as sequences of whole numbers, equal where what happens is equal; numbers are given as they come."""

    known: dict[tuple[object, ...], int] = field(default_factory=dict)

    def of(self, piece: Voices, way: Way, given: Notes = ()) -> Told:
        """What happens from each moment of a piece to the next; given: notes of it that were not made."""
        ticks, events, kept = _melody(piece, given) if way == "melody" else _voices(piece, given)
        kept = kept[:-1] & kept[1:]
        each = zip(events, kept.tolist(), strict=True)
        codes = [
            self.known.setdefault(("given", len(self.known)) if own else one, len(self.known)) for one, own in each
        ]
        return Told(np.array(codes, np.int64), ticks, kept)


@dataclass(frozen=True)
class Told:
    """A piece as symbols (n - 1,), what happens from each of the ticks (n,) to the next, and which were given."""

    codes: Ints
    ticks: Ints
    given: Mask

    @property
    def made(self) -> int:
        """Ticks of what was not given."""
        return int(np.diff(self.ticks)[~self.given].sum())


@dataclass(frozen=True, slots=True)
class Passage:
    """The longest passage of a piece that a real one has, too.

    notes: of the melody, or chords of all voices; 0 where nothing is shared. quarters: how long it lasts, part: which
    share that is of what was made. bar, last: the bars that it begins and ends in; source: the number of the real
    piece, source_bar: where it begins there. given: nothing of the piece was made, so there is nothing to tell.
    """

    notes: int
    quarters: float = 0.0
    part: float = 0.0
    bar: int = 0
    last: int = 0
    source: int = -1
    source_bar: int = 0
    given: bool = False


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
    def own(self) -> tuple[Passage, ...]:
        """Of made pieces of which not all was given."""
        return tuple(one for one in self.made if not one.given)

    @property
    def limit(self) -> float:
        """NaN where there are no unseen pieces."""
        lengths = [one.notes for one in self.unseen]
        return float(np.quantile(lengths, 1 - ALLOWED, method="higher")) if lengths else float("nan")

    @property
    def share(self) -> float:
        """Of made pieces whose passage is longer than the limit."""
        return _share(self.own, self.limit)

    @property
    def usual(self) -> float:
        """Of unseen pieces."""
        return _share(self.unseen, self.limit)

    @property
    def halves(self) -> int:
        """How many made pieces are one copied passage by half or more."""
        return sum(one.part >= LARGE for one in self.own)

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


def copied(
    pieces: Sequence[Voices], reference: Sequence[Voices], way: Way, given: Sequence[Notes] = ()
) -> tuple[Passage, ...]:
    """The longest passage of each piece that is in the reference; given: the notes of each that were not made."""
    symbols = Symbols()
    kept = given or [()] * len(pieces)
    ours = [symbols.of(one, way, notes) for one, notes in zip(pieces, kept, strict=True)]
    theirs = [symbols.of(one, way) for one in reference]
    found = longest_shared([one.codes for one in ours], [one.codes for one in theirs])
    return tuple(
        _passage(piece, told, shared, reference, theirs)
        for piece, told, shared in zip(pieces, ours, found, strict=True)
    )


def repeats(pieces: Sequence[Voices]) -> Repeats:
    """How much the pieces repeat each other, all voices together; in one voice, that voice."""
    symbols = Symbols()
    told = [symbols.of(one, "voices" if len(one.names) > 1 else "melody").codes for one in pieces]
    shared = longest_among(told)
    near = [one.length > LARGE * len(own) for one, own in zip(shared, told, strict=True)]
    distinct = len({own.tobytes() for own in told}) / max(len(told), 1)
    return Repeats(distinct, float(np.mean(near)) if near else 0.0, len(told))


_Events = tuple[Ints, Iterable[tuple[object, ...]], Mask]  # moments, what happens until the next, which are given


def _melody(piece: Voices, given: Notes) -> _Events:
    line = piece.lines[0] if piece.lines else ()
    onsets, pitches = np.array([one.onset for one in line], np.int64), np.array([one.pitch for one in line], np.int64)
    kept = np.array([(one.onset, one.pitch) in given for one in line], bool)
    return onsets, zip(np.diff(onsets).tolist(), np.diff(pitches).tolist(), strict=True), kept


def _voices(piece: Voices, given: Notes) -> _Events:
    """Chord, time until the next, how far the lowest note moves, next chord; a silence is an empty chord."""
    moments, pitches = piece.sonorities
    moments, pitches = moments[: len(moments) - 1], pitches[: len(moments) - 1]  # the last is what is silent at the end
    chords = [sorted(p for p in row if p != REST) for row in pitches.tolist()]
    lowest = [chord[0] if chord else 0 for chord in chords]
    shapes = [tuple(p - low for p in chord) for chord, low in zip(chords, lowest, strict=True)]
    waits = np.diff(moments).tolist()
    events = ((shapes[k], waits[k], lowest[k + 1] - lowest[k], shapes[k + 1]) for k in range(max(len(shapes) - 1, 0)))
    return moments, events, _all_given(piece, moments, pitches, given)


def _all_given(piece: Voices, moments: Ints, pitches: Ints, given: Notes) -> Mask:
    """Whether all that sounds at each moment (S,) was given."""
    kept = np.full(len(moments), bool(given))
    for v, line in enumerate(piece.lines if given else ()):
        last = np.searchsorted(np.array([one.onset for one in line]), moments, side="right") - 1
        own = np.array([(one.onset, one.pitch) in given for one in line])
        kept &= own[np.maximum(last, 0)] | (pitches[:, v] == REST)
    return kept


def _passage(piece: Voices, told: Told, shared: Shared, reference: Sequence[Voices], theirs: Sequence[Told]) -> Passage:
    if not shared.length:
        return Passage(0, given=bool(told.given.all() and len(told.given)))
    begin, end = int(told.ticks[shared.start]), int(told.ticks[shared.start + shared.length])
    source = reference[shared.other]
    there = int(theirs[shared.other].ticks[shared.other_start])
    return Passage(
        notes=shared.length + 1,
        quarters=(end - begin) / QUARTER,
        part=(end - begin) / max(told.made, 1),
        bar=piece.place(begin)[0],
        last=piece.place(end)[0],
        source=shared.other,
        source_bar=source.place(there)[0],
    )


def _share(passages: Sequence[Passage], limit: float) -> float:
    return float(np.mean([one.notes > limit for one in passages])) if passages and limit == limit else float("nan")
