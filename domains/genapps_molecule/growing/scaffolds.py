"""Molecules that contain a scaffold, grown anywhere or at attachment points alone.

A network goes on with a text that ends at the point (`joining.prompt`), and what it writes is read as a side chain;
where it writes none, or there is no network, the side chain comes from a library of those of known drugs. The scaffold
and its side chains are joined as molecules, not as texts, so the scaffold is there whatever the network wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from genapps.errors import UsageError
from genapps_molecule.chemistry import LONGEST, Unreadable, canonical, read_smiles
from genapps_molecule.growing.candidates import Made
from genapps_molecule.growing.fragments import cut
from genapps_molecule.growing.joining import BONDS, closed, growable, joined, opened, points
from genapps_molecule.growing.sidechains import SideChains, finished, held
from genapps_molecule.reading.arguments import text_of
from genapps_molecule.traits.strange import strange

MOST_POINTS = 6
LARGEST = 200  # heavy atoms of a scaffold
_BRANCHES = 12  # atoms with three neighbors or more and the same surroundings: with more, a search could take for ever
_ANYWHERE = (0.4, 0.4, 0.2)  # shares of one, two and three side chains where any hydrogen may give way
_ENOUGH = 30  # heavy atoms from which a molecule that may grow anywhere does so no more


@dataclass(frozen=True)
class Scaffold:
    """What every molecule is to contain: its atoms, and its attachment points, numbered, if it has any.

    pattern: what RDKit looks for; where there are points, all other atoms have just the neighbors that are written.
    """

    mol: Chem.Mol
    pattern: Chem.Mol
    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, argument: str, option: str = "--scaffold") -> Scaffold:
        """From a SMILES or a file of one, with or without points: `[*:1]`, `[1*]`, or `*` for the next free number.

        Raises UsageError, naming the option, for what is no such molecule.
        """
        shown = f"{option} {argument[:80]!r}"
        text = text_of(argument, option)
        try:
            mol = read_smiles(text)
        except Unreadable as error:
            hint = "; it reads as a SMARTS pattern: write it as a SMILES, points as [*:1]" if _is_smarts(text) else ""
            raise UsageError(f"{shown} is no molecule: {error}{hint}") from None
        if any(bond.HasQuery() for bond in mol.GetBonds()):
            raise UsageError(f"{shown} is a SMARTS pattern; write it as a SMILES, points as [*:1]")
        if len(Chem.GetMolFrags(mol)) > 1:
            raise UsageError(f"{shown} has several parts; give one")
        if problem := _too_much(mol) or _number(mol):
            raise UsageError(f"{shown}: {problem}")
        return cls(mol, _pattern(mol), tuple(points(mol)))

    def reason(self, mol: Chem.Mol) -> str:
        """Nothing ("") where the molecule contains the scaffold, else what is missing in a few words."""
        if mol.HasSubstructMatch(self.pattern, useChirality=True):
            return ""
        return (
            "scaffold grown elsewhere"
            if self.numbers and mol.HasSubstructMatch(_pattern(self.mol, exact=False))
            else "no scaffold"
        )

    def side_chains(self, mol: Chem.Mol) -> list[tuple[int, str]]:
        """What hangs at the scaffold in a molecule that contains it: (number of the point, SMILES), in order.

        Side chains of a scaffold without points are numbered as they come; a ring that is fused has two points.
        """
        match = mol.GetSubstructMatch(self.pattern, useChirality=True)
        core = {match[atom.GetIdx()] for atom in self.mol.GetAtoms() if atom.GetAtomicNum() != 0}
        order = {match[atom]: number for number, atom in points(self.mol).items()}
        leaving, ends = [], []
        for bond in mol.GetBonds():
            outside = {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()} - core
            if len(outside) == 1:
                leaving.append(bond)
                ends.append(outside.pop())
        if not leaving:
            return []
        parts = cut(mol, leaving, [order.get(end, place) for place, end in enumerate(ends, 1)])
        atoms = Chem.GetMolFrags(Chem.FragmentOnBonds(mol, [bond.GetIdx() for bond in leaving]))
        chains = [part for part, held in zip(parts, atoms, strict=True) if not core & set(held)]
        return sorted((min(points(chain)), canonical(chain)) for chain in chains)


def _is_smarts(text: str) -> bool:
    return bool(text) and len(text) <= LONGEST and text.isascii() and Chem.MolFromSmarts(text) is not None


def _too_much(mol: Chem.Mol) -> str:
    """Why the molecule is not to be looked for in others, or "": RDKit's search is exponential in what repeats."""
    if mol.GetNumHeavyAtoms() > LARGEST:
        return f"{mol.GetNumHeavyAtoms()} heavy atoms, where {LARGEST} are the most"
    around: Counter[tuple[object, ...]] = Counter(
        (atom.GetAtomicNum(), *sorted((end.GetAtomicNum(), end.GetDegree()) for end in atom.GetNeighbors()))
        for atom in mol.GetAtoms()
        if atom.GetDegree() > 2 and not atom.GetIsAromatic()
    )
    if max(around.values(), default=0) > _BRANCHES:
        return f"more than {_BRANCHES} of its branched atoms look the same; give a part of it"
    return ""


