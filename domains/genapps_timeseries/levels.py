"""Cheap judges of channels that have few levels, or only one: windows have nothing to hold on to there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.series import Floats

BANK = 400  # habits that are kept
LONGER = 4  # times the window: the second one that habits are taken over
MOVED = 10.0  # nats that the first departure from a constant is worth, whatever its size
SHARE = 0.002  # of a habit's unit: nearer is the same


class Constancy:
    """Judges a channel that stands still: the score is 0 at its value, and the more the farther away.

    A departure scores 10 nats, plus the logarithm of its size beside the value itself, or beside 1 where that is 0.
    """

    def fit(self, normal: Floats) -> Self:
        """Learn the value from points (R,), of which one at least is known."""
        known = normal[np.isfinite(normal)]
        self.value = float(known[0]) if len(known) else float("nan")
        self.reference = self.score(normal)
        return self

    def score(self, values: Floats) -> Floats:
        """Scores (N,), NaN where a point is unknown."""
        unit = abs(self.value) or 1.0
        away = np.abs(values - self.value) / unit
        return np.where(away > 1e-9, MOVED + np.log1p(away), np.where(np.isnan(away), np.nan, 0.0))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        return {"reference": self.reference}, {"value": self.value}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls()
        made.value, made.reference = float(settings["value"]), arrays["reference"]
        return made


class Habits:
    """Judges a channel of few levels by its habits: the share of time at each level, and how often it switches.

    Both are taken over the last `window` rows and the last four times as many, so that a switch that hangs, one that
    chatters and a level held too long all differ from normal habits; the score is the distance to the nearest of those.
    A level that was never met, in this channel or in others of its kind (`known`), scores 1 and more beyond.
    """

    def __init__(self, window: int = 32) -> None:
        self.window = window

    def fit(self, normal: Floats, known: Floats) -> Self:
        """Learn from points (R,), NaN where unknown; known (K,): levels that are no news either."""
        filled = _held(normal)
        self.window = max(2, min(self.window, len(filled) // (2 * LONGER)))
        self.own = np.unique(filled)
        self.known = np.union1d(self.own, known)
        self.span = float(self.known[-1] - self.known[0]) or 1.0
        habits = self._habits(filled)
        kept = np.unique(np.linspace(0, len(habits) - 1, BANK).astype(np.int64))
        self.bank, rows = habits[kept], kept
        apart = np.minimum(LONGER * self.window, len(filled) // 4)
        self.reference = np.where(np.isnan(normal), np.nan, self._distances(habits, rows, int(apart)))
        return self

    def score(self, values: Floats) -> Floats:
        """Scores (N,), NaN where a point is unknown."""
        filled = _held(values, self.own[0])
        new = np.abs(filled[:, None] - self.known).min(1) / self.span
        scores = self._distances(self._habits(filled)) + np.where(new > 1e-9, 1 + new, 0.0)
        return np.where(np.isnan(values), np.nan, scores)

    def _habits(self, filled: Floats) -> Floats:
        """What the last rows were like (N, 2 * levels + 2), in shares of time and switches."""
        switches = np.concatenate([[0.0], np.diff(filled) != 0])
        marks = np.column_stack([*(filled == level for level in self.own), switches]).astype(np.float64)
        return np.hstack([_trailing_mean(marks, self.window), _trailing_mean(marks, LONGER * self.window)])

    def _distances(self, habits: Floats, rows: NDArray[np.int64] | None = None, apart: int = 0) -> Floats:
        found = np.empty(len(habits))
        for start in range(0, len(habits), 4096):
            part = habits[start : start + 4096]
            gaps = np.abs(part[:, None] - self.bank).max(2)
            if rows is not None:
                near = np.abs(np.arange(start, start + len(part))[:, None] - rows) < apart
                gaps = np.where(near, np.inf, gaps)
            found[start : start + 4096] = gaps.min(1)
        found = np.where(np.isfinite(found), found, 0.0)
        return np.where(found < SHARE, 0.0, found)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        arrays = {"bank": self.bank, "own": self.own, "known": self.known, "reference": self.reference}
        return arrays, {"window": self.window}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls(int(settings["window"]))
        made.bank, made.own, made.known = arrays["bank"], arrays["own"], arrays["known"]
        made.span, made.reference = float(made.known[-1] - made.known[0]) or 1.0, arrays["reference"]
        return made


def _held(values: Floats, start: float = 0.0) -> Floats:
    """Points with holes filled by the last known one before, `start` where there is none."""
    known = np.isfinite(values)
    if known.all():
        return values
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    first = values[known][0] if known.any() else start
    return np.where(last < 0, first, values[np.maximum(last, 0)])


def _trailing_mean(marks: Floats, width: int) -> Floats:
    """The mean of the last `width` rows (fewer at the start) of marks (N, M)."""
    total = np.vstack([np.zeros(marks.shape[1]), np.cumsum(marks, axis=0)])
    last = np.arange(1, len(marks) + 1)
    first = np.maximum(last - width, 0)
    means: Floats = (total[last] - total[first]) / (last - first)[:, None]
    return means
