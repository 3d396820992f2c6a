"""Dates and times as people write them in conditions, and the spans of time they mean."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pyarrow as pa

from genapps_tabular.columns import stamps
from genapps_tabular.columns.base import refuse
from genapps_tabular.columns.calendars import DAY
from genapps_tabular.conditions import Between
from genapps_tabular.schema import ColumnSchema

_DATE = re.compile(r"(\d{4})(?:-(\d\d?)(?:-(\d\d?)(?:[T ](.+))?)?)?")
_TIME = re.compile(r"(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?")
EPOCH = dt.date(1970, 1, 1).toordinal()
Period = tuple[int, int]  # first and last second, both included, since 1970-01-01 (a time of day: since midnight)


def between(condition: Between, schema: ColumnSchema) -> tuple[int | None, int | None]:
    """The first and last second of a range; the end of a range is the end of the day, month or year it names."""
    low = None if condition.low is None else period(condition.low, schema)[0]
    high = None if condition.high is None else period(condition.high, schema)[1]
    if low is not None and high is not None and low > high:
        raise refuse(schema, f"has no values in {condition.low}..{condition.high}: the range is empty")
    return low, high


def period(value: Any, schema: ColumnSchema) -> Period:
    """The span that a literal means: a year, month, day, minute or second, in the column's local time.

    Literals are ISO 8601, or in the column's own format, or Python's dates and times. UsageError for any other.
    """
    text = value.isoformat() if isinstance(value, dt.date | dt.time) else str(value).strip()
    found = _time(text) if schema.kind == "time" else _date(text)
    found = found or _own(text, schema)
    if found is None:
        example = "09:30" if schema.kind == "time" else "2013-01-31" if schema.kind == "date" else "2013-01-31T09:30"
        raise refuse(schema, f"holds dates or times; '{value}' is none in local time (write it like {example})")
    return found


def _date(text: str) -> Period | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, time = int(match[1]), match[2], match[3], match[4]
    try:
        first = dt.date(year, int(month or 1), int(day or 1)).toordinal() - EPOCH
    except ValueError:
        return None
    if time is not None:
        clock = _time(time)
        return None if clock is None else (first * DAY + clock[0], first * DAY + clock[1])
    after = first + 1
    if month is None:
        after = dt.date(year + 1, 1, 1).toordinal() - EPOCH
    elif day is None:
        after = dt.date(year + int(month) // 12, int(month) % 12 + 1, 1).toordinal() - EPOCH
    return first * DAY, after * DAY - 1


def _time(text: str) -> Period | None:
    match = _TIME.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        return None
    first = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
    return first, first if match[3] else first + 59


def _own(text: str, schema: ColumnSchema) -> Period | None:
    """A literal in the column's format: a whole one is a second (or the minute or day it names)."""
    if schema.format is None:
        return None
    moments = stamps.read(pa.array([text]), schema)
    if not moments.valid[0]:
        return None
    letters = {letter.lstrip("%-") for letter in stamps.letters(schema.format)}
    first = int(moments.days[0]) * DAY + int(moments.seconds[0])
    return first, first + (0 if "S" in letters else 59 if "M" in letters else 3599 if letters & set("HI") else DAY - 1)
