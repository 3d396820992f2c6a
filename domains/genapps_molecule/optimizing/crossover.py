"""A child of two molecules: parts of both, joined where both were cut.

The two ways to cut are those of Jensen 2019 ("A graph-based genetic algorithm and generative model / Monte Carlo tree
search for the exploration of chemical space", section 2): one bond that is in no ring, or two bonds of one ring.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from rdkit import Chem

from genapps_molecule.optimizing.graphs import MOST_ATOMS, editable, finished

_TRIES = 8
_CUT = 100  # atom map numbers of the places that were cut: 101 and 102
SINGLE = Chem.BondType.SINGLE


def crossover(
    first: Chem.Mol, second: Chem.Mol, rng: np.random.Generator, most_atoms: int = MOST_ATOMS
) -> Chem.Mol | None:
    """A molecule made of a part of each, sanitized; None where a few attempts came to nothing."""
    graphs = [editable(first), editable(second)]
    for _ in range(_TRIES):
        chain_first = rng.random() < 0.5
        for way in (cut_chain, cut_ring) if chain_first else (cut_ring, cut_chain):
            mine, others = way(graphs[0], rng), way(graphs[1], rng)
            if mine and others:
                break
        else:
            continue
        child = finished(join(mine[rng.integers(2)], others[rng.integers(2)], rng), most_atoms)
        if child is not None:
            return child
    return None


def cut_chain(graph: Chem.RWMol, rng: np.random.Generator) -> list[Chem.Mol] | None:
    """The two parts on both sides of a single bond outside of rings; None where there is none."""
    Chem.FastFindRings(graph)
    bonds = [bond.GetIdx() for bond in graph.GetBonds() if bond.GetBondType() == SINGLE and not bond.IsInRing()]
    return _parts(graph, [int(rng.choice(bonds))]) if bonds else None


def cut_ring(graph: Chem.RWMol, rng: np.random.Generator) -> list[Chem.Mol] | None:
    """The two parts that remain when two bonds of one ring are cut; None where no such pair is found."""
    Chem.FastFindRings(graph)
    rings = [ring for ring in graph.GetRingInfo().BondRings() if len(ring) <= 8]
    if not rings:
        return None
    pairs = list(combinations(rings[rng.integers(len(rings))], 2))
    for k in rng.permutation(len(pairs))[:4]:
        parts = _parts(graph, list(pairs[k]))
        if parts:
            return parts
    return None


def _parts(graph: Chem.RWMol, bonds: list[int]) -> list[Chem.Mol] | None:
    """Exactly two parts, each with a marker for every bond that was cut; None where there are not two."""
    marks = [(_CUT + k + 1, _CUT + k + 1) for k in range(len(bonds))]
    cut = Chem.FragmentOnBonds(graph, bonds, dummyLabels=marks)
    parts = Chem.GetMolFrags(cut, asMols=True, sanitizeFrags=False)
    if len(parts) != 2:
        return None
    counts = [sum(map(_is_mark, part.GetAtoms())) for part in parts]
    return list(parts) if counts[0] == counts[1] == len(bonds) else None


def _is_mark(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() == 0 and atom.GetIsotope() > _CUT


def join(first: Chem.Mol, second: Chem.Mol, rng: np.random.Generator) -> Chem.RWMol:
    """Both parts as one graph, marker to marker; the bond is the one that either of the two has lost."""
    graph = Chem.RWMol(Chem.CombineMols(first, second))
    border = first.GetNumAtoms()
    ends: list[list[tuple[int, Chem.BondType]]] = [[], []]
    marks = []
    for atom in graph.GetAtoms():
        if _is_mark(atom):
            bond = atom.GetBonds()[0]
            ends[atom.GetIdx() >= border].append((bond.GetOtherAtomIdx(atom.GetIdx()), bond.GetBondType()))
            marks.append(atom.GetIdx())
    order = rng.permutation(len(ends[1]))
    for k, (left, kind) in enumerate(ends[0]):
        right, other = ends[1][order[k]]
        if graph.GetBondBetweenAtoms(left, right) is None:
            graph.AddBond(left, right, kind if rng.random() < 0.5 else other)
    for index in sorted(marks, reverse=True):
        graph.RemoveAtom(index)
    return graph
