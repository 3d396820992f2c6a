"""Schemas as SDV's metadata JSON, of its versions 1 and 2, and back; SDV itself is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from genapps.errors import InputError
from genapps.suggest import did_you_mean
from genapps_tabular.detection import detect_column
from genapps_tabular.schema import ColumnSchema, Kind, Schema

_TO: dict[str, str] = {
    "number": "numerical",
    "category": "categorical",
    "boolean": "boolean",
    "datetime": "datetime",
    "date": "datetime",
    "time": "categorical",
    "identifier": "id",
    "text": "id",
    "constant": "categorical",
}
_FROM: dict[str, Kind] = {"numerical": "number", "categorical": "category", "boolean": "boolean", "id": "identifier"}


def to_sdv(schema: Schema, table: str) -> dict[str, Any]:
    """Metadata of one table in the form of SDV 2 (also read by 1.17 and later)."""
    columns = {column.name: _to_column(column) for column in schema.columns}
    return {"METADATA_SPEC_VERSION": "V1", "tables": {table: {"columns": columns}}, "relationships": []}


def _to_column(column: ColumnSchema) -> dict[str, Any]:
    if column.kind == "boolean" and column.dtype != "bool":
        return {"sdtype": "categorical"}
    plain = {"sdtype": _TO[column.kind]}
    if plain["sdtype"] == "datetime" and column.format:
        plain["datetime_format"] = column.format.replace("%-", "%").replace("%P", "%p")
    return plain


def from_sdv(metadata: Mapping[str, Any], table: pa.Table) -> Schema:
    """A table's schema from metadata; the rows tell what metadata does not. InputError for what does not fit them."""
    columns = _columns(metadata)
    for name in columns:
        if name not in table.column_names:
            raise InputError(f"metadata: the table has no column '{name}'.{did_you_mean(name, table.column_names)}")
    found = []
    for name in table.column_names:
        column = detect_column(name, table.column(name))
        found.append(_told(column, columns[name]) if name in columns else column)
    return Schema(tuple(found))


def _columns(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The columns of the only table there is."""
    tables = metadata.get("tables", {"table": metadata})
    if not isinstance(tables, Mapping) or len(tables) != 1:
        names = ", ".join(map(str, tables)) if isinstance(tables, Mapping) else tables
        raise InputError(f"metadata: needs exactly one table and has {names or 'none'}; keep the one for these rows")
    (only,) = tables.values()
    columns = only.get("columns") if isinstance(only, Mapping) else None
    if not isinstance(columns, Mapping):
        raise InputError('metadata: the table has no "columns"')
    return columns


def _told(column: ColumnSchema, told: Any) -> ColumnSchema:
    """A detected column as metadata tells it; personal data of any sdtype are identifiers."""
    sdtype = told.get("sdtype") if isinstance(told, Mapping) else None
    if not isinstance(sdtype, str):
        raise InputError(f"metadata: column '{column.name}' has no sdtype")
    if column.kind == "constant":
        return column
    if sdtype == "datetime":
        return _dated(column, told.get("datetime_format"))
    kind = _FROM.get(sdtype, "identifier")
    if kind == column.kind or (kind == "category" and column.kind == "boolean"):
        return column
    if kind == "identifier" and column.kind == "text":
        return column
    changed = replace(column, kind=kind, format=None) if column.format else replace(column, kind=kind)
    changed.check()
    return changed


def _dated(column: ColumnSchema, format: Any) -> ColumnSchema:
    if column.kind in ("datetime", "date", "time"):
        return column
    clock = format is None or any(letter in format for letter in ("%H", "%I"))
    changed = replace(column, kind="datetime" if clock else "date", format=format, decimals=None, least_decimals=0)
    changed.check()
    return changed
