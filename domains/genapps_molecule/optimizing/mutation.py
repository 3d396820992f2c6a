"""Small changes of a molecule: an atom more or less, another element, another bond, a ring opened or closed.

The kinds of change are those of Jensen 2019 ("A graph-based genetic algorithm", section 2), done on the graph itself.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from rdkit import Chem

from genapps_molecule.optimizing.graphs import MOST_ATOMS, SINGLE, Parent, finished, free_valences

_TRIES = 10
DOUBLE, TRIPLE = Chem.BondType.DOUBLE, Chem.BondType.TRIPLE
_ORDERS = {SINGLE: 1, DOUBLE: 2, TRIPLE: 3}
_KINDS = {order: kind for kind, order in _ORDERS.items()}
_ELEMENTS = (6, 7, 8, 9, 16, 17, 35)
_COMMONNESS = (0.30, 0.20, 0.20, 0.10, 0.10, 0.06, 0.04)
_BRIDGES = (6, 7, 8, 16)  # elements that can stand between two atoms
_RING_SIZES = ((3, 4, 5, 6), (0.05, 0.05, 0.45, 0.45))


def mutate(parent: Parent, rng: np.random.Generator, most_atoms: int = MOST_ATOMS) -> Chem.Mol | None:
    """The molecule with one change, sanitized; None where a few attempts came to nothing."""
    for _ in range(_TRIES):
        change = CHANGES[rng.integers(len(CHANGES))]
        changed = finished(change(Chem.RWMol(parent.graph), rng), most_atoms)
        if changed is not None:
            return changed
    return None


def append_atom(graph: Chem.RWMol, rng: np.random.Generator) -> Chem.RWMol | None:
    """One more atom at a place that has a hydrogen to give."""
    order = int(rng.choice((1, 2, 3), p=(0.75, 0.2, 0.05)))
    open_ = [k for k in range(graph.GetNumAtoms()) if free_valences(graph.GetAtomWithIdx(k)) >= order]
    if not open_:
        return None
    elements = {1: _ELEMENTS, 2: (6, 7, 8), 3: (6, 7)}[order]
    shares = np.array(_COMMONNESS[: len(elements)]) / sum(_COMMONNESS[: len(elements)])
    new = graph.AddAtom(Chem.Atom(int(rng.choice(elements, p=shares))))
    graph.AddBond(int(rng.choice(open_)), new, _KINDS[order])
    return graph


def insert_atom(graph: Chem.RWMol, rng: np.random.Generator) -> Chem.RWMol | None:
    """One more atom in the middle of a bond."""
    if not graph.GetNumBonds():
        return None
    bond = graph.GetBondWithIdx(int(rng.integers(graph.GetNumBonds())))
    left, right = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    graph.RemoveBond(left, right)
    new = graph.AddAtom(Chem.Atom(int(rng.choice(_BRIDGES))))
    graph.AddBond(left, new, DOUBLE if rng.random() < 0.25 else SINGLE)
    graph.AddBond(new, right, SINGLE)
    return graph


def delete_atom(graph: Chem.RWMol, rng: np.random.Generator) -> Chem.RWMol | None:
    """One atom less, its neighbors in a row."""
    atom = graph.GetAtomWithIdx(int(rng.integers(graph.GetNumAtoms())))
    around = [neighbor.GetIdx() for neighbor in atom.GetNeighbors()]
    rng.shuffle(around)
    for left, right in pairwise(around):
        if graph.GetBondBetweenAtoms(left, right) is None:
            graph.AddBond(left, right, SINGLE)
    graph.RemoveAtom(atom.GetIdx())
    return graph


def change_element(graph: Chem.RWMol, rng: np.random.Generator) -> Chem.RWMol | None:
    """Another element at one place, uncharged."""
    atom = graph.GetAtomWithIdx(int(rng.integers(graph.GetNumAtoms())))
    element = int(rng.choice(_ELEMENTS, p=_COMMONNESS))
    if element == atom.GetAtomicNum():
        return None
    atom.SetAtomicNum(element)
    atom.SetFormalCharge(0)
    return graph


def change_bond(graph: Chem.RWMol, rng: np.random.Generator) -> Chem.RWMol | None:
    """A bond of another order, one higher or lower."""
    if not graph.GetNumBonds():
        return None
    bond = graph.GetBondWithIdx(int(rng.integers(graph.GetNumBonds())))
    order = _ORDERS.get(bond.GetBondType(), 1)
    bond.SetBondType(_KINDS[int(np.clip(order + rng.choice((-1, 1)), 1, 3))])
    return graph if _ORDERS.get(bond.GetBondType()) != order else None


def open_ring(graph: Chem.RWMol, rng: np.random.Generator) -> Chem.RWMol | None:
    """A ring less: one of its bonds is cut."""
    bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in graph.GetBonds() if b.IsInRing()]
    if not bonds:
        return None
    graph.RemoveBond(*bonds[rng.integers(len(bonds))])
    return graph


def close_ring(graph: Chem.RWMol, rng: np.random.Generator) -> Chem.RWMol | None:
    """A ring more, mostly of five or six atoms: a bond between two that have a hydrogen to give."""
    size = int(rng.choice(_RING_SIZES[0], p=_RING_SIZES[1]))
    distances = Chem.GetDistanceMatrix(graph)
    open_ = np.array([free_valences(graph.GetAtomWithIdx(k)) > 0 for k in range(graph.GetNumAtoms())])
    pairs = np.argwhere(np.triu((distances == size - 1) & open_[:, None] & open_[None]))
    if not len(pairs):
        return None
    left, right = pairs[rng.integers(len(pairs))]
    graph.AddBond(int(left), int(right), SINGLE)
    return graph


CHANGES: tuple[Callable[[Chem.RWMol, np.random.Generator], Chem.RWMol | None], ...] = (
    append_atom,
    insert_atom,
    delete_atom,
    change_element,
    change_bond,
    open_ring,
    close_ring,
)
