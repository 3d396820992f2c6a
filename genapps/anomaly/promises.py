"""What is promised, whether it can be, and how it was kept on normal data that was held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genapps.anomaly.calibration import Calibration, calibrate
from genapps.anomaly.conformal import needed_length
from genapps.errors import UsageError
from genapps.metrics.ranges import WEEK

EXPECTED = 10  # alarms that should have come by chance before a kept rate is more than a guess


@dataclass(frozen=True)
class Promise:
    """A promised rate of false alarms beside the one that was kept.

    rate: the share of normal rows in alarm that was asked for. normal, needed: normal rows at hand, and those it takes.
    rows, held, alarms: held-out normal rows, the share of them in alarm, and the alarms they make once those closer
    than the gap are merged; 0, None and 0 where nothing could be held out. step: seconds a row, None where rows have no
    time. asked: alarms a week, where they were asked for instead of a rate.
    """

    rate: float
    normal: int
    needed: int
    rows: int = 0
    held: float | None = None
    alarms: int = 0
    step: float | None = None
    asked: float | None = None

    @property
    def possible(self) -> bool:
        """Whether there are enough normal rows to promise anything: ranks reach down to the rate."""
        return self.normal >= self.needed

    @property
    def certain(self) -> bool:
        """Whether the kept rate was measured on so many rows that ten alarms by chance were due."""
        return self.held is not None and self.rows * self.rate >= EXPECTED

    @property
    def per_week(self) -> float | None:
        """Alarms a week that were asked for, or that the rate comes to at most; None where rows have no time."""
        return self.asked if self.asked or self.step is None else alarms_for(self.rate, self.step)

    @property
    def held_per_week(self) -> float | None:
        """Alarms a week on held-out normal rows; None where they were not measured or rows have no time."""
        if self.step is None or self.held is None:
            return None
        return self.alarms / (self.rows * self.step / WEEK)

    def sentence(self) -> str:
        """The promise in words: what was asked, what was kept, and why it cannot be promised where that is so."""
        asked = _often(self.rate, self.per_week)
        if not self.possible:
            return f"asked: {asked}; cannot be promised: it takes {self.needed:,} normal rows, here are {self.normal:,}"
        if self.held is None:
            return f"asked: {asked}; not measured: half of {self.normal:,} normal rows are too few to hold out"
        alarms = f"{self.alarms:,} alarm{'s' * (self.alarms != 1)}"
        doubt = "" if self.certain else f" ({alarms} in {self.rows:,} rows, which are too few to tell)"
        return f"asked: {asked}; on held-out normal data: {_often(self.held, self.held_per_week)}{doubt}"


def promise(
    reference: Any,
    settings: Calibration | None = None,
    *,
    step: float | None = None,
    asked: float | None = None,
    merge: int | None = None,
) -> Promise:
    """What can be promised after a reference of normal scores (R,), oldest first, and how it is kept there.

    The calibrator itself is run: begun on the first half, judged on the second. Where a half is too short for the rate,
    nothing is measured. step: seconds a row. asked: alarms a week, for the sentence. merge: rows in alarm at most so
    far apart are one alarm; the settings' gap where it is not given.
    """
    settings = settings or Calibration()
    values = np.asarray(reference, np.float64).ravel()
    values = values[np.isfinite(values)]
    needed, half = needed_length(settings.rate), len(values) // 2
    usable = min(len(values), settings.length or len(values))
    blank = Promise(settings.rate, usable, needed, step=step, asked=asked)
    if min(half, usable) < needed:
        return blank
    flags = calibrate(values[:half], values[half:], settings).p <= settings.rate
    alarms = round(flags.sum() / rows_per_alarm(flags, merge or settings.gap))
    return replace(blank, rows=len(flags), held=float(flags.mean()), alarms=alarms)


def rows_per_alarm(flags: Any, gap: int = 1) -> float:
    """Rows in alarm for each alarm, when flags (N,) at most `gap` rows apart are one alarm; 1 without any."""
    hits = np.flatnonzero(np.asarray(flags, bool))
    return float(len(hits) / (1 + int((np.diff(hits) > gap).sum()))) if len(hits) else 1.0


def alarms_for(rate: float, step: float, rows_per_alarm: float = 1.0) -> float:
    """Alarms a week that a rate a row comes to. step: seconds a row. rows_per_alarm: as `rows_per_alarm` measures."""
    _timed(step)
    return rate * WEEK / step / rows_per_alarm


def rate_for(alarms_per_week: float, step: float, rows_per_alarm: float = 1.0) -> float:
    """The rate a row that gives so many alarms a week: the inverse of `alarms_for`.

    Without a measured `rows_per_alarm` the rate is on the safe side: merging can only make alarms fewer. Raises
    UsageError where the number cannot be asked of rows so far apart.
    """
    _timed(step)
    rate = alarms_per_week * step * rows_per_alarm / WEEK
    if not 0 < rate <= 0.5:
        most = 0.5 * WEEK / (step * rows_per_alarm)
        raise UsageError(f"{alarms_per_week:g} alarms a week: give a number above 0, at most {most:g} at this step")
    return rate


def _timed(step: float) -> None:
    if not 0 < step < float("inf"):
        raise UsageError(f"a step of {step:g} seconds between rows: alarms a week need a time that goes on")


def _often(rate: float, weekly: float | None) -> str:
    if weekly is None:
        return f"{rate:.3g} of the rows" if rate else "none"
    return f"{weekly:.2g} false alarm{'' if f'{weekly:.2g}' == '1' else 's'} a week"
