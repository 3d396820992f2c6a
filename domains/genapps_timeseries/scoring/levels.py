"""A cheap judge of channels that have few levels, or only one: windows have nothing to hold on to there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.series import Floats

BANK = 256  # habits that are kept
LONGER = 4  # times the window: the second one that habits are taken over
HELD = 0.5  # what the longest normal stay counts, beside shares of time
MOVED = 30.0  # nats that a value never met is worth at least
SAME = 1e-9  # of the span: nearer is no other value
NEAR = 0.002  # nearer habits are the same
BLOCK = 2048  # rows at once


class Habits:
    """Judges a channel of few levels by its habits: the time spent at each level, the switches, how long it stayed.

    The first two are taken over the last `window` rows and the last four times as many, and the stay is measured by
    the longest normal one at that level; so a switch that hangs, one that chatters and a level held too long all differ
    from normal habits: the score is the largest difference to the nearest of those.
    """

    reference: Floats  # (R,) scores of the normal part, each without its own time

    def __init__(self, window: int = 16) -> None:
        self.window = window

    def fit(self, normal: Floats) -> Self:
        """Learn from points (R,), NaN where unknown."""
        filled = _held(normal)
        self.window = max(2, min(self.window, len(filled) // (2 * LONGER)))
        self.own = np.unique(filled)
        stays = _stays(filled)
        self.longest = np.array([stays[filled == level].max() for level in self.own])
        habits = self._habits(filled)
        rows = np.unique(np.linspace(0, len(habits) - 1, BANK).astype(np.int64))
        self.bank = habits[rows]
        apart = int(min(LONGER * self.window, len(filled) // 4))
        self.reference = np.where(np.isnan(normal), np.nan, self._distances(habits, rows, apart))
        return self

    def score(self, values: Floats) -> Floats:
        """Scores (N,), NaN where a point is unknown."""
        return np.where(np.isnan(values), np.nan, self._distances(self._habits(_held(values, self.own[0]))))

    def _habits(self, filled: Floats) -> Floats:
        """What the last rows were like (N, 3 * levels + 2)."""
        there = filled[:, None] == self.own
        switches = np.concatenate([[0.0], np.diff(filled) != 0])
        marks = np.column_stack([there, switches]).astype(np.float64)
        stays = HELD * np.minimum(_stays(filled)[:, None] / self.longest, 3) * there
        return np.hstack([_trailing_mean(marks, self.window), _trailing_mean(marks, LONGER * self.window), stays])

    def _distances(self, habits: Floats, rows: NDArray[np.int64] | None = None, apart: int = 0) -> Floats:
        found = np.empty(len(habits))
        for start in range(0, len(habits), BLOCK):
            part = habits[start : start + BLOCK]
            gaps = np.zeros((len(part), len(self.bank)))
            for mine, theirs in zip(part.T, self.bank.T, strict=True):
                np.maximum(gaps, np.abs(mine[:, None] - theirs), out=gaps)
            if rows is not None:
                near = np.abs(np.arange(start, start + len(part))[:, None] - rows) < apart
                gaps[near] = np.inf
            found[start : start + BLOCK] = gaps.min(1)
        return np.where(np.isfinite(found) & (found >= NEAR), found, 0.0)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        learnt = {"bank": self.bank, "own": self.own, "longest": self.longest}
        return {**learnt, "reference": self.reference}, {"window": self.window}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls(int(settings["window"]))
        made.bank, made.own = arrays["bank"], arrays["own"]
        made.longest, made.reference = arrays["longest"], arrays["reference"]
        return made


def news(values: Floats, known: Floats) -> Floats:
    """What values (N,) that are none of the known (K,) are worth, in nats: 30, and the log of how far off; else 0.

    Distances are measured by the range of the levels, or the only one's size, or 1. Without any known, nothing is news.
    """
    if not len(known):
        return np.zeros(len(values))
    span = float(known[-1] - known[0]) or abs(float(known[0])) or 1.0
    right = np.clip(np.searchsorted(known, values), 0, len(known) - 1)
    away = np.minimum(np.abs(values - known[right]), np.abs(values - known[np.maximum(right - 1, 0)])) / span
    nats: Floats = np.where(away > SAME, MOVED + np.log1p(np.nan_to_num(away)), 0.0)
    return nats


def _held(values: Floats, start: float = 0.0) -> Floats:
    """Points with holes filled by the last known one before, `start` where there is none."""
    known = np.isfinite(values)
    if known.all():
        return values
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    first = values[known][0] if known.any() else start
    return np.where(last < 0, first, values[np.maximum(last, 0)])


def _stays(filled: Floats) -> Floats:
    """For how many rows (N,) the value has been held."""
    rows = np.arange(len(filled))
    began = np.maximum.accumulate(np.where(np.concatenate([[True], np.diff(filled) != 0]), rows, 0))
    return (rows - began + 1).astype(np.float64)


def _trailing_mean(marks: Floats, width: int) -> Floats:
    """The mean of the last `width` rows of marks (N, M); of the first `width` for the rows before there are as many."""
    total = np.vstack([np.zeros(marks.shape[1]), np.cumsum(marks, axis=0)])
    last = np.maximum(np.arange(1, len(marks) + 1), min(width, len(marks)))
    first = np.maximum(last - width, 0)
    means: Floats = (total[last] - total[first]) / (last - first)[:, None]
    return means
