"""The bytes of a table as CSV or JSON lines, column by column instead of row by row."""

import io
import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

_ROWS = 65_536  # at once, so that the joined lines stay small
_FORMULA = r"\A[=+\-@\t\r\n]"
_NUMBER = r"\A[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\z"
_CONTROL = re.compile(rb"[\x00-\x1f]")
_HEADER_MARKS = b',;\t|"\r\n'  # whichever delimiter a reader tries, such a name stays whole


def csv_header(names: Sequence[str], delimiter: str) -> bytes:
    """The header line: names of nothing but spaces are in quotes too, or a file of empty cells would look empty."""
    quoted = [
        _quoted(name) if not name.strip() or any(mark in _HEADER_MARKS for mark in name.encode()) else name
        for name in names
    ]
    return (delimiter.join(quoted) + "\n").encode()


def csv_bytes(table: pa.Table, delimiter: str) -> Iterator[bytes]:
    """The rows, a cell in quotes only where it must be: separators, quotes, line ends, and the empty text."""
    for batch in table.to_batches(max_chunksize=_ROWS):
        columns = [_text(column) for column in batch.columns]
        quoted = [_csv_cells(column, delimiter) if pa.types.is_string(column.type) else column for column in columns]
        if all(new is old for new, old in zip(quoted, columns, strict=True)):
            yield _unquoted_csv(pa.Table.from_arrays(columns, names=table.column_names), delimiter)
        elif len(batch):
            cells = [column.cast(pa.string()) for column in quoted]
            joined = pc.binary_join_element_wise(*cells, delimiter, null_handling="replace", null_replacement="")
            yield _data(pc.binary_join_element_wise(joined, "", "\n"))


def jsonl_bytes(table: pa.Table) -> Iterator[bytes]:
    """The rows as one JSON object a line; what is no number or boolean is a text, not-a-number is null."""
    names = [json.dumps(name, ensure_ascii=False) for name in table.column_names]
    for batch in table.to_batches(max_chunksize=_ROWS):
        if not len(batch):
            continue
        pieces: list[pa.Array | str] = []
        for position, (name, column) in enumerate(zip(names, batch.columns, strict=True)):
            pieces += [f"{', ' if position else '{'}{name}: ", _json_values(column)]
        yield _data(pc.binary_join_element_wise(*pieces, "}\n", ""))


def spreadsheet_safe_table(table: pa.Table) -> pa.Table:
    """Texts that a spreadsheet would run as a formula get an apostrophe in front; plain numbers stay."""
    columns = [_defused(column) if pa.types.is_string(column.type) else column for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def spreadsheet_safe_names(names: Sequence[str]) -> list[str]:
    """The same for column names."""
    return list(_defused(pa.array(names, pa.string())).to_pylist())


def _defused(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    formula = pc.match_substring_regex(column, _FORMULA)
    number = pc.match_substring_regex(column, _NUMBER)
    return pc.if_else(pc.and_not(formula, number), pc.binary_join_element_wise("'", column, ""), column)


def _text(column: pa.Array) -> pa.Array:
    """Dates and times as text without a fraction of zeros; other columns as they are."""
    if not pa.types.is_timestamp(column.type) and not pa.types.is_time(column.type):
        return column
    return pc.replace_substring_regex(column.cast(pa.string()), r"\.0+($|Z|[+-])", r"\1")


def _csv_cells(column: pa.Array, delimiter: str) -> pa.Array:
    """The same array if no cell needs quotes."""
    data = _data(column)
    marks = any(mark in data for mark in (delimiter.encode(), b'"', b"\n", b"\r"))
    empty = pc.equal(pc.binary_length(column), 0)
    if not marks and not pc.any(empty).as_py():
        return column
    special = pc.match_substring_regex(column, f'[{delimiter}"\r\n]')
    escaped = pc.replace_substring(column, '"', '""')
    return pc.if_else(pc.or_(special, empty), pc.binary_join_element_wise('"', escaped, '"', ""), column)


def _unquoted_csv(table: pa.Table, delimiter: str) -> bytes:
    sink = io.BytesIO()
    options = pacsv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="none")
    pacsv.write_csv(table, sink, options)
    return sink.getvalue()


def _json_values(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        text = pc.replace_substring_regex(column.cast(pa.string()), r"\A(-?\d+)\z", r"\1.0")
    elif pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        text = column.cast(pa.string())
    else:
        text = pc.binary_join_element_wise('"', _json_escaped(_text(column).cast(pa.string())), '"', "")
    return pc.fill_null(text, "null")


def _json_escaped(column: pa.Array) -> pa.Array:
    data = _data(column)
    if _CONTROL.search(data):
        values = [None if v is None else json.dumps(v, ensure_ascii=False)[1:-1] for v in column.to_pylist()]
        return pa.array(values, pa.string())
    if b'"' not in data and b"\\" not in data:
        return column
    return pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')


def _data(column: pa.Array) -> bytes:
    """All texts of a string array end to end."""
    _, offsets, data = column.buffers()
    if offsets is None or data is None:
        return b""
    bounds = np.frombuffer(offsets, np.int32)
    return bytes(memoryview(data)[bounds[column.offset] : bounds[column.offset + len(column)]])


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
