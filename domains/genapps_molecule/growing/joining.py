"""Attachment points: atoms `*` with a number, where a molecule was cut apart or where parts of one are joined.

All here are pure functions of molecules. Stereo is kept: RDKit's molzip joins, and neighbors keep their order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np
from rdkit import Chem

from genapps_molecule.chemistry import Unreadable, read_smiles

BONDS = {Chem.BondType.SINGLE: "", Chem.BondType.DOUBLE: "=", Chem.BondType.TRIPLE: "#"}
_FIRST = re.compile(r"\*([=#-]?)(\[[^\]]*\]|Br|Cl|.)((?:[-=#:/\\]?(?:\d|%\d\d))*)(.*)", re.DOTALL)


def points(mol: Chem.Mol) -> dict[int, int]:
    """The number of each attachment point -> its atom, lowest number first."""
    found = {atom.GetAtomMapNum(): atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0}
    return dict(sorted(found.items()))


def site(mol: Chem.Mol, number: int) -> tuple[Chem.Atom, str]:
    """The atom that a point is attached to, and the bond to it as SMILES writes it: "", "=" or "#"."""
    point = points(mol)[number]
    bond = mol.GetAtomWithIdx(point).GetBonds()[0]
    # By its number: such an atom keeps its molecule alive, what a bond or a neighbor hands out does not.
    return mol.GetAtomWithIdx(bond.GetOtherAtomIdx(point)), BONDS[bond.GetBondType()]


def kind(atom: Chem.Atom, bond: str = "") -> str:
    """What a side chain hangs on, by the bond in front: "c", "n", "C", "C=O" (of a double bond to O), "N+", "=C" ..."""
    symbol = atom.GetSymbol().lower() if atom.GetIsAromatic() else atom.GetSymbol()
    charge = {0: "", 1: "+", -1: "-"}.get(atom.GetFormalCharge(), "?")
    more = [
        f"{BONDS[other.GetBondType()]}{end.GetSymbol()}"
        for other in atom.GetBonds()
        if (end := other.GetOtherAtom(atom)).GetAtomicNum() and BONDS.get(other.GetBondType())
    ]
    return f"{bond}{symbol}{charge}{max(more, default='')}"


def renumbered(mol: Chem.Mol, numbers: Mapping[int, int]) -> Chem.Mol:
    """The molecule with other numbers at its points: old -> new."""
    copy = Chem.Mol(mol)
    for number, atom in points(mol).items():
        copy.GetAtomWithIdx(atom).SetAtomMapNum(numbers.get(number, number))
    return copy


def growable(mol: Chem.Mol) -> list[int]:
    """The atoms where a hydrogen may give way to something else: all that have one but centers of stereo."""
    return [
        atom.GetIdx()
        for atom in mol.GetAtoms()
        if atom.GetAtomicNum() > 1 and atom.GetTotalNumHs() and atom.GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED
    ]


def opened(mol: Chem.Mol, atom: int, number: int) -> Chem.Mol:
    """The molecule with a point in place of a hydrogen of an atom."""
    edit = Chem.RWMol(mol)
    point = Chem.Atom(0)
    point.SetAtomMapNum(number)
    edit.AddBond(atom, edit.AddAtom(point), Chem.BondType.SINGLE)
    held = edit.GetAtomWithIdx(atom)
    if held.GetNumExplicitHs():
        held.SetNumExplicitHs(held.GetNumExplicitHs() - 1)
    return _whole(edit.GetMol())


def closed(mol: Chem.Mol, keep: Collection[int] = ()) -> Chem.Mol:
    """The molecule with hydrogens in place of all points but those to keep."""
    edit = Chem.RWMol(mol)
    for number, atom in points(mol).items():
        if number not in keep:
            _, bond = site(mol, number)
            held = edit.GetAtomWithIdx(atom)
            held.SetAtomMapNum(0)
            held.SetIsotope(0)
            held.SetAtomicNum(1 if not bond else 6)  # what a double bond leads to is carbon at least
    return Chem.RemoveHs(_whole(edit.GetMol()))


def joined(core: Chem.Mol, *groups: Chem.Mol) -> Chem.Mol:
    """One molecule of parts whose points of the same number become bonds; other points stay.

    Raises Unreadable where chemistry does not hold.
    """
    whole = core
    for group in groups:
        whole = Chem.CombineMols(whole, group)
    try:
        return _whole(Chem.molzip(whole))
    except (ValueError, RuntimeError) as error:
        raise Unreadable("the parts cannot be joined") from error


def _whole(mol: Chem.Mol) -> Chem.Mol:
    try:
        Chem.SanitizeMol(mol)
    except (ValueError, RuntimeError) as error:
        raise Unreadable("its chemistry does not hold") from error
    return mol


def prompt(mol: Chem.Mol, number: int, rng: np.random.Generator) -> str:
    """A SMILES of the molecule that goes on at the point: what is written behind it is attached there.

    The text begins with the atom of the point, and all else is a branch of it, in an order drawn by `rng`: the recipe
    of PromptSMILES (Thomas et al. 2024, "PromptSMILES") without its search for a rotation. Other points are hydrogens.
    Stereo and isotopes are left out: what is joined later has them, and a network may never have learnt them.
    """
    alone = closed(mol, keep={number})
    Chem.RemoveStereochemistry(alone)
    for atom in alone.GetAtoms():
        atom.SetIsotope(0)
    order = rng.permutation(alone.GetNumAtoms()).tolist()
    shuffled = Chem.RenumberAtoms(alone, order)
    point = points(shuffled)[number]
    shuffled.GetAtomWithIdx(point).SetAtomMapNum(0)
    return _turned(str(Chem.MolToSmiles(shuffled, canonical=False, rootedAtAtom=point)))


def _turned(text: str) -> str:
    """`*A(B)C` as `A(B)(C)`: the text of an atom's neighborhood with the point moved from before it to behind it."""
    found = _FIRST.fullmatch(text)
    assert found is not None, text
    bond, atom, rings, rest = found.groups()
    while rest.startswith("("):
        end = _closing(rest)
        rings, rest = rings + rest[:end], rest[end:]
    return f"{atom}{rings}{f'({rest})' if rest else ''}{bond}"


def _closing(text: str) -> int:
    """Behind the parenthesis that closes the one a text begins with."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return place + 1
    raise AssertionError(text)


def group_of(rest: str, bond: str, number: int) -> Chem.Mol:
    """The group that the end of a text is, behind a prompt, with a point of that number where it is attached.

    Raises Unreadable where it is none: nothing, two groups, another bond, parts that hang by nothing.
    """
    if not rest or "*" in rest or "." in rest:
        raise Unreadable("no side chain")
    mol = read_smiles(f"[*:{number}]{bond}{rest}")
    if mol.GetAtomWithIdx(points(mol)[number]).GetDegree() != 1 or site(mol, number)[1] != bond:
        raise Unreadable("no side chain")
    return mol
