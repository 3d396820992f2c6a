"""The Fréchet distance against its closed forms and against the matrix root itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from genapps.errors import InputError
from genapps.metrics.frechet import Moments, frechet_distance


def drawn(seed: int, rows: int = 200, width: int = 5) -> Moments:
    draws = np.random.default_rng(seed)
    return Moments.of(draws.normal(size=(rows, width)) @ draws.normal(size=(width, width)) + draws.normal(size=width))


@given(st.integers(0, 1000))
def test_it_is_what_the_matrix_root_gives(seed: int) -> None:
    a, b = drawn(seed), drawn(seed + 1)
    root = np.real(sqrtm(a.covariance @ b.covariance))
    expected = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-9)


def test_closed_forms() -> None:
    one = Moments(np.zeros(3), np.eye(3), 10)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(one, Moments(np.array([3.0, 0, 4]), np.eye(3), 10)) == pytest.approx(25)
    assert frechet_distance(one, Moments(np.zeros(3), 4 * np.eye(3), 10)) == pytest.approx(3)  # (2 - 1)² a variable


def test_fewer_rows_than_variables() -> None:
    few = Moments.of(np.random.default_rng(0).normal(size=(3, 8)))
    assert 0 < frechet_distance(few, drawn(1, width=8)) < np.inf
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)
    with pytest.raises(InputError, match="at least 2 rows"):
        Moments.of(np.zeros((1, 8)))
