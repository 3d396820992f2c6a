"""Judges minutes rather than rows: where the level, the spread and the roughness of a stretch lie, and how far they
wander."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.scoring.crossing import FAR, Crossed, smoothed
from genapps_timeseries.series import Floats

WIDTH = 48  # rows of a stretch
STRETCHES = 4  # that a half of the normal part holds at least; where it is shorter, stretches are
SHORTEST = 4 * STRETCHES  # rows of a normal part, so that a stretch is two rows at least
LAGS = 24  # distances of stretches from which it is told how far they wander
FARTHEST = 0.6  # of the rows: so far apart stretches are compared
FEWEST, MOST = 2.0, 8.0  # degrees of freedom: one stretch, however strange, is no proof
STILL = 1e-3  # of a channel's variance: what varies less stands still


@dataclass(frozen=True)
class Law:
    """How stretches lie where they are normal: around middle (K,), with variance (K,) as far after the normal part as
    it is long, and how well this is known: freedom (K,), degrees of freedom."""

    middle: Floats
    variance: Floats
    freedom: Floats

    @classmethod
    def of(cls, rows: Floats, width: int) -> Self:
        """From moments (R, K) of the stretches around each row.

        Half the mean square of the difference of two stretches grows with their distance where a channel wanders
        (Matheron, "Principles of geostatistics", 1963); of a random walk it is a straight line, and so it goes on after
        the last row: as the mean of n rows is known, n rows later the walk adds 4/3 n times the slope.
        """
        count = len(rows)
        lags = np.unique(np.linspace(width, max(FARTHEST * count, width), LAGS).astype(np.int64))
        halves = np.array([((rows[lag:] - rows[:-lag]) ** 2).mean(0) / 2 for lag in lags])
        away = (lags - lags[0]).astype(np.float64)
        slope = 2 * np.maximum(away @ (halves - halves[0]) / max(float(away @ away), 1.0), 0.0)
        still = np.maximum(rows.var(0), halves[0]) + 1e-12
        walked = slope * count
        share = walked / (still + walked)
        freedom = np.clip((1 - share) * count / width + share * FEWEST, FEWEST, MOST)
        return cls(rows.mean(0), still + walked * 4 / 3, freedom)

    def __call__(self, rows: Floats) -> Floats:
        """What moments (N, K) are worth in nats (N, K): minus the log of their t-density, beside the middle's."""
        squares = (rows - self.middle) ** 2 / self.variance
        worth: Floats = (self.freedom + 1) / 2 * np.log1p(squares / self.freedom)
        return worth


class Moments:
    """The mean, the log of the deviation and the log of the steps of each channel over about a minute of rows.

    The score is the root of the sum of the squares of what they are worth: several channels that shift together count
    more than one, and many that are as usual do not add up. A channel that wandered within the normal part may lie
    farther off after it; so one that goes on to wander does not end up in a lasting alarm, while another is heard for a
    small shift that lasts.
    """

    name: ClassVar[str] = "moments"
    reference: Crossed

    def fit(self, table: Floats) -> Self:
        """Learn from rows (R, K), 16 and more. Each half is judged by the other, as what is to come will be by both."""
        half = len(table) // 2
        self.width = min(WIDTH, half // STRETCHES)
        self.still = np.maximum(STILL * table.var(0), 1e-12)
        rows = self._moments(table)
        self.law = Law.of(rows, self.width)
        first, second = Law.of(rows[:half], self.width), Law.of(rows[half:], self.width)
        self.reference = _crossed(np.concatenate([second(rows[:half]), first(rows[half:])]))
        return self

    def score(self, table: Floats) -> Crossed:
        """Nats (N,) of rows, and of each channel."""
        return _crossed(self.law(self._moments(table)))

    def _moments(self, table: Floats) -> Floats:
        """(N, 3 * K) of the stretch around each row, at both ends of the first and of the last whole one."""
        middle = smoothed(table + FAR, self.width) - FAR  # sums of what is never below 0
        steps = np.diff(table, axis=0, prepend=table[:1]) ** 2
        steps[:1] = steps[min(1, len(steps) - 1)] if len(steps) else 0.0  # the first row has none of its own
        # Where the middle is held, at the ends, rows are farther off it than they are elsewhere.
        first, last = self.width // 2, max(len(table) - (self.width + 1) // 2, self.width // 2) + 1
        squares = smoothed((table - middle)[first:last] ** 2, self.width)
        inside = np.clip(np.arange(len(table)) - first, 0, max(len(squares) - 1, 0))
        spread = squares[inside] if len(squares) else (table - middle) ** 2
        squares = np.hstack([spread, smoothed(steps, self.width)])
        return np.hstack([middle, np.log(squares + np.tile(self.still, 2)) / 2])

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The law of stretches."""
        law: Arrays = {"middle": self.law.middle, "variance": self.law.variance, "freedom": self.law.freedom}
        return law | {"still": self.still}, {"width": self.width}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls()
        made.width, made.still = int(settings["width"]), arrays["still"]
        made.law = Law(arrays["middle"], arrays["variance"], arrays["freedom"])
        return made


def _crossed(worth: Floats) -> Crossed:
    squares = (worth**2).reshape(len(worth), 3, -1).sum(1)
    return Crossed(np.sqrt(squares.sum(1)), squares)
