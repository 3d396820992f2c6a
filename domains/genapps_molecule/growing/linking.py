"""Molecules that join two pieces by a linker, at the point of each piece, or wherever it may grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from rdkit import Chem

from genapps.errors import UsageError
from genapps_molecule.chemistry import Unreadable, canonical
from genapps_molecule.growing.candidates import Made
from genapps_molecule.growing.fragments import cut
from genapps_molecule.growing.joining import growable, joined, opened, points, renumbered, site
from genapps_molecule.growing.scaffolds import Scaffold
from genapps_molecule.growing.sidechains import SideChains, finished, held
from genapps_molecule.traits.strange import strange

LONGEST = 12  # heavy atoms of a linker that the network wrote
_TRIES = 200  # matches of a piece that are looked at
_WRITTEN = 0.5  # the share of linkers that the network is asked for
_HETERO = frozenset({7, 8, 15, 16})


@dataclass(frozen=True)
class Pieces:
    """Two pieces that every molecule is to contain apart from one another, with at most one point each."""

    first: Scaffold
    second: Scaffold

    @classmethod
    def parse(cls, first: str, second: str) -> Pieces:
        """From SMILES, or files that hold one each. Raises UsageError for what is no such piece."""
        return cls(_piece(first), _piece(second))

    def reason(self, mol: Chem.Mol) -> str:
        """Nothing ("") where the molecule is the two pieces and a linker, else what is missing in a few words."""
        if self.places(mol) is not None:
            return ""
        return self.first.reason(mol) or self.second.reason(mol) or "pieces not apart"

    def places(self, mol: Chem.Mol) -> tuple[set[int], set[int]] | None:
        """The atoms of the first piece and of the second, where both are there, share none, and a linker joins them."""
        for first, second in product(_matches(self.first, mol), _matches(self.second, mol)):
            if not first & second:
                return first, second
        return None


def _piece(argument: str) -> Scaffold:
    piece = Scaffold.parse(argument, "--link")
    if len(piece.numbers) > 1:
        raise UsageError(
            f"--link {argument[:80]!r} has {len(piece.numbers)} attachment points; a piece has one at most"
        )
    return piece


def _matches(piece: Scaffold, mol: Chem.Mol) -> list[set[int]]:
    """The atoms of each place where a piece is found and hangs by one bond, its point left out."""
    core = [atom.GetIdx() for atom in piece.mol.GetAtoms() if atom.GetAtomicNum() != 0]
    found = mol.GetSubstructMatches(piece.pattern, useChirality=True, maxMatches=_TRIES)
    places = [{match[atom] for atom in core} for match in found]
    return [atoms for atoms in places if len(_leaving(mol, atoms)) == 1]


def _leaving(mol: Chem.Mol, atoms: set[int]) -> list[Chem.Bond]:
    return [bond for bond in mol.GetBonds() if (bond.GetBeginAtomIdx() in atoms) != (bond.GetEndAtomIdx() in atoms)]


@dataclass(frozen=True)
class Linker:
    """A source of molecules that join two pieces: linkers of the library, or the network's from either piece on."""

    pieces: Pieces
    chains: SideChains
    columns: tuple[str, ...] = ("linker",)
    dropped: Callable[[str, str], None] | None = None  # takes what was joined and is not drawn, and why

    def draw(self, n: int, rng: np.random.Generator) -> list[Made]:
        """At most n molecules, each another one; fewer where chemistry did not hold or some came twice."""
        asked = rng.binomial(n, _WRITTEN) if self.chains.drawer is not None else 0
        whole = [*self._written(asked, rng), *self._known(n - asked, rng)]
        known = strange(self.pieces.first.mol) | strange(self.pieces.second.mol)
        return list(held(finished(whole, known, self.dropped), self.pieces.reason, self.dropped))

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """The reason of each molecule that is not the two pieces and a linker, else ""."""
        return [self.pieces.reason(mol) for mol in mols]

    def describe(self, mol: Chem.Mol) -> dict[str, str]:
        """The linker, with the point 1 where the first piece hangs and 2 for the second."""
        places = self.pieces.places(mol)
        if places is None:
            return {}
        bonds = [_leaving(mol, atoms)[0] for atoms in places]
        if bonds[0].GetIdx() == bonds[1].GetIdx():
            return {"linker": "[*:1][*:2]"}
        middle = [part for part in cut(mol, bonds) if len(points(part)) == 2]
        return {"linker": canonical(middle[0])}

    def notes(self) -> list[str]:
        """Where its side chains came from."""
        return self.chains.notes()

    def _ends(self, rng: np.random.Generator) -> list[Chem.Mol]:
        """The two pieces, with points 1 and 2."""
        ends = []
        for number, piece in enumerate((self.pieces.first, self.pieces.second), 1):
            if piece.numbers:
                ends.append(renumbered(piece.mol, {piece.numbers[0]: number}))
            else:
                ends.append(opened(piece.mol, int(rng.choice(growable(piece.mol))), number))
        return ends

    def _known(self, n: int, rng: np.random.Generator) -> list[Chem.Mol]:
        """Joined by linkers of the library."""
        whole = []
        for _ in range(n):
            first, second = self._ends(rng)
            linker = self.chains.library.linker((site(first, 1)[0], site(second, 2)[0]), rng)
            try:
                whole.append(joined(first, linker, second))
            except Unreadable:
                continue
        return whole

    def _written(self, n: int, rng: np.random.Generator) -> list[Chem.Mol]:
        """Joined by what the network writes behind one piece, with the other at an atom of it."""
        begun = []
        for _ in range(n):
            first, second = self._ends(rng)
            begun.append((first, 1, second) if rng.random() < 0.5 else (second, 2, first))
        groups = self.chains.draw([each[0] for each in begun], [each[1] for each in begun], rng)
        whole = []
        for (piece, number, other), group in zip(begun, groups, strict=True):
            linker = _with_end(group, number, 3 - number, site(other, 3 - number)[0], rng)
            if linker is not None:
                try:
                    whole.append(joined(piece, linker, other))
                except Unreadable:
                    continue
        return whole


def _with_end(group: Chem.Mol, number: int, other: int, held: Chem.Atom, rng: np.random.Generator) -> Chem.Mol | None:
    """A side chain with a second point, rather far from its first; None where there is no good place for one.

    Two hetero atoms are not joined. A long side chain is no linker.
    """
    if group.GetNumHeavyAtoms() - 1 > LONGEST:
        return None
    hetero = held.GetAtomicNum() in _HETERO
    atoms = [atom for atom in growable(group) if not (hetero and group.GetAtomWithIdx(atom).GetAtomicNum() in _HETERO)]
    if not atoms:
        return None
    far = Chem.GetDistanceMatrix(group)[points(group)[number], atoms] ** 2
    return opened(group, atoms[int(rng.choice(len(atoms), p=far / far.sum()))], other)
