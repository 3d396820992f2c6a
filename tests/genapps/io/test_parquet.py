"""Parquet keeps its types in plain form; what its footer claims is weighed before anything is decoded."""

from __future__ import annotations

import datetime as dt
import decimal
import random
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genapps.errors import InputError
from genapps.io.limits import Limits
from genapps.io.tables import iter_tables, read_table

N = 98_765


def _write(path: Path, table: pa.Table, **options: Any) -> Path:
    pq.write_table(table, path, **options)
    return path


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None, 3], pa.int8()), pa.array([1, None, 3], pa.int8())),
        (pa.array([1, 2**64 - 1], pa.uint64()), pa.array([1, 2**64 - 1], pa.uint64())),
        (pa.array([1.5, None]), pa.array([1.5, None])),
        (pa.array([1.5, None], pa.float16()), pa.array([1.5, None], pa.float32())),
        (pa.array([True, None]), pa.array([True, None])),
        (pa.array(["x", None, ""]), pa.array(["x", None, ""])),
        (pa.array(["x", None], pa.large_string()), pa.array(["x", None])),
        (pa.array(["x", None], pa.string_view()), pa.array(["x", None])),
        (pa.array(["x", None, "x"]).dictionary_encode(), pa.array(["x", None, "x"])),
        (pa.array([3, 3, None]).dictionary_encode(), pa.array([3, 3, None])),
        (pa.array([b"x", None]), pa.array(["x", None])),
        (pa.array([decimal.Decimal("1.50"), None]), pa.array([decimal.Decimal("1.50"), None])),
        (pa.array([dt.date(2020, 2, 29), None]), pa.array([dt.date(2020, 2, 29), None])),
        (pa.array([dt.time(1, 2), None], pa.time64("us")), pa.array([dt.time(1, 2), None], pa.time64("us"))),
        (
            pa.array([1, None], pa.timestamp("ns", "Europe/Paris")),
            pa.array([1, None], pa.timestamp("ns", "Europe/Paris")),
        ),
        (pa.array([dt.timedelta(1), None]), pa.array([dt.timedelta(1), None])),
        (pa.array([None, None]), pa.array([None, None])),
        (pa.array([[1, 2], None, []]), pa.array(["[1, 2]", None, "[]"])),
        (pa.array([["x"], None, []]), pa.array(['["x"]', None, "[]"])),
        (pa.array([{"a": "ü", "b": 1}, None]), pa.array(['{"a": "ü", "b": 1}', None])),
        (pa.array([{"a": dt.date(2020, 1, 2)}]), pa.array(['{"a": "2020-01-02"}'])),
        (pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())), pa.array(['[["k", "v"]]'])),
        (pa.array([uuid.UUID(int=7).bytes], pa.uuid()), pa.array([str(uuid.UUID(int=7))])),
    ],
)
def test_types_come_in_plain_form(tmp_path: Path, array: pa.Array, expected: pa.Array) -> None:
    path = _write(tmp_path / "t.parquet", pa.table({"v": array, "a.b": list(range(len(array)))}))
    table = read_table(path)
    table.validate(full=True)
    assert table["v"].type == expected.type
    assert table["v"].to_pylist() == expected.to_pylist()
    assert table["a.b"].to_pylist() == list(range(len(array)))
    assert pa.concat_tables(iter_tables(path)).equals(table)


