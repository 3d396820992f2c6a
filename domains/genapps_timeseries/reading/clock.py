"""Which column tells the time, and how: stamps of many forms, seconds since 1970, or a number that grows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genapps.errors import InputError
from genapps_timeseries.reading.numerals import PLAIN, Numeral, recognize_numeral
from genapps_timeseries.series import Clock, Floats

ENOUGH = 0.95  # of the cells that must be stamps
NAMED = 0.8  # where the column is named as a time
RISING = 0.9  # of the steps of a plain number that must go up for it to be a time
NAMES = re.compile(
    "time|timestamp|times|stamp|date|datetime|ts|ds|epoch|unixtime|when"
    "|zeit|datum|zeitstempel|uhrzeit|fecha|hora|tiempo|heure|temps|ora"
)
# What a plain number that grows may be named besides: these words alone, not as a part of "operating_hours".
COUNTS = re.compile("t|index|elapsed|seconds|secs|sec|s|ms|us|ns|minutes|hours|days|day|week|year")
# Seconds since 1970 lie in these bounds from 1973 to 2100 (any name) and in the narrower ones from 2001 to 2040.
UNITS = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
BOUNDS, NARROW = (1e8, 4.2e9), (1e9, 2.21e9)

PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_duration)

_ISO = (
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_OFFSET = r":\d\d(?:[.,]\d+)? ?[+-](?:0[1-9]|1\d|00:?[1-9])"  # hours away from UTC
_ZONE = r"\d(?:Z|[+-]\d\d(?::?\d\d)?)$"
_MONTH = r"[A-Za-z]{3,9}\.?"
_DAY = (
    r"(?P<ymd>\d{4}(?P<s1>[-/. ]?)\d{1,2}(?P=s1)\d{1,2})"
    rf"|(?P<named>\d{{1,2}}(?P<s2>[-/. ]){_MONTH}(?P=s2)\d{{4}})|(?P<us>{_MONTH} \d{{1,2}},? \d{{4}})"
    rf"|(?P<short>\d{{1,2}}(?P<s3>[-/.])\d{{1,2}}(?P=s3)\d{{2}}(?!\d))"
    rf"|(?P<numbers>\d{{1,2}}(?P<s4>[-/.])\d{{1,2}}(?P=s4)\d{{4}})"
)
_HOUR = r"(?P<hm>\d{1,2}:\d\d)(?P<s>:\d\d)?(?P<f>[.,]\d+)?(?P<ap> ?[AaPp]\.?[Mm]\.?)?"
_SHAPE = re.compile(rf"(?:{_DAY})(?:(?P<gap>T|,? +| - |:){_HOUR})?(?P<z> ?(?:UTC|GMT|Z))?")
_MONTHS = re.compile(r"\d{4}(?P<mark>[-/])\d{1,2}")
_COMPACT = re.compile(r"(?:19|20|21)\d{6}(?P<gap>[T _-]?)\d{6}")

_RANKS = {"epoch": 1, "number": 2}  # what is a stamp beyond doubt comes before

How = Literal["typed", "iso", "text", "epoch", "number"]


@dataclass(frozen=True)
class Stamps:
    """How the cells of a column become times.

    how: Arrow's own times, ISO text, text of `formats` (tried in turn), seconds since 1970 in some unit (`scale` units
    a second), or plain numbers (written as `numeral` says, if text). says: the same in words. other: the one that reads
    the same cells with day and month exchanged, where both can.
    """

    how: How
    formats: tuple[str, ...] = ()
    scale: float = 1.0
    numeral: Numeral | None = None
    says: str = ""
    other: Stamps | None = None

    @property
    def calendar(self) -> bool:
        """Whether times are seconds since 1970."""
        return self.how != "number"

    def read(self, column: pa.ChunkedArray | pa.Array) -> Floats:
        """Times (n,) of the cells, NaN where there is none; naive stamps are taken as UTC."""
        if self.how == "typed":
            return _typed(column)
        if self.how == "iso":
            return _iso(column)
        if self.how == "text":
            return _text(column, self.formats)
        numbers = self.numeral.read(column)[0] if self.numeral else floats_of(column)
        numbers[~np.isfinite(numbers)] = np.nan
        return numbers / self.scale


def moment(clock: Clock, time: float, mark: str = " ") -> str:
    """A time of a series in words: 2024-01-31 10:15:00 (UTC), a number, or the number of a row."""
    if clock.kind == "time" and abs(time) < 2e11:
        stamp = datetime.fromtimestamp(round(time, 3), UTC).replace(tzinfo=None)
        return stamp.isoformat(mark, "milliseconds" if stamp.microsecond else "seconds")
    return f"row {time:.0f}" if clock.kind == "rows" else f"{time:.10g}"


def stamped(clock: Clock, time: float) -> str:
    """The same for programs: 2024-01-31T10:15:00, as ISO 8601 has it."""
    return moment(clock, time, "T")


def is_named_as_time(name: str, *, alone: bool = False) -> bool:
    """Whether a column's name says that it tells the time: timestamp, created_at, Date, measureTime ...

    alone: every word of the name must speak of time.
    """
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    parts = re.findall(r"[a-zäöüéñ]+", words)
    if alone:
        return (
            len(parts) > 0 and all(NAMES.fullmatch(part) or COUNTS.fullmatch(part) for part in parts)
        ) or name == "Unnamed: 0"
    return any(NAMES.fullmatch(part) for part in parts) or parts[-1:] == ["at"]


def find_clock(table: pa.Table, wanted: str | None, candidates: Sequence[str]) -> tuple[str, Stamps] | None:
    """The column of the first rows `table` that tells the time, and how; None where rows must be counted.

    wanted: the column that was asked for. Raises InputError where that one holds no times.
    """
    if wanted is not None:
        stamps = recognize(table[wanted], wanted, forced=True)
        if stamps is None:
            cell = next((cell for cell in table[wanted].to_pylist() if cell is not None), "nothing")
            raise InputError(f"column {wanted!r}: {str(cell)[:40]!r} is no time; give another one with --time")
        return wanted, stamps
    found = []
    for position, name in enumerate(candidates):
        stamps = recognize(table[name], name, first=position == 0)
        if stamps is not None:
            found.append((_RANKS.get(stamps.how, 0), not is_named_as_time(name), position, stamps))
    if not found:
        return None
    best = min(found, key=lambda one: one[:3])
    return candidates[best[2]], best[3]


def recognize(column: pa.ChunkedArray, name: str, *, first: bool = False, forced: bool = False) -> Stamps | None:
    """How the cells of a column of that name tell the time, or None.

    Stamps of a calendar are known by themselves. Plain numbers must be named as a time, or, as seconds since 1970, be
    the `first` column and grow from row to row. forced: any number is a time.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Stamps("typed", says="times of the file's own type") if column.null_count < len(column) else None
    numeral = None
    if pa.types.is_string(kind):
        cells = pc.utf8_trim_whitespace(column).drop_null()
        cells = cells.filter(pc.not_equal(cells, ""))
        stamps = _recognize_text(cells, NAMED if forced or is_named_as_time(name) else ENOUGH) if len(cells) else None
        numeral = recognize_numeral(cells)
        if stamps is not None or len(cells) == 0 or numeral is None or numeral.words:
            return stamps
        numbers = numeral.read(cells)[0]
    elif any(of(kind) for of in NUMBERS):
        numbers = floats_of(column)
    else:
        return None
    return _recognize_number(numbers[np.isfinite(numbers)], name, first, forced, numeral)


