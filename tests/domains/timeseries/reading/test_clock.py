"""The column of the time is found, its stamps are read as Python reads them, and which form was taken is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_timeseries.reading.clock import find_clock, is_named_as_time, moment, recognize, stamped
from genapps_timeseries.series import Clock

START = datetime(2024, 1, 31, 10, 15, tzinfo=UTC)


def cells(texts: list[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts, pa.string())])


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S UTC",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%d %H:%M:%S,%f",
        "%Y-%m-%dT%H:%M:%S.%f000Z",
        "%Y/%m/%d %H:%M:%S",
        "%Y.%m.%d %H:%M",
        "%d.%m.%Y %H:%M:%S",
        "%d.%m.%y %H:%M",
        "%d/%m/%Y %H:%M:%S.%f",
        "%m/%d/%Y %I:%M:%S %p",
        "%m/%d/%Y %I:%M %p",
        "%d-%m-%Y %H:%M",
        "%d-%b-%Y %H:%M:%S",
        "%d %B %Y %H:%M",
        "%b %d, %Y %H:%M:%S",
        "%Y%m%d%H%M%S",
        "%Y%m%dT%H%M%S",
        "%d/%b/%Y:%H:%M:%S",
    ],
)
def test_forms_of_stamps(form: str) -> None:
    whole = "%f" in form or "%S" in form
    times = [
        START + timedelta(hours=7 * k, seconds=11.25 * k if "%f" in form else 11 * k if whole else 0) for k in range(90)
    ]
    column = cells([time.strftime(form) for time in times])
    stamps = recognize(column, "when")
    assert stamps is not None
    assert stamps.calendar
    np.testing.assert_allclose(stamps.read(column), [time.timestamp() for time in times], atol=1e-5, rtol=0)


@given(
    st.lists(
        st.tuples(st.datetimes(datetime(1930, 1, 1), datetime(2200, 1, 1)), st.sampled_from([None, 0, 120, -330])),
        min_size=1,
        max_size=20,
    )
)
def test_iso_stamps_are_read_as_python_reads_them(stamps: list[tuple[datetime, int | None]]) -> None:
    zones = [timezone(timedelta(minutes=minutes)) if minutes is not None else None for _, minutes in stamps]
    times = [time.replace(tzinfo=zone) for (time, _), zone in zip(stamps, zones, strict=True)]
    column = cells([time.isoformat() for time in times])
    found = recognize(column, "x")
    assert found is not None
    wanted = [(time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() for time in times]
    np.testing.assert_allclose(found.read(column), wanted, atol=1e-5, rtol=0)


def test_months_and_years_are_times_too() -> None:
    months = recognize(cells(["2023-11", "2023-12", "2024-01"]), "x")
    assert months is not None
    assert months.read(cells(["1970-02"])).tolist() == [31 * 86_400]
    years = recognize(pa.chunked_array([[1990, 1991, 1992]]), "year")
    assert years is not None
    assert not years.calendar
    assert recognize(cells(["2024.01", "2024.02"]), "x") is None


def test_durations_are_seconds() -> None:
    column = pa.chunked_array([[timedelta(minutes=k) for k in range(4)]])
    stamps = recognize(column, "time")
    assert stamps is not None
    assert stamps.read(column).tolist() == [0, 60, 120, 180]


def test_stamps_that_are_none_are_unknown() -> None:
    column = cells([*["2024-01-01 00:00:00"] * 60, "2024-02-30 00:00:00", None, "soon"])
    found = recognize(column, "x")
    assert found is not None
    assert np.isnan(found.read(column)[60:]).all()
    assert np.isfinite(found.read(column)[:60]).all()


def days(numbers: list[tuple[int, int]]) -> pa.ChunkedArray:
    return cells([f"{one:02}/{two:02}/2024 00:00" for one, two in numbers])


@pytest.mark.parametrize(
    ("numbers", "says", "first"),
    [
        ([(13, 1), (14, 1)], "day first", (13, 1)),
        ([(1, 13), (1, 14)], "month first", (13, 1)),
        ([(1, 2), (2, 2), (3, 2)], "day first (under which time goes on most evenly)", (1, 2)),
        ([(2, 1), (2, 2), (2, 3)], "month first (under which time goes on most evenly)", (1, 2)),
        ([(5, 5)], "day first (assumed", (5, 5)),
    ],
)
def test_days_and_months_are_told_by_the_data(
    numbers: list[tuple[int, int]], says: str, first: tuple[int, int]
) -> None:
    found = recognize(days(numbers), "x")
    assert found is not None
    assert says in found.says
    assert datetime.fromtimestamp(found.read(days(numbers))[0], UTC) == datetime(2024, first[1], first[0], tzinfo=UTC)


@pytest.mark.parametrize(
    ("unit", "scale"), [("seconds", 1), ("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)]
)
@pytest.mark.parametrize("kind", ["text", "number"])
def test_seconds_since_1970_in_any_unit(unit: str, scale: float, kind: str) -> None:
    numbers = [int((START.timestamp() + 60 * k) * scale) for k in range(5)]
    column = cells([str(number) for number in numbers]) if kind == "text" else pa.chunked_array([numbers])
    for name in ("ts", "time", "created_at"):
        found = recognize(column, name)
        assert found is not None
        assert found.says == f"{unit} since 1970"
        np.testing.assert_allclose(found.read(column), START.timestamp() + 60 * np.arange(5), atol=1e-5)
    assert recognize(column, "energy") is None
    assert recognize(column, "energy", first=True) is not None
    assert recognize(pa.chunked_array([numbers[::-1]]), "energy", first=True) is None


def test_types_of_arrow() -> None:
    naive = pa.chunked_array([[START.replace(tzinfo=None), None]])
    for kind in (pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("ms", "Europe/Berlin"), pa.date32()):
        column = naive.cast(pa.timestamp("us", "UTC")).cast(kind) if "tz" in str(kind) else naive.cast(kind, safe=False)
        found = recognize(column, "x")
        assert found is not None
        wanted = START.timestamp() if kind != pa.date32() else datetime(2024, 1, 31, tzinfo=UTC).timestamp()
        assert found.read(column)[0] == wanted
        assert np.isnan(found.read(column)[1])


@pytest.mark.parametrize(
    ("name", "is_time", "alone"),
    [
        ("timestamp", True, True),
        ("createdAt", True, False),
        ("Date", True, True),
        ("measure_time", True, False),
        ("time (s)", True, True),
        ("t", False, True),
        ("operating_hours", False, False),
        ("temperature", False, False),
        ("Data", False, False),
        ("Unnamed: 0", False, True),
        ("1", False, False),
    ],
)
def test_names(name: str, is_time: bool, alone: bool) -> None:
    assert is_named_as_time(name) == is_time
    assert is_named_as_time(name, alone=True) == alone


def table(**columns: list[object]) -> pa.Table:
    return pa.table(columns)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"a": [1.0, 2, 3], "t": [0.0, 0.5, 1]}, "t"),
        ({"value": [5, 6, 7], "index": [1, 2, 3]}, "index"),
        ({"a": [5, 4, 3], "b": ["x", "y", "z"]}, None),
        ({"operating_hours": [5, 6, 7]}, None),
        ({"installed": ["2019-01-01"] * 3, "time": ["2024-01-01", "2024-01-02", "2024-01-03"]}, "time"),
        ({"t": [1, 2, 3], "stamp": ["2024-01-01", "2024-01-02", "2024-01-03"]}, "stamp"),
        ({"t": [3, 3, 3], "x": [1, 2, 3]}, None),
    ],
)
def test_the_column_of_the_time(columns: dict[str, list[object]], found: str | None) -> None:
    clock = find_clock(table(**columns), None, list(columns))
    assert (clock[0] if clock else None) == found


def test_moments() -> None:
    assert moment(Clock("time", "t"), START.timestamp()) == "2024-01-31 10:15:00"
    assert moment(Clock("time", "t"), START.timestamp() + 0.25) == "2024-01-31 10:15:00.250"
    assert stamped(Clock("time", "t"), START.timestamp()) == "2024-01-31T10:15:00"
    assert moment(Clock("number", "t"), 12.5) == "12.5"
    assert moment(Clock(), 7.0) == "row 7"
