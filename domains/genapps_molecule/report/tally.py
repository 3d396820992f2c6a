"""How often values fall where, counted as they come: exact counts in bounded memory, whatever the values are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_BINS = 4_096  # that are held at once; then pairs of bins become one
BARS = 24  # that are shown at most
_TAIL = 0.005  # the share of values at each end that may lie in the outermost bars, however far out they are


@dataclass(frozen=True)
class Bars:
    """Counts (n,) between `low` and `high`, the outermost with all that lies beyond; lowest, highest and mean value."""

    low: float
    high: float
    counts: tuple[int, ...]
    lowest: float
    highest: float
    mean: float


class Tally:
    """Counts of values in bins that begin `width` wide and grow by doubling; only bins with something in them count."""

    def __init__(self, width: float, whole: bool = False) -> None:
        self.width, self.whole = width, whole
        self.counts: Counter[int] = Counter()
        self.n = 0
        self.total = 0.0
        self.lowest, self.highest = math.inf, -math.inf

    def add(self, values: NDArray[np.float64]) -> None:
        """Count values (N,); those that are not finite are left out."""
        known = values[np.isfinite(values)]
        if not len(known):
            return
        self.n += len(known)
        self.total += float(known.sum())
        self.lowest, self.highest = min(self.lowest, float(known.min())), max(self.highest, float(known.max()))
        while max(-self.lowest, self.highest) / self.width > 2**60:
            self._double()  # a key is a whole number that an array can hold
        keys, counts = np.unique(np.floor(known / self.width).astype(np.int64), return_counts=True)
        self.counts.update(dict(zip(keys.tolist(), counts.tolist(), strict=True)))
        while len(self.counts) > MOST_BINS:
            self._double()

    def _double(self) -> None:
        self.width *= 2
        merged: Counter[int] = Counter()
        for key, count in self.counts.items():
            merged[key // 2] += count
        self.counts = merged

    def bars(self, most: int = BARS) -> Bars | None:
        """At most so many bars that hold every value; None where there is none."""
        if not self.n:
            return None
        keys = sorted(self.counts)
        first, last = self._end(iter(keys)), self._end(reversed(keys))
        step = -(-(last - first + 1) // most)
        counts = [0] * -(-(last - first + 1) // step)
        for key, count in self.counts.items():
            counts[min(max((key - first) // step, 0), len(counts) - 1)] += count
        low, high = first * self.width, (first + step * len(counts)) * self.width
        return Bars(low, high, tuple(counts), self.lowest, self.highest, self.total / self.n)

    def _end(self, keys: Iterator[int]) -> int:
        """The bin where the tail that begins with the first key ends."""
        passed = 0
        for key in keys:
            passed += self.counts[key]
            if passed > _TAIL * self.n:
                return key
        raise AssertionError("a share of all values is never passed")
