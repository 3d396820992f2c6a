"""Similarities of columns and pairs, against scipy and plain counting."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from scipy.stats.contingency import association as cramer

from genapps.metrics import distributions
from genapps.metrics.distributions import (
    PairSimilarities,
    association,
    column_similarities,
    correlations,
    ks_similarity,
    pair_similarities,
    tv_similarity,
)

samples = st.lists(st.integers(-5, 5), min_size=1, max_size=40).map(lambda x: np.array(x, float))
CATEGORICAL = np.array([False, False, True, True])


def table(rows: int, seed: int) -> NDArray[np.float64]:
    """Two dependent numbers with gaps and two dependent categories with gaps."""
    generator = np.random.default_rng(seed)
    first = generator.normal(size=rows)
    code = generator.integers(0, 4, rows).astype(float)
    columns = np.column_stack(
        [first, first + generator.normal(size=rows), code, (code + generator.integers(0, 2, rows)) % 4]
    )
    columns[generator.random(columns.shape) < 0.1] = np.nan
    return columns


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the p-values, which nobody asked for
@given(samples, samples)
def test_ks_is_that_of_scipy(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    assert ks_similarity(a, b) == pytest.approx(1 - ks_2samp(a, b).statistic, abs=1e-12)


def test_ks_drops_gaps_and_does_not_split_atoms_by_rounding() -> None:
    assert ks_similarity(np.array([0.3, np.nan]), np.array([0.1 + 0.2])) == 1.0
    assert ks_similarity(np.array([1e300, 1.0]), np.array([1e300, 2.0])) == 0.5
    assert ks_similarity(np.array([np.nan]), np.array([1.0])) is None


@given(samples, samples)
def test_tv_is_half_the_sum_of_the_differences_of_shares(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    a, b = np.abs(a), np.abs(b)
    shares = [{value: count / len(x) for value, count in Counter(x.tolist()).items()} for x in (a, b)]
    expected = 1 - sum(abs(shares[0].get(v, 0) - shares[1].get(v, 0)) for v in {*a, *b}) / 2
    assert tv_similarity(a, b) == pytest.approx(expected)
    assert tv_similarity(np.append(a, np.nan), b) == pytest.approx(expected)


@settings(deadline=None)
@given(st.integers(0, 50))
def test_correlations_are_pairwise_over_complete_rows(seed: int) -> None:
    values = table(60, seed)[:, :3] * [1.0, 1e-8, 1e6] + [1e6, 0.0, -1e8]
    found = correlations(values)
    for i in range(3):
        for j in range(3):
            both = ~np.isnan(values[:, i]) & ~np.isnan(values[:, j])
            assert found[i, j] == pytest.approx(np.corrcoef(values[both, i], values[both, j])[0, 1], abs=1e-6)


def test_a_constant_has_no_correlation_whatever_its_size() -> None:
    values = np.column_stack([np.arange(5.0), np.full(5, 0.1), np.full(5, 1e9 + 0.1), np.full(5, np.nan)])
    found = correlations(values)
    assert found[0, 0] == 1
    assert np.isnan(found[:, 1:]).all()


@pytest.mark.parametrize("seed", range(5))
def test_association_is_that_of_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a = generator.integers(0, 5, 80)
    b = (a + generator.integers(0, 3, 80)) % 7 * 3  # some codes are never seen
    counts = np.array([[np.sum((a == i) & (b == j)) for j in np.unique(b)] for i in np.unique(a)])
    assert association(a, b) == pytest.approx(cramer(counts, method="cramer"))
    assert association(a, b) == pytest.approx(association(b, a))


def test_correction_takes_off_what_chance_shows() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 30, (2, 500))
    assert association(a, b) > 0.2
    assert association(a, b, corrected=True) < 0.05
    assert association(a, a, corrected=True) == pytest.approx(1, abs=0.02)
    assert association(a, np.zeros(500, np.int64)) == 0


def test_counting_by_sorting_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real, synthetic = table(200, 0), table(150, 1)
    dense = pair_similarities(real, synthetic, CATEGORICAL)
    monkeypatch.setattr(distributions, "DENSE_CELLS", 1)
    sparse = pair_similarities(real, synthetic, CATEGORICAL)
    np.testing.assert_allclose(sparse.similarity, dense.similarity)
    np.testing.assert_array_equal(sparse.strong, dense.strong)


def test_identical_tables_are_wholly_similar() -> None:
    real = table(100, 0)
    pairs = pair_similarities(real, real[::-1], CATEGORICAL)
    assert column_similarities(real, real[::-1], CATEGORICAL) == [1, 1, 1, 1]
    assert pairs.mean() == pytest.approx(1)
    assert pairs.mean(strong=True) == pytest.approx(1)


def test_order_of_rows_and_columns_does_not_matter() -> None:
    real, synthetic = table(100, 0), table(120, 1)
    order, rows = np.array([3, 0, 2, 1]), np.random.default_rng(2).permutation(100)
    plain = pair_similarities(real, synthetic, CATEGORICAL)
    moved = pair_similarities(real[rows][:, order], synthetic[:, order], CATEGORICAL[order])
    np.testing.assert_allclose(moved.similarity, plain.similarity[np.ix_(order, order)])
    assert moved.mean() == pytest.approx(plain.mean())


def test_breaking_dependence_lowers_the_pairs_and_not_the_columns() -> None:
    real = table(2000, 0)
    generator = np.random.default_rng(1)
    broken = np.column_stack([generator.permutation(real[:, d]) for d in range(4)])
    assert column_similarities(real, broken, CATEGORICAL) == [1, 1, 1, 1]
    strong = pair_similarities(real, broken, CATEGORICAL)
    assert strong.strong[0, 1] and strong.strong[2, 3]
    assert not strong.strong[0, 2]
    assert strong.similarity[0, 1] < 0.75 and strong.similarity[2, 3] < 0.75
    assert strong.similarity[0, 2] > 0.9


def test_no_pair_has_no_mean() -> None:
    assert pair_similarities(table(50, 0)[:, :1], table(50, 1)[:, :1], CATEGORICAL[:1]).mean() is None
    empty = PairSimilarities(np.full((2, 2), np.nan), np.zeros((2, 2), bool))
    assert empty.mean() is None and empty.mean(strong=True) is None


@pytest.mark.parametrize("value", [np.nan, 1e300, -1e300, 0.0])
def test_degenerate_columns_give_a_figure_or_none(value: float) -> None:
    real = table(50, 0)
    real[:, 0] = value
    pairs = pair_similarities(real, table(50, 1), CATEGORICAL)
    assert np.isnan(pairs.similarity[0, 1])
    assert 0 <= pairs.similarity[0, 2] <= 1
