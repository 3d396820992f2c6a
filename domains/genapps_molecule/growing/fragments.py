"""Side chains and linkers, cut from molecules that people have made, with what each was attached to.

A side chain is drawn as often as it was seen at an atom of the same kind, so bonds are made that are known to be
stable: the idea of CReM (Polishchuk 2020, "CReM: chemically reasonable mutations"), with the one atom as the context.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.growing.joining import BONDS, kind, points, renumbered, site

SHIPPED = Path(__file__).parents[1] / "data" / "fragments.csv.gz"
MOST_SIDE = 13  # heavy atoms of a side chain
MOST_LINK = 10  # heavy atoms of a linker
_LARGEST = 80  # heavy atoms of a molecule that is worth to cut


@dataclass(frozen=True)
class Choice:
    """Fragments as SMILES with numbered points, and the shares in which they are drawn, (N,)."""

    smiles: tuple[str, ...]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, counts: Mapping[str, float]) -> Choice:
        """In proportion to counts."""
        shares = np.array(list(counts.values()), np.float64)
        return cls(tuple(counts), shares / shares.sum())

    def draw(self, rng: np.random.Generator) -> str:
        """One of them."""
        return self.smiles[int(rng.choice(len(self.smiles), p=self.shares))]


@dataclass(frozen=True)
class Library:
    """Side chains by the kind of atom that they were attached to, and linkers by the kinds at both ends."""

    sides: Mapping[str, Choice]
    links: Mapping[tuple[str, str], Choice]

    @classmethod
    def of(cls, mols: Iterable[Chem.Mol]) -> Library:
        """Cut from molecules; those that are very large are left out."""
        sides: dict[str, Counter[str]] = {}
        links: dict[tuple[str, str], Counter[str]] = {}
        for mol in mols:
            if mol.GetNumHeavyAtoms() > _LARGEST:
                continue
            for where, text in side_chains(mol):
                sides.setdefault(where, Counter())[text] += 1
            for ends, text in linkers(mol):
                links.setdefault(ends, Counter())[text] += 1
        return cls(
            {key: Choice.of(counts) for key, counts in sides.items()},
            {key: Choice.of(counts) for key, counts in links.items()},
        )

    @classmethod
    def shipped(cls) -> Library:
        """What was cut from the known drugs that come with the package."""
        return _shipped()

    def side_chain(self, atom: Chem.Atom, bond: str, number: int, rng: np.random.Generator) -> Chem.Mol:
        """A side chain for a point of that number at an atom, by a bond "", "=" or "#"."""
        choice = self.sides.get(kind(atom, bond)) or self.sides.get(f"{bond}{atom.GetSymbol()}")
        text = choice.draw(rng) if choice is not None else f"{bond}C".join(("[*:1]", ""))
        return renumbered(_read(text), {1: number})

    def linker(self, ends: tuple[Chem.Atom, Chem.Atom], rng: np.random.Generator) -> Chem.Mol:
        """A linker with the points 1 and 2, for two atoms."""
        first, second = (kind(atom) for atom in ends)
        choice = self.links.get((first, second)) or self.links.get(("c", "c"))
        return _read(choice.draw(rng) if choice is not None else "[*:1]C[*:2]")


@lru_cache(maxsize=20_000)
def _read(text: str) -> Chem.Mol:
    return read_smiles(text)


def cuttable(mol: Chem.Mol) -> list[Chem.Bond]:
    """The bonds where a molecule may be cut: in no ring, and neither aromatic nor of no order."""
    return [bond for bond in mol.GetBonds() if not bond.IsInRing() and bond.GetBondType() in BONDS]


def cut(mol: Chem.Mol, bonds: Iterable[Chem.Bond], numbers: Sequence[int] | None = None) -> list[Chem.Mol]:
    """The parts that are left when bonds are cut, with points numbered as the bonds are: from 1 if not told."""
    bonds = list(bonds)
    labels = [(number, number) for number in numbers or range(1, len(bonds) + 1)]
    cutting = Chem.FragmentOnBonds(
        mol, [bond.GetIdx() for bond in bonds], dummyLabels=labels, bondTypes=[bond.GetBondType() for bond in bonds]
    )
    for atom in cutting.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetAtomMapNum(atom.GetIsotope())
            atom.SetIsotope(0)
    return list(Chem.GetMolFrags(cutting, asMols=True))


def side_chains(mol: Chem.Mol) -> Iterable[tuple[str, str]]:
    """Each side chain with what it is attached to: both parts of each cut that are small enough."""
    for bond in cuttable(mol):
        parts = cut(mol, [bond])
        ends = [_end(part, 1) for part in parts]
        if len(parts) != 2 or None in ends:
            continue
        for part, (other, written) in zip(parts, reversed(ends), strict=True):  # type: ignore[misc]
            if part.GetNumHeavyAtoms() - 1 <= MOST_SIDE:
                yield kind(other, written), canonical(part)


def linkers(mol: Chem.Mol) -> Iterable[tuple[tuple[str, str], str]]:
    """Each linker, both ways round, with what its ends are attached to: parts between two cuts beside rings."""
    single = [
        bond
        for bond in cuttable(mol)
        if bond.GetBondType() == Chem.BondType.SINGLE
        and (bond.GetBeginAtom().IsInRing() or bond.GetEndAtom().IsInRing())
    ]
    for pair in combinations(single, 2):
        parts = cut(mol, pair)
        middle = [part for part in parts if _stars(part) == 2]
        if len(parts) != 3 or len(middle) != 1 or middle[0].GetNumHeavyAtoms() - 2 > MOST_LINK:
            continue
        outer = {
            number: end[0] for part in parts for number in (1, 2) if _stars(part) == 1 and (end := _end(part, number))
        }
        if len(outer) == 2 and all(atom.IsInRing() for atom in outer.values()):
            kinds = kind(outer[1]), kind(outer[2])
            yield kinds, canonical(middle[0])
            yield kinds[::-1], canonical(renumbered(middle[0], {1: 2, 2: 1}))


def _stars(mol: Chem.Mol) -> int:
    return sum(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms())


def _end(part: Chem.Mol, number: int) -> tuple[Chem.Atom, str] | None:
    """The atom at a point of that number and its bond, None where the part has no such point."""
    return site(part, number) if number in points(part) else None


def write(library: Mapping[tuple[str, str, str], int], path: Path) -> None:
    """Counts of (fragment, kind, kind of the other end or "") as a packed table; same counts, same bytes."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("fragment", "at", "other", "count"))
    rows.writerows((*key, count) for key, count in sorted(library.items(), key=lambda item: (-item[1], item[0])))
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


@cache
def _shipped() -> Library:
    sides: dict[str, dict[str, float]] = {}
    links: dict[tuple[str, str], dict[str, float]] = {}
    with gzip.open(SHIPPED, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["other"]:
                links.setdefault((row["at"], row["other"]), {})[row["fragment"]] = float(row["count"])
            else:
                sides.setdefault(row["at"], {})[row["fragment"]] = float(row["count"])
    return Library(
        {key: Choice.of(counts) for key, counts in sides.items()},
        {key: Choice.of(counts) for key, counts in links.items()},
    )
