"""Where in an alarm the rows themselves are strange."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_timeseries.detection.extent import COST, MOST, OFF, contrast, extent, lone


def test_the_stretch_is_the_best_of_all() -> None:
    draws = np.random.default_rng(0)
    for _ in range(50):
        off = draws.normal(0, 3, 20)
        off[draws.integers(20)] = OFF + 1
        gain = np.minimum(off**2, MOST) - COST
        best = max(((a, b) for a in range(20) for b in range(a, 20)), key=lambda ab: gain[ab[0] : ab[1] + 1].sum())
        first, last = extent(2.5 * off, 2.5)
        assert gain[first : last + 1].sum() == pytest.approx(gain[best[0] : best[1] + 1].sum())


def test_a_lone_row_far_from_the_rest_is_not_of_it() -> None:
    off = np.zeros(300)
    off[100:140], off[290] = 5.0, 5.0
    assert extent(off, 1.0) == (100, 139)
    assert extent(np.array([0.1, 0.3, np.nan, 0.2, 0.0]), 1.0) == (1, 3)  # nothing is clearly off: half of the worst


def test_a_spike_is_told_apart_from_what_lasts() -> None:
    draws = np.random.default_rng(1)
    normal, values = draws.normal(0, 1, 1000), draws.normal(0, 1, 200)
    values[120] += 12
    assert lone(values, 60, 180, normal, values[60:180] ** 2) == (120, 120)
    values[100:150] += 8
    assert lone(values, 60, 180, normal, values[60:180] ** 2) is None
    assert contrast(np.arange(20.0))[5:15] == pytest.approx(0)
