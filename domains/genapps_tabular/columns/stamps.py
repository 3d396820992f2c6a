"""Dates and times as they are written in a table, and back, by formats of strptime letters.

Letters: %Y %y %m %-m %d %-d %b %B %H %-H %I %-I %p %P (am, pm) %M %S %f %z.
`%f` takes as many digits as the column's `decimals`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps_tabular.columns.base import arrow_type
from genapps_tabular.columns.calendars import DAY, Ints, from_days, month_length, to_days
from genapps_tabular.columns.numerals import escaped
from genapps_tabular.schema import ColumnSchema

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SHORT = tuple(month[:3] for month in MONTHS)
_DIRECTIVE = re.compile(r"%-?[A-Za-z]")
_TWO, _ONE_OR_TWO = r"\d\d", r"\d\d?"
PATTERNS = {
    "%Y": r"\d{4}",
    "%y": _TWO,
    **{f"%{letter}": _TWO for letter in "mdHIMS"},
    **{f"%-{letter}": _ONE_OR_TWO for letter in "mdHI"},
    "%b": "|".join(SHORT),
    "%B": "|".join(MONTHS),
    "%p": "AM|PM",
    "%P": "am|pm",
    "%f": r"\d+",
    "%z": r"Z|[+-]\d\d:?\d\d",
}
UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


@dataclass(frozen=True)
class Moments:
    """Points in local time (N,): days since 1970-01-01, seconds since midnight, sub-second digits, zone as written.

    `valid` is False where a cell is empty or holds no such point; the other arrays hold zeros there.
    """

    days: Ints
    seconds: Ints
    fraction: Ints
    zone: pa.Array | None
    valid: NDArray[np.bool_]


def read(array: pa.Array, schema: ColumnSchema) -> Moments:
    """A column's points in time, from text in the schema's format or from any of Arrow's date and time types."""
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return _read_text(array, schema)
    valid = np.asarray(array.is_valid())
    kind = array.type
    if pa.types.is_date(kind):
        days = np.asarray(pc.fill_null(pc.cast(pc.cast(array, pa.date32()), pa.int32()), 0), np.int64)
        return Moments(days, np.zeros_like(days), np.zeros_like(days), None, valid)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        array = pc.local_timestamp(array)
    digits = UNITS[kind.unit]
    raw = pc.cast(array, pa.int32() if pa.types.is_time32(kind) else pa.int64())
    ticks = np.asarray(pc.fill_null(raw, 0), np.int64)
    seconds, fraction = np.divmod(ticks, 10**digits)
    days, seconds = np.divmod(seconds, DAY)
    return Moments(days, seconds, fraction // 10 ** (digits - min(digits, schema.decimals or 0)), None, valid)


def write(moments: Moments, schema: ColumnSchema) -> pa.Array:
    """Points in time (N,) written as the column's are; null where not valid."""
    kind = arrow_type(schema.dtype)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.cast(_write_text(moments, schema), kind)
    absent = ~moments.valid
    if pa.types.is_date(kind):
        return pc.cast(pa.array(moments.days.astype(np.int32), pa.int32(), mask=absent).view(pa.date32()), kind)
    digits, decimals = UNITS[kind.unit], schema.decimals or 0
    ticks = (moments.days * DAY + moments.seconds) * 10**digits + moments.fraction * 10 ** max(digits - decimals, 0)
    if pa.types.is_time32(kind):
        return pa.array(ticks.astype(np.int32), pa.int32(), mask=absent).view(kind)
    plain = pa.array(ticks, pa.int64(), mask=absent)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        local = plain.view(pa.timestamp(kind.unit))
        return pc.assume_timezone(local, kind.tz, ambiguous="earliest", nonexistent="latest")
    return plain.view(kind)


def pattern(format: str) -> str:
    """The regular expression that a format reads, a named group for each letter."""
    parts, end = [], 0
    for found in _DIRECTIVE.finditer(format):
        name = found[0].lstrip("%-")
        parts += [escaped(format[end : found.start()]), f"(?P<{name}>{PATTERNS[found[0]]})"]
        end = found.end()
    return "^" + "".join(parts) + escaped(format[end:]) + "$"


def letters(format: str) -> list[str]:
    """The letters of a format in order, with their %."""
    return _DIRECTIVE.findall(format)


def _read_text(text: pa.Array, schema: ColumnSchema) -> Moments:
    assert schema.format is not None
    struct = pc.extract_regex(text, pattern(schema.format))
    valid = np.asarray(struct.is_valid())
    names = [letter.lstrip("%-") for letter in letters(schema.format)]
    fields = dict(zip(names, pc.fill_null(struct, _blank(struct.type)).flatten(), strict=True))

    def whole(name: str, default: int) -> Ints:
        if name not in fields:
            return np.full(len(text), default, np.int64)
        cells = pc.if_else(pc.equal(fields[name], ""), str(default), fields[name])
        return np.asarray(pc.cast(cells, pa.int64()), np.int64)

    year, month, day = _year(whole("Y", 1970), whole("y", -1)), whole("m", 1), whole("d", 1)
    for name, names_of_months in (("b", SHORT), ("B", MONTHS)):
        if name in fields:
            found = pc.index_in(fields[name], value_set=pa.array(names_of_months))
            month = np.asarray(pc.fill_null(found, 0), np.int64) + 1
    hour = whole("H", 0)
    if "I" in fields:
        half = fields.get("p", fields.get("P"))
        hour = whole("I", 12) % 12 + 12 * np.asarray(pc.equal(pc.ascii_upper(half), "PM"))
    minute, second = whole("M", 0), whole("S", 0)
    valid &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    valid &= day <= month_length(year, np.clip(month, 1, 12))
    days = np.where(valid, to_days(year, np.clip(month, 1, 12), day), 0)
    fraction = whole("f", 0)
    seconds = np.where(valid, hour * 3600 + minute * 60 + second, 0)
    return Moments(days, seconds, fraction, fields.get("z"), valid)


def _blank(kind: pa.StructType) -> pa.Scalar:
    return pa.scalar({field.name: "" for field in kind}, kind)


def _year(full: Ints, short: Ints) -> Ints:
    """Two digits mean 1969..2068, as POSIX has it."""
    return np.where(short < 0, full, np.where(short < 69, 2000 + short, 1900 + short))


def _write_text(moments: Moments, schema: ColumnSchema) -> pa.Array:
    assert schema.format is not None
    year, month, day = from_days(moments.days)
    hour, minute, second = moments.seconds // 3600, moments.seconds // 60 % 60, moments.seconds % 60
    twelve = (hour - 1) % 12 + 1
    numbers = {"y": year % 100, "m": month, "d": day, "H": hour, "I": twelve, "M": minute, "S": second}
    pieces: list[pa.Array | str] = []
    end = 0
    for found in _DIRECTIVE.finditer(schema.format):
        letter = found[0].lstrip("%-")
        if found.start() > end:
            pieces.append(schema.format[end : found.start()])
        end = found.end()
        if letter in numbers:
            words = [str(i) if found[0][1] == "-" else f"{i:02}" for i in range(100)]
            pieces.append(_chosen(words, numbers[letter]))
        elif letter in "bB":
            pieces.append(_chosen(SHORT if letter == "b" else MONTHS, month - 1))
        elif letter in "pP":
            pieces.append(_chosen(["AM", "PM"] if letter == "p" else ["am", "pm"], hour // 12))
        elif letter == "f":
            digits = schema.decimals or 6
            pieces.append(pc.utf8_lpad(pc.cast(pa.array(moments.fraction), pa.string()), digits, "0"))
        else:
            pieces.append(moments.zone if letter == "z" else _years(year))
    text = pc.binary_join_element_wise(*pieces, schema.format[end:], "")
    return text if moments.valid.all() else pc.if_else(pa.array(moments.valid), text, None)


def _years(year: Ints) -> pa.Array:
    first, last = (int(year.min()), int(year.max())) if len(year) else (0, 0)
    return _chosen([f"{y:04}" for y in range(first, last + 1)], year - first)


def _chosen(words: Sequence[str], index: Ints) -> pa.Array:
    return pa.array(words).take(pa.array(index))