def _number(mol: Chem.Mol) -> str:
    """Give each point a number of its own in place, and no other atom any; what is wrong with them, or ""."""
    stars = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]
    if len(stars) == mol.GetNumAtoms():
        return "there is no atom but attachment points"
    if len(stars) > MOST_POINTS:
        return f"{len(stars)} attachment points, where {MOST_POINTS} are the most"
    taken = [number for atom in stars if (number := atom.GetAtomMapNum() or atom.GetIsotope())]
    if len(set(taken)) < len(taken):
        return f"the attachment point {Counter(taken).most_common(1)[0][0]} is there twice"
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() != 0:
            atom.SetAtomMapNum(0)
    for atom in stars:
        if atom.GetDegree() != 1 or atom.GetBonds()[0].GetBondType() not in BONDS or atom.GetFormalCharge():
            return "an attachment point has one bond, and leads out of the scaffold"
        number = atom.GetAtomMapNum() or atom.GetIsotope()
        if not number:
            number = next(k for k in range(1, len(stars) + 1) if k not in taken)
            taken.append(number)
        atom.SetAtomMapNum(number)
        atom.SetIsotope(0)
    return "" if stars or growable(mol) else "it has no hydrogen in whose place something could grow"


def _pattern(mol: Chem.Mol, exact: bool = True) -> Chem.Mol:
    """The scaffold as RDKit looks for it, whatever hangs at its points; exact: and all else as it is written."""
    pattern = Chem.Mol(mol)
    for atom in pattern.GetAtoms():
        atom.SetAtomMapNum(0)
    if not points(mol):
        return pattern
    how = Chem.AdjustQueryParameters.NoAdjustments()
    how.makeDummiesQueries = True  # type: ignore[assignment]
    how.adjustDegree = exact  # type: ignore[assignment]
    how.adjustDegreeFlags = Chem.AdjustQueryWhichFlags.ADJUST_IGNOREDUMMIES
    return Chem.AdjustQueryProperties(pattern, how)


@dataclass(frozen=True)
class Grown:
    """A molecule on its way, and the points that are still open, in the order in which they are filled."""

    mol: Chem.Mol
    open: list[int]


@dataclass(frozen=True)
class Decorator:
    """A source of molecules around a scaffold, its points filled in turn."""

    scaffold: Scaffold
    chains: SideChains
    dropped: Callable[[str, str], None] | None = None  # takes what was grown and is not drawn, and why

    @property
    def columns(self) -> tuple[str, ...]:
        """R1, R2, ... for the side chains at the points, or R for all of them."""
        return tuple(f"R{number}" for number in self.scaffold.numbers) or ("R",)

    def draw(self, n: int, rng: np.random.Generator) -> list[Made]:
        """At most n molecules, each another one; fewer where chemistry did not hold or some came twice."""
        growing = [self._begin(rng) for _ in range(n)]
        while waiting := [each for each in growing if each.open]:
            growing = [each for each in growing if not each.open] + self._filled(waiting, rng)
        whole = finished((each.mol for each in growing), strange(self.scaffold.mol), self.dropped)
        return list(held(whole, self.scaffold.reason, self.dropped))

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """The reason of each molecule that does not contain the scaffold as asked, else ""."""
        return [self.scaffold.reason(mol) for mol in mols]

    def describe(self, mol: Chem.Mol) -> dict[str, str]:
        """The side chains of a molecule that contains the scaffold, as SMILES with the points where they hang."""
        chains = self.scaffold.side_chains(mol)
        if self.scaffold.numbers:
            return {f"R{number}": text for number, text in chains}
        return {"R": ".".join(text for _, text in chains)}

    def notes(self) -> list[str]:
        """Where its side chains came from."""
        return self.chains.notes()

    def _begin(self, rng: np.random.Generator) -> Grown:
        """The scaffold with its points, or with points at atoms drawn from those that have a hydrogen."""
        mol, numbers = self.scaffold.mol, self.scaffold.numbers
        if not numbers:
            atoms = growable(mol)
            count = min(len(atoms), 1 + int(rng.choice(len(_ANYWHERE), p=_ANYWHERE)))
            chosen = rng.choice(atoms, count, replace=False).tolist()
            numbers = tuple(range(1, count + 1))
            for number, atom in zip(numbers, chosen, strict=True):
                mol = opened(mol, atom, number)
        return Grown(mol, rng.permutation(numbers).tolist())

    def _filled(self, growing: list[Grown], rng: np.random.Generator) -> list[Grown]:
        """Each with its next point filled; those where that failed are left out."""
        filled = []
        groups = self.chains.draw([each.mol for each in growing], [each.open[0] for each in growing], rng)
        for each, group in zip(growing, groups, strict=True):
            try:
                mol = joined(each.mol, group)
            except Unreadable:
                continue
            still = each.open[1:]
            if not self.scaffold.numbers and mol.GetNumHeavyAtoms() >= _ENOUGH:
                mol, still = closed(mol), []
            filled.append(Grown(mol, still))
        return filled
