"""What kind of column each one is, found from its name and values alone.

All tests run on a column's distinct values, in Arrow; Python sees a few hundred of them at most.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genapps.errors import InputError
from genapps_tabular import formats
from genapps_tabular.columns import numerals, stamps
from genapps_tabular.columns.base import flat
from genapps_tabular.schema import ColumnSchema

SURE_MARKERS = ("N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "(null)", "?")  # in a column of words, too
BOOLEANS = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"}, {"on", "off"})
KEY_NAMES = {"id", "ids", "key", "uuid", "guid", "identifier", "index", "ssn", "iban", "email", "phone", "rowid"}
REFERENCES = {"id", "ids", "key", "uuid", "guid", "identifier"}  # repeated, they point to something and have no order
NEARLY = 0.9  # the share of distinct values from which on text is an identifier


def detect_column(name: str, column: Any) -> ColumnSchema:
    """The schema of one column; InputError for a type that is no table cell (lists, binary)."""
    array = flat(column)
    schema = ColumnSchema(name, "category", str(column.type), column.null_count > 0)
    try:
        counts = pc.value_counts(array.drop_null())
    except pa.ArrowNotImplementedError as error:
        kind = column.type
        raise InputError(f"column '{name}' holds {kind}, which is no table cell; drop or flatten it") from error
    distinct, count = counts.field(0), np.asarray(counts.field(1), np.int64)
    if len(distinct) == 0 or (len(distinct) == 1 and not schema.nullable):
        return replace(schema, kind="constant")
    if pa.types.is_dictionary(column.type):
        return _words(schema, distinct, count) if _is_text(array) else schema
    if _is_text(array):
        return _text(schema, array, distinct, count)
    return _typed(schema, array, distinct)


def _typed(schema: ColumnSchema, array: pa.Array, distinct: pa.Array) -> ColumnSchema:
    kind = array.type
    if pa.types.is_boolean(kind):
        return replace(schema, kind="boolean")
    if pa.types.is_integer(kind):
        return _number_or_key(replace(schema, kind="number", decimals=0), array, distinct)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_duration(kind):
        values = pc.cast(distinct.view(pa.int64()) if pa.types.is_duration(kind) else distinct, pa.float64())
        finite = np.asarray(values)[np.isfinite(np.asarray(values))]
        words = [str(w) for w in pc.cast(values.filter(pa.array(~np.isfinite(np.asarray(values)))), pa.string())]
        if not len(finite):
            return replace(schema, kind="category")
        missing = tuple(w for w in words if "nan" in w)
        words = [w for w in words if w not in missing]
        return replace(
            schema, kind="number", decimals=numerals.decimals_of(finite), words=tuple(words), missing=missing
        )
    if pa.types.is_date(kind):
        return replace(schema, kind="date")
    if pa.types.is_time(kind) or pa.types.is_timestamp(kind):
        nanoseconds = np.asarray(stamps.read(distinct, replace(schema, decimals=9)).fraction)
        scale = stamps.UNITS[kind.unit]
        digits = next((d for d in range(scale) if not (nanoseconds % 10 ** (scale - d)).any()), scale)
        return replace(schema, kind="time" if pa.types.is_time(kind) else "datetime", decimals=digits or None)
    raise InputError(f"column '{schema.name}' holds {kind}, which is no table cell; drop or flatten it")


def _text(schema: ColumnSchema, array: pa.Array, distinct: pa.Array, count: np.ndarray[Any, Any]) -> ColumnSchema:
    """Text is numbers if nearly all of it is written like numbers, else dates, else words."""
    compact = pc.all(pc.match_substring_regex(distinct, formats.COMPACT)).as_py() and len(distinct) >= 10
    for attempt in (formats.dates, _number) if compact else (_number, formats.dates):
        found = attempt(schema, distinct, count)
        if found is not None:
            return _number_or_key(found, array, distinct) if found.kind == "number" else found
    return _words(schema, distinct, count)


def _number(schema: ColumnSchema, distinct: pa.Array, count: np.ndarray[Any, Any]) -> ColumnSchema | None:
    style = formats.number_style(distinct)
    if style is None:
        return None
    schema = replace(schema, kind="number", prefix=style[0], suffix=style[1], thousands=style[2], point=style[3])
    plain = numerals.unwrap(distinct, schema)
    good = pc.match_substring_regex(plain, numerals.PLAIN)
    words = formats.words_beside(distinct, count, np.asarray(good))
    if words is None:
        return None
    plain = plain.filter(good)
    if pc.any(pc.match_substring_regex(plain, r"^[+-]?0\d")).as_py():  # a leading zero is part of a code
        return None
    if pc.max(pc.binary_length(pc.replace_substring_regex(plain, r"[^\d].*|\D", ""))).as_py() > 15:
        return None  # more digits than a double holds: a code, too
    decimals, least = formats.decimals(plain)
    return replace(schema, decimals=decimals, least_decimals=least, words=words[0], missing=words[1])


def _words(schema: ColumnSchema, distinct: pa.Array, count: np.ndarray[Any, Any]) -> ColumnSchema:
    """Truth values, categories, identifiers or free text."""
    few = set(distinct.to_pylist()) if len(distinct) <= 4 else set()
    if len(few) == 2 and {w.lower() for w in few} in BOOLEANS:
        return replace(schema, kind="boolean")
    total = int(count.sum())
    length = pc.mean(pc.utf8_length(distinct)).as_py()
    blanks = pc.mean(pc.count_substring(distinct, " ")).as_py()
    if length > 40 and blanks >= 4 and len(distinct) > total / 2 and total >= 10:
        return replace(schema, kind="text")
    named = bool(_name_parts(schema.name) & KEY_NAMES)
    unique = len(distinct) == total and total >= (3 if named else 20)
    if unique or (len(distinct) >= NEARLY * total and total >= 100):
        return replace(schema, kind="identifier")
    missing = tuple(w for w in distinct.filter(pc.is_in(distinct, pa.array(SURE_MARKERS))).to_pylist())
    return replace(schema, kind="category", missing=missing)


def _number_or_key(schema: ColumnSchema, array: pa.Array, distinct: pa.Array) -> ColumnSchema:
    """Whole numbers that are named like keys, or counted up row by row, are identifiers, or references to some."""
    if schema.decimals != 0 or schema.words or schema.missing or schema.thousands or schema.prefix or schema.suffix:
        return schema
    rows = len(array) - array.null_count
    unique = len(distinct) == rows
    if _name_parts(schema.name) & KEY_NAMES:
        if (unique and rows >= 3) or (len(distinct) >= NEARLY * rows and rows >= 100):
            return replace(schema, kind="identifier")
        return replace(schema, kind="category") if _name_parts(schema.name) & REFERENCES else schema
    if unique and rows == len(array) and rows >= 20:
        steps = np.diff(np.asarray(pc.cast(array, pa.float64(), safe=False)))
        if ((steps > 0).all() or (steps < 0).all()) and np.abs(steps).max() <= 100:
            return replace(schema, kind="identifier")
    return schema


def _name_parts(name: str) -> set[str]:
    """The lower-case words of a column's name: customerId and CUSTOMER_ID have customer and id."""
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def check_column(schema: ColumnSchema, column: Any) -> None:
    """InputError naming the first row whose value is not of the column's kind."""
    array = flat(column)
    if schema.kind == "constant" and len(pc.unique(array.drop_null())) > 1:
        values = ", ".join(repr(v) for v in pc.unique(array.drop_null())[:2].to_pylist())
        raise InputError(f"column '{schema.name}' is to be constant and has the values {values}; choose another kind")
    if schema.kind == "number":
        if not _has(array, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_duration):
            raise InputError(f"column '{schema.name}' is to hold numbers and holds {array.type}; choose another kind")
        _check_rows(schema, array, ~np.isnan(numerals.read(array, schema)))
    elif schema.kind in ("datetime", "date", "time"):
        if not _has(array, pa.types.is_date, pa.types.is_time, pa.types.is_timestamp):
            raise InputError(f"column '{schema.name}' is to hold {schema.kind}s and holds {array.type}")
        if not pa.types.is_null(array.type):
            _check_rows(schema, array, stamps.read(array, schema).valid)


def _has(array: pa.Array, *tests: Any) -> bool:
    """Whether an array is of one of some types, is text, or holds nothing."""
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)
    return any(test(array.type) for test in (*tests, *texts))


def _check_rows(schema: ColumnSchema, array: pa.Array, good: np.ndarray[Any, Any]) -> None:
    words = numerals.read_words(array, (*schema.words, *schema.missing)) >= 0
    bad = np.flatnonzero(~good & ~words & np.asarray(array.is_valid()))
    if len(bad) and _is_text(array):
        row, kind = int(bad[0]), schema.kind
        form = f" like '{schema.format}'" if schema.format else ""
        raise InputError(
            f"row {row + 1}, column '{schema.name}': '{array[row].as_py()}' is no {kind}{form}; "
            f"correct it, or list it among the column's words in a schema"
        )


def _is_text(array: pa.Array) -> bool:
    return bool(pa.types.is_string(array.type) or pa.types.is_large_string(array.type))
