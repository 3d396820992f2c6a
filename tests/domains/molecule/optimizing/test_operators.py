"""Children of molecules are molecules: whole, flat, within the size, and made of what their parents had."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from genapps_molecule.optimizing import crossover as crossing
from genapps_molecule.optimizing.crossover import crossover, cut_chain, cut_ring, join
from genapps_molecule.optimizing.graphs import MOST_ATOMS, editable, finished
from genapps_molecule.optimizing.mutation import (
    CHANGES,
    append_atom,
    close_ring,
    delete_atom,
    insert_atom,
    mutate,
    open_ring,
)

PARENTS = [
    Chem.MolFromSmiles(text)
    for text in (
        "CC(=O)Oc1ccccc1C(=O)O",
        "CN1CCC[C@H]1c1cccnc1",
        "O=c1[nH]c2ccccc2n1C1CCNCC1",
        "C[N+](C)(C)CC([O-])=O",
        "FC(F)(F)c1cc(/C=C/C#N)cs1",
        "NS(=O)(=O)c1ccc(-n2nc(C(F)(F)F)cc2-c2ccccc2)cc1",
    )
]


def check(mol: Chem.Mol) -> None:
    text = Chem.MolToSmiles(mol)
    again = Chem.MolFromSmiles(text)
    assert again is not None
    assert Chem.MolToSmiles(again) == text or Chem.MolFromSmiles(Chem.MolToSmiles(again)) is not None
    assert "." not in text
    assert not {"@", "/", "\\", "*"} & set(text)
    assert mol.GetNumAtoms() <= MOST_ATOMS
    assert max((len(ring) for ring in mol.GetRingInfo().AtomRings()), default=0) <= 7


def test_children_are_molecules():
    rng = np.random.default_rng(0)
    made = 0
    for _ in range(150):
        first, second = (PARENTS[k] for k in rng.integers(len(PARENTS), size=2))
        for child in (crossover(first, second, rng), mutate(first, rng)):
            if child is not None:
                made += 1
                check(child)
    assert made > 280


def test_the_same_draws_make_the_same_child():
    def one() -> list[str]:
        rng = np.random.default_rng(3)
        return [Chem.MolToSmiles(crossover(PARENTS[0], PARENTS[1], rng)) for _ in range(5)]

    assert one() == one()
    assert len(set(one())) > 1


def test_parents_stay_as_they_are():
    before = [Chem.MolToSmiles(mol) for mol in PARENTS]
    rng = np.random.default_rng(1)
    for mol in PARENTS:
        crossover(mol, PARENTS[0], rng)
        mutate(mol, rng)
    assert [Chem.MolToSmiles(mol) for mol in PARENTS] == before


@pytest.mark.parametrize("way", [cut_chain, cut_ring])
def test_a_molecule_that_is_cut_and_joined_again_is_itself(way):
    """Both parts of one cut, joined, have all its atoms and bonds: joined in the order they were cut, the molecule."""
    rng = np.random.default_rng(0)
    same = 0
    for _ in range(30):
        mol = PARENTS[rng.integers(len(PARENTS))]
        graph = editable(mol)
        parts = way(graph, rng)
        if parts is None:
            continue
        again = join(parts[0], parts[1], rng)
        assert again.GetNumAtoms() == mol.GetNumAtoms()
        assert again.GetNumBonds() == mol.GetNumBonds()
        flat = Chem.Mol(mol)
        Chem.RemoveStereochemistry(flat)
        whole = finished(again)
        same += whole is not None and Chem.MolToSmiles(whole) == Chem.MolToSmiles(flat)
    assert same >= (20 if way is cut_chain else 3)


@pytest.mark.parametrize(
    ("change", "atoms"),
    [(append_atom, 1), (insert_atom, 1), (delete_atom, -1), (open_ring, 0), (close_ring, 0)],
)
def test_a_change_is_what_its_name_says(change, atoms):
    rng, done = np.random.default_rng(0), 0
    for mol in PARENTS:
        graph = editable(mol)
        graph.UpdatePropertyCache(strict=False)
        Chem.FastFindRings(graph)
        rings = graph.GetNumBonds() - graph.GetNumAtoms()
        changed = change(graph, rng)
        if changed is None:
            continue
        done += 1
        assert changed.GetNumAtoms() == mol.GetNumAtoms() + atoms
        if change in (open_ring, close_ring):
            assert changed.GetNumBonds() - changed.GetNumAtoms() == rings + (1 if change is close_ring else -1)
    assert done >= 3


def test_every_change_can_succeed():
    rng = np.random.default_rng(0)
    for change in CHANGES:
        graphs = []
        for mol in PARENTS * 8:
            graph = editable(mol)
            graph.UpdatePropertyCache(strict=False)
            Chem.FastFindRings(graph)
            graphs.append(finished(change(graph, rng)))
        assert any(graph is not None for graph in graphs), change.__name__


@pytest.mark.parametrize(
    "text", ["C1CCCCCCC1", "C1=CC1", "C1=C=CCCC1", "CC", "CCCCC.CCCC", "C[SH](=O)=O", "CCCClC", "C" * (MOST_ATOMS + 1)]
)
def test_what_is_no_molecule_to_go_on_with_is_refused(text):
    assert finished(Chem.RWMol(Chem.MolFromSmiles(text, sanitize=False))) is None


def test_a_join_that_loses_its_bonds_would_be_seen(monkeypatch):
    """A crossover that forgets to connect the parts gives no child at all: `finished` wants one piece."""

    def loose(first, second, rng):
        graph = Chem.RWMol(Chem.CombineMols(first, second))
        for atom in reversed(list(graph.GetAtoms())):
            if atom.GetAtomicNum() == 0:
                graph.RemoveAtom(atom.GetIdx())
        return graph

    monkeypatch.setattr(crossing, "join", loose)
    assert crossover(PARENTS[0], PARENTS[1], np.random.default_rng(0)) is None
