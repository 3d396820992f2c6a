"""Windows and points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_timeseries.scoring.windows import (
    covering,
    running_max,
    running_mean,
    spread,
    spread_some,
    tent,
    window_of,
    windows,
)

counts, lengths, seeds = st.integers(1, 40), st.integers(1, 12), st.integers(0, 9)


@given(counts, lengths, seeds)
def test_spread_is_the_mean_of_the_windows_over_a_point(count: int, length: int, seed: int) -> None:
    length = min(length, count)
    scores = np.random.default_rng(seed).random(count - length + 1)
    expected = [np.mean([s for k, s in enumerate(scores) if k <= point < k + length]) for point in range(count)]
    np.testing.assert_allclose(spread(scores, count, length), expected, atol=1e-12)


@given(counts, lengths, st.integers(1, 12), seeds)
def test_spread_of_some_windows(count: int, length: int, every: int, seed: int) -> None:
    length = min(length, count)
    starts = np.arange(0, count - length + 1, min(every, length))
    scores = np.random.default_rng(seed).random(len(starts))
    found = spread_some(scores, starts, count, length)
    for point in range(count):
        over = [s for start, s in zip(starts, scores, strict=True) if start <= point < start + length]
        assert found[point] == pytest.approx(np.mean(over) if over else scores[-1], abs=1e-12)


@given(counts, lengths, seeds)
def test_running_mean_and_max(count: int, width: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=count)
    parts = [values[max(0, k - (width - 1) // 2) : k + width // 2 + 1] for k in range(count)]
    np.testing.assert_array_equal(running_max(values, width), [part.max() for part in parts])
    whole = [part.mean() for part in parts if len(part) == width] or [values.mean()]
    before = min((width - 1) // 2, count - 1)
    after = count - before - len(whole)  # ends have what the first and the last whole one have
    expected = [*[whole[0]] * before, *whole, *[whole[-1]] * after]
    np.testing.assert_allclose(running_mean(values, width), expected[:count], atol=1e-12)
    np.testing.assert_allclose(running_mean(values, width, partial=True), [p.mean() for p in parts], atol=1e-12)


@given(counts, st.integers(2, 12), seeds)
def test_tent_falls_off_on_both_sides(count: int, reach: int, seed: int) -> None:
    scores = np.random.default_rng(seed).random(count)
    brute = [max(s * max(0, 1 - abs(k - at) / reach) for at, s in enumerate(scores)) for k in range(count)]
    np.testing.assert_allclose(tent(scores, reach), brute, atol=1e-12)


@given(counts, lengths, seeds)
def test_covering(count: int, length: int, seed: int) -> None:
    known = np.random.default_rng(seed).random(count) < 0.8
    if length <= count:
        brute = [known[k : k + length].all() for k in range(count - length + 1)]
        np.testing.assert_array_equal(covering(known, length), brute)
    else:
        assert covering(known, length).tolist() == [known.all()]


def test_short_values_hold_their_last() -> None:
    assert windows(np.array([1.0, 2.0]), 4).tolist() == [[1, 2, 2, 2]]


def test_the_window_is_the_period_of_a_long_enough_part() -> None:
    wave = np.sin(np.arange(4000) * 2 * np.pi / 50)
    assert abs(window_of(wave) - 50) <= 1
    assert window_of(wave[:100]) <= 25
    assert window_of(np.zeros(1)) == 4
