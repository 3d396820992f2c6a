"""JSON as a table: one object a line, or one array of objects; read twice, since types are known only at the end.

Parsed by the standard library: pyarrow.json is faster, but a line `null` ends the process (seen with 26.0.1), it turns
texts that look like times into times, and it gives up on columns of mixed types.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from json.decoder import JSONDecodeError
from typing import Any, BinaryIO, TextIO

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
_SPACE = re.compile(r"[ \t\n\r]*")
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
            yield number, _guarded(decode, line.decode(), where=where, source=source)


def _guarded(decode: Callable[..., Any], *args: Any, where: str, source: Source) -> Any:
    try:
        return decode(*args)
    except RecursionError:
        raise InputError(f"{where}: JSON nested deeper than {source.limits.max_json_depth} levels") from None
    except JSONDecodeError as error:
        why = f"{error.msg.removesuffix(' at')} at character {error.pos + 1}"
        raise InputError(f"{where}: not valid JSON ({why}); write one object a line") from None
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


class _Window:
    """The part of a text that an array's next item lies in, and how far it has been read."""

    def __init__(self, text: TextIO, limit: int) -> None:
        self._text, self._limit = text, limit
        self.content, self.at, self.line = text.read(MIB), 0, 1

    def next_mark(self) -> str:
        """The next character that is no space, without going past it; empty at the end."""
        while True:
            start = self.at
            self.at = _SPACE.match(self.content, start).end()  # type: ignore[union-attr]
            self.line += self.content.count("\n", start, self.at)
            if self.at < len(self.content):
                return self.content[self.at]
            self.content, self.at = self._text.read(MIB), 0
            if not self.content:
                return ""

    def next_value(self, decode: Callable[[str, int], tuple[Any, int]], guarded: Callable[..., Any]) -> Any:
        """The JSON value that starts here; the window grows until it holds it."""
        while True:
            try:
                value, end = decode(self.content, self.at)
                # A number cut by the window's end looks whole: other values end visibly.
                if end < len(self.content) or self.content[end - 1] in '}]"':
                    break
            except (ValueError, RecursionError):
                pass
            rest = self.content[self.at :]
            more = self._text.read(max(len(rest), MIB)) if len(rest) < self._limit else ""
            if not more:
                value, end = guarded(decode, rest, 0)
                end += self.at
                break
            self.content, self.at = rest + more, 0
        self.line += self.content.count("\n", self.at, end)
        self.at = end
        return value


def _array_items(text: TextIO, source: Source) -> Iterator[tuple[int, Any]]:
    """The items of one JSON array, each with the line it starts on, in bounded memory."""
    decode = _decoder(source).raw_decode
    window = _Window(text, source.limits.max_row_bytes)
    window.next_mark()
    window.at += 1  # the bracket that told this is an array
    after_item = False
    while (mark := window.next_mark()) not in {"]", ""}:
        if after_item != (mark == ","):
            break
        if after_item:
            window.at += 1
            window.next_mark()
        line = window.line
        yield line, window.next_value(decode, partial(_guarded, where=f"{source.name}: line {line}", source=source))
        after_item = True
    window.at += mark == "]"
    if mark != "]" or window.next_mark():
        raise InputError(
            f"{source.name}: line {window.line}: not valid JSON (expected one array of objects, [{{...}}, ...])"
        )
