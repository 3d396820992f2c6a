"""Scores as surprise: what a p-value is, on any scale of scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_timeseries.scoring.surprise import MOST, Surprise
from genapps_timeseries.series import Floats

NORMAL = np.random.default_rng(0).exponential(size=2000)


def test_it_is_the_log_of_the_share_of_scores_as_high(tolerance: float = 0.15) -> None:
    curve = Surprise.of(NORMAL)
    for share in (0.5, 0.1, 0.02):
        assert abs(float(curve(np.quantile(NORMAL, [1 - share]))[0]) + np.log(share)) < tolerance


def test_beyond_the_last_the_tail_goes_on_as_the_law_does(tolerance: float = 0.15) -> None:
    curve = Surprise.of(NORMAL)
    assert float(curve(np.array(30.0))) == pytest.approx(30.0, rel=tolerance)
    assert float(curve(np.array(1e9))) == pytest.approx(MOST, abs=1e-3)
    assert (np.diff(curve(np.geomspace(10, 1e6, 50))) > 0).all()  # no ties among the strange


def test_slower_is_worth_as_much_less() -> None:
    there = np.array([0.5, 2.0, 20.0])
    np.testing.assert_allclose(3 * Surprise.of(NORMAL, 3.0)(there)[:2], Surprise.of(NORMAL)(there)[:2])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.lists(st.floats(-1e7, 1e7), min_size=2, max_size=20))
def test_higher_scores_are_no_less_strange(reference: list[float], asked: list[float]) -> None:
    nats = Surprise.of(np.array(reference))(np.sort(np.array(asked)))
    assert (np.diff(nats) >= -1e-9).all() and (nats >= 0).all()


@pytest.mark.parametrize("reference", [np.empty(0), np.full(5, np.nan), np.zeros(4), np.array([3.0])])
def test_odd_references(reference: Floats) -> None:
    curve = Surprise.of(reference)
    found = curve(np.array([np.nan, 0.0, 3.0, 7.0]))
    assert np.isnan(found[0]) and np.isfinite(found[1:]).all()
    again = Surprise.from_state(curve.state())
    np.testing.assert_array_equal(again(np.linspace(-1, 9, 50)), curve(np.linspace(-1, 9, 50)))
