"""A table of records as the variables of a model, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.errors import UsageError
from genapps.spaces import Categorical, Columns, Constraint
from genapps.suggest import did_you_mean
from genapps_tabular.columns import CODECS, fit_column
from genapps_tabular.columns.base import CodecConfig, ColumnCodec, Draw, flat
from genapps_tabular.columns.categories import Categories
from genapps_tabular.columns.identifiers import Fresh
from genapps_tabular.columns.neighbors import alike
from genapps_tabular.conditions import Condition
from genapps_tabular.schema import ColumnSchema, Schema

CHUNK = 131_072  # rows encoded at a time: bounds the memory beside the result

__all__ = ["CodecConfig", "TableCodec"]


class TableCodec:
    """The codecs of a table's columns side by side.

    `space` holds the variables in column order; `parts` says which ones each column owns.
    """

    def __init__(self, schema: Schema, config: CodecConfig, columns: Sequence[ColumnCodec]) -> None:
        self.schema, self.config, self.columns = schema, config, tuple(columns)
        self.space = Columns(tuple(v for column in self.columns for v in column.variables))
        self.parts: dict[str, tuple[int, ...]] = {}
        first = 0
        for column in self.columns:
            self.parts[column.schema.name] = tuple(range(first, first + len(column.variables)))
            first += len(column.variables)

    @classmethod
    def fit(cls, table: pa.Table, schema: Schema, config: CodecConfig, generator: np.random.Generator) -> TableCodec:
        """Learn the coding of each column from a table that fits the schema."""
        columns = []
        for column in schema.columns:
            array = flat(table.column(column.name))
            columns.append(fit_column(array, column, config, generator))
        return cls(schema, config, _arranged(table, columns))

    def reserve(self, table: pa.Table) -> None:
        """Keep the identifiers of further rows, which were not learnt, from coming back in what is decoded."""
        for column in self.columns:
            if isinstance(column, Fresh):
                column.reserve(flat(table.column(column.schema.name)))

    def encode(self, table: pa.Table, *, missing: Literal["token", "unknown"] = "token") -> NDArray[Any]:
        """Rows to codes (N, D): int32 if every variable is categorical, else float32.

        A value that was never seen is unknown (-1, or NaN); with missing="unknown" a missing value is unknown, too.
        """
        kind = np.int32 if self.space.discrete else np.float32
        codes = np.empty((table.num_rows, len(self.space.variables)), kind)
        for start in range(0, table.num_rows, CHUNK):
            chunk = table.slice(start, CHUNK)
            for column in self.columns:
                if not column.variables:
                    continue
                array = flat(chunk.column(column.schema.name))
                unknown = column.absent(array) if missing == "unknown" else None
                for variable, values in zip(self.parts[column.schema.name], column.encode(array), strict=True):
                    codes[start : start + CHUNK, variable] = self._with_unknown(variable, values, unknown)
        return codes

    def _with_unknown(self, variable: int, values: NDArray[Any], unknown: NDArray[np.bool_] | None) -> NDArray[Any]:
        """Codes as they go into a batch: unknown ones -1, or NaN among floats."""
        if unknown is not None:
            values = np.where(unknown, -1 if values.dtype.kind == "i" else np.nan, values)
        if self.space.discrete or not isinstance(self.space.variables[variable], Categorical):
            return values
        return np.where(values < 0, np.nan, values)

    def decode(
        self,
        codes: NDArray[Any],
        generator: np.random.Generator,
        *,
        conditions: Mapping[str, Condition] = {},
        first_row: int = 0,
        seed: int = 0,
    ) -> pa.Table:
        """Codes (N, D) to rows; what a code leaves open is drawn from `generator`, inside the conditions."""
        by_variable = np.asfortranarray(codes)
        arrays = []
        for column in self.columns:
            condition = conditions.get(column.schema.name)
            draw = Draw(generator, None if condition is None else column.resolved(condition), first_row, seed)
            parts = tuple(self._codes(by_variable, variable) for variable in self.parts[column.schema.name])
            arrays.append(column.decode(parts, len(codes), draw))
        return pa.table(arrays, names=list(self.schema.names))

    def _codes(self, by_variable: NDArray[Any], variable: int) -> NDArray[Any]:
        """A variable as its column reads it: whole codes (unknown -1), or scores (unknown NaN)."""
        values = by_variable[:, variable]
        if not isinstance(self.space.variables[variable], Categorical) or values.dtype.kind == "i":
            return values
        return np.asarray(np.nan_to_num(values, nan=-1), np.int64)

    def constraints(self, conditions: Mapping[str, Condition]) -> tuple[Constraint, ...]:
        """What the conditions mean to a model; UsageError for an unknown column or a condition that cannot hold."""
        found = []
        for name, condition in conditions.items():
            column = self._column(name)
            constraint = column.constraint(column.resolved(condition))
            if constraint.variables:
                found.append(self._placed(name, constraint))
        return tuple(found)

    def present(self, columns: Sequence[str]) -> tuple[Constraint, ...]:
        """The constraint "not missing" for those of these columns that can be missing."""
        found = ((name, self._column(name).present()) for name in columns)
        return tuple(self._placed(name, constraint) for name, constraint in found if constraint is not None)

    def _placed(self, name: str, constraint: Constraint) -> Constraint:
        return replace(constraint, variables=self.parts[name])

    def _column(self, name: str) -> ColumnCodec:
        for column in self.columns:
            if column.schema.name == name:
                return column
        raise UsageError(f"there is no column '{name}'.{did_you_mean(name, self.schema.names)}")

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and plain JSON from which `from_state` makes an equal codec."""
        arrays: dict[str, NDArray[Any]] = {}
        settings = []
        for i, column in enumerate(self.columns):
            own, plain = column.state()
            arrays |= {f"{i}/{key}": value for key, value in own.items()}
            settings.append({"codec": column.kind, "schema": column.schema.to_json(), "settings": plain})
        return arrays, {"config": asdict(self.config), "columns": settings}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> TableCodec:
        """The inverse of `state`."""
        columns = []
        for i, plain in enumerate(settings["columns"]):
            schema = ColumnSchema.from_json(plain["schema"])
            prefix = f"{i}/"
            own = {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
            columns.append(CODECS[plain["codec"]].from_state(schema, own, plain["settings"]))
        return cls(Schema(tuple(c.schema for c in columns)), CodecConfig(**settings["config"]), columns)


def _arranged(table: pa.Table, columns: list[ColumnCodec]) -> list[ColumnCodec]:
    """The columns' codecs; very many categories are arranged so that those that behave alike share their digits."""
    many = [i for i, c in enumerate(columns) if isinstance(c, Categories) and len(c.sizes) > 1]
    if not many:
        return columns
    rows = table.slice(0, CHUNK)
    others = [
        codes.astype(np.int64)
        for i, column in enumerate(columns)
        if i not in many and all(isinstance(v, Categorical) for v in column.variables)
        for codes in column.encode(flat(rows.column(column.schema.name)))
    ]
    arranged = list(columns)
    for i in many:
        column = columns[i]
        assert isinstance(column, Categories)
        values = column.index(flat(rows.column(column.schema.name)))
        key = alike(values, len(column.words), others)
        if key is not None:
            arranged[i] = column.arranged(key)
    return arranged
