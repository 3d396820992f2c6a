"""What repeats a normal stretch to the last digit is no event."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_timeseries.detection.repeats import repeats, rounding
from genapps_timeseries.detection.tasks import detect
from genapps_timeseries.series import series_of

DAY = np.round(50 + 20 * np.sin(2 * np.pi * np.arange(48) / 48), 1)


def test_the_step_of_rounding() -> None:
    draws = np.random.default_rng(0)
    assert rounding(np.round(draws.normal(0, 5, 500), 2)) == pytest.approx(0.01, rel=1e-4)
    assert rounding(draws.integers(0, 5, 500).astype(float)) < 1e-6  # levels, not rounding
    assert rounding(np.full(9, 3.0)) == 0
    assert 0 < rounding(draws.normal(0, 1, 100) + 1e-12) < 0.02 * 8


def test_each_channel_has_to_repeat() -> None:
    normal = np.stack([np.tile(DAY, 8), np.tile(DAY[::-1], 8)], axis=1)
    again = normal[10:90] + 0.1 * np.random.default_rng(0).integers(0, 2, (80, 2))
    assert repeats(again, normal, 0)
    again[40, 1] += 0.5
    assert not repeats(again, normal, 0)
    again[40, 1] = np.nan
    assert not repeats(again, normal, 0)


def test_a_series_that_repeats_itself_has_no_event() -> None:
    values = np.tile(DAY, 40)
    values[1500:] += 1e-12
    assert detect([series_of(values, step=1800)]).events == ()
    values[1400] += 5
    assert [event.first for event in detect([series_of(values, step=1800)]).events] == [1400]
