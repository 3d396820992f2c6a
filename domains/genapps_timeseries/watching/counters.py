"""Channels that count: of a meter, an odometer, bytes sent so far, the steps are judged and not the values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from genapps_timeseries.scoring.roles import role_of
from genapps_timeseries.series import Floats


class Counters:
    """Which of C channels are counters, as their warm-up tells, and the value that the next step begins at."""

    def __init__(self, channels: int) -> None:
        self._ways = [0.0] * channels  # 1 or -1: the way a channel counts; 0: it is no counter
        self._last = [math.nan] * channels
        self._counting: list[int] = []

    def __contains__(self, channel: int) -> bool:
        return self._ways[channel] != 0

    def begin(self, rows: Floats) -> Floats:
        """Learn from rows (N, C), NaN where unknown, which channels count; the rows with steps in their place."""
        self._learn([_way(column) for column in rows.T])
        return np.array([self.step(row) for row in rows.tolist()], np.float64).reshape(rows.shape)

    def step(self, values: Sequence[float]) -> Sequence[float]:
        """The values (C,) of a record with steps in place of counters.

        A step is unknown after a value that is, and where a counter is set back: that tells nothing of its pace.
        """
        if not self._counting:
            return values
        found = list(values)
        for c in self._counting:
            step = values[c] - self._last[c]
            found[c] = step if step * self._ways[c] >= 0 else math.nan
            self._last[c] = values[c]
        return found

    def interrupt(self) -> None:
        """What comes next does not go on from what came last."""
        self._last = [math.nan] * len(self._last)

    def state(self) -> Floats:
        """(2, C): ways and last values."""
        return np.asarray([self._ways, self._last], np.float64)

    def restore(self, state: Floats) -> None:
        """Go on where `state` was taken."""
        ways, self._last = state.tolist()
        self._learn(ways)

    def _learn(self, ways: list[float]) -> None:
        self._ways = ways
        self._counting = [c for c, way in enumerate(ways) if way]


def _way(values: Floats) -> float:
    if role_of(values) != "counter":
        return 0.0
    known = values[np.isfinite(values)]
    return float(np.sign(np.sign(np.diff(known)).sum()))
