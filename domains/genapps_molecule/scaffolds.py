"""Molecules that contain a scaffold, grown anywhere or at attachment points alone.

A network goes on with a text that ends at the point (`joining.prompt`), and what it writes is read as a side chain;
where it writes none, or there is no network, the side chain comes from a library of those of known drugs. The scaffold
and its side chains are joined as molecules, not as texts, so the scaffold is there whatever the network wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rdkit import Chem

from genapps.errors import GenappsError, UsageError
from genapps_molecule.candidates import Candidate, torch_generator
from genapps_molecule.chemistry import LONGEST, Unreadable, canonical, read_smiles
from genapps_molecule.fragments import Library
from genapps_molecule.joining import BONDS, closed, group_of, growable, joined, opened, points, prompt, site
from genapps_molecule.records import Drawer

MOST_POINTS = 6
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
    def parse(cls, text: str, option: str = "--scaffold") -> Scaffold:
        """From a SMILES, with or without points: `[*:1]`, `[1*]`, or `*`, which takes the next free number.

        Raises UsageError, naming the option, for what is no such molecule.
        """
        shown = f"{option} {text[:80]!r}"
        try:
            mol = read_smiles(text)
        except Unreadable as error:
            hint = "; it reads as a SMARTS pattern: write it as a SMILES, points as [*:1]" if _is_smarts(text) else ""
            raise UsageError(f"{shown} is no molecule: {error}{hint}") from None
        if any(bond.HasQuery() for bond in mol.GetBonds()):
            raise UsageError(f"{shown} is a SMARTS pattern; write it as a SMILES, points as [*:1]")
        if len(Chem.GetMolFrags(mol)) > 1:
            raise UsageError(f"{shown} has several parts; give one")
        if problem := _number(mol):
            raise UsageError(f"{shown}: {problem}")
        return cls(mol, _pattern(mol), tuple(points(mol)))

    def reason(self, mol: Chem.Mol) -> str:
        """Nothing ("") where the molecule contains the scaffold, else what is missing in a few words."""
        if mol.HasSubstructMatch(self.pattern, useChirality=True):
            return ""
        return "scaffold grown elsewhere" if self.numbers and mol.HasSubstructMatch(self._core()) else "no scaffold"

    def _core(self) -> Chem.Mol:
        plain = Chem.AdjustQueryParameters.NoAdjustments()
        plain.makeDummiesQueries = True  # type: ignore[assignment]
        return Chem.AdjustQueryProperties(self.pattern, plain)


def _is_smarts(text: str) -> bool:
    return bool(text) and len(text) <= LONGEST and text.isascii() and Chem.MolFromSmarts(text) is not None


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


def _pattern(mol: Chem.Mol) -> Chem.Mol:
    pattern = Chem.Mol(mol)
    for atom in pattern.GetAtoms():
        atom.SetAtomMapNum(0)
    if not points(mol):
        return pattern
    exact = Chem.AdjustQueryParameters.NoAdjustments()
    exact.makeDummiesQueries = True  # type: ignore[assignment]
    exact.adjustDegree = True  # type: ignore[assignment]
    exact.adjustDegreeFlags = Chem.AdjustQueryWhichFlags.ADJUST_IGNOREDUMMIES
    return Chem.AdjustQueryProperties(pattern, exact)


@dataclass
class Grown:
    """A molecule on its way: points that are still open, and the side chains so far."""

    mol: Chem.Mol
    open: list[int]
    columns: dict[str, str]


@dataclass
class Decorator:
    """A source of molecules around a scaffold: side chains by a network where one is given, else by the library.

    told: how many side chains came from where.
    """

    scaffold: Scaffold
    library: Library
    drawer: Drawer | None = None
    temperature: float = 1.0
    told: Counter[str] = field(default_factory=Counter)

    @property
    def columns(self) -> tuple[str, ...]:
        """R1, R2, ...: the side chains at the points, or at whatever atoms were chosen."""
        return tuple(f"R{number}" for number in self.scaffold.numbers or range(1, len(_ANYWHERE) + 1))

    def draw(self, n: int, rng: np.random.Generator) -> list[Candidate]:
        """At most n molecules, each another one; fewer where chemistry did not hold or some came twice."""
        growing = [self._begin(rng) for _ in range(n)]
        while any(each.open for each in growing):
            growing = self._filled([each for each in growing if each.open], rng) + [
                each for each in growing if not each.open
            ]
        found: dict[str, Candidate] = {}
        for each in growing:
            try:
                mol = read_smiles(canonical(each.mol))
            except Unreadable:
                continue
            if not self.scaffold.reason(mol):
                text = canonical(mol)
                found.setdefault(text, Candidate(mol, text, each.columns))
        return list(found.values())

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """The reason of each molecule that does not contain the scaffold as asked, else ""."""
        return [self.scaffold.reason(mol) for mol in mols]

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
        return Grown(mol, rng.permutation(numbers).tolist(), {})

    def _filled(self, growing: list[Grown], rng: np.random.Generator) -> list[Grown]:
        """Each with its next point filled; those where that failed are left out."""
        filled = []
        for each, group in zip(growing, self._groups(growing, rng), strict=True):
            number = each.open[0]
            try:
                mol = joined(each.mol, group)
            except Unreadable:
                continue
            still = each.open[1:]
            if not self.scaffold.numbers and mol.GetNumHeavyAtoms() >= _ENOUGH:
                mol, still = closed(mol), []
            filled.append(Grown(mol, still, each.columns | {f"R{number}": canonical(group)}))
        return filled

    def _groups(self, growing: list[Grown], rng: np.random.Generator) -> list[Chem.Mol]:
        """A side chain for the next point of each."""
        groups = self._written(growing, rng) if self.drawer is not None else [None] * len(growing)
        chosen = []
        for each, group in zip(growing, groups, strict=True):
            number = each.open[0]
            self.told["library" if group is None else "network"] += 1
            chosen.append(self.library.side_chain(*site(each.mol, number), number, rng) if group is None else group)
        return chosen

    def _written(self, growing: list[Grown], rng: np.random.Generator) -> list[Chem.Mol | None]:
        """Side chains as the network writes them behind a prompt, None where it wrote none."""
        assert self.drawer is not None
        prompts = [prompt(each.mol, each.open[0], rng) for each in growing]
        try:
            texts = self.drawer.draw(len(prompts), torch_generator(rng), prompts=prompts, temperature=self.temperature)
        except GenappsError:  # a scaffold longer than the network reads
            return [None] * len(growing)
        groups: list[Chem.Mol | None] = []
        for each, begun, text in zip(growing, prompts, texts, strict=True):
            number = each.open[0]
            try:
                groups.append(group_of(text[len(begun) :], site(each.mol, number)[1], number))
            except Unreadable:
                groups.append(None)
        return groups
