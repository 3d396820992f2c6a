"""Quantile functions small enough to keep: what a number's values look like without keeping the values."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REPEATED = 5  # a value seen this often in a sample is a habit of the data, not one record's
SCORE_LIMIT = 4.0  # normal scores beyond this are not told apart


@dataclass(frozen=True)
class Quantiles:
    """A piecewise linear quantile function over levels 0..bins; bin b holds the levels b..b+1, each of equal mass.

    `levels` (K,) rise and `values` (K,) do not fall. A value that many records share is a flat piece, so that it comes
    back exactly and as often as it was seen; between flat pieces values are interpolated. `edges` (bins-1,) lie between
    the values of neighbouring bins.
    """

    levels: Floats
    values: Floats
    edges: Floats

    @property
    def bins(self) -> int:
        """The number of bins."""
        return len(self.edges) + 1

    @classmethod
    def fit(cls, sample: Floats, bins: int, knots: int, step: float) -> Quantiles:
        """From a non-empty sample (N,); `step` is the distance of neighbouring values where they are rounded, else 0.

        Keeps about `knots` points a bin and never more than one for every fifth record outside the flat pieces.
        """
        unique, counts = np.unique(sample, return_counts=True)
        middle = np.cumsum(counts) - counts / 2
        number = np.minimum((middle / len(sample) * bins).astype(np.int64), bins - 1)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        between = _between(unique, step)
        borders = np.concatenate([[unique[0] - step / 2], between, [unique[-1] + step / 2]])
        levels: list[Floats] = []
        values: list[Floats] = []
        for b, (start, stop) in enumerate(zip(starts, [*starts[1:], len(unique)], strict=True)):
            level, value = _bin(unique[start:stop], counts[start:stop], borders[start : stop + 1], knots)
            levels.append(level + b)
            values.append(value)
        return cls(np.concatenate(levels), np.concatenate(values), borders[starts[1:]])

    def bin(self, values: Floats) -> NDArray[np.int64]:
        """The bin of each value."""
        return np.searchsorted(self.edges, values, side="right")

    def value(self, levels: Floats) -> Floats:
        """The value at each level."""
        return np.interp(levels, self.levels, self.values)

    def level(self, value: float, side: Literal["left", "right"]) -> float:
        """The lowest ("left") or highest ("right") level at which the function reaches `value`."""
        k = int(np.searchsorted(self.values, value, side=side))
        if k == 0 or k == len(self.values):
            return 0.0 if k == 0 else float(self.bins)
        low, high = self.values[k - 1 : k + 1]
        share = (value - low) / (high - low)
        return float(self.levels[k - 1] + share * (self.levels[k] - self.levels[k - 1]))


def _between(unique: Floats, step: float) -> Floats:
    """A border between each value and the next; between multiples of the step where values are rounded."""
    middle = (unique[:-1] + unique[1:]) / 2
    return np.minimum(np.floor(middle / step) * step + step / 2, unique[1:] - step / 2) if step else middle


def _bin(unique: Floats, counts: NDArray[np.int64], borders: Floats, knots: int) -> tuple[Floats, Floats]:
    """Levels in 0..1 and values of one bin: repeated values flat, the runs between them by their quantiles."""
    total = int(counts.sum())
    below = np.concatenate([[0], np.cumsum(counts)]) / total
    levels: list[float] = []
    values: list[float] = []

    def run(start: int, stop: int) -> None:
        if start == stop:
            return
        sample = np.repeat(unique[start:stop], counts[start:stop])
        rows = len(sample)
        pieces = int(np.clip(min(round(knots * rows / total), rows // REPEATED), 1, None))
        after = np.arange(1, pieces) * rows // pieces  # a knot lies between two records, never on one
        levels.extend([below[start], *(below[start] + after / total), below[stop]])
        values.extend([borders[start], *((sample[after - 1] + sample[after]) / 2), borders[stop]])

    done = 0
    for i in np.flatnonzero(counts >= max(REPEATED, total / knots)).tolist():
        run(done, i)
        levels.extend(below[i : i + 2])
        values.extend([unique[i], unique[i]])
        done = i + 1
    run(done, len(unique))
    return np.array(levels), np.array(values)


@dataclass(frozen=True)
class NormalScores:
    """An invertible map between values and normal scores: `scores` (K,) and `values` (K,) both rise.

    Knots are dense both in probability and in the tails, and no two are nearer than five records.
    """

    scores: Floats
    values: Floats

    @classmethod
    def fit(cls, sample: Floats, knots: int = 512) -> NormalScores:
        """From a sample (N,) with at least two distinct values."""
        normal = NormalDist()
        tails = np.array([normal.cdf(z) for z in np.linspace(-SCORE_LIMIT, SCORE_LIMIT, knots // 2)])
        levels = np.sort(np.concatenate([np.linspace(0, 1, knots // 2), tails]))
        spacing = REPEATED / len(sample)
        kept = [0.0]
        for level in levels:
            if level - kept[-1] >= spacing and 1 - level >= spacing:
                kept.append(float(level))
        kept.append(1.0)
        values, first = np.unique(np.quantile(sample, kept), return_index=True)
        last = np.append(first[1:], len(kept)) - 1
        least = 0.5 / len(sample)
        middle = np.clip((np.array(kept)[first] + np.array(kept)[last]) / 2, least, 1 - least)
        return cls(np.array([normal.inv_cdf(m) for m in middle]), values)

    def score(self, values: Floats) -> Floats:
        """Values to scores; beyond the observed range the outermost scores."""
        return np.interp(values, self.values, self.scores)

    def value(self, scores: Floats) -> Floats:
        """Scores to values; never beyond the observed range."""
        return np.interp(scores, self.scores, self.values)
