"""Molecules a step from given ones: a side chain replaced, added or dropped, parts exchanged, an atom changed.

The steps of a graph-based genetic algorithm (Jensen 2019, "A graph-based genetic algorithm ... for the exploration of
chemical space"), but with side chains and linkers from where the source's come from in place of single atoms, so that
what is made stays like molecules that were made before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem

from genapps_molecule.chemistry import Unreadable
from genapps_molecule.growing.fragments import Library, cut, cuttable
from genapps_molecule.growing.joining import closed, growable, joined, kind, opened, renumbered, site
from genapps_molecule.growing.sidechains import SideChains

_POINT, _OTHER = 91, 92  # numbers of points that no scaffold has
_STEPS = ("replace", "grow", "shrink", "cross", "link", "atom")
_SHARES = (0.36, 0.16, 0.12, 0.18, 0.06, 0.12)
_SWAPS = {(6, True): (7,), (7, True): (6,), (6, False): (7, 8), (7, False): (6, 8), (8, False): (6, 7, 16)}
_HALOGENS = (9, 17, 35)


def vary(
    mols: Sequence[Chem.Mol], others: Sequence[Chem.Mol], chains: SideChains, rng: np.random.Generator
) -> list[Chem.Mol]:
    """One molecule a step away from each of `mols`, `others` being what it may exchange a part with; fewer in the end.

    Neither unique nor checked but for their chemistry.
    """
    steps = rng.choice(len(_STEPS), len(mols), p=_SHARES)
    varied: list[Chem.Mol] = []
    waiting: list[Chem.Mol] = []  # with an open point, to be filled all at once
    for mol, other, step in zip(mols, others, steps, strict=True):
        try:
            if _STEPS[step] == "replace":
                waiting.append(_cut(mol, rng)[0])
            elif _STEPS[step] == "grow":
                waiting.append(opened(mol, int(rng.choice(growable(mol))), _POINT))
            elif _STEPS[step] == "shrink":
                varied.append(closed(_cut(mol, rng)[0]))
            elif _STEPS[step] == "cross":
                varied.append(_crossed(mol, other, rng))
            elif _STEPS[step] == "link":
                varied.append(_relinked(mol, chains.library, rng))
            else:
                varied.append(_swapped(mol, rng))
        except (Unreadable, ValueError):  # no bond to cut, no atom to grow from
            continue
    for mol, group in zip(waiting, chains.draw(waiting, [_POINT] * len(waiting), rng), strict=True):
        try:
            varied.append(joined(mol, group))
        except Unreadable:
            continue
    return varied


def _cut(mol: Chem.Mol, rng: np.random.Generator) -> tuple[Chem.Mol, Chem.Mol]:
    """The two parts of a molecule cut at a bond, the larger one first, three times in four."""
    bonds = cuttable(mol)
    if not bonds:
        raise Unreadable("no bond to cut")
    parts = cut(mol, [bonds[int(rng.integers(len(bonds)))]], [_POINT])
    if len(parts) != 2:
        raise Unreadable("no two parts")
    small, large = sorted(parts, key=lambda part: part.GetNumHeavyAtoms())
    return (large, small) if rng.random() < 0.75 or small.GetNumHeavyAtoms() < 4 else (small, large)


def _crossed(mol: Chem.Mol, other: Chem.Mol, rng: np.random.Generator) -> Chem.Mol:
    """A part of one and a part of the other, cut from an atom of the same kind where there is such a bond."""
    part = _cut(mol, rng)[0]
    atom, bond = site(part, _POINT)
    bonds = cuttable(other)
    for place in rng.permutation(len(bonds))[:8]:
        halves = cut(other, [bonds[place]], [_POINT])
        if len(halves) == 2:
            for near, far in (halves, halves[::-1]):
                held, written = site(near, _POINT)
                if written == bond and kind(held) == kind(atom):
                    return joined(part, far)
    raise Unreadable("nothing to exchange")


def _relinked(mol: Chem.Mol, library: Library, rng: np.random.Generator) -> Chem.Mol:
    """The part between two cuts replaced by a linker of the library."""
    bonds = [bond for bond in cuttable(mol) if bond.GetBondType() == Chem.BondType.SINGLE]
    if len(bonds) < 2:
        raise Unreadable("nothing between two bonds")
    chosen = [bonds[int(place)] for place in rng.choice(len(bonds), 2, replace=False)]
    parts = cut(mol, chosen, [_POINT, _OTHER])
    ends = {number: part for part in parts for number in (_POINT, _OTHER) if _numbers(part) == [number]}
    if len(parts) != 3 or len(ends) != 2:
        raise Unreadable("nothing between two bonds")
    linker = library.linker((site(ends[_POINT], _POINT)[0], site(ends[_OTHER], _OTHER)[0]), rng)
    return joined(ends[_POINT], renumbered(linker, {1: _POINT, 2: _OTHER}), ends[_OTHER])


def _numbers(part: Chem.Mol) -> list[int]:
    return [atom.GetAtomMapNum() for atom in part.GetAtoms() if atom.GetAtomicNum() == 0]


def _swapped(mol: Chem.Mol, rng: np.random.Generator) -> Chem.Mol:
    """An atom of another element with as many neighbors, where chemistry holds."""
    edit = Chem.RWMol(mol)
    atom = edit.GetAtomWithIdx(int(rng.integers(edit.GetNumAtoms())))
    number = atom.GetAtomicNum()
    choices = _HALOGENS if number in _HALOGENS else _SWAPS.get((number, atom.GetIsAromatic()), ())
    if not choices or atom.GetFormalCharge() or atom.GetNumExplicitHs():
        raise Unreadable("no other element there")
    atom.SetAtomicNum(int(rng.choice(choices)))
    atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    whole = edit.GetMol()
    try:
        Chem.SanitizeMol(whole)
    except (ValueError, RuntimeError) as error:
        raise Unreadable("its chemistry does not hold") from error
    return whole
