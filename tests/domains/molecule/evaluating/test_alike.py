"""Likenesses counted by words are those of whole fingerprints."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_molecule.evaluating.alike import internal_diversity, nearest_similarity, tanimoto_rows
from genapps_molecule.traits.fingerprints import similarities

RNG = np.random.default_rng(0)
A = np.packbits(RNG.random((40, 1024)) < 0.05, axis=1)
B = np.packbits(RNG.random((70, 1024)) < 0.05, axis=1)
NONE = np.zeros((1, 128), np.uint8)


def test_every_pair_is_as_the_matrix_says() -> None:
    found = np.zeros((40, 70))
    for row, first, alike in tanimoto_rows(A, B):
        found[row, first : first + len(alike)] = alike
    np.testing.assert_allclose(found, similarities(A, B), rtol=1e-6)


def test_nearest_and_its_ends() -> None:
    told: list[int] = []
    found = nearest_similarity(A, B, progress=told.append)
    np.testing.assert_allclose(found, similarities(A, B).max(1), rtol=1e-6)
    assert told == [40]
    assert nearest_similarity(A, B[:0]).tolist() == [0] * 40
    assert nearest_similarity(NONE, NONE).tolist() == [1]


def test_internal_diversity_is_its_definition() -> None:
    alike = similarities(A, A).astype(float)
    assert internal_diversity(A)[0] == pytest.approx(1 - alike.mean())
    assert internal_diversity(A)[1] == pytest.approx(1 - np.sqrt((alike**2).mean(1)).mean())
    assert internal_diversity(A[[0] * 5]) == (0, 0)
    assert np.isnan(internal_diversity(A[:0])[0])
