"""CSV and TSV, streamed: every column as text, an empty cell without quotes is missing, an empty quoted one is not."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from genapps.errors import InputError
from genapps.io.limits import MIB, check_columns
from genapps.io.source import CheckedText, Source

DELIMITERS = ",;\t|"
_HEADER = 1 * MIB
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.{0,24}")


@dataclass(frozen=True)
class _Header:
    columns: list[str]
    delimiter: str
    length: int  # bytes of UTF-8 up to the first row


def read_delimited(
    source: Source, encoding: str | None, delimiter: str | None = None, named: bool = True
) -> Iterator[pa.Table]:
    """Tables of a few megabytes each; raises InputError naming the line for what is not rectangular text.

    Where it is not sure that columns are `named`, a first line of numbers and dates alone is a row. Rows are read by
    pyarrow, the header here: its names must be known before the columns can be declared text.
    """
    text = source.text(encoding)
    header = _read_header(text, delimiter, named)
    check_columns(source.name, header.columns, source.limits)
    rows = 0
    try:
        for batch in _open(source, text, header):
            rows += batch.num_rows
            yield pa.Table.from_batches([batch])
    except pa.ArrowInvalid as error:
        raise _explained(error, source, encoding, header, rows) from None
    if text.quotes % 2:
        _refuse_open_quote(source, encoding, header)
    if rows == 0:
        raise InputError(f"{source.name}: only a header line, no rows; a table needs at least one")


def _open(source: Source, text: CheckedText, header: _Header) -> Iterator[pa.RecordBatch]:
    if not (rest := text.take(1)):
        return
    text.put_back(rest)
    reader = pacsv.open_csv(
        text,
        read_options=pacsv.ReadOptions(
            column_names=header.columns, block_size=source.limits.max_row_bytes, use_threads=False
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=header.delimiter,
            newlines_in_values=True,
            # In one column a blank line is a missing cell, in several it is nothing.
            ignore_empty_lines=len(header.columns) > 1,
        ),
        convert_options=pacsv.ConvertOptions(
            check_utf8=False,  # CheckedText did
            column_types={name: pa.string() for name in header.columns},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    yield from reader


def _read_header(text: CheckedText, delimiter: str | None, named: bool) -> _Header:
    head = text.take(_HEADER)
    sample = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    candidates: list[tuple[_Header, bool]] = []
    for strict in (True, False):  # the wrong delimiter leaves text behind a closing quote; so may a careless writer
        found = [_parse_header(sample, mark, strict) for mark in (delimiter or DELIMITERS)]
        candidates = candidates or [candidate for candidate in found if candidate]
    if not candidates or candidates[0][0].length == _HEADER:
        raise InputError(f"{text.name}: line 1: no header line of at most {_HEADER // MIB} MiB; is this a table?")
    # The right delimiter splits the header, and the first row into as many cells.
    header, _ = max(candidates, key=lambda candidate: (candidate[1], len(candidate[0].columns)))
    if not named and all(_is_value(cell.strip()) for cell in header.columns):
        header = _Header([f"column {number}" for number, _ in enumerate(header.columns, 1)], header.delimiter, 0)
    text.put_back(head[header.length :])
    return header


def _is_value(cell: str) -> bool:
    """Whether a cell is a number or a date rather than a name."""
    try:
        return cell[-1:].isdigit() and float(cell.replace(",", ".")) is not None
    except ValueError:
        return _DATE.fullmatch(cell) is not None


def _parse_header(sample: str, delimiter: str, strict: bool) -> tuple[_Header, bool] | None:
    """The header under one delimiter, and whether the first row has as many cells (of which more than one)."""
    lines = _Counted(sample)
    records = csv.reader(lines, delimiter=delimiter, strict=strict)
    try:
        columns = next(record for record in records if record)
    except (csv.Error, StopIteration):
        return None
    header = _Header(columns, delimiter, lines.bytes)
    try:
        row = next((record for record in records if record), None)
    except csv.Error:  # a cell too long for this reader, though not for the other
        row = None
    return header, len(columns) > 1 and (row is None or len(row) == len(columns))


class _Counted:
    """The lines of a text, and how many bytes of them were handed out."""

    def __init__(self, text: str) -> None:
        self._lines = iter(io.StringIO(text, newline=""))
        self.bytes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.bytes += len(line.encode())
        return line


def _explained(error: Exception, source: Source, encoding: str | None, header: _Header, rows: int) -> InputError:
    message = str(error)
    if "straddl" in message or "block size" in message:
        limit = source.limits.max_row_bytes // MIB
        return InputError(f'{source.name}: a row longer than {limit} MiB after row {rows:,}; is a quote (") left open?')
    for line, record, _ in _records(source, encoding, header.delimiter):
        if record and len(record) != len(header.columns):
            expected = f"{len(header.columns)} cell{'s' * (len(header.columns) > 1)}"
            return InputError(
                f"{source.name}: line {line}: expected {expected}, found {len(record)};"
                f" quote cells that contain {header.delimiter!r} or correct the line"
            )
    return InputError(f"{source.name}: {message.removeprefix('CSV parse error: ').splitlines()[0]}")


def _refuse_open_quote(source: Source, encoding: str | None, header: _Header) -> None:
    """An odd number of quotes may be harmless (5" in a cell) or a cell that swallowed the rest of the file."""
    line, last = 1, ""
    for line, _, last in _records(source, encoding, header.delimiter):  # noqa: B007
        pass
    try:
        for _ in csv.reader(io.StringIO(last, newline=""), delimiter=header.delimiter, strict=True):
            pass
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise InputError(f'{source.name}: line {line}: a quote (") is opened and never closed') from None


def _records(source: Source, encoding: str | None, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Each record with the line it starts on and its text: slow, to explain a failure only."""
    lines = _Remembered(source.text(encoding))
    reader = csv.reader(lines, delimiter=delimiter)
    start = 1
    while True:
        lines.text.clear()
        try:
            record = next(reader)
        except (StopIteration, csv.Error):
            return
        yield start, record, "".join(lines.text)
        start = reader.line_num + 1


class _Remembered:
    """The lines of a checked text, remembering those of the current record."""

    def __init__(self, text: CheckedText) -> None:
        self._lines = io.TextIOWrapper(io.BufferedReader(text, MIB), encoding="utf-8", newline="")
        self.text: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.text.append(line)
        return line
