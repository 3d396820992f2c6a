"""Rates and alarms a week, and what is said of a promise that is kept, guessed or impossible."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.anomaly.calibration import Calibration
from genapps.anomaly.promises import alarms_for, promise, rate_for, rows_per_alarm
from genapps.errors import UsageError


@given(st.floats(0.01, 10), st.floats(0.1, 3600), st.floats(1, 20))
def test_rates_and_alarms_a_week_are_inverse(weekly: float, step: float, merged: float) -> None:
    if weekly * step * merged / 604_800 <= 0.5:
        assert alarms_for(rate_for(weekly, step, merged), step, merged) == pytest.approx(weekly)


def test_one_alarm_a_week_at_one_row_a_minute() -> None:
    assert rate_for(1, 60) == pytest.approx(1 / 10_080)
    with pytest.raises(UsageError, match="at most 5040"):
        rate_for(10_000, 60)
    for step in (0.0, float("inf"), float("nan")):
        with pytest.raises(UsageError, match="a time that goes on"):
            alarms_for(0.01, step)


def test_alarms_close_together_are_one() -> None:
    flags = [1, 1, 0, 1, 0, 0, 0, 1]
    assert rows_per_alarm(flags) == pytest.approx(4 / 3)
    assert rows_per_alarm(flags, gap=2) == 2
    assert rows_per_alarm([0, 0]) == 1


def test_a_promise_that_is_kept() -> None:
    kept = promise(np.random.default_rng(0).random(20_000), Calibration(0.01), step=60.0)
    assert kept.possible and kept.certain and kept.rows == 10_000
    assert kept.held == pytest.approx(0.01, rel=0.3)
    assert kept.per_week == pytest.approx(100.8)
    assert kept.held_per_week == pytest.approx(100, rel=0.3)
    assert kept.sentence().startswith("asked: 1e+02 false alarms a week; on held-out normal data: ")


def test_in_words() -> None:
    normal = np.random.default_rng(0).random(3000)
    guess = promise(normal, Calibration(0.001)).sentence()
    assert guess.startswith("asked: 0.001 of the rows; on held-out normal data: ")
    assert re.search(r"\(\d+ alarms? in 1,500 rows, which are too few to tell\)$", guess)
    weekly = promise(normal, Calibration(rate_for(1, 600)), step=600, asked=1).sentence()
    assert weekly.startswith("asked: 1 false alarm a week; on held-out normal data: ")
    short = promise(normal, Calibration(rate_for(1, 60)), step=60, asked=1)
    assert not short.possible and short.held is None and short.held_per_week is None
    assert short.sentence() == (
        "asked: 1 false alarm a week; cannot be promised: it takes 10,079 normal rows, here are 3,000"
    )
    half = promise(normal, Calibration(1 / 2000)).sentence()
    assert half == "asked: 0.0005 of the rows; not measured: half of 3,000 normal rows are too few to hold out"
    assert not promise(normal, Calibration(0.001, length=500)).possible


def test_scores_that_drift_show_in_what_was_kept() -> None:
    draws = np.random.default_rng(0)
    bursts = np.where(np.arange(4000) > 3000, 9 + np.arange(4000), draws.random(4000))
    kept = promise(bursts, Calibration(0.01, adapt=False))
    assert kept.held is not None and kept.held > 0.2
