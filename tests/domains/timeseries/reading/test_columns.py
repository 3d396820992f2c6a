"""A day and its time of day are one stamp, wherever they stand; series that share stamps are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import InputError
from genapps_timeseries.reading.columns import named, tells_apart
from genapps_timeseries.reading.files import read_series
from genapps_timeseries.reading.inputs import stamps

NOON = np.datetime64("2024-03-01T12:00") + np.arange(40) * np.timedelta64(30, "m")
FORMS = {
    "iso": ("%Y-%m-%d", "%H:%M"),
    "day first": ("%d.%m.%Y", "%H:%M:%S"),
    "half a day": ("%m/%d/%Y", "%I:%M %p"),
}


def split(day: str, hour: str) -> pa.Table:
    moments = [moment.item() for moment in NOON]
    cells = {
        "hour": [m.strftime(hour) for m in moments],
        "load": np.sin(range(40)),
        "day": [m.strftime(day) for m in moments],
    }
    return pa.table(cells)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wanted", [None, "day", "hour"])
def test_a_day_and_its_hours_are_one_stamp(form: str, wanted: str | None) -> None:
    table = split(*FORMS[form])
    (series,) = read_series(table, time=wanted)
    assert series.channels == ("load",)
    np.testing.assert_array_equal(series.times, NOON.astype("datetime64[s]").astype(np.int64))
    assert (series.clock.title, series.clock.step) == ("day hour", 1800)
    assert series.notes[0].startswith("time is read from 'day' and 'hour' (")
    (texts,) = stamps(table, series.clock.column, hours=series.clock.hours)
    assert texts[1] == NOON[1].item().strftime(" ".join(FORMS[form]))


def test_types_of_the_file_are_joined_too() -> None:
    moments = [moment.item() for moment in NOON]
    table = pa.table({"d": [m.date() for m in moments], "t": [m.time() for m in moments], "x": np.arange(40.0) % 7})
    np.testing.assert_array_equal(read_series(table)[0].times, NOON.astype("datetime64[s]").astype(np.int64))


def test_hours_beside_whole_stamps_or_alone_are_no_part_of_the_time() -> None:
    table = split("%Y-%m-%d %H:%M", "%H:%M")
    (series,) = read_series(table)
    assert (series.clock.column, series.clock.hours) == ("day", "")
    assert "1 column left out (is text): 'hour'" in series.notes
    with pytest.raises(InputError, match="'hour': '12:00' is no time"):
        read_series(table.drop_columns("day"), time="hour")
    assert read_series(split("%Y-%m-%d", "%H:%M"), ignore=["hour"])[0].clock.hours == ""


def test_stamps_that_repeat_once_for_each_name_tell_series_apart(tmp_path: Path) -> None:
    lines = [f"{stamp},{k % 5}.5,{host},up" for k, stamp in enumerate(NOON) for host in ("a", "b")]
    path = tmp_path / "hosts.csv"
    path.write_text("\n".join(["time,load,host,state", *lines]) + "\n")
    note = "stamps repeat once for each value of 'host': --group-by host judges each by itself"
    assert note in read_series(path)[0].notes
    assert all(note not in series.notes for series in read_series(path, group_by="host"))
    path.write_text("\n".join(["time,load,host,state", *lines[::2]]) + "\n")
    assert note not in read_series(path)[0].notes


def test_what_does_not_tell_series_apart() -> None:
    times = np.repeat(np.arange(40.0), 2)
    table = pa.table({"same": ["x"] * 80, "own": [str(k) for k in range(80)], "by turns": ["a", "a", "b", "b"] * 20})
    assert tells_apart(table, times, table.column_names) is None
    assert tells_apart(table, np.full(80, np.nan), table.column_names) is None
    assert tells_apart(table.append_column("host", [["a", "b"] * 40]), times, ["own", "host"]) == "host"


def test_every_column_has_a_name() -> None:
    table = pa.table([[1], [2], [3]], names=["", "x", ""])
    assert named(table).column_names == ["index", "x", "column 3"]
    assert named(pa.table([[1], [2]], names=["", "index"])).column_names == ["column 1", "index"]
