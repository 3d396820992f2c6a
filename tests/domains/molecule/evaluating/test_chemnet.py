"""ChemNet reads texts as its authors had them read, and its features tell distributions apart."""

from __future__ import annotations

import numpy as np
import pytest

from genapps.metrics.frechet import Moments, frechet_distance
from genapps_molecule.evaluating.chemnet import _CHARACTERS, LONGEST, codes, features

EXPECTED = [[-0.0448972, 0.0114582, -0.1774074, 0.0156702], [0.1196255, -0.0004342, -0.1060872, 0.0230209]]


def cut(text: str) -> list[str]:
    return [_CHARACTERS[code] for code in codes(text)]


def test_texts_are_cut_as_published() -> None:
    assert cut("CCl") == ["C", "Cl", "."]
    assert cut("[Si]Br") == ["[", "Si", "]", "Br", "."]
    assert cut("[Na+]") == ["[", "N", "X", "+", "]", "."]  # what it has no character for
    assert cut("CC.O") == ["C", "C", "."]  # a text ends at its first dot
    assert len(codes("C" * 1_000)) == LONGEST and cut("C" * 1_000)[-1] == "."


def test_features_are_the_published_ones() -> None:
    """The first of ethanol and of benzene, as fcd_torch 1.0.7 gives them."""
    found = features(["CCO", "c1ccccc1"])
    np.testing.assert_allclose(found[:, :4], EXPECTED, atol=1e-5)


def test_a_feature_does_not_depend_on_its_neighbors() -> None:
    texts = ["CCO", "c1ccccc1C(=O)O", "CC(C)Nc1ccccc1"]
    np.testing.assert_allclose(features(texts)[1:], features(texts[1:]), atol=1e-6)


def test_reversed_texts_are_far_away(tiny_smiles: list[str]) -> None:
    texts = tiny_smiles[:160]
    first, second, broken = texts[::2], texts[1::2], [text[::-1] for text in texts[1::2]]
    moments = [Moments.of(features(some)) for some in (first, second, broken)]
    assert frechet_distance(moments[0], moments[2]) > 2 * frechet_distance(moments[0], moments[1])
    assert frechet_distance(moments[0], moments[0]) == pytest.approx(0, abs=1e-6)
