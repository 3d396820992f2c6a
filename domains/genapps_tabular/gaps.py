"""Where a table has gaps, how a model fills them, and how they are filled in a file that else stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from genapps.io.splice import replace_cells
from genapps.io.writers import TableWriter
from genapps_tabular.model import TableModel
from genapps_tabular.schema import ColumnSchema

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


def fill_gaps(model: TableModel, table: pa.Table, seed: int) -> Filled:
    """Fill each gap by a draw given what is known of its row; those of identifiers and the like are left."""
    drawn = model.fill(table, seed=seed)
    columns: list[pa.ChunkedArray] = []
    cells: dict[str, pa.ChunkedArray] = {}
    left: dict[str, int] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        gaps = gaps_of(column, model.codec.schema[name])
        count = pc.sum(gaps).as_py() or 0
        told = model.codec.parts.get(name) and model.codec.schema[name].kind not in FRESH
        if count and told:
            cells[name] = pc.if_else(gaps, drawn.column(name).cast(column.type), pa.scalar(None, column.type))
            column = pc.if_else(gaps, cells[name], column)
        elif count:
            left[name] = count
        columns.append(column)
    return Filled(pa.table(columns, schema=table.schema), cells, left)


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
