"""Where a table has gaps, how a model fills them, and how they are filled in a file that else stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from genapps.io.splice import replace_cells
from genapps.io.writers import TableWriter
from genapps_tabular.fitting import UNLEARNT
from genapps_tabular.model import TableModel
from genapps_tabular.schema import ColumnSchema, Schema

FRESH = ("identifier", "text")  # a fresh value would fill the gap, and mean nothing


@dataclass(frozen=True)
class Filled:
    """A table without the gaps that could be filled; `cells` has a filled column's new values, null elsewhere."""

    rows: pa.Table
    cells: dict[str, pa.ChunkedArray]
    left: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """How many gaps of each column were filled."""
        return {name: len(values) - values.null_count for name, values in self.cells.items()}


def gaps_of(column: pa.ChunkedArray, schema: ColumnSchema) -> pa.ChunkedArray:
    """Which cells hold no value: empty ones, and those with a word that means "none" in this column."""
    gaps = pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))
    if schema.missing and pa.types.is_string(column.type):
        gaps = pc.or_(gaps, pc.is_in(column, value_set=pa.array(schema.missing, column.type)))
    return gaps


def gaps_in(table: pa.Table, schema: Schema) -> dict[str, pa.ChunkedArray]:
    """Which cells hold no value, of each column that has such cells, in the order of the table."""
    found = {name: gaps_of(table.column(name), schema[name]) for name in table.column_names}
    return {name: gaps for name, gaps in found.items() if pc.any(gaps).as_py()}


def may_be_told(gaps: Iterable[str], schema: Schema) -> bool:
    """Whether a model that has yet to learn might fill one of these columns."""
    return any(schema[name].kind not in UNLEARNT for name in gaps)


def fill_gaps(model: TableModel | None, table: pa.Table, gaps: Mapping[str, pa.ChunkedArray], seed: int) -> Filled:
    """Fill each gap by a draw given what is known of its row; those of identifiers and the like are left.

    Without a model all are left.
    """
    told = [name for name in gaps if model and _told(model, name)]
    left = {name: pc.sum(gap).as_py() for name, gap in gaps.items() if name not in told}
    if model is None or not told:
        return Filled(table, {}, left)
    drawn = model.fill(table, seed=seed)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    cells: dict[str, pa.ChunkedArray] = {}
    for name in told:
        column = columns[name]
        cells[name] = pc.if_else(gaps[name], drawn.column(name).cast(column.type), pa.scalar(None, column.type))
        columns[name] = pc.if_else(gaps[name], cells[name], column)
    return Filled(pa.table(list(columns.values()), schema=table.schema), cells, left)


def _told(model: TableModel, name: str) -> bool:
    return bool(model.codec.parts.get(name)) and model.codec.schema[name].kind not in FRESH


def write_filled(filled: Filled, source: str, output: str, encoding: str | None) -> None:
    """Write the filled table: byte for byte the source but for its gaps where both are text of the same format."""
    if source not in ("", "-") and (output == "-" or suffix(source) == suffix(output)):
        cells = {name: values.cast(pa.string()) for name, values in filled.cells.items()}
        if replace_cells(source, output, filled.rows.column_names, cells, len(filled.rows), encoding):
            return
    with TableWriter(output) as writer:
        writer.write(filled.rows)


def suffix(path: str) -> str:
    """The suffix that tells the format, `.gz` apart."""
    return "".join(Path(path.lower()).suffixes[-2:]).removesuffix(".gz")
