"""Any table becomes series: against a slow plain reader, and every oddity is met and said."""

from __future__ import annotations

import csv
import gzip
import json
import math
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.errors import GenappsError, InputError, UsageError
from genapps_timeseries.reading import files as reading_module
from genapps_timeseries.reading.files import Options, read, read_series
from genapps_timeseries.reading.inputs import Input, in_input_order, stamps
from genapps_timeseries.series import Series

NAN = float("nan")
START = datetime(2024, 3, 1, tzinfo=UTC)


def written(folder: Path, text: str, name: str = "s.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def lines(*rows: str, header: str = "time,temp,flow", count: int = 8) -> str:
    """A table of regular rows after which `rows` come."""
    plain = [f"2024-03-01 00:{5 * k:02},{20 + k},{k % 3}.5" for k in range(count)]
    return "\n".join([header, *plain, *rows]) + "\n"


def one(source: Any, **options: Any) -> Series:
    (series,) = read_series(source, **options)
    return series


def said(series: Series) -> str:
    return " | ".join(series.notes)


# Against a plain reader.


def plainly(path: Path, group: str | None) -> dict[str, tuple[list[float], list[list[float]], list[int]]]:
    """Times, values and rows of each group, sorted by time, by the standard library alone."""
    found: dict[str, list[tuple[float, list[float], int]]] = {}
    with path.open(newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            name = row[group] if group else ""
            stamp = datetime.fromisoformat(row["time"]).replace(tzinfo=UTC).timestamp()
            values = [float(row[key]) if row[key] else NAN for key in ("a", "b")]
            found.setdefault(name, []).append((stamp, values, number))
    sorted_ = {name: sorted(rows, key=lambda row: row[0]) for name, rows in found.items()}
    return {
        name: ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
        for name, rows in sorted_.items()
    }


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_same_as_a_plain_reader(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    count = data.draw(st.integers(6, 40))
    hosts = data.draw(st.lists(st.sampled_from("uvw"), min_size=count, max_size=count))
    cell = st.floats(-1e6, 1e6).map(repr) | st.just("") | st.integers(-9, 9).map(str)
    a, b = (data.draw(st.lists(cell, min_size=count, max_size=count)) for _ in range(2))
    order = data.draw(st.permutations(range(count)))
    rows = [f"{START + timedelta(minutes=k):%Y-%m-%d %H:%M},{a[k]},{b[k]},{hosts[k]}" for k in order]
    path = written(tmp_path_factory.mktemp("t"), "\n".join(["time,a,b,host", *rows]) + "\n")
    group = data.draw(st.sampled_from([None, "host"]))
    try:
        made = read_series(path, group_by=group, channels=("a", "b"), shortest=1)
    except InputError as error:
        assert "no column of numbers" in str(error)
        assert not any(a) or not any(b)
        return
    wanted = plainly(path, group)
    assert [series.name for series in made] == list(wanted)
    for series in made:
        times, values, places = wanted[series.name]
        real = series.rows >= 0
        kept = [("a", "b").index(name) for name in series.channels]
        assert series.times[real].tolist() == times
        np.testing.assert_array_equal(series.values[real], np.array(values)[:, kept])
        assert series.rows[real].tolist() == places
        assert np.isnan(series.values[~real]).all()


# Forms of files.


def records() -> list[dict[str, Any]]:
    return [
        {"time": (START + timedelta(minutes=k)).isoformat(), "temp": 20 + k / 4, "pump": k % 2 == 0} for k in range(9)
    ]


def as_file(kind: str, folder: Path) -> Any:
    rows = records()
    if kind == "json lines":
        return written(folder, "\n".join(json.dumps(row) for row in rows), "s.jsonl")
    if kind == "json":
        return written(folder, json.dumps(rows), "s.json")
    texts = [[row["time"], str(row["temp"]), str(row["pump"]).lower()] for row in rows]
    mark = {"tsv": "\t", "semicolons": ";"}.get(kind, ",")
    text = "\n".join(mark.join(row) for row in [["time", "temp", "pump"], *texts]) + "\n"
    if kind in ("csv", "tsv", "semicolons"):
        return written(folder, text, "s.tsv" if kind == "tsv" else "s.csv")
    if kind == "decimal commas":
        return written(folder, text.replace(",", ";").replace(".", ","))
    if kind == "gz":
        path = folder / "s.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
        return path
    frame = pd.DataFrame(rows)
    if kind == "parquet":
        frame["time"] = pd.to_datetime(frame["time"])
        pq.write_table(pa.Table.from_pandas(frame), folder / "s.parquet")
        return folder / "s.parquet"
    if kind == "pandas":
        return frame
    if kind == "pandas with an index of time":
        return frame.assign(time=pd.to_datetime(frame["time"])).set_index("time")
    if kind == "polars":
        return pl.DataFrame(frame.to_dict("list"))
    return pa.Table.from_pandas(frame)


KINDS = [
    "csv", "tsv", "semicolons", "decimal commas", "gz", "json lines", "json", "parquet", "pandas",
    "pandas with an index of time", "polars", "arrow",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_is_the_same_series(kind: str, tmp_path: Path) -> None:
    source = as_file(kind, tmp_path)
    series = one(source)
    assert series.channels == ("temp", "pump")
    assert series.values.tolist() == [[row["temp"], float(row["pump"])] for row in records()]
    assert series.times.tolist() == [START.timestamp() + 60 * k for k in range(9)]
    assert (series.clock.kind, series.clock.column, series.clock.step) == ("time", "time", 60)
    (texts,) = stamps(source, "time")
    assert len(texts) == 9
    assert all(text.replace(" ", "T").startswith("2024-03-01T00:0") for text in texts)


def test_standard_input_can_be_read_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = as_file("csv", tmp_path).read_bytes()
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
    with Input("-") as given:
        series = one(given)
        assert [text for texts in stamps(given, "time") for text in texts] == [row["time"] for row in records()]
        assert len(series) == 9


@pytest.mark.parametrize("shape", [(9,), (9, 2)])
def test_arrays(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    series = one(array)
    assert series.values.tolist() == array.reshape(9, -1).tolist()
    assert series.channels[0] == "channel 1"
    assert series.clock.kind == "rows"
    assert list(stamps(array, "")) == [[str(k) for k in range(9)]]
    assert one(pd.Series(array.reshape(9, -1)[:, 0], name="load")).channels == ("load",)


def test_files_without_a_header(tmp_path: Path) -> None:
    assert one(written(tmp_path, "1.5\n2.5\n1.5\n")).values[:, 0].tolist() == [1.5, 2.5, 1.5]
    two = one(written(tmp_path, "2024-01-01 00:00,3,3\n2024-01-01 00:01,4,5\n2024-01-01 00:02,5,3\n"))
    assert two.channels == ("column 2", "column 3")
    assert two.clock.seconds == 60


# Which column is what.


def test_labels_text_and_identifiers_are_left_out_and_said(tmp_path: Path) -> None:
    rows = "\n".join(f"{k},2024-03-01 00:{k:02},{k * 1.5},ok,{int(k == 4)},{k % 2}" for k in range(9))
    path = written(tmp_path, f"id,time,temp,state,is_anomaly,valve\n{rows}\n")
    series = one(path)
    assert series.channels == ("temp", "valve")
    assert "1 column left out (is text): 'state'" in said(series)
    assert "(holds labels; --channel asks for it): 'is_anomaly'" in said(series)
    assert "(numbers rows or things): 'id'" in said(series)
    assert "1 of 2 channels binary: 'valve'" in said(series)
    assert one(path, channels=["is_anomaly", "temp"]).channels == ("is_anomaly", "temp")
    assert one(path, ignore=["valve"]).channels == ("temp",)


def test_a_column_named_like_labels_that_holds_more_is_a_channel(tmp_path: Path) -> None:
    path = written(tmp_path, "label,x\n0,1\n1,2\n2,1\n")
    assert one(path).channels == ("label", "x")


def test_constant_and_unknown_channels_are_said(tmp_path: Path) -> None:
    series = one(written(tmp_path, "x,flat,none\n1,5,\n2,5,NA\n,5,\n4,5,\n"))
    assert series.channels == ("x", "flat")
    assert np.isnan(series.values[2, 0])
    assert "(holds no number): 'none'" in said(series)
    assert "1 of 2 channels constant: 'flat'" in said(series)
    assert "1 of 8 cells are empty: in 'x'" in said(series)


def test_a_channel_that_moved_for_a_few_rows_is_not_called_binary(tmp_path: Path) -> None:
    cells = [f"{k % 7},{7 + (k >= 198)},{k // 100}" for k in range(200)]
    series = one(written(tmp_path, "\n".join(["x,flat,switch", *cells]) + "\n"))
    assert "1 of 3 channels constant but for 2 rows: 'flat'" in said(series)
    assert "1 of 3 channels binary: 'switch'" in said(series)


def test_columns_without_a_name_are_read(tmp_path: Path) -> None:
    assert one(written(tmp_path, lines(header="time,temp,"))).channels == ("temp", "column 3")
    assert one(written(tmp_path, lines(header=",temp,flow"))).clock.column == "index"
    assert one(written(tmp_path, ",x\n0,1\n1,5\n2,3\n")).channels == ("x",)
    assert "(numbers rows or things): 'index'" in said(one(written(tmp_path, ",x\n7,1\n1,5\n2,3\n")))


def test_infinite_values_and_words_are_unknown(tmp_path: Path) -> None:
    series = one(written(tmp_path, "x\n1\ninf\n-inf\nfault\n5\n"))
    assert np.isnan(series.values[1:4, 0]).all()
    assert "2 infinite values in 'x' taken as unknown" in said(series)
    assert "1 cell of 'x' is no number ('fault') and taken as unknown" in said(series)
    assert np.isnan(one(np.array([1.0, np.inf, 2.0])).values[1, 0])


def test_later_rows_change_how_a_column_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Input, "tables", _in_small_tables(Input.tables, 4))
    days = [f"{k:02}/02/2024 00:00;1,{k:03}" for k in range(1, 20)]
    series = one(written(tmp_path, "\n".join(["when;x", *days, "20/02/2024 00:00;1,5"]) + "\n"))
    assert series.clock.step == 86_400
    assert "day first" in said(series)
    assert series.values[:, 0].tolist() == [*(1 + k / 1000 for k in range(1, 20)), 1.5]
    months = [f"{k:02}/{k:02}/2024,{k}" for k in range(1, 13)] + ["12/13/2024,13"]
    series = one(written(tmp_path, "\n".join(["date,x", *months]) + "\n"))
    assert "month first" in said(series)
    assert datetime.fromtimestamp(series.times[-1], UTC) == datetime(2024, 12, 13, tzinfo=UTC)
    text = one(written(tmp_path, "x,y\n" + "1,2\n" * 4 + "1,a\n" * 9))
    assert text.channels == ("x",)


def _in_small_tables(tables: Any, size: int) -> Any:
    def small(self: Input, progress: Any = None) -> Any:
        for table in tables(self, progress):
            for start in range(0, table.num_rows, size):
                yield table.slice(start, size)

    return small


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_batches_do_not_show(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, lines("2024-03-01 00:20,7,7", "2024-03-01 01:00,err,", "2024-03-01 01:05,9,inf"))
    whole = one(path)
    monkeypatch.setattr(Input, "tables", _in_small_tables(Input.tables, size))
    parts = one(path)
    for name in ("values", "times", "rows", "copies"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    assert whole.notes == parts.notes


# Several series in one file.


def test_groups_in_the_order_of_their_first_rows(tmp_path: Path) -> None:
    rows = [f"2024-03-01 00:{k:02},{k},{'ab'[k % 2]}" for k in range(20)]
    path = written(tmp_path, "\n".join(["time,x,host", *rows, "2024-03-01 00:30,1,c", "2024-03-01 00:31,1,"]) + "\n")
    with Input(path) as given:
        found = read(given, Options(group_by="host"))
    assert [series.name for series in found.series] == ["a", "b"]
    assert found.series[1].values[:, 0].tolist() == list(range(1, 20, 2))
    notes = said(found.series[0])
    assert "1 group of fewer than 2 rows left out: 'c'" in notes
    assert "1 row without a value of 'host'" in notes
    assert not found.series[1].notes
    laid = in_input_order(found.series, [series.values[:, 0] for series in found.series], found.rows)
    np.testing.assert_array_equal(laid, [*range(20), NAN, NAN])


def test_too_many_groups_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "MOST_SERIES", 3)
    path = written(tmp_path, "x,host\n" + "".join(f"1,{k}\n" for k in range(5)))
    with pytest.raises(InputError, match="more than 3 different values"):
        read_series(path, group_by="host")


def test_groups_may_be_numbers() -> None:
    frame = pd.DataFrame({"unit": [1, 1, 2, 2], "x": [1.0, 2.0, 3.0, 4.0]})
    assert [series.name for series in read_series(frame, group_by="unit")] == ["1", "2"]


# The way back.


def test_results_in_the_order_of_the_input(tmp_path: Path) -> None:
    path = written(tmp_path, lines("2024-03-01 00:20,7,7", "2024-03-01 01:00,1,2", "soon,1,2", "2024-03-01 00:50,3,4"))
    with Input(path) as given:
        found = read(given, Options())
        (series,) = found.series
        laid = in_input_order(found.series, [series.times], found.rows)
        texts = [text for part in stamps(given, "time", found.rows) for text in part]
    assert found.rows == len(texts) == 12
    for text, time in zip(texts, laid, strict=True):
        assert (
            math.isnan(time) if text == "soon" else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M") == text
        )


def test_a_file_that_grew_or_shrank_meanwhile(tmp_path: Path) -> None:
    path = written(tmp_path, lines(count=8))
    written(tmp_path, lines(count=10))
    assert sum(len(part) for part in stamps(path, "time", 8)) == 8
    with pytest.raises(InputError, match="shorter"):
        list(stamps(path, "time", 11))


# What no series can be made of.


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("time,x\n", "only a header line"),
        ("time,x\n2024-01-01,1\n", "needs at least 2"),
        ("name,color\na,red\nb,blue\n", "no column of numbers"),
        ("time,x\n2024-01-01,\n2024-01-02,\n", "'x' holds no number"),
        ("time\n2024-01-01\n2024-01-02\n", "only the time"),
        ("a,b\n1,2\n1,2,3\n", "line 3: expected 2 cells, found 3"),
        ("\x00\x01\x02 garbage \x00", "NUL byte"),
    ],
)
def test_bad_tables(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says) as refused:
        read_series(written(tmp_path, text))
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 3


def test_wrong_encoding(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes("zeit;größe\n1;2\n2;3\n".encode("latin-1"))
    with pytest.raises(InputError, match="try --encoding latin-1"):
        read_series(path)
    assert one(path, encoding="latin-1").channels == ("größe",)


def test_rows_without_a_time_are_told_of_once_with_the_first(tmp_path: Path) -> None:
    cells = [(f"2024-03-01 00:{k // 2:02}:00", "ab"[k % 2], k) for k in range(60)]
    cells[20:23] = [("", "a", 1), ("soon", "b", 2), ("99", "a", 3)]
    path = tmp_path / "s.csv"
    path.write_text("time,host,x\n" + "".join(f"{t},{h},{x}\n" for t, h, x in cells), "utf-8")
    one, other = read_series(path, group_by="host")
    assert (len(one.times), len(other.times)) == (30, 30), "rows that are not there are put in as unknown"
    notes = [note for series in (one, other) for note in series.notes if "cannot be read" in note]
    assert notes == ["3 rows left out, whose time is missing or cannot be read: the first is row 21"]


@pytest.mark.parametrize(
    ("options", "says", "code"),
    [
        ({"time": "tme"}, "--time tme: there is no such column. Did you mean 'time'?", 2),
        ({"group_by": "host"}, "no such column. There are 'time', 'temp', 'flow' and 'state'", 2),
        ({"ignore": ["flwo"]}, "Did you mean 'flow'?", 2),
        ({"channels": ["tempp"]}, "Did you mean 'temp'?", 2),
        ({"channels": ["tmie"]}, "--channel tmie: there is no such column. There are 'temp' and 'flow'", 2),
        ({"channels": ["state"]}, "column 'state' is text", 3),
        ({"time": "state"}, "column 'state': 'ok' is no time", 3),
    ],
)
def test_wrong_columns(options: dict[str, Any], says: str, code: int, tmp_path: Path) -> None:
    rows = "\n".join(f"2024-03-01 00:{k:02},{k},{k},ok" for k in range(9))
    with pytest.raises(GenappsError) as refused:
        read_series(written(tmp_path, f"time,temp,flow,state\n{rows}\n"), **options)
    assert says in str(refused.value)
    assert refused.value.exit_code == code


@pytest.mark.parametrize("source", [np.zeros((2, 2, 2)), np.array([]), ["a", "b"], object()])
def test_what_is_no_table(source: Any) -> None:
    with pytest.raises(UsageError):
        read_series(source)


ODD = ["", "1", "-2.5", "1,5", "1.234,5", "inf", "NaN", "on", "off", "x", " ", "2024-01-01", "2024-02-30", "03/04/2024",
       "13/04/2024 10:00", "1704067200", "1704067200000", "1e400", "é", "12 kW", "0x1F", "--", '"', "10:30", "20240131",
       "Jan 5, 2024", "2024-01-01T00:00:00+25:00", "99999999999999999999", "1:2:3", "00000", "٣"]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_cells_are_read_or_refused_in_one_line(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    names = data.draw(
        st.lists(st.sampled_from(["time", "t", "x", "label", "id", "y"]), min_size=1, max_size=4, unique=True)
    )
    columns = {}
    for name in names:
        few = data.draw(st.lists(st.sampled_from(ODD), min_size=1, max_size=3))
        columns[name] = data.draw(st.lists(st.sampled_from(few) | st.none(), min_size=count, max_size=count))
    group = data.draw(st.none() | st.sampled_from(names))
    try:
        found = read_series(
            pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()}), group_by=group
        )
    except GenappsError as error:
        assert "\n" not in str(error)
        return
    rows = [row for series in found for row in [*series.rows[series.rows >= 0], *series.copies[:, 0]]]
    assert len(rows) == len(set(rows)) <= count
    for series in found:
        assert series.values.shape == (len(series), len(series.channels))
        assert not np.isinf(series.values).any()
        assert (np.diff(series.times) >= 0).all()
        assert len(series) >= 2


def test_every_type_of_arrow_is_a_channel_or_left_out() -> None:
    columns = {
        "big": pa.array([2**62, 2**62 - 2**60]),
        "half": pa.array(np.array([0.5, 1.5], np.float16)),
        "money": pa.array([Decimal("1.25"), Decimal("2.5")]),
        "length": pa.array([timedelta(seconds=3), timedelta(seconds=90)]),
        "switch": pa.array([True, None]),
        "coded": pa.array([1.5, 2.5]).dictionary_encode(),
        "bytes": pa.array([b"1", b"2"]),
        "clock": pa.array([datetime(2024, 1, 1).time()] * 2),
        "list": pa.array([[1], [2]]),
        "nothing": pa.nulls(2),
    }
    series = one(pa.table(columns))
    assert series.channels == tuple(columns)[:7]
    assert series.values[1].tolist()[2:4] == [2.5, 90]


def test_stamps_of_pandas_are_told_without_a_train_of_zeros() -> None:
    index = pd.date_range("2024-01-01", periods=3, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=index)
    assert next(stamps(frame, "time"))[0] == "2024-01-01 00:00:00+0100"
    assert one(frame).times[0] == datetime(2023, 12, 31, 23, tzinfo=UTC).timestamp()
    assert one(pd.DataFrame({0: [1.0, 2.0], 1: [2.0, 4.0]})).channels == ("0", "1")
