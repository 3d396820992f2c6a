"""Two coordinates for a picture: of most variance, and of most difference between groups."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_tabular.plane import discriminant, principal


def test_principal_directions_are_those_of_scikit_learn(*, tolerance: float = 1e-9) -> None:
    from sklearn.decomposition import PCA

    points = np.random.default_rng(0).normal(size=(200, 5)) * [3, 2, 1, 0.5, 0.1]
    directions, shares = principal(points, 3)
    peer = PCA(3).fit(points)
    assert np.abs(directions.T @ peer.components_.T) == pytest.approx(np.eye(3), abs=tolerance)
    assert shares == pytest.approx(peer.explained_variance_ratio_, abs=tolerance)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_discriminants_find_the_groups_beside_noise(groups: int) -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(1200) % groups + 1
    centers = np.zeros((groups, 6))
    centers[:, 1], centers[:, 4] = 8 * np.cos(np.arange(groups)), 8 * np.sin(np.arange(groups))
    points = centers[labels - 1] + draw.normal(size=(1200, 6)) * [5, 1, 1, 4, 1, 2]
    placed = points @ discriminant(points, labels)
    assert placed.shape == (1200, 2)
    assert np.isfinite(placed).all()
    if groups > 1:
        means = np.stack([placed[labels == g].mean(axis=0) for g in range(1, groups + 1)])
        nearest = ((placed[:, None] - means) ** 2 / placed.var(axis=0)).sum(axis=2).argmin(axis=1) + 1
        assert (nearest == labels).mean() > (0.9 if groups > 2 else 0.8)


@pytest.mark.parametrize("shape", [(5, 1), (3, 2), (40, 3)])
def test_constant_and_narrow_tables_do_no_harm(shape: tuple[int, int]) -> None:
    points = np.zeros(shape)
    labels = np.arange(shape[0]) % 2
    assert np.isfinite(points @ discriminant(points, labels)).all()
    assert discriminant(points, labels).shape == (shape[1], 2)
