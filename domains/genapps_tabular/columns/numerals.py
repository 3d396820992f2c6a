"""Numbers as they are written in a table, and back: separators, signs, decimals, units."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps_tabular.columns.base import arrow_type, as_text
from genapps_tabular.schema import ColumnSchema

PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
WIDEST = 6  # more decimals than this would come out of decimal arithmetic in scientific notation


def read(array: pa.Array, schema: ColumnSchema) -> NDArray[np.float64]:
    """A column's numbers (N,); NaN where a cell is empty or holds a word."""
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = _parse(unwrap(array, schema))
    elif pa.types.is_duration(array.type):
        array = pc.cast(array, pa.int64())
    elif pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.uint8())
    values = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.where(np.isinf(values), np.nan, values)


def read_words(array: pa.Array, words: tuple[str, ...]) -> NDArray[np.int64]:
    """Which of `words` each cell is (N,), -1 where none; infinities are the words inf and -inf."""
    if not words:
        return np.full(len(array), -1, np.int64)
    found = pc.index_in(as_text(array), value_set=pa.array(words, pa.string()))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)


def write(values: NDArray[np.float64], schema: ColumnSchema, whole: bool) -> pa.Array:
    """Numbers (N,) without NaN, written as the column's are; `whole` where all are integers."""
    target = arrow_type(schema.dtype)
    if pa.types.is_string(target) or pa.types.is_large_string(target) or pa.types.is_dictionary(target):
        return pc.cast(_wrap(_digits(values, schema, whole), schema), target)
    if pa.types.is_floating(target):
        return pc.cast(pa.array(values), target, safe=False)
    if pa.types.is_decimal(target):
        return pc.cast(pa.array(np.round(values, target.scale)), target)
    if not pa.types.is_integer(target):  # durations
        return pc.cast(pa.array(np.round(values).astype(np.int64)), target)
    kind = target.to_pandas_dtype()
    least, most = float(np.iinfo(kind).min), float(np.iinfo(kind).max)
    if target.bit_width == 64:
        most = np.nextafter(most, 0)  # the largest integer itself is no float64, and the next one overflows
    return pa.array(np.clip(np.round(values), least, most).astype(kind), target)


def unwrap(text: pa.Array, schema: ColumnSchema) -> pa.Array:
    """Text without unit, separators and foreign decimal point."""
    if schema.prefix:
        text = pc.replace_substring_regex(text, f"^([+-]?){escaped(schema.prefix)}", r"\1")
    if schema.suffix:
        text = pc.replace_substring_regex(text, f"{escaped(schema.suffix)}$", "")
    if schema.thousands:
        text = pc.replace_substring(text, schema.thousands, "")
    if schema.point != ".":
        text = pc.replace_substring(text, schema.point, ".")
    return text


def _parse(text: pa.Array) -> pa.Array:
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:  # some cell is a word; a look at every cell is the slow way
        text = pc.utf8_trim_whitespace(text)
        return pc.cast(pc.if_else(pc.match_substring_regex(text, PLAIN), text, None), pa.float64())


def escaped(literal: str) -> str:
    """A literal as a regular expression that matches it alone."""
    return "".join(c if c.isalnum() else f"[{c}]" if c not in "^\\" else f"\\{c}" for c in literal)


def _digits(values: NDArray[np.float64], schema: ColumnSchema, whole: bool) -> pa.Array:
    """Plain digits with the column's number of decimals."""
    decimals, least = schema.decimals, schema.least_decimals
    largest = float(np.abs(values).max(initial=0.0))
    if (decimals == 0 or (whole and not least)) and largest < 2**53:
        return pc.cast(pa.array(np.round(values).astype(np.int64)), pa.string())
    if decimals is None or decimals > WIDEST or largest * 10**decimals >= 2**53:
        text = pc.cast(pa.array(values + 0.0 if decimals is None else np.round(values, decimals) + 0.0), pa.string())
        bare = pc.invert(pc.match_substring_regex(text, "[.eEn]"))
        return pc.if_else(bare, pc.binary_join_element_wise(text, "." + "0" * least, ""), text) if least else text
    text = _fixed(values, decimals)
    if least == decimals:
        return text
    text = pc.utf8_rtrim(text, characters="0")
    if least == 0:
        return pc.utf8_rtrim(text, characters=".")
    short = pc.less(pc.subtract(pc.binary_length(text), pc.find_substring(text, ".")), least + 1)
    return pc.if_else(short, _fixed(values, least), text)


def _fixed(values: NDArray[np.float64], decimals: int) -> pa.Array:
    """Exactly so many decimals: an integer of the smallest unit, read as the low word of an Arrow decimal."""
    units = np.round(values * 10.0**decimals).astype(np.int64)
    words = np.empty((len(units), 2), np.int64)
    words[:, 0], words[:, 1] = units, units >> 63
    kind = pa.decimal128(38, decimals)
    return pc.cast(pa.Array.from_buffers(kind, len(units), [None, pa.py_buffer(words)]), pa.string())


def _wrap(text: pa.Array, schema: ColumnSchema) -> pa.Array:
    """Digits with the column's separators and unit."""
    if schema.point != ".":
        text = pc.replace_substring(text, ".", schema.point)
    if schema.thousands:  # a separator goes wherever three, six, nine ... digits remain before the point
        longest = pc.max(pc.binary_length(text)).as_py() or 0
        stop = r"(\D|$)" if schema.point == "." else rf"({escaped(schema.point)}|{escaped(schema.thousands)}|$)"
        for _ in range(math.ceil(longest / 3)):
            text = pc.replace_substring_regex(text, rf"^([+-]?\d+)(\d\d\d){stop}", rf"\1{schema.thousands}\2\3")
    if schema.prefix:
        text = pc.replace_substring_regex(text, "^([+-]?)", rf"\1{schema.prefix}")
    if schema.suffix:
        text = pc.binary_join_element_wise(text, schema.suffix, "")
    return text


def step_of(values: NDArray[np.float64], decimals: int | None) -> float:
    """The largest power of ten that divides every value; 0 where none down to nine decimals does."""
    sample = values if len(values) <= 1000 else values[:: len(values) // 1000]
    for power in range(6, -10, -1):
        if decimals is not None and -power > decimals:
            break
        if divides(10.0**power, sample) and divides(10.0**power, values):
            return 10.0**power
    return 0.0 if decimals is None else 10.0**-decimals


def divides(step: float, values: NDArray[np.float64]) -> bool:
    """Whether every value is a multiple of `step` up to rounding in the last place."""
    ratio = values / step
    return bool((np.abs(ratio - np.round(ratio)) <= 1e-14 * np.abs(ratio)).all())


def decimals_of(values: NDArray[np.float64]) -> int | None:
    """How many decimals numbers that were not written as text have; None if they have no common number."""
    step = step_of(values, None)
    return None if step == 0 else max(0, round(-math.log10(step)))
