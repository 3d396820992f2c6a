"""Calendar arithmetic and formats against Python's datetime, and dates as parts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps_tabular.codec import CodecConfig, TableCodec
from genapps_tabular.columns import calendars, parts, stamps
from genapps_tabular.conditions import Between
from genapps_tabular.schema import ColumnSchema, detect

EPOCH = dt.date(1970, 1, 1).toordinal()
dates = st.dates(dt.date(1600, 1, 1), dt.date(2400, 12, 31))


@settings(max_examples=300, deadline=None)
@given(dates)
def test_the_calendar_is_pythons(date: dt.date) -> None:
    days = np.array([date.toordinal() - EPOCH])
    year, month, day = calendars.from_days(days)
    assert (year[0], month[0], day[0]) == (date.year, date.month, date.day)
    assert calendars.to_days(year, month, day)[0] == days[0]
    assert calendars.weekday(days)[0] == date.weekday()
    after = (date.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    assert calendars.month_length(year, month)[0] == (after - dt.timedelta(days=1)).day


def test_each_day_has_its_own_parts() -> None:
    """All days of 400 years, after which the calendar repeats."""
    days = np.arange(146_097)
    for names in (("year", "month", "weekday", "nth"), ("decade", "unit", "month", "day")):
        split = parts.split_days(days, names)
        assert tuple(split) == names
        np.testing.assert_array_equal(parts.join_days(split), days)


def test_a_fifth_weekday_that_does_not_exist_is_the_last() -> None:
    made = parts.join_days({k: np.array([v]) for k, v in
                            {"year": 2023, "month": 2, "weekday": 1, "nth": 4}.items()})  # fmt: skip
    assert dt.date.fromordinal(int(made[0]) + EPOCH) == dt.date(2023, 2, 28)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 86_399), st.integers(0, 86_399))
def test_clock_paths_cover_exactly_the_seconds_between(one: int, two: int) -> None:
    low, high = min(one, two), max(one, two)
    covered = 0
    for hour, minute, second in parts.clock_paths(low, high, -1).tolist():
        span = 3600 if minute < 0 else 60 if second < 0 else 1
        start = hour * 3600 + max(minute, 0) * 60 + max(second, 0)
        assert low <= start
        assert start + span - 1 <= high
        covered += span
    assert covered == high - low + 1
    assert len(parts.clock_paths(low, high, -1)) <= 24 + 120 + 120


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2068, 12, 31)), min_size=1, max_size=5),
    st.sampled_from(
        ["%Y-%m-%d %H:%M:%S", "%d/%m/%y %I:%M:%S %p", "%b %d, %Y %H:%M:%S", "%d %B %Y %H.%M.%S", "%Y%m%d%H%M%S"]
    ),
)
def test_formats_are_strptimes(moments: list[dt.datetime], format: str) -> None:
    text = [m.strftime(format) for m in moments]
    schema = ColumnSchema("x", "datetime", format=format)
    found = stamps.read(pa.array(text), schema)
    assert found.valid.all()
    for i, moment in enumerate(moments):
        expected = dt.datetime.strptime(moment.strftime(format), format)
        made = dt.datetime(1970, 1, 1) + dt.timedelta(days=int(found.days[i]), seconds=int(found.seconds[i]))
        assert made == expected
    assert stamps.write(found, schema).to_pylist() == text


@pytest.mark.parametrize("text", ["2021-02-29", "2021-13-01", "2021-00-10", "2021-1-1", "x2021-01-01", "", None])
def test_what_is_no_date_is_not_valid(text: str | None) -> None:
    assert not stamps.read(pa.array([text], pa.string()), ColumnSchema("x", "date", format="%Y-%m-%d")).valid[0]


def fit(values: Any) -> tuple[TableCodec, pa.Table]:
    table = pa.table({"x": values})
    return TableCodec.fit(table, detect(table), CodecConfig(), np.random.default_rng(0)), table


def test_constant_parts_are_no_variables() -> None:
    codec, _ = fit([dt.datetime(2020, 1, 1, 12, 30) + dt.timedelta(days=i) for i in range(60)])
    assert codec.space.sizes == (2, 7, 5)  # month, weekday, which of its weekdays
    codec, _ = fit([dt.date(2000 + i % 20, 1 + i % 12, 1) for i in range(300)])
    assert codec.space.sizes == (20, 12)  # the first of the month needs no day


def test_dates_never_leave_the_span_seen() -> None:
    codec, _ = fit([dt.date(2020, 1, 15) + dt.timedelta(days=i) for i in range(400)])
    codes = np.stack([np.random.default_rng(0).integers(0, size, 5000) for size in codec.space.sizes], axis=1)
    made = codec.decode(codes, np.random.default_rng(0))["x"].to_pylist()
    assert dt.date(2020, 1, 15) == min(made)
    assert max(made) == dt.date(2020, 1, 15) + dt.timedelta(days=399)


def test_zoned_times_are_told_in_local_time_and_come_back_as_instants() -> None:
    local = [dt.datetime(2021, 3, 1) + dt.timedelta(hours=i) for i in range(0, 5000, 7)]
    column = pa.array(local, pa.timestamp("s", "UTC")).cast(pa.timestamp("s", "America/New_York"))
    codec, table = fit(column)
    made = codec.decode(codec.encode(table), np.random.default_rng(0))
    same = np.asarray(made["x"].cast(pa.int64())) == np.asarray(table["x"].cast(pa.int64()))
    assert same.mean() > 0.999  # all but the hour that the end of summer time repeats


def test_a_long_range_stays_small() -> None:
    codec, _ = fit([dt.datetime(1900, 1, 1, 7, 5) + dt.timedelta(hours=5 * i) for i in range(200_000)])
    (constraint,) = codec.constraints({"x": Between("1901-05-06 10:00", "2010-01-01")})
    assert sum(w.nbytes + f.nbytes for w, f in zip(constraint.weights, constraint.following, strict=True)) < 8e6
