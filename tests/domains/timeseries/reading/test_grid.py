"""Order, copies and gaps, against a slow plain account of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps_timeseries.reading import grid
from genapps_timeseries.reading.grid import LEAST, SHORT, Raw, on_grid
from genapps_timeseries.series import Clock, Floats, Series

NAN = float("nan")
TIME = Clock("time", "t")


def raw(times: list[float], values: list[float] | None = None, clock: Clock = TIME) -> Raw:
    column = np.arange(len(times), dtype=np.float64) if values is None else np.array(values)
    return Raw((column,), ("x",), np.array(times, np.float64), clock)


def plainly(times: list[float], values: list[float]) -> list[tuple[float, float, int]]:
    """(time, value, row) of a series whose steps are 10 seconds, by lists and loops: for short gaps alone."""
    stamps = sorted({time for time in times if not math.isnan(time)})
    rows = []
    for place, stamp in enumerate(stamps):
        if place:
            before = stamps[place - 1]
            rows += [(before + 10 * k, NAN, -1) for k in range(1, round((stamp - before) / 10))]
        those = [row for row, time in enumerate(times) if time == stamp]
        known = [values[row] for row in those if not math.isnan(values[row])]
        rows.append((stamp, sum(known) / len(known) if known else NAN, those[0]))
    return rows


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    """Stamps ten seconds apart, with few holes, copies, unknown ones, in no order."""
    steps = draw(st.lists(st.sampled_from([*[1] * 30, 2, 4]), min_size=40, max_size=60))
    times = (10.0 * np.cumsum(steps)).tolist()
    times += draw(st.lists(st.sampled_from(times), max_size=10)) + [NAN] * draw(st.integers(0, 3))
    times = draw(st.permutations(times)) if draw(st.booleans()) else times
    values = draw(st.lists(st.integers(-99, 99) | st.just(NAN), min_size=len(times), max_size=len(times)))
    return times, [float(value) for value in values]


@settings(max_examples=150)
@given(tables(), st.sampled_from([3, 10**6]))
def test_the_same_as_a_plain_account(table: tuple[list[float], list[float]], chunk: int) -> None:
    times, values = table
    steps = np.diff(np.unique([time for time in times if not math.isnan(time)]))
    if (steps == 10).mean() < grid.REGULAR:
        return
    before, grid.CHUNK = grid.CHUNK, chunk
    try:
        made = on_grid(raw(times, values))
    finally:
        grid.CHUNK = before
    wanted = plainly(times, values)
    np.testing.assert_allclose(made.times, [row[0] for row in wanted], atol=1e-6, rtol=0)
    np.testing.assert_allclose(made.values[:, 0], [row[1] for row in wanted])
    assert made.rows.tolist() == [row[2] for row in wanted]
    assert (made.clock.step, made.clock.regular) == (10, True)
    check_every_row_has_a_place(made, times)


def check_every_row_has_a_place(made: Series, times: list[float]) -> None:
    places = {int(row): place for place, row in enumerate(made.rows) if row >= 0}
    places |= {int(row): int(place) for row, place in made.copies}
    assert sorted(places) == [row for row, time in enumerate(times) if not math.isnan(time)]
    assert all(made.times[place] == times[row] for row, place in places.items())


def test_a_perturbed_grid_is_caught() -> None:
    times = [0.0, 10, 20, 40, 50, 60, 70, 80, 90, 100, 110, 120]
    made = on_grid(raw(times))
    assert made.rows.tolist() == [row[2] for row in plainly(times, times)]
    late = [time + 10 * (time > 80) for time in times]
    assert on_grid(raw(late)).rows.tolist() != made.rows.tolist()


def said(made: Series) -> str:
    return " | ".join(made.notes)


def test_what_was_done_is_said() -> None:
    times = [0.0, 10, 20, 30, 30, NAN, 50, 60, 80, 70, 90, 100, 110, 120, 130, 140, 150]
    made = on_grid(raw(times))
    assert len(made.rows[made.rows >= 0]) == len(times) - 2, "a row without a time and a second one of a stamp"
    assert "time goes back 1 time; rows are sorted" in said(made)
    assert "1 row with the stamp of another row: each stamp is judged once, by the mean" in said(made)
    assert "1 gap in time: 1 missing row is judged as unknown" in said(made)
    assert made.values[3, 0] == 3.5
    assert made.copies.tolist() == [[4, 3]]


def test_stamps_coarser_than_rows_are_no_copies() -> None:
    made = on_grid(raw([float(k // 10) for k in range(200)]))
    assert len(made) == 200
    assert not made.clock.regular
    assert made.clock.step == pytest.approx(0.1, rel=0.06)
    assert "stamp of the row before" in said(made)


@pytest.mark.parametrize("jitter", [0.0, 1.0, 2.4])
def test_rows_a_little_early_or_late_are_regular(jitter: float) -> None:
    times = [10.0 * k + (-1) ** k * jitter / 2 for k in range(100)]
    made = on_grid(raw(times))
    assert made.clock.regular
    assert len(made) == 100


def test_irregular_rows_are_kept_as_they_are() -> None:
    times = np.cumsum(np.random.default_rng(1).exponential(60.0, 500))
    made = on_grid(raw(times.tolist()))
    assert len(made) == 500
    assert not made.clock.regular
    assert made.clock.seconds == pytest.approx(60, rel=0.15)  # how many rows come in a week is what counts
    assert "irregular times" in said(made)


def test_a_day_a_month_is_regular() -> None:
    months = np.arange("2010-01", "2024-01", dtype="datetime64[M]").astype("datetime64[s]").astype(np.float64)
    made = on_grid(raw(months.tolist()))
    assert made.clock.regular
    assert len(made) == 14 * 12


@pytest.mark.parametrize(
    ("step", "lost", "kept"),
    [
        (300.0, 900, 900),  # short: whole
        (300.0, 288 * 5 + 100, 100),  # what five days leave
        (300.0, 288 * 5, 288),  # nothing would be left: a day
        (1.0, 5_000, SHORT),  # a day would be too many rows
        (7.0, 5_000, SHORT),  # no whole number of rows a day
    ],
)
def test_long_gaps_are_cut_so_that_the_time_of_day_stays_in_step(step: float, lost: int, kept: int) -> None:
    first = np.arange(3_000) * step
    times = np.concatenate([first, first[-1] + (lost + 1) * step + np.arange(3_000) * step])
    made = on_grid(raw(times.tolist()))
    assert len(made) == 6_000 + kept
    assert (made.rows[3_000 : 3_000 + kept] == -1).all()
    assert np.isnan(made.values[3_000 : 3_000 + kept]).all()
    assert (np.diff(made.times) > 0).all()
    assert ("cut short" in said(made)) == (kept != lost)
    if step == 300 and kept >= LEAST:
        day = 86_400 / step
        assert (len(made) - len(times)) % day == lost % day


def test_many_gaps_put_in_no_more_rows_than_there_are() -> None:
    times = np.concatenate([np.arange(20) + 10_000.0 * k for k in range(300)])
    made = on_grid(raw(times.tolist()))
    assert made.clock.regular
    assert len(made) <= len(times) + LEAST * 300


def test_numbers_of_rows_go_without_gaps() -> None:
    made = on_grid(Raw((np.array([1.0, NAN, 3.0]),), ("x",), None, Clock()))
    assert made.times.tolist() == [0, 1, 2]
    assert made.clock.step == 1
    assert on_grid(Raw((np.array([1.0]),), ("x",), None, Clock())).clock.step is None


def test_parts_keep_their_copies() -> None:
    made = on_grid(raw([0.0, 10, 10, 20, 20, 30, 40, 50, 60]))
    assert made.copies.tolist() == [[2, 1], [4, 2]]
    assert made.part(2, 5).copies.tolist() == [[4, 0]]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=30), st.booleans())
def test_time_never_falls_and_no_row_is_lost(times: list[float], number: bool) -> None:
    made = on_grid(raw(times, clock=Clock("number", "t") if number else TIME))
    assert (np.diff(made.times) >= 0).all()
    check_every_row_has_a_place(made, times)
    values: Floats = made.values[made.rows >= 0, 0]
    assert np.isfinite(values).all()


def test_a_mean_step_is_one_that_can_be_said() -> None:
    """Rows that are early and late by turns, a clock that is a bit slow: 30 min, not 29 min 59.9 s."""
    times = np.arange(102) * 1799.93 + np.where(np.arange(102) % 2, 440.0, 0.0)
    made = on_grid(raw(times.tolist()))
    assert (made.clock.step, made.clock.regular) == (1800.0, True)
