"""Windows of a series as rows of few numbers, which any family of models can learn, and scores of rows as of points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.scoring.windows import spread_some
from genapps_timeseries.series import Floats

FAR = 10.0  # deviations from where on only the order counts
SHORTEST = 16  # points of a window
WIDEST = 256  # numbers of all channels in a row
COVERS = 16  # windows that cover a point, about
BLOCK = 8192  # windows at once


def as_rows(values: Floats) -> Floats:
    """Points (N,) of one channel as rows (N, 1); rows (N, C) as they are."""
    return values[:, None] if values.ndim == 1 else values


@dataclass(frozen=True)
class Scaling:
    """Channels on one scale: middle and deviation (C,) of the normal part; of far values only the order is kept."""

    middle: Floats
    deviation: Floats

    @classmethod
    def fit(cls, normal: Floats) -> Self:
        """Of rows (R, C); a channel that never changes keeps its unit."""
        size = np.abs(normal).max(0)
        size = np.where(size > 0, size, 1.0)  # squares of numbers near the ends of the type have none
        middle, deviation = (normal / size).mean(0) * size, (normal / size).std(0) * size
        return cls(middle, np.where(deviation > 1e-9 * np.abs(middle), deviation, 1.0))

    def __call__(self, values: Floats) -> Floats:
        """Rows (N, C), finite whatever they were."""
        with np.errstate(over="ignore"):
            z = np.clip((values - self.middle) / self.deviation, -1e100, 1e100)
        beyond = np.maximum(np.abs(z) - FAR, 0.0)
        return np.where(beyond > 0, np.sign(z) * (FAR + np.log1p(beyond)), z)

    def state(self) -> Arrays:
        """Plain arrays."""
        return {"middle": self.middle, "deviation": self.deviation}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `state`."""
        return cls(arrays["middle"], arrays["deviation"])


@dataclass(frozen=True)
class View:
    """Windows of all channels, each as `count` means of `step` points, one window every `hop` points."""

    scaling: Scaling
    count: int
    step: int

    @classmethod
    def fit(cls, normal: Floats, window: int, most: int) -> Self:
        """Windows of about that many points of the normal part (R, C), as at most so many numbers a channel."""
        length = max(1, min(max(window, SHORTEST), len(normal) // 2))
        step = -(-length // max(2, min(most, WIDEST // normal.shape[1])))
        return cls(Scaling.fit(normal), length // step, step)

    @property
    def length(self) -> int:
        """Points of a window."""
        return self.count * self.step

    @property
    def hop(self) -> int:
        """Points from window to window, of those that are judged."""
        return max(1, self.length // COVERS)

    def starts(self, length: int) -> NDArray[np.int64]:
        """Where the windows of so many points begin."""
        return np.arange(0, length - self.length + 1, self.hop)

    def rows(self, values: Floats, starts: NDArray[np.int64]) -> Floats:
        """The windows of rows (N, C) that begin there, as (n, C * count)."""
        scaled = self.scaling(values)
        total = np.cumsum(np.concatenate([np.zeros_like(scaled[:1]), scaled]), axis=0)
        means = (total[self.step :] - total[: -self.step]) / self.step
        found = means[starts[:, None] + self.step * np.arange(self.count)]  # (n, count, C)
        rows: Floats = found.transpose(0, 2, 1).reshape(len(starts), -1)
        return rows

    def lessons(self, normal: Floats, allowed: NDArray[np.bool_], most: int) -> NDArray[np.float32]:
        """At most so many windows (n, C * count) of the normal part (R, C) that hold none but allowed points (R,)."""
        starts = inside(allowed, self.length)
        return self.rows(normal, starts[:: -(-len(starts) // most)]).astype(np.float32)

    def blocks(self, values: Floats) -> Iterator[Floats]:
        """The windows that are judged, so many at once."""
        starts = self.starts(len(values))
        for first in range(0, len(starts), BLOCK):
            part = starts[first : first + BLOCK]
            yield self.rows(values[part[0] : part[-1] + self.length], part - part[0])

    def score(self, values: Floats, judge: Callable[[Floats], Floats]) -> Floats:
        """Scores (N,) of rows (N, C): each the mean of what `judge` says of the windows that cover it."""
        padded = values
        if len(values) < self.length:
            padded = np.pad(values, ((0, self.length - len(values)), (0, 0)), mode="edge")
        found = np.concatenate([judge(rows) for rows in self.blocks(padded)])
        return spread_some(found, self.starts(len(padded)), len(padded), self.length)[: len(values)]

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Plain arrays and settings."""
        return self.scaling.state(), {"count": self.count, "step": self.step}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The inverse of `state`."""
        return cls(Scaling.from_state(arrays), int(settings["count"]), int(settings["step"]))


def inside(allowed: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Where runs of so many points begin that are allowed all."""
    forbidden = np.concatenate([[0], np.cumsum(~allowed)])
    return np.flatnonzero(forbidden[length:] == forbidden[: len(forbidden) - length])


def held_out(count: int, length: int) -> NDArray[np.bool_]:
    """Which of so many points are judged by a model that has not learnt them: two runs, a fifth; none of too few.

    length: points that a window or a memory has.
    """
    held = np.zeros(count, bool)
    run = count // 10
    if run >= length:
        for middle in (3 * count // 10, 7 * count // 10):
            held[middle - run // 2 : middle - run // 2 + run] = True
    return held


def unlearnt(own: Floats, honest: Floats, held: NDArray[np.bool_]) -> Floats:
    """Scores (R,) as if no point had been learnt: `honest` (R,) where points were held out, and elsewhere the honest
    score of the same rank as a point's own has among all."""
    if not held.any():
        return own
    ranks = (np.argsort(np.argsort(own, kind="stable"), kind="stable") + 0.5) / len(own)
    known = np.sort(honest[held])
    stand_ins = np.interp(ranks, (np.arange(len(known)) + 0.5) / len(known), known)
    return np.where(held, honest, stand_ins)