def test_the_suffix_does_not_matter_and_rows_are_cut(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", pa.table({"v": range(100_000)}), row_group_size=1_000)
    assert read_table(path).num_rows == 100_000
    assert read_table(path, rows=2_500)["v"].to_pylist() == list(range(2_500))
    assert [table.num_rows for table in iter_tables(path, batch_rows=40_000)] == [40_000, 40_000, 20_000]


def test_row_labels_of_pandas_are_no_column(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "t.parquet"
    pandas.DataFrame({"v": [1, 2, 3]}).iloc[[2, 0]].to_parquet(path)
    assert pq.read_schema(path).names == ["v", "__index_level_0__"]
    assert read_table(path).to_pydict() == {"v": [3, 1]}
    assert read_table(path).schema.metadata is None


def test_duplicate_names_bytes_and_no_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    for table, says in [
        (pa.table([[1], [2]], names=["v", "v"]), "columns 1 and 2 are both named 'v'"),
        (pa.table({"v": [b"\xff\xfe"]}), "column 'v' holds bytes that are no text"),
        (pa.table({"v": pa.array([], pa.int64())}), "no rows"),
        (pa.table({"v": ["x" * 2_000_000]}), "row 1, column 'v': a cell longer than 1 MiB"),
    ]:
        _write(path, table)
        with pytest.raises(InputError, match=rf"t\.parquet: .*{says}"):
            read_table(path)
    for data, says in [(b"", "empty"), (b"a,b\n1,2\n", "not a Parquet file"), (b"PAR1PAR1", "damaged")]:
        path.write_bytes(data)
        with pytest.raises(InputError, match=says):
            read_table(path)


def _varint(value: int) -> bytes:
    value, out = value * 2, bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize("declared", [100_000_000, 1_250_000_000, 2**62])
def test_a_footer_that_declares_gigabytes_is_refused_at_once(tmp_path: Path, declared: int) -> None:
    path = _write(tmp_path / "t.parquet", pa.table({"v": [7] * N}))
    data = path.read_bytes()
    length = int.from_bytes(data[-8:-4], "little")
    footer = data[-8 - length : -8].replace(b"\x16" + _varint(N), b"\x16" + _varint(declared))
    path.write_bytes(data[: -8 - length] + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    _refused_at_once(path, "declare")


def test_repeated_values_are_refused_by_their_number(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    with pq.ParquetWriter(path, pa.schema([("v", pa.int64())]), compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(pa.table({"v": np.zeros(1_048_576, np.int64)}))
    assert path.stat().st_size < 100_000
    _refused_at_once(path, "more than 200 times as much")


def test_one_row_of_many_repeated_values_is_refused(tmp_path: Path) -> None:
    values = pa.ListArray.from_arrays([0, 20_000_000], pa.array(np.zeros(20_000_000, np.int64)))
    _refused_at_once(_write(tmp_path / "t.parquet", pa.table({"v": values})), "more than 200 times as much")


@pytest.mark.parametrize("nested", [False, True])
def test_a_long_text_repeated_by_number_is_refused_before_it_is_spread_out(tmp_path: Path, nested: bool) -> None:
    codes = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, np.int32)), ["x" * 100_000])
    column = pa.ListArray.from_arrays(np.arange(1_000_001, dtype=np.int32), codes) if nested else codes
    path = _write(tmp_path / "t.parquet", pa.table({"v": column}), compression="zstd")
    assert path.stat().st_size < 1_000_000
    before = pa.total_allocated_bytes()
    _refused_at_once(path, "more than 200 times as much")
    assert pa.default_memory_pool().max_memory() < before + 1e10


def _refused_at_once(path: Path, says: str) -> None:
    start = time.process_time()
    with pytest.raises(InputError, match=says):
        read_table(path)
    assert time.process_time() - start < 1
    with pytest.raises(InputError, match=says):
        next(iter_tables(path))


def test_too_many_rows(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.parquet", pa.table({"v": [1, 2, 3]}))
    with pytest.raises(InputError, match="declares 3 rows, more than the 2 allowed"):
        read_table(path, limits=Limits(max_rows=2))


def test_mutants_are_read_or_refused(tmp_path: Path) -> None:
    """Parquet has no checksum over all of it, so a flipped value may pass; nothing else may."""
    path, draw = tmp_path / "t.parquet", random.Random(5)
    whole = _write(path, pa.table({"v": range(50), "s": [f"x{i % 7}" for i in range(50)]})).read_bytes()
    refused = 0
    for turn in range(400):
        data = bytearray(whole)
        if turn % 2:
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        else:
            del data[draw.randrange(4, len(data)) :]
        path.write_bytes(data)
        try:
            read_table(path)
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 200
