"""Ranks as p-values, counted by hand and proven by enumeration; the tail against laws whose tails are known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from genapps.anomaly.conformal import (
    Tail,
    conformal_p,
    exact_length,
    extrapolated,
    fit_tail,
    needed_length,
)
from genapps.errors import InputError

SCORES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.5]), min_size=1, max_size=9)


@given(SCORES, SCORES)
def test_a_p_value_is_a_rank(reference: list[float], scores: list[float]) -> None:
    expected = [(1 + sum(r >= s for r in reference)) / (len(reference) + 1) for s in scores]
    assert conformal_p(reference, scores).tolist() == expected


@given(SCORES)
def test_no_law_and_no_tie_breaks_the_promise(scores: list[float]) -> None:
    """Each of n exchangeable rows is the new one equally often: P(p <= a) <= a, for every a, by enumeration."""
    n = len(scores)
    if n > 1:
        p = [float(conformal_p(scores[:k] + scores[k + 1 :], scores[k : k + 1])[0]) for k in range(n)]
        for a in {*p, 0.01, 0.3}:
            assert Fraction(sum(value <= a for value in p), n) <= Fraction(a) + Fraction(1, 10**12)


def test_constant_scores_never_alarm_and_gaps_stay_gaps() -> None:
    assert conformal_p(np.zeros(100), [0.0, 0.0]).tolist() == [1, 1]
    assert conformal_p(np.zeros(99), [1e-9, np.nan, np.inf]).tolist() == pytest.approx(
        [0.01, np.nan, 0.01], nan_ok=True
    )
    with pytest.raises(InputError, match="no finite score"):
        conformal_p([np.nan, np.inf], [1.0])


def test_a_strict_inequality_would_be_caught() -> None:
    """The p-value with > in place of >= alarms on scores that never change."""
    reference = np.zeros(999)
    assert (1 + (reference > 0).sum()) / 1000 <= 0.001 < conformal_p(reference, [0.0])[0]


@given(st.sampled_from([0.5, 0.1, 0.01, 0.003, 0.001, 1e-4]), st.integers(1, 30_000))
def test_lengths_that_ranks_can_meet(rate: float, longest: int) -> None:
    needed = needed_length(rate)
    assert 1 / (needed + 1) <= rate * (1 + 1e-9)
    assert needed == 1 or 1 / needed > rate
    length = exact_length(rate, longest)
    assert length <= longest
    if longest >= needed:
        kept = np.floor((length + 1) * rate + 1e-9) / (length + 1)
        assert kept == pytest.approx(rate, rel=2 / (length + 1) + 1e-9)
        assert length + 1 > longest + 1 - 1 / rate


@pytest.mark.parametrize("shape", [0.0, 0.2, 0.4])
def test_the_tail_of_a_known_law_is_found(shape: float) -> None:
    scores = np.sort(stats.genpareto.rvs(shape, size=2000, random_state=1))
    tail = fit_tail(scores.tolist())
    assert tail is not None and tail.share == 0.1
    assert tail.shape == pytest.approx(shape, abs=0.2)
    for rate in (1e-2, 1e-3, 1e-4):
        assert tail.p(tail.quantile(rate)) == pytest.approx(rate, rel=1e-9)
        assert 0.2 < stats.genpareto.sf(tail.quantile(rate), shape) / rate < 5


def test_the_tail_is_scipys() -> None:
    for shape in (0.0, 0.3):
        tail = Tail(2.0, 1.5, shape, 0.1)
        points = np.array([2.0, 3.0, 10.0, 50.0])
        expected = 0.1 * stats.genpareto.sf(points, shape, loc=2.0, scale=1.5)
        assert [tail.p(x) for x in points] == pytest.approx(expected, rel=1e-9)


def test_a_bounded_law_gets_no_end() -> None:
    tail = fit_tail(np.linspace(0, 1, 500).tolist())
    assert tail is not None and tail.shape == 0 and tail.p(2.0) > 0


def test_where_the_highest_are_equal_or_few_there_is_no_tail() -> None:
    assert fit_tail([0.0] * 500) is None
    assert fit_tail(list(range(39))) is None
    assert extrapolated([0.0] * 99, None, 5.0) == (0.01, False)


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=40, max_size=80), st.floats(0, 1000))
def test_the_tail_only_makes_rarer_what_is_beyond_the_reference(reference: list[float], beyond: float) -> None:
    ordered = sorted(reference)
    tail = fit_tail(ordered)
    rank = 1 / (len(ordered) + 1)
    near, far = (extrapolated(ordered, tail, ordered[-1] + step)[0] for step in (beyond, beyond + 1))
    assert far <= near <= (rank if beyond > 0 and ordered[-1] + beyond > ordered[-1] else 1)
    assert extrapolated(ordered, tail, ordered[-1]) == (conformal_p(ordered, [ordered[-1]])[0], False)
