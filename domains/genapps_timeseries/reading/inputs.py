"""Where series come from: a file, standard input, a data frame or an array, each to be read as often as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps.errors import InputError, UsageError
from genapps.io.frames import to_arrow
from genapps.io.limits import DEFAULT, Limits
from genapps.io.room import CHUNK, room
from genapps.io.source import open_source
from genapps.io.tables import BATCH_ROWS, tables_of
from genapps_timeseries.reading.columns import cells_of, named
from genapps_timeseries.series import Series

Progress = Callable[[int, int], None]


class Input:
    """A table that can be read again and again, in batches; standard input is kept on disk meanwhile.

    source: a path, "-", a pandas, polars or pyarrow table, or numbers (N,) or (N, C). Use as a context manager.
    Raises what genapps.io.tables raises, UsageError for what is no table.
    """

    def __init__(self, source: Any, *, encoding: str | None = None, limits: Limits = DEFAULT) -> None:
        self._stack = ExitStack()
        self._table: pa.Table | None = None
        self._encoding = encoding
        self.decimal_comma = False
        if isinstance(source, (str, Path)):
            self._source = self._stack.enter_context(open_source(source, limits))
            self.name, self.size = self._source.name, self._source.size
            header = self._source.head.partition(b"\n")[0]
            self.decimal_comma = header.count(b";") > header.count(b",")  # where semicolons part the cells
        else:
            self._table = _table_of(source)
            self.name, self.size = "the table", self._table.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; it cannot be read any more."""
        self._stack.close()

    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(next(iter(self.tables())).column_names)

    def tables(self, progress: Progress | None = None) -> Iterator[pa.Table]:
        """The rows from the first on; `progress` is told how many bytes (rows of a frame) of how many are done."""
        if self._table is None:
            for table in tables_of(self._source, encoding=self._encoding, header=False):
                yield named(table)
                if progress is not None:
                    progress(self._source.file.tell(), self.size)
            return
        for start in range(0, self._table.num_rows, BATCH_ROWS):
            yield self._table.slice(start, BATCH_ROWS)
            if progress is not None:
                progress(min(start + BATCH_ROWS, self.size), self.size)


def stamps(
    source: Any, column: str, rows: int | None = None, *, hours: str = "", encoding: str | None = None
) -> Iterator[list[str]]:
    """The text of the time column as the input has it, in its order, batch by batch; row numbers where it has none.

    column, hours: those of `Clock`. rows: how many there were when it was read first; a file may have grown since. An
    `Input` is read from its start again, anything else opened anew. Raises InputError where it has become shorter.
    """
    with ExitStack() as stack:
        given = source if isinstance(source, Input) else stack.enter_context(Input(source, encoding=encoding))
        seen = 0
        for table in given.tables():
            part = table if rows is None else table.slice(0, rows - seen)
            yield (
                _texts(cells_of(part, column, hours))
                if column
                else [str(row) for row in range(seen, seen + part.num_rows)]
            )
            seen += part.num_rows
            if seen == rows:
                return
        if rows is not None and seen < rows:
            raise InputError(f"{given.name}: has become shorter while it was read; give a file that does not change")


def in_input_order(
    series: Sequence[Series], results: Sequence[NDArray[Any]], rows: int, missing: Any = np.nan
) -> NDArray[Any]:
    """What was found out about the rows of each series, (n,) or (n, K), laid out as the `rows` of the input.

    Rows of one stamp all get what their one row of the series got; rows that are in no series get `missing`. Large
    ones lie in a temporary file (genapps.io.room).
    """
    first = results[0]
    out = room((rows, *first.shape[1:]), first.dtype)
    out[:] = missing
    for one, result in zip(series, results, strict=True):
        for start in range(0, len(one), CHUNK):
            part = one.rows[start : start + CHUNK]
            out[part[part >= 0]] = result[start : start + CHUNK][part >= 0]
        out[one.copies[:, 0]] = result[one.copies[:, 1]]
    return out


def _texts(column: pa.ChunkedArray) -> list[str]:
    text = column if pa.types.is_string(column.type) else column.cast(pa.string())
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":  # Arrow writes nine digits, be they all 0
        text = pc.replace_substring_regex(text, r"\.0+((?:Z|[+-]\d{4})?)$", r"\1")
    return [cell or "" for cell in text.to_pylist()]


def _table_of(source: Any) -> pa.Table:
    """The table of a frame, its index as a column where that tells the time, or of an array of numbers."""
    names = {(base.__module__.partition(".")[0], base.__name__) for base in type(source).__mro__}
    if ("pandas", "Series") in names or ("polars", "Series") in names:
        source = source.to_frame(source.name or "value")
    if names & {("pandas", "Series"), ("pandas", "DataFrame")}:
        source = _with_index(source)
    if isinstance(source, (np.ndarray, list, tuple)):
        return _table_of_numbers(source)
    table, _ = to_arrow(source)
    if table.num_rows == 0:
        raise InputError("the table has no rows; a series needs at least two")
    return table


def _with_index(frame: Any) -> Any:
    index = frame.index
    kind = type(index).__name__
    if kind == "RangeIndex" or (index.name is None and kind not in ("DatetimeIndex", "PeriodIndex", "TimedeltaIndex")):
        return frame
    name = index.name or "time"
    return frame if name in frame.columns else frame.rename_axis(name).reset_index()


def _table_of_numbers(source: Any) -> pa.Table:
    try:
        array = np.asarray(source, np.float64)
    except (TypeError, ValueError):
        raise UsageError("the array holds more than numbers; give numbers (N,) or (N, C), or a data frame") from None
    if array.ndim not in (1, 2) or array.size == 0:
        raise UsageError(f"an array of shape {array.shape} is no series; give numbers (N,) or (N, C)")
    columns = array[:, None].T if array.ndim == 1 else array.T
    return pa.table({f"channel {c + 1}": pa.array(column) for c, column in enumerate(columns)})
