"""The Gregorian calendar in arrays: days since 1970-01-01 to years, months and weekdays, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

DAY = 86_400  # seconds


def to_days(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01; a day beyond the month's end runs over into the next month."""
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    return months.astype("M8[D]").astype(np.int64) + day - 1


def from_days(days: Ints) -> tuple[Ints, Ints, Ints]:
    """Year, month 1..12 and day 1..31."""
    dates = days.astype("M8[D]")
    months = dates.astype("M8[M]")
    count = months.astype(np.int64)
    return count // 12 + 1970, count % 12 + 1, (dates - months.astype("M8[D]")).astype(np.int64) + 1


def month_length(year: Ints, month: Ints) -> Ints:
    """The number of days of a month."""
    one = np.ones_like(year)
    return to_days(year, month + 1, one) - to_days(year, month, one)


def weekday(days: Ints) -> Ints:
    """0 Monday .. 6 Sunday."""
    return (days + 3) % 7


def nth_weekday(year: Ints, month: Ints, day_of_week: Ints, nth: Ints) -> Ints:
    """The day 1..31 on which a weekday comes for the nth time (0..4) in a month, the last time if there is no fifth."""
    first = weekday(to_days(year, month, np.ones_like(year)))
    day = 1 + (day_of_week - first) % 7 + 7 * nth
    return np.where(day > month_length(year, month), day - 7, day)
