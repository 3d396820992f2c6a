"""What a classifier can and cannot tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genapps.metrics.two_sample import two_sample_auc

NUMBERS = np.zeros(2, bool)


def cloud(rows: int, seed: int, dependence: float = 1.0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    first = generator.normal(size=rows)
    return np.column_stack([first, dependence * first + 0.1 * generator.normal(size=rows)])


def test_two_samples_of_one_distribution_look_alike() -> None:
    area = two_sample_auc(cloud(600, 0), cloud(600, 1), NUMBERS)
    assert area == pytest.approx(0.5, abs=0.07)


def test_independent_columns_are_told_from_dependent_ones() -> None:
    real = cloud(600, 0)
    independent = np.column_stack([np.random.default_rng(d).permutation(real[:, d]) for d in range(2)])
    area = two_sample_auc(real, independent, NUMBERS)
    assert area is not None and area > 0.9


def test_a_copy_of_unseen_rows_is_worse_than_half_as_its_twins_lie_on_the_other_side() -> None:
    area = two_sample_auc(cloud(600, 0), cloud(600, 0), NUMBERS)
    assert area is not None and area < 0.45


def test_categories_and_gaps_are_seen() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 10, (500, 1)).astype(float)
    odd = generator.choice([0.0, 2, 4, 6, 8], (500, 1))
    mask = np.ones(1, bool)
    assert (two_sample_auc(codes, odd, mask) or 0) > 0.7
    gaps = np.where(generator.random((500, 1)) < 0.5, np.nan, codes)
    assert (two_sample_auc(codes, gaps, mask) or 0) > 0.65


def test_same_seed_same_figure_and_columns_of_many_codes_are_taken() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 5000, (2, 300, 2)).astype(float)
    mask = np.ones(2, bool)
    assert two_sample_auc(a, b, mask, seed=3) == two_sample_auc(a, b, mask, seed=3)
    assert two_sample_auc(a % 254, b % 254, mask) == pytest.approx(0.5, abs=0.1)


def test_columns_without_any_value_do_no_harm() -> None:
    a, b = cloud(200, 0), cloud(200, 1)
    for mask in (NUMBERS, np.array([True, False])):
        a[:, 0] = b[:, 0] = np.nan
        assert two_sample_auc(a, b, mask) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("shape", [(5, 2), (0, 2), (100, 0)])
def test_too_little_to_look_at_gives_none(shape: tuple[int, int]) -> None:
    assert two_sample_auc(np.zeros(shape), np.zeros(shape), np.zeros(shape[1], bool)) is None
