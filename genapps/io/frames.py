"""Any data frame to Arrow, and the rows made from it back to the same kind; a library is used only for its own data."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from genapps.errors import InputError, UsageError
from genapps.io.limits import DEFAULT, check_columns
from genapps.io.plain import plain
from genapps.io.tables import read_table

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Back = Callable[[pa.Table], Any]


def to_arrow(data: Any) -> tuple[pa.Table, Back]:
    """A table in plain Arrow types and the way back to the kind of `data`.

    Takes a pandas or polars frame, a pyarrow table or record batch, anything that speaks Arrow's stream interface, or
    the path of a table (these come back as pyarrow tables). Mixed columns become text. Raises UsageError for anything
    else, InputError for two columns of one name or for a frame without columns.
    """
    if isinstance(data, (str, Path)):
        return read_table(data), _same
    kinds = {(base.__module__.partition(".")[0], base.__name__) for base in type(data).__mro__}
    if ("pandas", "DataFrame") in kinds:
        return _from_pandas(data)
    if ("polars", "DataFrame") in kinds or ("polars", "LazyFrame") in kinds:
        return _from_polars(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return _checked(plain(_arrow_table(data))), _same
    raise UsageError(
        f"cannot read a table from {type(data).__name__}; give a pandas, polars or pyarrow table, or a path"
    )


def _same(table: pa.Table) -> pa.Table:
    return table


def _arrow_table(data: Any) -> pa.Table:
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    return data if isinstance(data, pa.Table) else pa.table(data)


def _checked(table: pa.Table) -> pa.Table:
    check_columns("the table", table.column_names, DEFAULT)
    if table.num_columns == 0:
        raise InputError("the table has no columns; a table needs at least one")
    return table


def _from_pandas(frame: "pd.DataFrame") -> tuple[pa.Table, Back]:
    labels = {str(label): label for label in frame.columns}
    check_columns("the table", [str(label) for label in frame.columns], DEFAULT)
    kinds = {str(label): frame[label].dtype for label in frame.columns}
    arrays = [_pandas_array(frame[label]) for label in frame.columns]
    table = _checked(plain(pa.Table.from_arrays(arrays, names=list(labels))))

    def back(rows: pa.Table) -> "pd.DataFrame":
        made = rows.to_pandas()
        for name in made.columns.intersection(list(kinds)):
            made[name] = _as_kind(made[name], kinds[name])
        made.columns = made.columns.map(lambda name: labels.get(name, name))
        return made

    return table, back


def _pandas_array(column: "pd.Series[Any]") -> pa.Array | pa.ChunkedArray:
    # Periods and intervals lose their meaning as Arrow's numbers and structs.
    if not str(column.dtype).startswith(("period", "interval")):
        try:
            return pa.array(column, from_pandas=True)
        except (pa.ArrowException, OverflowError):
            pass  # objects of several kinds, or of one that Arrow does not know
    texts = [None if lost else str(value) for value, lost in zip(column, column.isna(), strict=True)]
    return pa.array(texts, pa.string())


def _as_kind(column: "pd.Series[Any]", kind: Any) -> "pd.Series[Any]":
    """A column in its old dtype where its values allow: missing ones cannot be plain integers."""
    if column.dtype == kind:
        return column
    try:
        return column.astype(kind)
    except (ValueError, TypeError, OverflowError):
        return column


def _from_polars(frame: "pl.DataFrame | pl.LazyFrame") -> tuple[pa.Table, Back]:
    import polars as pl

    eager = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    kinds = dict(eager.schema)

    def back(rows: pa.Table) -> "pl.DataFrame | pl.LazyFrame":
        columns = pl.DataFrame(rows).get_columns()
        made = pl.DataFrame([_as_polars_kind(column, kinds.get(column.name, column.dtype)) for column in columns])
        return made.lazy() if isinstance(frame, pl.LazyFrame) else made

    return _checked(plain(_polars_table(eager))), back


def _as_polars_kind(column: "pl.Series", kind: Any) -> "pl.Series":
    from polars.exceptions import PolarsError

    try:
        return column.cast(kind)
    except PolarsError:  # nested values stay text, new categories do not fit an enumeration
        return column


def _polars_table(frame: "pl.DataFrame") -> pa.Table:
    """Arrow columns; those of Python objects, which Arrow refuses, as text."""
    import polars as pl

    objects = [name for name, kind in frame.schema.items() if kind == pl.Object]
    texts = [
        pl.Series(name, [None if value is None else str(value) for value in frame[name]], dtype=pl.String)
        for name in objects
    ]
    return frame.with_columns(texts).to_arrow()