def _recognize_number(numbers: Floats, name: str, first: bool, forced: bool, numeral: Numeral | None) -> Stamps | None:
    if len(numbers) == 0:
        return None
    steps, named = np.diff(numbers), forced or is_named_as_time(name)
    growing = len(numbers) > 2 and bool((steps > 0).all()) and bool((numbers == np.round(numbers)).all())
    if named or (first and growing):
        for unit, scale in UNITS.items():
            low, high = BOUNDS if named else NARROW
            if (numbers >= low * scale).all() and (numbers <= high * scale).all():
                return Stamps("epoch", scale=scale, numeral=numeral, says=f"{unit} since 1970")
    rising = len(steps) > 0 and (steps > 0).mean() >= RISING
    if forced or (rising and is_named_as_time(name, alone=True)):
        return Stamps("number", numeral=numeral, says="plain numbers")
    return None


def _recognize_text(cells: pa.ChunkedArray, enough: float) -> Stamps | None:
    """Which form of stamp the cells have; days first or months first by what all of them allow."""
    cells = cells.slice(0, 65_536)
    if pc.sum(pc.match_substring_regex(cells, rf"^{_ISO}$")).as_py() >= enough * len(cells):
        elsewhere = bool(pc.any(pc.match_substring_regex(cells, _OFFSET)).as_py())
        return Stamps("iso", says="ISO stamps with their zone, told as UTC" if elsewhere else "ISO stamps")
    shown = cells[0].as_py()[:64]
    if _COMPACT.fullmatch(shown):
        gap = _COMPACT.fullmatch(shown)["gap"]  # type: ignore[index]
        return _enough(Stamps("text", (f"%Y%m%d{gap}%H%M%S",), says="stamps of digits"), cells, enough)
    if months := _MONTHS.fullmatch(shown):
        return _enough(Stamps("text", (f"%Y{months['mark']}%m",), says="months"), cells, enough)
    if (shape := _SHAPE.fullmatch(shown)) is None:
        return None
    rest = _rest_of(shape)
    if shape["ymd"]:
        mark = shape["s1"]
        if not mark and not rest[0]:  # 20240131 is a number to everybody else
            return None
        return _enough(_of_day(f"%Y{mark}%m{mark}%d", rest, "stamps, year first"), cells, enough)
    if shape["named"]:
        mark = shape["s2"]
        return _enough(_of_day(f"%d{mark}%b{mark}%Y", rest, "stamps with names of months"), cells, enough)
    if shape["us"]:
        return _enough(
            _of_day("%b %d, %Y" if "," in shape["us"] else "%b %d %Y", rest, "stamps with months"), cells, enough
        )
    mark, year = (shape["s3"], "%y") if shape["short"] else (shape["s4"], "%Y")
    day = _of_day(f"%d{mark}%m{mark}{year}", rest, "stamps, day first")
    month = _of_day(f"%m{mark}%d{mark}{year}", rest, "stamps, month first")
    return _day_or_month(day, month, cells, american=mark == "/" and bool(shape["ap"]), enough=enough)


