"""Frames of any library become plain Arrow, and rows made from them come back in the same library and types."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from genapps.errors import InputError, UsageError
from genapps.io.frames import to_arrow

PANDAS: dict[str, Any] = {
    "int": [1, 2, 3],
    "Int": pd.array([1, None, 3], "Int64"),
    "unsigned": np.array([0, 2**64 - 1, 5], np.uint64),
    "small": np.array([1, 2, 3], np.int8),
    "float": [1.5, np.nan, 2.0],
    "Float": pd.array([1.5, None, 2.0], "Float32"),
    "bool": [True, False, True],
    "Bool": pd.array([True, None, False], "boolean"),
    "object": pd.Series(["a", None, ""], dtype=object),
    "text": pd.array(["a", None, ""], "string"),
    "arrow": pd.array(["a", None, ""], "string[pyarrow]"),
    "category": pd.Categorical(["a", "b", None], categories=["b", "a", "z"], ordered=True),
    "codes": pd.Categorical([3, 1, None]),
    "time": pd.to_datetime(["2020-01-01", "2020-06-01 12:00:00.123456789", None], format="ISO8601"),
    "zoned": pd.to_datetime(["2020-01-01", "2020-06-01", None]).tz_localize("Europe/Paris"),
    "delta": pd.to_timedelta([1, None, 3], "s"),
    "period": pd.PeriodIndex(["2020-01", "2020-02", "2020-03"], freq="M"),
    "date": [dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)],
    "empty": pd.Series([None, None, None], dtype=object),
}


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_there_and_back(name: str) -> None:
    frame = pd.DataFrame({name: PANDAS[name]}, index=[7, 5, 3])
    frame[name] = pd.Series(PANDAS[name]).set_axis([7, 5, 3])
    table, back = to_arrow(frame)
    assert table.column_names == [name]  # the row labels are no column
    assert not pa.types.is_dictionary(table.schema.field(name).type)
    pd.testing.assert_frame_equal(back(table), frame.reset_index(drop=True), check_freq=False)
    assert back(table.slice(0, 0)).empty


def test_pandas_objects_become_text() -> None:
    values = [1, "x", None, 2.5, dt.date(2020, 1, 2)]
    table, back = to_arrow(pd.DataFrame({"mixed": pd.Series(values, dtype=object), 7: range(5)}))
    assert table["mixed"].to_pylist() == ["1", "x", None, "2.5", "2020-01-02"]
    assert list(back(table).columns) == ["mixed", 7]


def test_pandas_integers_with_new_gaps_become_floats() -> None:
    _, back = to_arrow(pd.DataFrame({"n": [1, 2], "I": pd.array([1, 2], "Int8")}))
    made = back(pa.table({"n": pa.array([5, None]), "I": pa.array([None, 7])}))
    assert made["n"].tolist()[0] == 5
    assert made["n"].isna().tolist() == [False, True]
    assert made["I"].dtype == "Int8"


POLARS = pl.DataFrame(
    {
        "i": pl.Series([1, None], dtype=pl.Int8),
        "f": [1.5, None],
        "s": ["a", None],
        "c": pl.Series(["a", None], dtype=pl.Categorical),
        "e": pl.Series(["a", None], dtype=pl.Enum(["b", "a"])),
        "t": pl.Series([dt.datetime(2020, 1, 1, 1, 2, 3), None], dtype=pl.Datetime("ms", "Europe/Paris")),
        "h": [dt.time(1, 2), None],
        "day": [dt.date(2020, 1, 1), None],
        "d": pl.Series(["1.50", None]).cast(pl.Decimal(10, 2)),
        "b": [True, None],
        "gap": [dt.timedelta(days=1), None],
    }
)


@pytest.mark.parametrize("name", POLARS.columns)
def test_polars_there_and_back(name: str) -> None:
    frame = POLARS.select(name)
    table, back = to_arrow(frame)
    assert not pa.types.is_dictionary(table.schema.field(name).type)
    assert_frame_equal(back(table), frame)
    assert_frame_equal(back(to_arrow(frame.lazy())[0]), frame)
    lazy = to_arrow(frame.lazy())[1](table)
    assert isinstance(lazy, pl.LazyFrame)
    assert back(table.slice(0, 0)).is_empty()


def test_polars_nested_values_and_objects_become_text() -> None:
    frame = pl.DataFrame({"l": [[1], None], "o": pl.Series([3, "x"], dtype=pl.Object)})
    table, back = to_arrow(frame)
    assert table.to_pydict() == {"l": ["[1]", None], "o": ["3", "x"]}
    assert back(table)["l"].to_list() == ["[1]", None]


def test_new_words_do_not_fail_an_enumeration() -> None:
    _, back = to_arrow(POLARS.select("e"))
    assert back(pa.table({"e": ["a", "new"]}))["e"].to_list() == ["a", "new"]


def test_arrow_and_paths(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array(["x", "y"]).dictionary_encode(), "b": [1, 2]}, metadata={"k": "v"})
    plain = pa.table({"a": ["x", "y"], "b": [1, 2]})
    for data in (table, table.to_batches()[0], pa.RecordBatchReader.from_batches(table.schema, table.to_batches())):
        found, back = to_arrow(data)
        assert found.equals(plain, check_metadata=True)
        assert back(found) is found
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\nx,1\ny,2\n")
    for given in (path, str(path)):
        assert to_arrow(given)[0].to_pydict() == {"a": ["x", "y"], "b": ["1", "2"]}


@pytest.mark.parametrize("data", [None, 3, [1, 2], {"a": [1]}, np.zeros((2, 2)), pd.Series([1]), b"x"])
def test_anything_else_is_wrong_usage(data: Any) -> None:
    with pytest.raises(UsageError, match="give a pandas, polars or pyarrow table"):
        to_arrow(data)


def test_unsound_frames_are_refused() -> None:
    with pytest.raises(InputError, match="columns 1 and 2 are both named 'a'"):
        to_arrow(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(InputError, match="columns 1 and 2 are both named '1'"):
        to_arrow(pd.DataFrame([[1, 2]], columns=["1", 1]))
    for empty in (pd.DataFrame(), pl.DataFrame(), pa.table({})):
        with pytest.raises(InputError, match="no columns"):
            to_arrow(empty)


def test_no_library_is_imported_for_the_data_of_another() -> None:
    code = (
        "import sys, pyarrow as pa; from genapps.io.frames import to_arrow; table = pa.table({'a': [1]});"
        "before = set(sys.modules); to_arrow(table);"
        "assert not {'pandas', 'polars', 'torch'} & (set(sys.modules) - before)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
