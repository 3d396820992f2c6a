"""Rules of voice leading: where a piece breaks them, and how often beside a corpus that may break them, too.

What is looked for is what any textbook of counterpoint forbids in four parts (e.g. Aldwell and Schachter, Harmony and
Voice Leading). It is counted by pitch alone: phrases, rests in between, passing notes and the spelling of an interval
are not considered, and hidden fifths and octaves, doublings and unresolved dissonances are not looked for. So a corpus
has its own rate of each, and only beside that rate a piece's own says something.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genapps_music.judging.voices import REST, Ints, Voices, pitch_name

Floats = NDArray[np.float64]
Rule = Literal["fifths", "octaves", "unisons", "crossing", "spacing", "leap", "range"]

RULES: dict[Rule, str] = {
    "fifths": "parallel fifths",
    "octaves": "parallel octaves",
    "unisons": "parallel unisons",
    "crossing": "voices crossed",
    "spacing": "upper voices apart",
    "leap": "awkward leaps",
    "range": "out of range",
}
MEANINGS: dict[Rule, str] = {
    "fifths": "Two voices move at once in the same direction, from a perfect fifth (or twelfth) to a perfect fifth.",
    "octaves": "The same from an octave (or two) to an octave.",
    "unisons": "The same from a unison to a unison.",
    "crossing": "A voice begins to lie below one that lies lower on average.",
    "spacing": "Two neighboring voices other than the two lowest come to lie more than an octave apart.",
    "leap": "A voice leaps by a tritone, a seventh, or more than an octave.",
    "range": "A note lies out of the range of its voice: the model's, or without one that in the reference pieces.",
}
_AWKWARD = (6, 10, 11)
_OCTAVE = 12


@dataclass(frozen=True, slots=True)
class Breach:
    """One place at which a rule is broken: between which voices, at which tick, bar and beat, and what is there."""

    rule: Rule
    voices: tuple[str, ...]
    tick: int
    bar: int
    beat: float
    words: str


@dataclass(frozen=True)
class Checked:
    """A piece looked through. changes: moments at which what sounds changes; breaches by time."""

    changes: int
    breaches: tuple[Breach, ...]

    def count(self, *rules: Rule) -> int:
        """Breaches of any of these rules, of all where none is named."""
        return sum(not rules or one.rule in rules for one in self.breaches)


@dataclass(frozen=True)
class Ranges:
    """Lowest and highest pitch of voices: by name, by place from the top among so many voices, and of all together.

    source: whose ranges they are.
    """

    named: Mapping[str, tuple[int, int]]
    placed: Mapping[tuple[int, int], tuple[int, int]]
    whole: tuple[int, int]
    source: str = "the reference pieces"

    def of(self, name: str, place: int, among: int) -> tuple[int, int]:
        """The range of a voice: by its name if the corpus has it, else by its place, else that of all voices."""
        return self.named.get(_key(name)) or self.placed.get((place, among)) or self.whole


@dataclass(frozen=True)
class Rate:
    """Breaches in 100 changes over some pieces; low and high: 95 % interval by a bootstrap over the pieces.

    Both are NaN for one piece alone, over which there is none.
    """

    value: float
    low: float
    high: float
    breaches: int
    changes: int

    @property
    def top(self) -> float:
        """The upper end of the interval, the rate itself where there is none."""
        return self.high if math.isfinite(self.high) else self.value

    @property
    def span(self) -> str:
        """The interval in words; nothing where there is none."""
        return f"{self.low:.2f} to {self.high:.2f}" if math.isfinite(self.high) else ""


def learn_ranges(corpus: Iterable[Voices]) -> Ranges:
    """The ranges that a corpus uses."""
    named: dict[str, tuple[int, int]] = {}
    placed: dict[tuple[int, int], tuple[int, int]] = {}
    whole = (128, -1)
    for piece in corpus:
        for v, (name, line) in enumerate(zip(piece.names, piece.lines, strict=True)):
            pitches = [note.pitch for note in line]
            own = (min(pitches), max(pitches))
            named[_key(name)] = _wider(named.get(_key(name)), own)
            placed[v, len(piece.lines)] = _wider(placed.get((v, len(piece.lines))), own)
            whole = _wider(whole, own)
    return Ranges(named, placed, whole if whole[1] >= 0 else (0, 127))


def check(piece: Voices, ranges: Ranges | None = None) -> Checked:
    """Every breach of the rules in a piece, by time; notes out of range only where ranges are given."""
    moments, pitches = piece.sonorities
    found = [*_parallels(piece, moments, pitches), *_standing(piece, moments, pitches), *_leaps(piece)]
    if ranges is not None:
        found += _out_of_range(piece, ranges)
    found.sort(key=lambda one: (one.tick, list(RULES).index(one.rule)))
    return Checked(changes(pitches), tuple(found))


def changes(pitches: Ints) -> int:
    """How often what sounds (S, V) changes to something else that sounds."""
    return int((pitches[1:] != REST).any(axis=1).sum()) if len(pitches) else 0


def rate(checked: Sequence[Checked], *rules: Rule, generator: np.random.Generator, rounds: int = 1000) -> Rate:
    """Breaches of `rules` in 100 changes over all pieces, with a percentile interval of `rounds` draws of pieces."""
    broken = np.array([one.count(*rules) for one in checked], float)
    moved = np.array([one.changes for one in checked], float)
    if not moved.sum():
        return Rate(0.0, 0.0, 0.0, int(broken.sum()), 0)
    value = float(100 * broken.sum() / moved.sum())
    if len(checked) == 1:
        return Rate(value, math.nan, math.nan, int(broken.sum()), int(moved.sum()))
    picks = generator.integers(0, len(checked), (rounds, len(checked)))
    drawn = 100 * broken[picks].sum(axis=1) / np.maximum(moved[picks].sum(axis=1), 1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Rate(value, float(low), float(high), int(broken.sum()), int(moved.sum()))


def _parallels(piece: Voices, moments: Ints, pitches: Ints) -> Iterator[Breach]:
    before, after = pitches[:-1], pitches[1:]
    step = after - before
    moved = (before != REST) & (after != REST) & (step != 0)
    for a, b in combinations(range(len(piece.names)), 2):
        together = moved[:, a] & moved[:, b] & (np.sign(step[:, a]) == np.sign(step[:, b]))
        gaps = np.abs(before[:, a] - before[:, b]), np.abs(after[:, a] - after[:, b])
        kinds: dict[Rule, NDArray[np.bool_]] = {
            "fifths": (gaps[0] % _OCTAVE == 7) & (gaps[1] % _OCTAVE == 7),
            "octaves": (gaps[0] > 0) & (gaps[1] > 0) & (gaps[0] % _OCTAVE == 0) & (gaps[1] % _OCTAVE == 0),
            "unisons": (gaps[0] == 0) & (gaps[1] == 0),
        }
        for rule, mask in kinds.items():
            for t in np.flatnonzero(together & mask).tolist():
                words = f"{_pair(before[t], a, b)} to {_pair(after[t], a, b)}"
                yield _breach(piece, rule, (a, b), int(moments[t + 1]), words)


def _standing(piece: Voices, moments: Ints, pitches: Ints) -> Iterator[Breach]:
    """Crossings and wide spacing, each told where it begins."""
    count = len(piece.names)
    for a, b in combinations(range(count), 2):
        both = (pitches[:, a] != REST) & (pitches[:, b] != REST)
        kinds: dict[Rule, NDArray[np.bool_]] = {"crossing": both & (pitches[:, a] < pitches[:, b])}
        if b == a + 1 and b < count - 1:
            kinds["spacing"] = both & (pitches[:, a] - pitches[:, b] > _OCTAVE)
        for rule, mask in kinds.items():
            for t in np.flatnonzero(mask & ~np.concatenate([[False], mask[:-1]])).tolist():
                yield _breach(piece, rule, (a, b), int(moments[t]), _pair(pitches[t], a, b))


def _leaps(piece: Voices) -> Iterator[Breach]:
    for v, line in enumerate(piece.lines):
        for first, second in pairwise(line):
            far = abs(second.pitch - first.pitch)
            if first.end == second.onset and (far in _AWKWARD or far > _OCTAVE):
                words = f"{pitch_name(first.pitch)} to {pitch_name(second.pitch)}"
                yield _breach(piece, "leap", (v,), second.onset, words)


def _out_of_range(piece: Voices, ranges: Ranges) -> Iterator[Breach]:
    for v, (name, line) in enumerate(zip(piece.names, piece.lines, strict=True)):
        low, high = ranges.of(name, v, len(piece.names))
        for note in line:
            if not low <= note.pitch <= high:
                words = f"{pitch_name(note.pitch)}, the voice has {pitch_name(low)} to {pitch_name(high)}"
                yield _breach(piece, "range", (v,), note.onset, words)


def _breach(piece: Voices, rule: Rule, voices: tuple[int, ...], tick: int, words: str) -> Breach:
    return Breach(rule, tuple(piece.names[v] for v in voices), tick, *piece.place(tick), words)


def _pair(pitches: Ints, a: int, b: int) -> str:
    return f"{pitch_name(int(pitches[b]))}-{pitch_name(int(pitches[a]))}"


def _wider(known: tuple[int, int] | None, own: tuple[int, int]) -> tuple[int, int]:
    return own if known is None else (min(known[0], own[0]), max(known[1], own[1]))


def _key(name: str) -> str:
    return name.casefold().strip()
