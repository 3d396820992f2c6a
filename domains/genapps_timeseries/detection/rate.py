"""Which rate of false alarms is asked for, and what is asked where nobody said so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genapps.anomaly import needed_length, rate_for, rows_per_alarm
from genapps.errors import UsageError
from genapps_timeseries.series import Floats

WEEKLY = 1.0  # false alarms a week where nothing is asked
USUAL = 0.001  # of the rows, where they have no calendar
HIGHEST = 0.01  # of the rows where nothing is asked, however rarely they come
COARSEST = 0.05  # of the rows where there are very few
CLUSTERS = 10  # rows of the reference, at least, by which the length of an alarm is told


@dataclass(frozen=True)
class Asked:
    """The rate a row that alarms keep; weekly: alarms a week, where they were asked for; note: why it is another."""

    rate: float
    weekly: float | None = None
    note: str = ""


def asked_rate(
    reference: Floats, seconds: float | None, merge: int, rate: float | None = None, weekly: float | None = None
) -> Asked:
    """What alarms are to keep, after scores (R,) of normal rows, oldest first.

    rate: the share of normal rows, or weekly: alarms a week, which need `seconds` a row; without either one alarm a
    week, at most 1 % of the rows, or 0.1 % of the rows where they have no calendar; where the normal part is too short
    to hold that, the lowest rate that half of it can show. merge: rows in alarm at most so far apart are one alarm.
    Raises UsageError for both, and for alarms a week without a calendar.
    """
    if rate is not None and weekly is not None:
        raise UsageError("a rate and alarms a week cannot both be promised; give one of them")
    if rate is not None:
        if not 0 < rate <= 0.5:
            raise UsageError(f"a false-alarm rate of {rate:g}: give a share of the rows above 0, at most 0.5")
        return Asked(rate)
    if weekly is not None:
        if seconds is None:
            raise UsageError(
                "alarms a week need rows with a date and time, and here are none; give --false-alarm-rate instead"
            )
        return Asked(weekly_rate(reference, weekly, seconds, merge), weekly)
    return _usual(reference, seconds, merge)


def weekly_rate(reference: Floats, weekly: float, seconds: float, merge: int) -> float:
    """The rate a row that comes to so many alarms a week, after the length that alarms have among normal scores."""
    safe = rate_for(weekly, seconds)
    share = max(safe, CLUSTERS / max(len(reference), 1))
    if share >= HIGHEST * 2:
        return safe
    level = np.quantile(reference, 1 - share)
    return min(rate_for(weekly, seconds, rows_per_alarm(reference > level, merge)), max(safe, HIGHEST))


def _usual(reference: Floats, seconds: float | None, merge: int) -> Asked:
    rows = len(reference)
    if seconds is not None and rate_for(WEEKLY, min(seconds, 86400.0)) <= HIGHEST:
        wanted = Asked(min(weekly_rate(reference, WEEKLY, seconds, merge), HIGHEST), WEEKLY)
        words = "1 false alarm a week"
    else:
        wanted = Asked(HIGHEST if seconds is not None else USUAL)
        words = f"a false alarm in {1 / wanted.rate:,.0f} rows"
    if rows // 2 >= needed_length(wanted.rate):
        return wanted
    lowest = min(1 / (rows // 2 + 1), COARSEST)
    note = f"{words} takes {2 * needed_length(wanted.rate):,} normal rows to promise and to check, here are {rows:,}"
    return Asked(lowest, None, f"{note}: one in {1 / lowest:,.0f} rows is asked instead")
