"""Children of molecules are molecules: whole, flat, within the size, and made of what their parents had."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from genapps_molecule.optimizing import crossover as crossing
from genapps_molecule.optimizing.crossover import Part, crossover, cut_chain, cut_ring, join
from genapps_molecule.optimizing.graphs import MOST_ATOMS, Parent, finished
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
    Parent.of(Chem.MolFromSmiles(text))
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
    before = [flat(parent) for parent in PARENTS]
    rng = np.random.default_rng(1)
    for parent in PARENTS:
        crossover(parent, PARENTS[0], rng)
        mutate(parent, rng)
    assert [flat(parent) for parent in PARENTS] == before


def rest_of(part: Part) -> Part:
    """The other part: every atom that it has not, with the other ends of the same bonds."""
    parent = part.parent
    atoms = frozenset(range(parent.graph.GetNumAtoms())) - part.atoms
    ends: list[tuple[int, Chem.BondType]] = []
    gone: set[tuple[int, int]] = set()
    for atom, kind in part.ends:
        there = next(there for there in parent.around[atom] if there in atoms and (atom, there) not in gone)
        gone.add((atom, there))
        ends.append((there, kind))
    return Part(parent, atoms, tuple(ends))


@pytest.mark.parametrize("way", [cut_chain, cut_ring])
def test_a_molecule_that_is_cut_and_joined_again_has_all_it_had(way):
    """Both parts, joined: all atoms and bonds; and the molecule itself where the ends were joined as they were cut."""
    rng = np.random.default_rng(0)
    same = tried = 0
    for _ in range(40):
        parent = PARENTS[rng.integers(len(PARENTS))]
        part = way(parent, rng)
        if part is None:
            continue
        tried += 1
        again = join(part, rest_of(part), rng)
        assert again.GetNumAtoms() == parent.graph.GetNumAtoms()
        assert again.GetNumBonds() == parent.graph.GetNumBonds()
        whole = finished(again)
        same += whole is not None and Chem.MolToSmiles(whole) == flat(parent)
    assert tried > 20
    assert same == tried if way is cut_chain else same > 3


def flat(parent: Parent) -> str:
    mol = Chem.Mol(parent.graph)
    Chem.SanitizeMol(mol)
    return Chem.MolToSmiles(mol)


def test_a_part_is_what_is_reached_without_the_cut():
    """Every bond that leaves a part was cut, by another way to count them."""
    rng = np.random.default_rng(1)
    for way in (cut_chain, cut_ring) * 20:
        part = way(PARENTS[rng.integers(len(PARENTS))], rng)
        if part is not None:
            leaving = [(a, b) for a in part.atoms for b in part.parent.around[a] if b not in part.atoms]
            assert sorted(a for a, _ in leaving) == sorted(a for a, _ in part.ends)


@pytest.mark.parametrize(
    ("change", "atoms"),
    [(append_atom, 1), (insert_atom, 1), (delete_atom, -1), (open_ring, 0), (close_ring, 0)],
)
def test_a_change_is_what_its_name_says(change, atoms):
    rng, done = np.random.default_rng(0), 0
    for parent in PARENTS:
        graph = Chem.RWMol(parent.graph)
        rings = graph.GetNumBonds() - graph.GetNumAtoms()
        changed = change(graph, rng)
        if changed is None:
            continue
        done += 1
        assert changed.GetNumAtoms() == parent.graph.GetNumAtoms() + atoms
        if change in (open_ring, close_ring):
            assert changed.GetNumBonds() - changed.GetNumAtoms() == rings + (1 if change is close_ring else -1)
    assert done >= 3


def test_every_change_can_succeed():
    rng = np.random.default_rng(0)
    for change in CHANGES:
        graphs = [finished(change(Chem.RWMol(parent.graph), rng)) for parent in PARENTS * 8]
        assert any(graph is not None for graph in graphs), change.__name__


@pytest.mark.parametrize(
    "text", ["C1CCCCCCC1", "C1=CC1", "C1=C=CCCC1", "CC", "CCCCC.CCCC", "C[SH](=O)=O", "CCCClC", "C" * (MOST_ATOMS + 1)]
)
def test_what_is_no_molecule_to_go_on_with_is_refused(text):
    assert finished(Chem.RWMol(Chem.MolFromSmiles(text, sanitize=False))) is None


def test_a_join_that_loses_its_bonds_would_be_seen(monkeypatch):
    """A crossover that forgets to connect the parts gives no child at all: `finished` wants one piece."""

    def loose(first, second, rng):
        return Chem.RWMol(Chem.CombineMols(first.parent.graph, second.parent.graph))

    monkeypatch.setattr(crossing, "join", loose)
    assert crossover(PARENTS[0], PARENTS[1], np.random.default_rng(0)) is None