def _rest_of(shape: re.Match[str]) -> tuple[str, ...]:
    """What follows the day in formats, the longest first."""
    if not shape["hm"]:
        return ("",)
    gap = " " if shape["gap"].strip() == "" else shape["gap"]
    clock, half = ("%I", " %p") if shape["ap"] else ("%H", "")
    return (f"{gap}{clock}:%M:%S{half}", f"{gap}{clock}:%M{half}", "")


def _of_day(day: str, rests: tuple[str, ...], says: str) -> Stamps:
    return Stamps("text", tuple(day + rest for rest in rests), says=says)


def _enough(stamps: Stamps, cells: pa.ChunkedArray, enough: float) -> Stamps | None:
    return stamps if np.isfinite(stamps.read(cells)).mean() >= enough else None


def _day_or_month(day: Stamps, month: Stamps, cells: pa.ChunkedArray, american: bool, enough: float) -> Stamps | None:
    """The reading that more cells allow; where all allow both, the one under which time goes on steadily."""
    times = [one.read(cells) for one in (day, month)]
    known = [np.isfinite(one).mean() for one in times]
    if max(known) < enough:
        return None
    if known[0] != known[1]:
        return day if known[0] > known[1] else month
    falls = [int((np.diff(one) < 0).sum()) for one in times]
    spread = [float(np.ptp(one[np.isfinite(one)])) for one in times]
    order = sorted((0, 1), key=lambda i: (falls[i], spread[i], i != american))
    chosen, other = ((day, month)[i] for i in order)
    told = falls[0] != falls[1] or spread[0] != spread[1]
    why = "under which time goes on most evenly" if told else "assumed: no cell tells"
    return replace(chosen, says=f"{chosen.says} ({why})", other=other)


