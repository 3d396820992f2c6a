"""What --train means: rows, a share, a time or another table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genapps.errors import GenappsError
from genapps_timeseries.detection.training_part import training_part, training_parts
from genapps_timeseries.reading.files import Options, read_series
from genapps_timeseries.reading.grid import Raw, on_grid
from genapps_timeseries.series import Clock, Series

DAY = 1_704_067_200.0  # 2024-01-01


def series(kind: str = "time") -> Series:
    if kind == "rows":
        return on_grid(Raw((np.arange(100.0),), ("x",), None, Clock()))
    start, step = (DAY, 60.0) if kind == "time" else (0.0, 0.5)
    times = start + step * np.delete(np.arange(105.0), [20, 21, 22, 50, 51])  # 100 rows, two gaps
    return on_grid(Raw((np.arange(100.0),), ("x",), times, Clock(kind, "t")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "spec", "rows", "stop"),
    [
        ("time", 30, 30, 33),
        ("time", "30", 30, 33),
        ("time", "1_0", 10, 10),
        ("time", "30%", 30, 33),
        ("time", "2024-01-01 00:25", 22, 25),
        ("time", "2024-01-01T00:25:00Z", 22, 25),
        ("time", "01/01/2024 00:25", 22, 25),
        ("number", "20%", 20, 20),
        ("number", "12.5", 22, 25),
        ("rows", "40", 40, 40),
    ],
)
def test_rows_share_and_time(kind: str, spec: str | int, rows: int, stop: int) -> None:
    found = training_part(series(kind), spec)
    assert int((found.series.rows >= 0).sum()) == rows
    assert found.rows == len(found.series) == stop
    assert found.series.values[-1, 0] == rows - 1
    assert found.says


@pytest.mark.parametrize("spec", ["0", "1", "99", "100", "0%", "2023-01-01", "2025-01-01", "nowhere.csv", "soon", ""])
def test_what_leaves_nothing_or_means_nothing(spec: str) -> None:
    with pytest.raises(GenappsError, match="--train") as refused:
        training_part(series(), spec)
    assert refused.value.exit_code == 2


def test_another_table_of_the_same_channels(tmp_path: Path) -> None:
    judged = read_series(pd.DataFrame({"a": [1.0, 2, 3], "b": [1, 0, 1], "label": [0, 1, 0]}))
    pd.DataFrame({"b": [0, 1, 2, 3], "c": [9] * 4, "a": [4.0, 3, 2, 1]}).to_csv(tmp_path / "n.csv", index=False)
    (found,) = training_parts(judged, str(tmp_path / "n.csv"))
    assert found.rows == 0
    assert found.series.channels == ("a", "b")
    assert found.series.values.tolist() == [[4, 0], [3, 1], [2, 2], [1, 3]]
    assert training_parts(judged, pd.DataFrame({"a": [1.0, 2], "b": [1, 2]}))[0].series.values[0].tolist() == [1, 1]


def test_what_another_table_lacks_is_named(tmp_path: Path) -> None:
    judged = read_series(pd.DataFrame({"a": [1.0, 2, 3], "b": [1, 0, 1]}))
    with pytest.raises(GenappsError, match="lacks 'b'") as refused:
        training_parts(judged, pd.DataFrame({"a": [1.0, 2.0]}))
    assert refused.value.exit_code == 3
    with pytest.raises(GenappsError, match="'b' holds no number"):
        training_parts(judged, pd.DataFrame({"a": [1.0, 2.0], "b": [None, None]}, dtype=float))
    with pytest.raises(GenappsError, match="is text"):
        training_parts(judged, pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))


def test_groups_are_matched_by_name() -> None:
    frame = pd.DataFrame({"host": ["u", "v"] * 3, "x": np.arange(6.0)})
    judged = read_series(frame, group_by="host")
    options = Options(group_by="host")
    other = pd.DataFrame({"host": ["v", "u"] * 3, "x": np.arange(6.0) * 10})
    parts = training_parts(judged, other, options)
    assert [part.series.values[:, 0].tolist() for part in parts] == [[10, 30, 50], [0, 20, 40]]
    assert training_parts(judged, other[["x"]], options)[1].series.values[0, 0] == 0
    with pytest.raises(GenappsError, match="has no rows of 'u'"):
        training_parts(judged, other[other["host"] == "v"], options)
