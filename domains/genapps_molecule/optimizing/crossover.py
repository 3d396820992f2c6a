"""A child of two molecules: parts of both, joined where both were cut.

The two ways to cut are those of Jensen 2019 ("A graph-based genetic algorithm and generative model / Monte Carlo tree
search for the exploration of chemical space", section 2): one bond that is in no ring, or two bonds of one ring.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from rdkit import Chem

from genapps_molecule.optimizing.graphs import MOST_ATOMS, Bond, Parent, finished

_TRIES = 8
_PAIRS = 4  # of bonds of a ring that are tried


@dataclass(frozen=True)
class Part:
    """Some of a molecule's atoms, and where bonds to the others were cut: the atom and the order of the bond."""

    parent: Parent
    atoms: Set[int]
    ends: tuple[tuple[int, Chem.BondType], ...]


def crossover(first: Parent, second: Parent, rng: np.random.Generator, most_atoms: int = MOST_ATOMS) -> Chem.Mol | None:
    """A molecule made of a part of each, sanitized; None where a few attempts came to nothing."""
    for _ in range(_TRIES):
        for way in (cut_chain, cut_ring) if rng.random() < 0.5 else (cut_ring, cut_chain):
            mine, other = way(first, rng), way(second, rng)
            if mine and other:
                break
        else:
            continue
        if len(mine.atoms) + len(other.atoms) <= most_atoms:
            child = finished(join(mine, other, rng), most_atoms)
            if child is not None:
                return child
    return None


def cut_chain(parent: Parent, rng: np.random.Generator) -> Part | None:
    """What is on one side of a single bond outside of rings; None where there is no such bond."""
    if not parent.chains:
        return None
    near, far, kind = parent.chains[int(rng.integers(len(parent.chains)))]
    if rng.random() < 0.5:
        near, far = far, near
    return Part(parent, _reached(parent, near, {(near, far)}), ((near, kind),))


def cut_ring(parent: Parent, rng: np.random.Generator) -> Part | None:
    """One of the two parts that remain when two bonds of a ring are cut; None where no such pair is found."""
    if not parent.rings:
        return None
    pairs = list(combinations(parent.rings[int(rng.integers(len(parent.rings)))], 2))
    for k in rng.permutation(len(pairs))[:_PAIRS]:
        part = _between(parent, pairs[k][0], pairs[k][1], int(rng.integers(2)))
        if part is not None:
            return part
    return None


def _between(parent: Parent, first: Bond, second: Bond, side: int) -> Part | None:
    """What holds one end of the first bond when both are cut, where it holds one end of the second, too."""
    cut = {first[:2], second[:2]}
    atoms = _reached(parent, first[side], cut)
    inside = [end for end in second[:2] if end in atoms]
    if len(inside) != 1 or first[1 - side] in atoms:
        return None
    return Part(parent, atoms, ((first[side], first[2]), (inside[0], second[2])))


def _reached(parent: Parent, start: int, cut: Set[tuple[int, int]]) -> set[int]:
    """The atoms that are reached from one without going over bonds that are cut."""
    reached, edge = {start}, [start]
    while edge:
        here = edge.pop()
        for there in parent.around[here]:
            if there not in reached and (here, there) not in cut and (there, here) not in cut:
                reached.add(there)
                edge.append(there)
    return reached


def join(first: Part, second: Part, rng: np.random.Generator) -> Chem.RWMol:
    """Both parts as one graph, end to end; the order of a bond is the one that either of the two has lost."""
    graph = Chem.RWMol(Chem.CombineMols(first.parent.graph, second.parent.graph))
    border = first.parent.graph.GetNumAtoms()
    for (left, kind), place in zip(first.ends, rng.permutation(len(second.ends)), strict=True):
        right, other = second.ends[place]
        if graph.GetBondBetweenAtoms(left, right + border) is None:  # two atoms have both ends, where rings share one
            graph.AddBond(left, right + border, kind if rng.random() < 0.5 else other)
    graph.BeginBatchEdit()
    for index in range(graph.GetNumAtoms()):
        if (index not in first.atoms) if index < border else (index - border not in second.atoms):
            graph.RemoveAtom(index)
    graph.CommitBatchEdit()
    return graph
