"""What a condition leaves of a number line: closed intervals, and drawing inside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps_tabular.columns.quantiles import Quantiles

Floats = NDArray[np.float64]
POINT = 1e-9  # the width, in levels, given to a single value of a number that is not rounded


@dataclass(frozen=True)
class Ranges:
    """Disjoint closed intervals, rising: `lows` (R,) and `highs` (R,)."""

    lows: Floats
    highs: Floats

    @classmethod
    def of(cls, pairs: list[tuple[float, float]]) -> Ranges:
        """The union of intervals that either coincide or do not touch."""
        distinct = np.array(sorted(set(pairs)), np.float64).reshape(-1, 2)
        return cls(distinct[:, 0], distinct[:, 1])

    def hold(self, values: Floats) -> NDArray[np.bool_]:
        """Which values lie in one of the intervals."""
        k = np.searchsorted(self.lows, values, side="right") - 1
        return (k >= 0) & (values <= self.highs[np.maximum(k, 0)])

    def nearest(self, values: Floats) -> NDArray[np.int64]:
        """The interval nearest to each value."""
        return np.searchsorted((self.highs[:-1] + self.lows[1:]) / 2, values)


@dataclass(frozen=True)
class Allowed:
    """The part of a quantile function's levels inside ranges: `mass` (K,) of it below each of `levels` (K,)."""

    levels: Floats
    mass: Floats

    @classmethod
    def of(cls, quantiles: Quantiles, ranges: Ranges, step: float) -> Allowed:
        """From ranges of values that are multiples of `step` (0: not rounded)."""
        levels, mass = [0.0], [0.0]
        first, last = quantiles.values[0], quantiles.values[-1]
        for low, high in zip(ranges.lows - step / 2, ranges.highs + step / 2, strict=True):
            if high < first or low > last:
                continue
            start = max(quantiles.level(low, "left"), levels[-1])
            stop = max(quantiles.level(high, "right"), start)
            if low == high and start == stop:
                start = min(start, quantiles.bins - POINT)
                stop = start + POINT
            levels += [start, stop]
            mass += [mass[-1], mass[-1] + stop - start]
        return cls(np.array([*levels, float(quantiles.bins)]), np.array([*mass, mass[-1]]))

    def below(self, levels: Floats) -> Floats:
        """How much is allowed below each level."""
        return np.interp(levels, self.levels, self.mass)

    def draw(self, bins: NDArray[np.int64], generator: np.random.Generator) -> Floats:
        """A level of each bin (N,), uniform over what is allowed in it."""
        low, high = self.below(bins.astype(np.float64)), self.below(bins.astype(np.float64) + 1)
        return np.interp(low + (high - low) * generator.random(len(bins)), self.mass, self.levels)
