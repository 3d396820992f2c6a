"""Write a table piece by piece: whole or not at all, in the format its name asks for."""

import contextlib
import gzip
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from genapps.errors import UsageError
from genapps.io.atomic import check_target, replacing, write_errors
from genapps.io.rendering import csv_bytes, csv_header, jsonl_bytes, spreadsheet_safe_names, spreadsheet_safe_table

_FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_DELIMITERS = {"csv": ",", "tsv": "\t"}


def output_format(target: str | Path) -> tuple[str, bool]:
    """The format a target's suffix asks for and whether it is compressed; `-`, a device and a pipe take CSV.

    Raises UsageError for a suffix that stands for no table.
    """
    path = Path(target)
    if str(target) == "-" or (path.exists() and not path.is_file() and not path.is_dir()):
        return "csv", False
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = suffixes[-1:] == [".gz"]
    if compressed:
        del suffixes[-1]
    found = _FORMATS.get(suffixes[-1]) if suffixes else None
    if found is None:
        raise UsageError(f"{target}: a table's name ends in .csv, .tsv, .jsonl or .parquet (or .csv.gz and so on)")
    if compressed and found == "parquet":
        raise UsageError(f"{target}: Parquet is compressed inside; leave out the .gz")
    return found, compressed


def check_output(target: str | Path, *, spreadsheet_safe: bool = False) -> None:
    """Refuse a target that could not be written, before the work that makes its rows; raises as TableWriter does."""
    kind, _ = output_format(target)
    if spreadsheet_safe and kind not in _DELIMITERS:
        raise UsageError(f"{target}: --spreadsheet-safe is for .csv and .tsv; leave it out")
    if str(target) != "-":
        check_target(target)


class TableWriter:
    """A context manager that writes tables of one schema, one after another, to a file or `-` (standard output).

    A file appears only when the block ends well; after any error or Ctrl-C the old one is intact and nothing is left
    behind. With `spreadsheet_safe`, cells a spreadsheet would run as formulas get an apostrophe in front. In CSV a null
    is an empty cell and an empty text is `""`. A reader that closes the pipe early ends the block without an error.
    Raises UsageError for a suffix or folder that will not do, GenappsError for a full disk or missing permission.
    """

    def __init__(self, target: str | Path, *, spreadsheet_safe: bool = False) -> None:
        check_output(target, spreadsheet_safe=spreadsheet_safe)
        self.target = target
        self.rows = 0
        self._safe = spreadsheet_safe
        self._schema: pa.Schema | None = None
        self._sink: _Sink | None = None
        self._context: contextlib.AbstractContextManager[_Sink] | None = None

    def __enter__(self) -> Self:
        self._context = _opened(self.target, self._safe)
        self._sink = self._context.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        context, self._sink, self._context = self._context, None, None
        if context is None:
            raise RuntimeError("TableWriter was left before it was entered")
        return context.__exit__(kind, error, trace)

    def write(self, table: pa.Table) -> None:
        """Append rows; the first table fixes the columns and their types."""
        if self._sink is None:
            raise RuntimeError("TableWriter writes inside its with block only")
        if self._schema is None:
            self._schema = table.schema.remove_metadata()
        if table.schema != self._schema:
            table = table.cast(self._schema)
        self._sink.write(table.replace_schema_metadata(None))
        self.rows += table.num_rows


class _Sink(Protocol):
    def write(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


@contextlib.contextmanager
def _opened(target: str | Path, safe: bool) -> Iterator[_Sink]:
    kind, compressed = output_format(target)
    with contextlib.ExitStack() as stack:
        handle: BinaryIO = stack.enter_context(_standard_output() if str(target) == "-" else replacing(target))
        if compressed:
            # Neither name nor time in the file: equal rows give equal bytes.
            handle = stack.enter_context(cast(BinaryIO, gzip.GzipFile("", "wb", 6, handle, mtime=0)))
        sink: _Sink
        if kind == "parquet":
            sink = _ParquetSink(handle)
        elif kind == "jsonl":
            sink = _JsonlSink(handle)
        else:
            sink = _CsvSink(handle, _DELIMITERS[kind], safe)
        try:
            yield sink
            sink.close()
        except BaseException:
            sink.abandon()
            raise


@contextlib.contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    stream = sys.stdout.buffer
    try:
        with write_errors("stdout"):
            yield stream
            stream.flush()
    except BrokenPipeError:
        # The reader has what it wanted. What is still buffered must go somewhere when Python flushes at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class _CsvSink:
    def __init__(self, handle: BinaryIO, delimiter: str, safe: bool) -> None:
        self._handle, self._delimiter, self._safe = handle, delimiter, safe
        self._started = False

    def write(self, table: pa.Table) -> None:
        if not self._started:
            names = spreadsheet_safe_names(table.column_names) if self._safe else table.column_names
            self._handle.write(csv_header(names, self._delimiter))
            self._started = True
        if self._safe:
            table = spreadsheet_safe_table(table)
        for data in csv_bytes(table, self._delimiter):
            self._handle.write(data)

    def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass


class _JsonlSink:
    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle

    def write(self, table: pa.Table) -> None:
        for data in jsonl_bytes(table):
            self._handle.write(data)

    def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass


class _ParquetSink:
    """Every table written is a row group (or several, beyond a million rows)."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._handle, table.schema, compression="zstd")
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._handle, pa.schema([]))
        self._writer.close()

    def abandon(self) -> None:
        # Unclosed, it would write its footer when it is collected, to a handle that is gone by then.
        if self._writer is not None:
            with contextlib.suppress(Exception):
                self._writer.close()
            self._writer.is_open = False
