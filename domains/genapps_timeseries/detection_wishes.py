"""What a person asks of alarms."""

from __future__ import annotations

from dataclasses import dataclass, replace

from genapps.anomaly import Rules
from genapps.anomaly.events import Direction
from genapps.errors import UsageError
from genapps_timeseries.detector import DetectorSettings
from genapps_timeseries.series import Clock


@dataclass(frozen=True)
class Span:
    """A length of time: rows, or seconds of the clock."""

    rows: float = 0.0
    seconds: float | None = None

    def of(self, clock: Clock) -> int:
        """Rows, at least one. Raises UsageError for a time where rows have none."""
        if self.seconds is None:
            return max(1, round(self.rows))
        if clock.seconds is None:
            raise UsageError(f"{self.seconds:g} seconds: the rows have no date and time here; give a number of rows")
        return max(1, round(self.seconds / clock.seconds))


@dataclass(frozen=True)
class Wishes:
    """What a person asks of alarms.

    rate: the share of normal rows in alarm, or weekly: false alarms a week. shortest: an event is at least so long.
    merge: alarms at most so far apart are one event; half a period where nothing is said. direction: only values above
    (up) or below (down) what was expected. season: the period; found where it is None.
    """

    rate: float | None = None
    weekly: float | None = None
    shortest: Span | None = None
    merge: Span | None = None
    direction: Direction | None = None
    season: Span | None = None
    family: str = "ensemble"
    seed: int = 0

    def after(self, before: Wishes) -> Wishes:
        """The same with what was said `before`, where nothing is said now; how it was learnt is as it was."""
        again = self.rate is None and self.weekly is None
        return replace(
            self,
            rate=before.rate if again else self.rate,
            weekly=before.weekly if again else self.weekly,
            shortest=self.shortest or before.shortest,
            merge=self.merge or before.merge,
            direction=self.direction or before.direction,
            season=before.season,
            family=before.family,
            seed=before.seed,
        )

    def detector(self, clock: Clock) -> DetectorSettings:
        """The settings of the detector of a series."""
        return DetectorSettings(self.family, 0 if self.season is None else max(2, self.season.of(clock)), self.seed)

    def rules(self, rate: float, clock: Clock, window: int) -> Rules:
        """When rows in alarm are an event."""
        gap = self.gap(clock, window) * (clock.step or 1.0)
        return Rules(
            rate, gap, rows=1 if self.shortest is None else self.shortest.of(clock), direction=self.direction or "both"
        )

    def gap(self, clock: Clock, window: int) -> int:
        """Rows that are merged over."""
        return max(3, window // 2) if self.merge is None else self.merge.of(clock)
