"""Points in time as calendar parts, each a small integer that repeats, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from genapps_tabular.columns import calendars
from genapps_tabular.columns.calendars import Ints

FEW_DAYS = 4  # dates that fall on no more days of the month than this (the first, the last) are told by that day
DAYS = ("year", "decade", "unit", "month", "weekday", "nth", "day")
CLOCK = ("hour", "minute", "second")
CYCLES = ("weekday", "zone")  # parts whose values have no order


def layout(kind: str, days: Ints, zones: int, most: int) -> tuple[str, ...]:
    """The names of the parts that tell the points of a column of this kind, coarse to fine.

    Year, month, weekday and its number in the month name one day; so do year, month and day. Years of more than `most`
    values are told by decade and unit.
    """
    names: tuple[str, ...] = ()
    if kind != "time":
        year, _, day = calendars.from_days(days)
        names += ("decade", "unit") if len(np.unique(year)) > most else ("year",)
        names += ("month", "day") if len(np.unique(day)) <= FEW_DAYS else ("month", "weekday", "nth")
    if kind != "date":
        names += CLOCK
    return (*names, "zone") if zones > 1 else names


def split_days(days: Ints, names: Sequence[str]) -> dict[str, Ints]:
    """The named calendar parts of days since 1970-01-01."""
    year, month, day = calendars.from_days(days)
    every = {
        "year": year,
        "decade": year // 10,
        "unit": year % 10,
        "month": month,
        "weekday": calendars.weekday(days),
        "nth": (day - 1) // 7,
        "day": day,
    }
    return {name: every[name] for name in names if name in every}


def split_clock(seconds: Ints, names: Sequence[str]) -> dict[str, Ints]:
    """The named parts of seconds since midnight."""
    every = {"hour": seconds // 3600, "minute": seconds // 60 % 60, "second": seconds % 60}
    return {name: every[name] for name in names if name in every}


def join_days(parts: Mapping[str, Ints]) -> Ints:
    """Days since 1970-01-01; a day that the month does not have becomes the last one like it that it has."""
    year = parts["year"] if "year" in parts else parts["decade"] * 10 + parts["unit"]
    month = parts["month"]
    if "day" in parts:
        return calendars.to_days(year, month, np.minimum(parts["day"], calendars.month_length(year, month)))
    return calendars.to_days(year, month, calendars.nth_weekday(year, month, parts["weekday"], parts["nth"]))


def join_clock(parts: Mapping[str, Ints]) -> Ints:
    """Seconds since midnight."""
    return parts["hour"] * 3600 + parts["minute"] * 60 + parts["second"]


def clock_paths(low: int, high: int, any_code: int) -> NDArray[np.int64]:
    """The shortest rows (M, 3) of hour, minute, second that cover the seconds low..high of a day, both included.

    `any_code` stands where every value is covered.
    """
    rows: list[tuple[int, int, int]] = []
    at = low
    while at <= high:
        hour, minute, second = at // 3600, at // 60 % 60, at % 60
        if minute == second == 0 and at + 3599 <= high:
            rows.append((hour, any_code, any_code))
            at += 3600
        elif second == 0 and at + 59 <= high:
            rows.append((hour, minute, any_code))
            at += 60
        else:
            rows.append((hour, minute, second))
            at += 1
    return np.array(rows, np.int64).reshape(-1, 3)
