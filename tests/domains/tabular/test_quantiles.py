"""Quantile functions: compact, faithful, and never the list of values they come from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps_tabular.columns.quantiles import NormalScores, Quantiles
from genapps_tabular.columns.ranges import Allowed, Ranges

whole = st.lists(st.integers(-1000, 1000), min_size=1, max_size=300)


@settings(max_examples=80, deadline=None)
@given(whole, st.integers(1, 20))
def test_draws_round_back_into_their_bin(numbers: list[int], bins: int) -> None:
    sample = np.array(numbers, float)
    quantiles = Quantiles.fit(sample, bins, 8, 1.0)
    assert (np.diff(quantiles.levels) >= 0).all()
    assert (np.diff(quantiles.values) >= 0).all()
    levels = np.linspace(0, quantiles.bins, 400, endpoint=False) + 1e-6
    drawn = np.clip(np.round(quantiles.value(levels)), sample.min(), sample.max())
    np.testing.assert_array_equal(quantiles.bin(drawn), levels.astype(int))


@settings(max_examples=80, deadline=None)
@given(whole)
def test_every_value_has_a_bin_of_about_equal_mass(numbers: list[int]) -> None:
    sample = np.array(numbers, float)
    quantiles = Quantiles.fit(sample, 5, 8, 1.0)
    held = np.bincount(quantiles.bin(sample), minlength=quantiles.bins)
    assert (held > 0).all()
    heaviest = np.unique(sample, return_counts=True)[1].max()
    assert held.max() <= len(sample) / 5 + heaviest


@pytest.mark.parametrize("draw", [np.random.default_rng(0).lognormal, np.random.default_rng(0).normal])
def test_the_distribution_comes_back(draw: object) -> None:
    sample = draw(size=20_000)  # type: ignore[operator]
    quantiles = Quantiles.fit(sample, 64, 16, 0.0)
    made = quantiles.value(np.random.default_rng(1).random(20_000) * quantiles.bins)
    both = np.sort(np.concatenate([sample, made]))
    distance = np.abs(
        np.searchsorted(np.sort(sample), both, "right") - np.searchsorted(np.sort(made), both, "right")
    ).max()
    assert distance / 20_000 < 0.02  # two honest samples of this size differ by about 0.01
    assert sample.min() <= made.min()
    assert made.max() <= sample.max()


def test_a_habit_of_the_data_is_kept_exactly_and_a_single_value_is_not() -> None:
    sample = np.concatenate([np.full(300, 15_024.0), np.random.default_rng(0).uniform(1, 50_000, 700)])
    quantiles = Quantiles.fit(sample, 4, 16, 0.0)
    rng = np.random.default_rng(1)
    made = quantiles.value(quantiles.bin(rng.choice(sample, 20_000)) + rng.random(20_000))
    assert abs((made == 15_024.0).mean() - 0.3) < 0.02
    single = np.setdiff1d(sample, [15_024.0])
    assert np.isin(made, single).mean() < 0.001
    assert len(quantiles.levels) < len(single) / 3


@settings(max_examples=60, deadline=None)
@given(whole, st.integers(-1000, 1000), st.integers(0, 300))
def test_the_share_allowed_is_the_share_drawn(numbers: list[int], low: int, width: int) -> None:
    """Oracle: draw from everything, round, and count what falls into the range."""
    sample = np.array(numbers, float)
    quantiles = Quantiles.fit(sample, 5, 8, 1.0)
    ranges = Ranges.of([(float(low), float(low + width))])
    share = np.diff(Allowed.of(quantiles, ranges, 1.0).below(np.arange(quantiles.bins + 1.0)))
    levels = np.arange(0.0005, quantiles.bins, 0.001)
    inside = ranges.hold(np.round(quantiles.value(levels)))
    drawn = np.bincount(levels.astype(int), inside, minlength=quantiles.bins) / 1000
    np.testing.assert_allclose(share, drawn, atol=0.005)


def test_draws_under_a_condition_are_uniform_over_what_is_allowed() -> None:
    quantiles = Quantiles.fit(np.linspace(0, 100, 1001), 4, 16, 0.0)
    ranges = Ranges.of([(10.0, 20.0), (22.0, 24.0)])
    allowed = Allowed.of(quantiles, ranges, 0.0)
    made = quantiles.value(allowed.draw(np.zeros(20_000, int), np.random.default_rng(0)))
    assert ranges.hold(np.round(made, 9)).all()
    assert abs((made < 15).mean() - 5 / 12) < 0.02


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=500, unique=True))
def test_normal_scores_rise_and_stay_inside_the_range(numbers: list[float]) -> None:
    sample = np.array(numbers)
    normal = NormalScores.fit(sample)
    assert (np.diff(normal.scores) > 0).all()
    assert (np.diff(normal.values) > 0).all()
    assert len(normal.values) <= max(2, len(sample) / 5 + 2)
    beyond = normal.value(np.array([-50.0, 50.0]))
    np.testing.assert_array_equal(beyond, [sample.min(), sample.max()])
    inside = np.sort(sample)
    np.testing.assert_allclose(normal.value(normal.score(inside)), inside, rtol=1e-6, atol=1e-6 * np.ptp(sample))


def test_scores_are_normal() -> None:
    scores = NormalScores.fit(np.random.default_rng(0).exponential(size=50_000)).score(
        np.random.default_rng(1).exponential(size=50_000)
    )
    assert abs(scores.mean()) < 0.03
    assert abs(scores.std() - 1) < 0.03
    assert abs(np.mean(scores < 1.6449) - 0.95) < 0.01
