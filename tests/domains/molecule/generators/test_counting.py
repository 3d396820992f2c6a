"""n-grams: what is known of where a text stands, counts, and draws that keep the grammar."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps_molecule.generators.counting import Counting, NGrams, Table
from genapps_molecule.language.smiles import Vocabulary
from genapps_molecule.language.walking import Sees, Walk

HOW = Counting()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def grams(tiny_smiles: list[str]) -> NGrams:
    return NGrams.fit(tiny_smiles)


def walked(text: str) -> list[list[int]]:
    """What is seen before each code of a text, and behind the last."""
    vocabulary = Vocabulary.of([text], least=1)
    walk, rows = Walk(vocabulary, 1), np.arange(1)
    seen = [walk.seen(rows)[0].tolist()]
    for code in vocabulary.encode([text]).values.numpy():
        walk.step(rows, np.array([code]))
        seen.append(walk.seen(rows)[0].tolist())
    return seen


@pytest.mark.parametrize("text", ["C1CC1", "c1ccccc1", "C1CC(C)CC1", "c1ccc2c(c1)CCC2", "C1CC[13CH2]CCC1"])
def test_the_size_of_a_ring_is_what_rdkit_says(text: str) -> None:
    seen = walked(text)
    before_last = seen[-2][Sees.SIZE]
    mol = Chem.MolFromSmiles(text)
    sizes = [len(ring) for ring in mol.GetRingInfo().AtomRings()]
    assert before_last in sizes
    assert seen[-1][Sees.OPEN] == seen[-1][Sees.DEPTH] == 0


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        *[("c1ccccc1", 0), ("c1cccc1", 1), ("c1ccoc1", 0), ("c1ccncc1", 0), ("c1cc[nH]c1", 0), ("Cn1cccc1", 0)],
        *[("O=c1cccc[nH]1", 0), ("c1cn(C)cc1", 0), ("c1csccc1", 1), ("c1cc(=O)[nH]cc1", 0)],
    ],
)
def test_aromatic_atoms_come_in_pairs(text: str, odd: int) -> None:
    assert walked(text)[-2][Sees.ODD] == odd


def test_atoms_and_branches_are_counted() -> None:
    seen = walked("CC(C(C)Cl)O")
    assert [row[Sees.DEPTH] for row in seen] == [0, 0, 0, 1, 1, 2, 2, 1, 1, 0, 0]
    assert seen[-1][Sees.ATOMS] == 6


def test_draws_of_a_table_have_its_shares() -> None:
    """Discounted counts, and what is left for shorter contexts: against the formula."""
    keys = np.array([256 + 1] * 6 + [256 + 2] * 3 + [256 + 7] + [512 + 5] * 4, np.uint64)
    table = Table.of(keys)
    drawn = Counter(table.draw(np.full(40_000, 256, np.uint64), np.random.default_rng(0), HOW).tolist())
    codes = np.array([1, 2, 7], np.uint8)
    shares = table.shares(np.full(3, 256, np.uint64), codes, np.zeros(3), HOW)
    for code, share in zip(codes.tolist(), shares, strict=True):
        assert drawn[code] / 40_000 == pytest.approx(share, abs=0.01)
    assert drawn[-1] / 40_000 == pytest.approx(1 - shares.sum(), abs=0.01)
    assert table.draw(np.array([0], np.uint64), np.random.default_rng(0), HOW).tolist() == [-1]


def test_shares_add_up_to_one(grams: NGrams) -> None:
    """Over all codes behind one context, given any distribution of the shorter ones."""
    table = grams.tables[2]
    size = len(grams.vocabulary) + 1
    context = table.keys[len(table.keys) // 2] & ~np.uint64(255)
    shares = table.shares(np.full(size, context), np.arange(size, dtype=np.uint8), np.full(size, 1 / size), grams.how)
    assert shares.sum() == pytest.approx(1)


def test_what_is_drawn_is_mostly_molecules_and_the_same_again(grams: NGrams) -> None:
    drawn = grams.draw(300, generator())
    valid = [text for text in drawn if Chem.MolFromSmiles(text) is not None]
    assert len(valid) > 200
    assert drawn == grams.draw(300, generator()) != grams.draw(300, generator(1))
    for text in drawn:
        assert text.count("(") == text.count(")"), text


def test_prompts_begin_the_texts(grams: NGrams) -> None:
    drawn = grams.draw(4, generator(), prompts=["c1ccc(", "CC", "N#C", "C1CC"])
    assert [text.startswith(begin) for text, begin in zip(drawn, ["c1ccc(", "CC", "N#C", "C1CC"], strict=True)]
    assert all(text.count("(") == text.count(")") for text in drawn)


def test_own_molecules_take_fewer_bits_than_broken_ones(grams: NGrams, tiny_smiles: list[str]) -> None:
    assert grams.bits(tiny_smiles[:50]) < 0.5 * grams.bits([text[::-1] for text in tiny_smiles[:50]])


def test_counts_go_into_arrays_and_back(grams: NGrams) -> None:
    arrays, facts = grams.state()
    again = NGrams.restore(grams.vocabulary, arrays, facts)
    assert again.draw(20, generator()) == grams.draw(20, generator())


def test_what_cannot_be_done_is_said(grams: NGrams) -> None:
    with pytest.raises(InputError, match="no molecules"):
        NGrams.fit([])
    with pytest.raises(UsageError, match="temperature"):
        grams.draw(1, generator(), temperature=0.5)
    with pytest.raises(UsageError, match="2 prompts for 1"):
        grams.draw(1, generator(), prompts=["C", "C"])
