"""Fragments, scaffolds, filters and tallies of molecules that can be checked by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from rdkit import Chem

from genapps_molecule.evaluating.describing import (
    Description,
    Tally,
    describe,
    fragments,
    passes_filters,
    quantiles,
    scaffold,
)

TEXTS = ("CC(=O)Nc1ccc(O)cc1", "c1ccc(Cc2ccccc2)cc1", "CCO", "O=C(c1ccccc1)N1CCNCC1", "C[N+](C)(C)C", "C1CCCCCCC1")
MOLS = [Chem.MolFromSmiles(text) for text in TEXTS]


def test_fragments_and_scaffolds() -> None:
    assert set(fragments(MOLS[3])) == {"[16*]c1ccccc1", "[1*]C([6*])=O", "[5*]N1CCNCC1"}
    assert fragments(MOLS[2]) == ["CCO"]
    assert scaffold(MOLS[1]) == "c1ccc(Cc2ccccc2)cc1"
    assert scaffold(MOLS[0]) == ""  # one ring
    assert scaffold(MOLS[2]) == ""


@pytest.mark.parametrize(("text", "passes"), [("CCO", True), ("C[N+](C)(C)C", False), ("C1CCCCCCC1", False)])
def test_filters(text: str, passes: bool) -> None:
    assert passes_filters(Chem.MolFromSmiles(text)) is passes


def test_elements_and_alerts_do_not_pass() -> None:
    assert not passes_filters(Chem.MolFromSmiles("CB(O)O"))
    assert not passes_filters(Chem.MolFromSmiles("C=CS(C)(=O)=O"))  # a Michael acceptor among the alerts


def test_cosine_of_tallies() -> None:
    a, b = Counter(x=3, y=4), Counter(y=2, z=1)
    assert Tally.of(a).cosine(Tally.of(b)) == pytest.approx(8 / (5 * 5**0.5))
    assert Tally.of(a).cosine(Tally.of(a)) == pytest.approx(1)
    assert np.isnan(Tally.of(a).cosine(Tally.of(Counter())))


def test_what_is_described_in_parts_is_described_whole() -> None:
    whole = describe(MOLS)
    joined = Description.joined([describe(MOLS[:2]), describe(MOLS[2:])])
    np.testing.assert_array_equal(whole.prints, joined.prints)
    for mine, theirs in ((whole.fragments, joined.fragments), (whole.scaffolds, joined.scaffolds)):
        np.testing.assert_array_equal(mine.keys, theirs.keys)
        np.testing.assert_array_equal(mine.counts, theirs.counts)
    np.testing.assert_array_equal(whole.properties["mw"], joined.properties["mw"])
    np.testing.assert_array_equal(whole.passes, joined.passes)
    assert len(whole) == len(MOLS) and len(describe([])) == 0


def test_quantiles() -> None:
    assert quantiles([3.0, 1.0, float("nan"), 2.0], 3).tolist() == [1, 2, 3]
    assert np.isnan(quantiles([], 2)).all()
