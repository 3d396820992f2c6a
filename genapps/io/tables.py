"""Read a table from CSV, TSV, JSON lines, a JSON array or Parquet, at once or in a stream of bounded memory."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from genapps.errors import InputError
from genapps.io import delimited, jsonlines, parquet
from genapps.io.limits import DEFAULT, MIB, Limits
from genapps.io.source import Source, open_source

BATCH_ROWS = 65_536


def read_table(
    source: str | Path, *, encoding: str | None = None, limits: Limits = DEFAULT, rows: int | None = None
) -> pa.Table:
    """The whole table, or its first `rows` rows; `-` is standard input.

    CSV columns are text, an empty cell without quotes is null; JSON and Parquet keep their types, dictionaries decoded
    and nested values as JSON text. The format is told by suffix and first bytes.
    Raises UsageError for a path that is no file or an unknown encoding, GenappsError without permission, InputError
    naming line or column for what is no sound table.
    """
    with open_source(source, limits) as opened:
        return pa.concat_tables(_tables(opened, encoding, rows, BATCH_ROWS))


def iter_tables(
    source: str | Path,
    *,
    batch_rows: int = BATCH_ROWS,
    encoding: str | None = None,
    limits: Limits = DEFAULT,
    rows: int | None = None,
) -> Iterator[pa.Table]:
    """The same table as a stream of `batch_rows` rows each (the last may be shorter), in bounded memory."""
    with open_source(source, limits) as opened:
        yield from tables_of(opened, batch_rows=batch_rows, encoding=encoding, rows=rows)


def tables_of(
    source: Source,
    *,
    batch_rows: int = BATCH_ROWS,
    encoding: str | None = None,
    rows: int | None = None,
    header: bool = True,
) -> Iterator[pa.Table]:
    """The same from the start of an opened source, which can be read again and again, standard input too.

    Where `header` is false, a first line of CSV with nothing but numbers and dates is a row; columns are then named by
    their position: column 1, column 2 ...
    """
    return rebatch(_tables(source, encoding, rows, batch_rows, header), batch_rows)


def rebatch(tables: Iterable[pa.Table], batch_rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of exactly `batch_rows` each, but for the last."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        if count >= batch_rows:
            joined = pa.concat_tables(held)
            full = count - count % batch_rows
            for start in range(0, full, batch_rows):
                yield joined.slice(start, batch_rows)
            held, count = [joined.slice(full)], count - full
    if count:
        yield pa.concat_tables(held)


def _tables(
    source: Source, encoding: str | None, rows: int | None, batch_rows: int, header: bool = True
) -> Iterator[pa.Table]:
    """The tables of any format, cells and rows counted, cut after `rows`."""
    seen = 0
    for table in _parsed(source, encoding, rows, batch_rows, header):
        kept = table if rows is None else table.slice(0, rows - seen)
        _check_cells(kept, source, seen)
        seen += kept.num_rows
        if seen > source.limits.max_rows:
            raise InputError(f"{source.name}: more than the {source.limits.max_rows:,} rows allowed; split the file")
        yield kept
        if rows is not None and seen >= rows:
            return


def _parsed(
    source: Source, encoding: str | None, rows: int | None, batch_rows: int, header: bool
) -> Iterator[pa.Table]:
    start = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if source.head.startswith(parquet.MAGIC):
        return parquet.read_parquet(source, batch_rows)
    if source.suffix in {".parquet", ".pq"}:
        raise InputError(f"{source.name}: not a Parquet file, whatever its name says; give it the suffix of its format")
    if source.suffix in {".jsonl", ".ndjson", ".json"} or (not source.suffix and start.startswith((b"{", b"[{"))):
        return jsonlines.read_json(source, encoding, rows)
    delimiter = "\t" if source.suffix in {".tsv", ".tab"} else None
    return delimited.read_delimited(source, encoding, delimiter, header)


def _check_cells(table: pa.Table, source: Source, before: int) -> None:
    limit = source.limits.max_cell_bytes
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type) and column.nbytes > limit:
            lengths = pc.binary_length(column)
            if (pc.max(lengths).as_py() or 0) > limit:
                row = before + pc.index(pc.greater(lengths, limit), True).as_py() + 1
                raise InputError(
                    f"{source.name}: row {row:,}, column {name!r}: a cell longer than {limit // MIB} MiB;"
                    ' is a quote (") left open?'
                )
