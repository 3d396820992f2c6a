"""JSON as a table: one object a line, or one array of objects; read twice, since types are known only at the end.

Parsed by the standard library: pyarrow.json is faster, but a line `null` ends the process (seen with 26.0.1), it turns
texts that look like times into times, and it gives up on columns of mixed types.
"""

import io
import json
from collections.abc import Callable, Iterator
from itertools import islice
from json.decoder import JSONDecodeError
from typing import Any, BinaryIO

import pyarrow as pa

from genapps.errors import InputError
from genapps.io.limits import MIB, check_columns, check_depth
from genapps.io.source import Source

_BATCH = 16_384
_CONSTANTS = {"NaN": None, "Infinity": float("inf"), "-Infinity": float("-inf")}
_WORDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "an array",
    type(None): "null",
}
_INT64 = range(-(2**63), 2**63)

Record = dict[str, Any]


def read_json(source: Source, encoding: str | None, rows: int | None = None) -> Iterator[pa.Table]:
    """Tables of equal types: bool, int64, float64 or string; mixed and nested values become their JSON text.

    Keys that a line lacks are missing values. Raises InputError naming the line for what is not an object.
    """
    kinds = _scan(source, encoding, rows)
    if not kinds:
        raise InputError(f"{source.name}: no rows; a table needs at least one object with keys")
    for batch in _batches(source, encoding, rows):
        arrays = [_array([record.get(name) for record in batch], name, found, source) for name, found in kinds.items()]
        yield pa.Table.from_arrays(arrays, names=list(kinds))


def _scan(source: Source, encoding: str | None, rows: int | None) -> dict[str, set[type]]:
    """The kinds of value seen in each column, in order of appearance."""
    kinds: dict[str, set[type]] = {}
    for batch in _batches(source, encoding, rows):
        for record in batch:
            for name, value in record.items():
                found = kinds.get(name)
                if found is None:
                    found = kinds[name] = set()
                    if len(kinds) > source.limits.max_columns:
                        check_columns(source.name, list(kinds), source.limits)
                kind = type(value)
                found.add(kind if kind is not int or value in _INT64 else object)
                if kind is dict or kind is list:
                    check_depth(value, f"{source.name}: column {name!r}", source.limits)
    return kinds


def _arrow_type(kinds: set[type]) -> pa.DataType:
    kinds = kinds - {type(None)}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    if kinds in ({float}, {int, float}):
        return pa.float64()
    return pa.string()


def _array(values: list[Any], name: str, kinds: set[type], source: Source) -> pa.Array:
    kind = _arrow_type(kinds)
    if kind == pa.string() and kinds - {str, type(None)}:
        values = [value if value is None or type(value) is str else _text(value) for value in values]
    elif kind == pa.float64() and int in kinds:
        values = [None if value is None else float(value) for value in values]
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        raise InputError(f"{source.name}: column {name!r} holds half a surrogate pair, which is no text") from None


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _batches(source: Source, encoding: str | None, rows: int | None) -> Iterator[list[Record]]:
    records = islice(_records(source, encoding), rows)
    while batch := list(islice(records, _BATCH)):
        yield batch


def _records(source: Source, encoding: str | None) -> Iterator[Record]:
    text = source.text(encoding)
    buffer = io.BufferedReader(text, MIB)
    first = buffer.peek(MIB).lstrip()[:1]
    if first == b"[":
        items = _array_items(io.TextIOWrapper(buffer, encoding="utf-8"), source)
    else:
        items = _lines(buffer, source)
    for line, value in items:
        if not isinstance(value, dict):
            word = _WORDS.get(type(value), "a value")
            raise InputError(f'{source.name}: line {line}: expected an object like {{"age": 39}}, found {word}')
        yield value


def _decoder(source: Source) -> json.JSONDecoder:
    def unique(pairs: list[tuple[str, Any]]) -> Record:
        record = dict(pairs)
        if len(record) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the key {twice!r} occurs twice")
        return record

    return json.JSONDecoder(object_pairs_hook=unique, parse_constant=_CONSTANTS.__getitem__)


def _lines(buffer: BinaryIO, source: Source) -> Iterator[tuple[int, Any]]:
    decode, limit = _decoder(source).decode, source.limits.max_row_bytes
    number = 0
    while line := buffer.readline(limit + 1):
        number += 1
        where = f"{source.name}: line {number}"
        if len(line) > limit:
            raise InputError(f"{where}: longer than {limit // MIB} MiB; write one object a line")
        if not line.isspace():
            yield number, _guarded(decode, where, source, line.decode())


def _guarded(decode: Any, where: str, source: Source, *args: Any) -> Any:
    try:
        return decode(*args)
    except RecursionError:
        raise InputError(f"{where}: JSON nested deeper than {source.limits.max_json_depth} levels") from None
    except JSONDecodeError as error:
        raise InputError(
            f"{where}: not valid JSON ({error.msg} at character {error.pos + 1}); write one object a line"
        ) from None
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def _array_items(text: io.TextIOWrapper, source: Source) -> Iterator[tuple[int, Any]]:
    """The items of one JSON array, parsed one at a time from a window of the text."""
    decode = _decoder(source).raw_decode
    head = text.read(MIB)
    window = head.lstrip()
    line = 1 + head[: len(head) - len(window)].count("\n")
    window, after_item, closed = window[1:], False, False
    while True:
        rest = window.lstrip()
        line += window[: len(window) - len(rest)].count("\n")
        window = rest or text.read(MIB)
        if not window or closed:
            break
        if window[0].isspace():
            continue
        if window[0] == "]":
            closed, window = True, window[1:]
        elif after_item and window[0] != ",":
            break
        elif after_item:
            after_item, window = False, window[1:]
        else:
            value, end, window = _next_item(decode, window, text, f"{source.name}: line {line}", source)
            yield line, value
            line += window[:end].count("\n")
            window, after_item = window[end:], True
    if window.strip() or not closed:
        raise InputError(f"{source.name}: line {line}: not valid JSON (expected one array of objects, [{{...}}, ...])")


def _next_item(
    decode: Callable[[str], tuple[Any, int]], window: str, text: io.TextIOWrapper, where: str, source: Source
) -> tuple[Any, int, str]:
    """One value, where it ends in the window, and the window, grown until it holds the value."""
    while True:
        try:
            value, end = decode(window)
            # A number cut by the window's end looks whole: only an object ends visibly.
            if end < len(window) or window[end - 1] in '}]"':
                return value, end, window
        except (ValueError, RecursionError):
            pass
        more = text.read(len(window)) if len(window) < source.limits.max_row_bytes else ""
        if not more:
            return *_guarded(decode, where, source, window), window
        window += more
