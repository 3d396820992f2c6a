"""Any Arrow table in the types that codecs know: numbers, booleans, decimals, dates and times, and text."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from genapps.errors import InputError


def plain(table: pa.Table, name: str = "the table") -> pa.Table:
    """Decode dictionaries, unwrap extensions, make every text `string` and nested values JSON text; drop the metadata.

    Raises InputError, prefixed by `name`, for a column of bytes that are no text.
    """
    columns = [_plain(column, label, name) for label, column in zip(table.column_names, table.columns, strict=True)]
    if not columns:
        return table.replace_schema_metadata(None)
    return pa.Table.from_arrays(columns, names=table.column_names)


def _plain(column: pa.ChunkedArray, label: str, name: str) -> pa.ChunkedArray:
    kind = column.type
    if _is_plain(kind):
        return column
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), label, name)
    if pa.types.is_run_end_encoded(kind):
        return _plain(
            pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type), label, name
        )
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name != "arrow.uuid":
        return _plain(column.cast(kind.storage_type), label, name)
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if _is_text(kind) or _is_binary(kind):
        try:
            return column.cast(pa.string())
        except pa.ArrowInvalid:
            raise InputError(f"{name}: column {label!r} holds bytes that are no text; leave it out") from None
    return pa.chunked_array([[_json(value) for value in column.to_pylist()]], pa.string())


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    return (
        kind == pa.string()
        or types.is_null(kind)
        or types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_float32(kind)
        or types.is_float64(kind)
        or types.is_decimal(kind)
        or (types.is_temporal(kind) and not types.is_interval(kind))
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _json(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