def _typed(column: pa.ChunkedArray | pa.Array) -> Floats:
    unit = column.type.unit if pa.types.is_timestamp(column.type) else "ms"
    scale = PER_SECOND[unit]
    whole = column if pa.types.is_timestamp(column.type) else column.cast(pa.timestamp("ms"))
    return floats_of(whole.cast(pa.int64())) / scale


def _iso(column: pa.ChunkedArray | pa.Array) -> Floats:
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return _typed(column.cast(kind))
        except pa.ArrowInvalid:
            continue
    text = _tidy(column)
    text = pc.replace_substring_regex(text, r"(\.\d{6})\d+", r"\1")
    whole = pc.match_substring_regex(text, rf"^{_ISO}$")
    zoned = pc.and_(whole, pc.match_substring_regex(text, _ZONE))
    nothing = pa.scalar(None, pa.string())
    times = _sure(pc.if_else(zoned, text, nothing), pa.timestamp("us", "UTC"))
    naive = _sure(pc.if_else(pc.and_(whole, pc.invert(zoned)), text, nothing), pa.timestamp("us"))
    return np.where(np.isnan(times), naive, times)


def _sure(text: pa.ChunkedArray | pa.Array, kind: pa.DataType) -> Floats:
    """ISO text as times; NaN for days that no month has, which refuse to be cast."""
    try:
        return _typed(text.cast(kind))
    except pa.ArrowInvalid:
        return np.array([_second(cell) for cell in text.to_pylist()], np.float64)


def _second(cell: str | None) -> float:
    try:
        stamp = datetime.fromisoformat(cell or "")
    except ValueError:
        return np.nan
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def _tidy(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Cells without spaces around them, with a full stop before fractions and Z for UTC."""
    text = pc.utf8_trim_whitespace(column)
    text = pc.replace_substring_regex(text, r"(:\d\d),(\d+)", r"\1.\2")
    return pc.replace_substring_regex(text, r" ?(?:UTC|GMT|Z)$", "Z")


def _text(column: pa.ChunkedArray | pa.Array, formats: tuple[str, ...]) -> Floats:
    text = pc.replace_substring_regex(_tidy(column), "Z$", "")
    fraction = None
    if _any(text, r":\d\d\.\d"):
        digits = pc.replace_substring_regex(text, r"^.*:\d\d(\.\d+)?.*$", r"0\1")
        fraction = PLAIN.read(digits)[0]
    text = pc.replace_substring_regex(text, r"(:\d\d)\.\d+", r"\1")
    if any("%p" in one for one in formats):
        text = pc.replace_substring_regex(text, r" ?([AaPp])\.?[Mm]\.?$", r" \1M")
    times = np.full(len(text), np.nan)
    for form in formats:
        left = np.isnan(times)
        if not left.any():
            break
        read = pc.strptime(text, format=form, unit="s", error_is_null=True)
        times = np.where(left, _typed(read), times)
    return times if fraction is None else times + fraction


def _any(text: Any, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())


def floats_of(column: pa.ChunkedArray | pa.Array) -> Floats:
    """A column of numbers of any type as floats (n,), NaN where there is none; durations in seconds."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    scale = 1.0
    if pa.types.is_duration(array.type):
        scale = PER_SECOND[array.type.unit]
        array = array.cast(pa.int64())
    floats: Floats = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.array(floats, np.float64) / scale
