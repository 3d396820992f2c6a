"""Parquet, streamed by batches after what its footer declares has been weighed against its size on disk."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from genapps.errors import InputError
from genapps.io.footer import declared_values
from genapps.io.limits import MIB, check_columns
from genapps.io.plain import plain
from genapps.io.source import Source

MAGIC = b"PAR1"
# Bytes a decoded value takes at least, by physical type; a text's own bytes are counted as they come.
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 8, "BYTE_ARRAY": 4}
_TEXT_FREE = 1024 * MIB


def read_parquet(source: Source, batch_rows: int) -> Iterator[pa.Table]:
    """Tables of at most `batch_rows` rows in plain types; InputError for damage and for sizes out of proportion."""
    if source.compressed:
        raise InputError(f"{source.name}: a Parquet file inside gzip; decompress it first: gunzip")
    try:
        yield from _read(source, batch_rows)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{source.name}: the Parquet file is damaged or cut short ({reason}); copy it again") from None


def _read(source: Source, batch_rows: int) -> Iterator[pa.Table]:
    source.file.seek(0)
    file = pq.ParquetFile(source.file)
    names = [name for name in file.schema_arrow.names if name not in _index_columns(file.schema_arrow)]
    check_columns(source.name, names, source.limits)
    _check_declared(file, source)
    if file.metadata.num_rows == 0 or not names:
        raise InputError(f"{source.name}: no rows; a table needs at least one")
    # Texts stay codes into their dictionary until their decoded size has been counted.
    coded = [leaf.path for leaf in _leaves(file.schema) if leaf.physical_type == "BYTE_ARRAY"]
    source.file.seek(0)
    file = pq.ParquetFile(source.file, read_dictionary=coded, buffer_size=MIB)
    text = rows = 0
    for batch in file.iter_batches(batch_rows):
        text += sum(_text_bytes(column) for column in batch.columns)
        if text > max(_TEXT_FREE, source.limits.max_expansion * source.size):
            raise _out_of_proportion(source, text)
        rows += batch.num_rows
        yield plain(pa.Table.from_batches([batch]).select(names), source.name)
    if rows != file.metadata.num_rows:
        raise pa.ArrowInvalid(f"{rows} rows instead of {file.metadata.num_rows}")


def _leaves(schema: pq.ParquetSchema) -> list[pq.ColumnSchema]:
    return [schema.column(position) for position in range(len(schema))]


def _index_columns(schema: pa.Schema) -> set[str]:
    """Row labels that pandas wrote as nameless columns: no part of the table."""
    if b"pandas" not in (schema.metadata or {}):
        return set()
    return {name for name in schema.names if name.startswith("__index_level_")}


def _check_declared(file: pq.ParquetFile, source: Source) -> None:
    """Refuse before decoding: rows, and the memory their declared number would take."""
    footer, limits = file.metadata, source.limits
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    rows = max(footer.num_rows, sum(group.num_rows for group in groups))
    if rows > limits.max_rows:
        raise InputError(
            f"{source.name}: declares {rows:,} rows, more than the {limits.max_rows:,} allowed; split the file"
        )
    declared = sum(group.total_byte_size for group in groups)
    leaves = _leaves(file.schema)
    values = [rows] * len(leaves)
    if any(leaf.max_repetition_level for leaf in leaves):  # lists: a row may hold any number
        values = [sum(column) for column in zip(*declared_values(source.file, source.size), strict=True)]
    widths = [_WIDTHS.get(leaf.physical_type) or max(leaf.length, 1) for leaf in leaves]
    decoded = sum(width * count for width, count in zip(widths, values, strict=True))
    if max(declared, decoded) > limits.allowed(source.size):
        raise _out_of_proportion(source, max(declared, decoded))


def _out_of_proportion(source: Source, size: int) -> InputError:
    return InputError(
        f"{source.name}: {source.size:,} bytes that declare {size / 2**30:.1f} GiB, more than"
        f" {source.limits.max_expansion} times as much; if you trust the file, rewrite it uncompressed"
    )


def _text_bytes(column: pa.Array) -> int:
    """How many bytes the texts of a column take once each row has its own."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(column.dictionary)
        if len(lengths) == 0:
            return 0
        return pc.sum(pc.cast(lengths.take(column.indices), pa.int64())).as_py() or 0
    if pa.types.is_struct(kind):
        return sum(_text_bytes(inner) for inner in column.flatten())
    if pa.types.is_map(kind):
        return _text_bytes(column.keys) + _text_bytes(column.items)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _text_bytes(column.flatten())
    return 0
