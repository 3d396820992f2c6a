"""How strange a sequence of templates is: beside the nearest normal counts, and step by step.

A sequence is a tuple of codes: 1 and higher are templates, 0 is one that is not known. Scores are never below 0, higher
is stranger.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, Self

import numpy as np

from genapps.metrics.distributions import Floats

Steps = tuple[int, ...]
UNKNOWN = 0
START, END = -1, -2  # what stands before the first step and after the last one
ORDER = 2  # steps that a Markov model looks back
_VECTORS = 4_000_000  # numbers of normal count vectors that are kept
_REMEMBERED = 20_000


class Scorer(Protocol):
    """Says how strange sequences are, once it has seen normal ones."""

    name: str

    def fit(self, sequences: Sequence[Steps], size: int) -> Self:
        """Learn from normal sequences with codes of at most `size`."""
        ...

    def score(self, sequences: Sequence[Steps]) -> Floats:
        """How strange each is (N,)."""
        ...


class Counts:
    """The distance to the nearest normal sequence, of which only counts count: sum of |log((1 + n) / (1 + m))|.

    The logarithm makes a missing template weigh more than one of thirty of another one. After "event count vector
    clustering" (Landauer et al., A critical review of common log data sets, FSE 2024, section 5), which compares counts
    themselves. The most frequent vectors are kept where there are too many.
    """

    name = "counts"

    def __init__(self) -> None:
        self._normal = np.zeros((0, 1), np.float32)
        self._known: dict[bytes, tuple[float, int]] = {}

    def fit(self, sequences: Sequence[Steps], size: int) -> Self:
        """Keep the different count vectors."""
        seen = Counter(self._vector(steps, size).tobytes() for steps in sequences)
        most = max(1, _VECTORS // (size + 1))
        rows = [np.frombuffer(row, np.int32) for row, _ in seen.most_common(most)]
        self._normal = np.log1p(np.array(rows, np.float32).reshape(len(rows), size + 1))
        self._known = {row: (0.0, place) for place, (row, _) in enumerate(seen.most_common(min(most, _REMEMBERED)))}
        return self

    def score(self, sequences: Sequence[Steps]) -> Floats:
        """The distances (N,)."""
        return np.array([self._nearest(steps)[0] for steps in sequences], np.float64)

    def difference(self, steps: Steps) -> tuple[int, int, int]:
        """The code whose count is furthest from the nearest normal sequence's, how often it is there, and here."""
        normal = self._normal[self._nearest(steps)[1]]
        mine = self._vector(steps, normal.shape[0] - 1)
        code = int(np.abs(np.log1p(mine) - normal).argmax())
        return code, round(float(np.expm1(normal[code]))), int(mine[code])

    def _nearest(self, steps: Steps) -> tuple[float, int]:
        size = self._normal.shape[1] - 1
        vector = self._vector(steps, size)
        key = vector.tobytes()
        found = self._known.get(key)
        if found is None:
            gaps = np.abs(self._normal - np.log1p(vector.astype(np.float32))).sum(1)
            place = int(gaps.argmin())
            found = float(gaps[place]), place
            if len(self._known) >= 2 * _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found

    @staticmethod
    def _vector(steps: Steps, size: int) -> np.ndarray:
        codes = np.asarray(steps, np.int64)
        return np.bincount(np.where(codes > size, UNKNOWN, codes), minlength=size + 1).astype(np.int32)


class Markov:
    """The largest surprise of a step given the two before it, in bits; where these never came together, given fewer.

    The end of a sequence is a step, too. Probabilities are interpolated with those of the shorter past (Witten, Bell,
    "The zero-frequency problem", IEEE Trans. Inf. Theory 37, 1991, method C), down to an even share for each code.
    """

    name = "markov"

    def __init__(self, order: int = ORDER) -> None:
        self.order = order
        self._size = 1
        self._next: dict[Steps, dict[int, int]] = {}
        self._total: dict[Steps, int] = {}
        self._bits: dict[Steps, float] = {}

    def fit(self, sequences: Sequence[Steps], size: int) -> Self:
        """Count what follows what."""
        following: dict[Steps, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for steps, times in Counter(sequences).items():
            past = (START,) * self.order
            for step in (*steps, END):
                for length in range(self.order + 1):
                    following[past[self.order - length :]][step] += times
                past = (*past, step)[1:]
        self._next = {past: dict(steps) for past, steps in following.items()}
        self._total = {past: sum(steps.values()) for past, steps in self._next.items()}
        self._size = size + 2  # the known, the unknown, the end
        self._bits = {}
        return self

    def surprise(self, past: Steps, step: int) -> float:
        """-log2 of the probability of a step after the last `order` ones."""
        key = (*past, step)
        found = self._bits.get(key)
        if found is None:
            found = -math.log2(self._share(past, step))
            if len(self._bits) >= 10 * _REMEMBERED:
                self._bits.clear()
            self._bits[key] = found
        return found

    def surprises(self, steps: Steps) -> list[float]:
        """Of each step and of the end (T + 1,), in bits."""
        found, past = [], (START,) * self.order
        for step in (*steps, END):
            found.append(self.surprise(past, step))
            past = (*past, step)[1:]
        return found

    def score(self, sequences: Sequence[Steps]) -> Floats:
        """The largest surprise of each (N,), in bits."""
        return np.array([max(self.surprises(steps)) for steps in sequences], np.float64)

    def expected(self, past: Steps, most: int = 3) -> list[tuple[int, float]]:
        """What usually follows, the likeliest first: (code, share of the times that the past came)."""
        while past and past not in self._next:
            past = past[1:]
        total = self._total.get(past, 0)
        likely = sorted(self._next.get(past, {}).items(), key=lambda item: (-item[1], item[0]))[:most]
        return [(code, times / total) for code, times in likely]

    def _share(self, past: Steps, step: int) -> float:
        shorter = self._share(past[1:], step) if past else 1 / self._size
        following = self._next.get(past)
        if not following:
            return shorter
        kinds, total = len(following), self._total[past]
        return (following.get(step, 0) + kinds * shorter) / (total + kinds)


def repeated(sequences: Sequence[Steps]) -> tuple[list[Steps], list[int]]:
    """The different sequences, and which of them each one is: many of a log are the same."""
    places: dict[Steps, int] = {}
    which = [places.setdefault(steps, len(places)) for steps in sequences]
    return list(places), which


def pairs(steps: Steps) -> list[tuple[int, int]]:
    """Each step with the one before it, from the start to the end."""
    return list(pairwise((START, *steps, END)))
