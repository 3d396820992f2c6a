"""No alarm storms: at most so many events are told an hour, and what it takes is raised while that is too few."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

import numpy as np

from genapps_timeseries.series import Floats

HOUR = 3600.0
RAISED = 0.1  # of the p-value that opens an event, for each time the limit was met


class Limiter:
    """At most `most` events within `span` of record time, over all series together.

    When one more would come, it is kept back and counted, and from then on an event takes a ten times rarer row, until
    a span has passed without any that was kept back. span: seconds, or records where there is no calendar. notes: what
    a person should be told, for the caller to take away.
    """

    def __init__(self, most: int, span: float = HOUR) -> None:
        self.most, self.span = most, span
        self.kept_back = 0  # events since the last one that was told
        self.level = 0
        self._told: deque[float] = deque(maxlen=most)
        self._now = self._until = -math.inf
        self.notes: deque[str] = deque(maxlen=20)

    @property
    def factor(self) -> float:
        """By which the p-value must be smaller than the rate."""
        return float(RAISED**self.level)

    def admits(self, time: float) -> bool:
        """Whether an event may be told now; if not, it is counted, and the threshold raised."""
        self.tick(time)
        if len(self._told) < self.most or self._now - self._told[0] > self.span:
            self._told.append(self._now)
            return True
        self.kept_back += 1
        if self._now >= self._until or not self.level:
            self.level = min(self.level + 1, 3)
            self.notes.append(
                f"more than {self.most} events within an hour: still too many, so the threshold is raised; "
                f"only records {10**self.level:,} times rarer open an event until it is calm"
            )
        self._until = self._now + self.span
        return False

    def tick(self, time: float) -> None:
        """Take note of the time: a span without an event that was kept back lowers the threshold again."""
        self._now = max(self._now, time)
        if self.level and self._now > self._until:
            self.level -= 1
            self._until = self._now + self.span
            if not self.level:
                self.notes.append(f"calm again: the threshold is as it was ({self.kept_back} events were kept back)")

    def state(self) -> dict[str, Floats]:
        """Everything, as plain arrays."""
        return {
            "told": np.asarray(self._told, np.float64),
            "numbers": np.asarray([self.kept_back, self.level, self._now, self._until], np.float64),
        }

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on where `state` was taken."""
        kept_back, level, self._now, self._until = state["numbers"].tolist()
        self.kept_back, self.level = int(kept_back), int(level)
        self._told = deque(state["told"].tolist(), maxlen=self.most)
