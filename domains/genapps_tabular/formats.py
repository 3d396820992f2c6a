"""How the numbers and dates of a text column are written, found from its distinct values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genapps_tabular.columns import stamps
from genapps_tabular.schema import ColumnSchema

MARKERS = (
    *("NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "-nan", "NULL", "null", "Null", "(null)"),
    *("None", "none", "NIL", "nil", "?", "-", "--", ".", "missing", "Missing", "unknown", "Unknown"),
)
MOST_WORDS = 20  # distinct words that a column of numbers or dates may have beside those
SAMPLE = 400  # distinct values that a format is guessed from, before all are tested
_NUMBER = re.compile(r"([+-]?)([^\w.,+-]{0,3}|[A-Z]{3} )([+-]?)(\d(?:[\d.,' ]*\d)?\.?(?:[eE][+-]?\d+)?|\.\d+)(\D*)")
_GROUPED = r"^\d{1,3}(%s\d{3})+$"
_STAMP = re.compile(
    r"(?P<date>.*?\d.*?)??(?P<gap>T| |, )?(?P<time>\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)?(?P<half> ?[AaPp][Mm])?"
    r"(?P<space> )?(?P<zone>(?<=\d)(?:Z|[+-]\d\d:?\d\d)|(?<= )(?:Z|[+-]\d\d:?\d\d))?"
)
COMPACT = r"^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"  # a date in eight digits
DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *(f"{a}{s}{b}{s}{y}" for s in "/-." for y in ("%Y", "%y") for a, b in (("%d", "%m"), ("%m", "%d"))),
    *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%b %d %Y"),
)

MOST_PREFIX, MOST_SUFFIX = 3, 6  # letters of a currency, of a unit


def words_beside(
    distinct: pa.Array, count: np.ndarray[Any, Any], good: np.ndarray[Any, Any]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The other words of a column whose values are mostly `good`, and those that mean "missing"; None if too many."""
    if good.all():
        return (), ()
    others = distinct.filter(pa.array(~good))
    if len(others) > MOST_WORDS or count[good].sum() < count.sum() / 2:
        return None
    words = others.to_pylist()
    missing = tuple(w for w in words if w.strip() in MARKERS)
    if len(missing) < len(words) and good.sum() <= 2 * len(words):
        return None  # as many words as numbers: categories
    return tuple(w for w in words if w not in missing), missing


def number_style(distinct: pa.Array) -> tuple[str, str, str, str] | None:
    """Prefix, suffix, separator of thousands and decimal point of numbers; None where few values are numbers."""
    sample = _sample(distinct)
    matches = [m for m in map(_NUMBER.fullmatch, sample) if m]
    if len(matches) < len(sample) / 2:
        return None
    prefix, suffix = _common(m[2] for m in matches), _common(m[5] for m in matches)
    if prefix is None or suffix is None or len(prefix.strip()) > MOST_PREFIX or len(suffix.strip()) > MOST_SUFFIX:
        return None  # numbered names, not amounts
    bodies = [m[4].strip() for m in matches]
    thousands, point = _separators(bodies)
    return prefix, suffix, thousands, point


def _common(values: Iterable[str]) -> str | None:
    """What more than half of the values are, or None."""
    counts = Counter(values)
    value, count = counts.most_common(1)[0]
    return value if 2 * count > counts.total() else None


def _separators(bodies: list[str]) -> tuple[str, str]:
    """The separator of thousands ("" for none) and the decimal point."""
    for separator, point in ((",", "."), (".", ","), (" ", "."), ("'", "."), (" ", ",")):
        whole = [b.split(point)[0] for b in bodies]
        grouped = [w for w in whole if separator in w]
        if not grouped or not all(re.match(_GROUPED % re.escape(separator), w) for w in grouped):
            continue
        long = [w for w in whole if separator not in w and len(w) > 3]
        certain = len(grouped) > 1 or any(w.count(separator) > 1 for w in grouped) or any(point in b for b in bodies)
        if not long and certain and (separator != "." or any(point in b or b.count(".") > 1 for b in bodies)):
            return separator, point
    comma = any("," in b for b in bodies) and not any("." in b for b in bodies)
    return "", "," if comma else "."


