"""Nearest rows against brute force, and what nearness says of copies."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genapps.metrics import neighbors
from genapps.metrics.neighbors import MixedDistance, Nearest, nearer_share, nearest, nearness_error, radii, reach

Floats = NDArray[np.float64]
CATEGORICAL = np.array([True, False, False, True])


def rows(count: int, seed: int) -> Floats:
    generator = np.random.default_rng(seed)
    numbers = np.column_stack([generator.normal(size=count), generator.integers(0, 50, count)])
    codes = generator.integers(0, 3, (count, 2)).astype(float)
    table = np.column_stack([codes[:, 0], numbers, codes[:, 1]])
    table[generator.random(table.shape) < 0.05] = np.nan
    return table


def by_hand(queries: Floats, references: Floats, scale: Floats) -> Floats:
    """The definition, one cell at a time."""
    low, high = np.nanmin(scale, axis=0), np.nanmax(scale, axis=0)
    result = np.zeros((len(queries), len(references)))
    for i, query in enumerate(queries):
        for j, reference in enumerate(references):
            for d, is_code in enumerate(CATEGORICAL):
                if is_code:
                    same = query[d] == reference[d] or (np.isnan(query[d]) and np.isnan(reference[d]))
                    result[i, j] += not same
                else:
                    ends = [-1 if np.isnan(x) else (x - low[d]) / (high[d] - low[d]) for x in (query[d], reference[d])]
                    result[i, j] += abs(ends[0] - ends[1])
    return result


@pytest.mark.parametrize("cells", [1, 100, 1 << 17])
def test_nearest_is_the_definition_whatever_the_block(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "BLOCK_CELLS", cells)
    train, queries = rows(60, 0), rows(25, 1)
    metric = MixedDistance.fit(train, CATEGORICAL)
    expected = by_hand(queries, train, train)
    found = nearest(metric, queries, train)
    np.testing.assert_allclose(found.distance, expected.min(axis=1), atol=1e-5)
    np.testing.assert_array_equal(found.ties, (expected <= expected.min(axis=1)[:, None] + 1e-6).sum(axis=1))
    others = np.sort(by_hand(train, train, train), axis=1)
    np.testing.assert_allclose(radii(metric, train, 5), others[:, 5], atol=1e-5)


def test_columns_may_come_in_any_order() -> None:
    train, queries = rows(60, 0), rows(25, 1)
    order = np.array([2, 3, 1, 0])
    plain = nearest(MixedDistance.fit(train, CATEGORICAL), queries, train)
    moved = nearest(MixedDistance.fit(train[:, order], CATEGORICAL[order]), queries[:, order], train[:, order])
    np.testing.assert_allclose(plain.distance, moved.distance, atol=1e-5)


def share(queries: Floats, train: Floats, unseen: Floats) -> float:
    metric = MixedDistance.fit(train, CATEGORICAL)
    found = nearer_share(nearest(metric, queries, train), nearest(metric, queries, unseen))
    assert found is not None
    return found


@pytest.mark.parametrize(("train", "unseen"), [(800, 800), (1600, 400), (300, 900)])
def test_nearness_is_half_for_other_rows_and_one_for_copies(train: int, unseen: int) -> None:
    known, kept, other = rows(train, 0), rows(unseen, 1), rows(1000, 2)
    assert share(other, known, kept) == pytest.approx(0.5, abs=3 * nearness_error(1000, train, unseen))
    assert share(known, known, kept) == pytest.approx(1.0, abs=0.01)
    assert share(kept, known, kept) < 0.35
    half = np.concatenate([known[: train // 2], other[: train // 2]])
    assert share(half, known, kept) == pytest.approx(0.75, abs=0.1)


def test_equal_numbers_give_the_plain_share_with_ties_shared() -> None:
    train = Nearest(np.array([1, 2, 3, 3], np.float32), np.array([1, 1, 1, 3]), 10)
    unseen = Nearest(np.array([2, 1, 3, 3], np.float32), np.array([1, 1, 1, 1]), 10)
    assert nearer_share(train, unseen) == pytest.approx((1 + 0 + 0.5 + 0.75) / 4)


def test_nearness_error_is_what_repetition_shows() -> None:
    shares = []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        train, unseen, queries = (generator.normal(size=(n, 3)) for n in (400, 100, 300))
        metric = MixedDistance.fit(train, np.zeros(3, bool))
        shares.append(nearer_share(nearest(metric, queries, train), nearest(metric, queries, unseen)))
    assert np.std(shares) == pytest.approx(nearness_error(300, 400, 100), rel=0.4)
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)


def test_without_rows_there_is_no_figure() -> None:
    train = rows(10, 0)
    metric = MixedDistance.fit(train, CATEGORICAL)
    nobody = nearest(metric, rows(5, 1), train[:0])
    assert nearer_share(nearest(metric, rows(5, 1), train), nobody) is None
    assert nearer_share(nearest(metric, train[:0], train), nearest(metric, train[:0], train)) is None
    assert reach(metric, train[:5], train) is None


def test_reach_of_the_same_distribution_and_of_a_collapsed_one() -> None:
    real, same = rows(500, 0), rows(500, 1)
    metric = MixedDistance.fit(real, CATEGORICAL)
    good, bad = reach(metric, real, same), reach(metric, real, np.repeat(same[:5], 100, axis=0))
    assert good is not None and bad is not None
    assert good.coverage > 0.9 and good.recall > 0.8 and good.precision > 0.8
    assert bad.coverage < 0.2 and bad.recall < 0.2 and bad.precision > 0.5


def test_reach_is_the_definition() -> None:
    real, sampled = rows(40, 0), rows(30, 1)
    metric = MixedDistance.fit(real, CATEGORICAL)
    between = by_hand(real, sampled, real)
    ball = np.sort(by_hand(real, real, real), axis=1)[:, 3] + 1e-5
    balls = np.sort(by_hand(sampled, sampled, real), axis=1)[:, 3] + 1e-5
    found = reach(metric, real, sampled, k=3)
    assert found is not None
    assert found.coverage == pytest.approx((between <= ball[:, None]).any(axis=1).mean())
    assert found.precision == pytest.approx((between <= ball[:, None]).any(axis=0).mean())
    assert found.recall == pytest.approx((between <= balls[None, :]).any(axis=1).mean())


def test_extreme_numbers_and_missing_columns_keep_distances_finite() -> None:
    train = np.column_stack([np.full(10, np.nan), np.arange(10) * 1e299, np.ones(10), np.arange(10.0)])
    metric = MixedDistance.fit(train, CATEGORICAL)
    queries = np.array([[0.0, 1e300, -1e300, 99.0]])
    assert np.isfinite(nearest(metric, queries, train).distance).all()
