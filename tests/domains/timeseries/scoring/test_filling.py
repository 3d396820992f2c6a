"""Holes."""

from __future__ import annotations

import numpy as np

from genapps_timeseries.scoring.filling import fill

NAN = np.nan


def test_short_holes_are_lines_and_long_ones_are_not_judged() -> None:
    values = np.array([NAN, 1, NAN, 3, NAN, NAN, NAN, 7, np.inf])
    found = fill(values, 2)
    assert found.values.tolist() == [1, 1, 2, 3, 4, 5, 6, 7, 7]
    assert found.judged.tolist() == [True, True, True, True, False, False, False, True, True]


def test_nothing_known() -> None:
    found = fill(np.full(3, NAN), 2)
    assert found.values.tolist() == [0, 0, 0]
    assert not found.judged.any()


def test_nothing_missing() -> None:
    values = np.arange(3.0)
    found = fill(values, 1)
    np.testing.assert_array_equal(found.values, values)
    assert found.judged.all()