def decimals(plain: pa.Array) -> tuple[int | None, int]:
    """The most and the fewest digits after the point; None where scientific notation leaves it open."""
    if pc.any(pc.match_substring_regex(plain, "[eE]")).as_py():
        return None, 0
    places = pc.find_substring(plain, ".")
    digits = pc.if_else(pc.less(places, 0), 0, pc.subtract(pc.subtract(pc.binary_length(plain), places), 1))
    most, least = pc.max(digits).as_py(), pc.min(digits).as_py()
    return (most, least) if most <= 15 else (None, min(least, 1))  # beyond, digits are those of binary fractions


def dates(schema: ColumnSchema, distinct: pa.Array, count: np.ndarray[Any, Any]) -> ColumnSchema | None:
    """The schema with the format of dates or times that fits all values but a few words; None if there is none."""
    sample = [value for value in _sample(distinct) if value not in MARKERS]
    best: tuple[int, ColumnSchema] | None = None
    for candidate in _candidates(schema, sample):
        moments = stamps.read(pa.array(sample, pa.string()), candidate)
        fits = int(moments.valid.sum())
        if fits * 2 > len(sample) and (best is None or fits > best[0]):
            best = fits, candidate
    if best is None:
        return None
    good = stamps.read(distinct, best[1]).valid
    words = words_beside(distinct, count, good)
    if words is None:
        return None
    return replace(best[1], words=words[0], missing=words[1])


def _candidates(schema: ColumnSchema, sample: list[str]) -> list[ColumnSchema]:
    """Schemas with formats that fit the first value that looks like a date or time."""
    for value in sample:
        match = _STAMP.fullmatch(value)
        if match is None or (not match["time"] and not match["date"]):
            continue
        clock, digits = _clock(match)
        zone = f"{match['space'] or ''}%z" if match["zone"] else ""
        if not match["date"]:
            formats = [clock + zone] if clock else []
        else:
            gap = match["gap"] or ""
            formats = [f"{date}{gap if clock else ''}{clock}{zone}" for date in _dates(match["date"], sample)]
        kind = "date" if not clock else "datetime" if match["date"] else "time"
        loose = [f.replace("%d", "%-d").replace("%m", "%-m").replace("%H", "%-H").replace("%I", "%-I") for f in formats]
        both = list(dict.fromkeys([*formats, *loose]))
        return [replace(schema, kind=kind, format=f, decimals=digits or None) for f in both]  # type: ignore[arg-type]
    return []


def _dates(date: str, sample: list[str]) -> list[str]:
    """The date formats that read the first value's date; of day and month, the one with more values is the day."""
    found = [f for f, loose in product(DATES, (False, True)) if re.match(_pattern(f, loose), date)]
    if any("%m" in f and f.index("%m") < f.index("%d") for f in found if not f.startswith("%Y")):
        numbers = [re.findall(r"\d+", value)[:2] for value in sample]
        first, second = (len({n[i] for n in numbers if len(n) == 2}) for i in (0, 1))
        if second > first:
            found.sort(key=lambda f: f.find("%m") > f.find("%d"))
    if date.isdigit():  # eight digits are a date only if all of them are
        ok = all(re.match(COMPACT, v[:8]) for v in sample)
        found = [f for f in found if ok]
    return list(dict.fromkeys(found))


def _pattern(format: str, loose: bool) -> str:
    return stamps.pattern(format.replace("%d", "%-d").replace("%m", "%-m") if loose else format)


def _clock(match: re.Match[str]) -> tuple[str, int]:
    """The format of a time of day, and the number of its sub-second digits."""
    if not match["time"]:
        return "", 0
    half = (match["half"] or "").strip()
    parts = match["time"].split(":")
    clock = ("%I" if half else "%H") + ":%M" + (":%S" if len(parts) > 2 else "")
    digits = len(parts[2].partition(".")[2]) if len(parts) > 2 else 0
    if digits:
        clock += ".%f"
    if half:
        clock += ("" if (match["half"] or "")[0] != " " else " ") + ("%p" if half.isupper() else "%P")
    return clock, digits


def _sample(distinct: pa.Array) -> list[str]:
    step = max(len(distinct) // SAMPLE, 1)
    return list(distinct.take(pa.array(np.arange(0, len(distinct), step)[:SAMPLE])).to_pylist())
