"""One molecule at a time: read with limits, treated as was asked, and written in one way only.

RDKit does the chemistry. What would crash or stall it is refused before it is read: chains of some ten thousand atoms
overflow its stack, and its parser takes time quadratic in their length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rdkit import Chem, RDLogger
from rdkit.Chem.MolStandardize import rdMolStandardize

RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]  # what it says of a row, the row's reason says

LONGEST = 4_000  # characters of a SMILES
MOST_ATOMS = 1_000  # beside hydrogen
MOST_NEIGHBORS = 12  # of an atom
MOST_WALKS = 1_500_000  # over six bonds; a drug has some ten thousand


class Unreadable(ValueError):
    """Why a text or a molecule was not taken; the message is a few words for the row's reason."""


@dataclass(frozen=True)
class Treatment:
    """What is done to a molecule when it is read."""

    salts: Literal["keep", "strip"] = field(
        default="keep", metadata={"help": "strip: the largest part of what is written with dots is kept"}
    )
    charges: Literal["keep", "neutralize"] = field(
        default="keep", metadata={"help": "neutralize: protons are moved until no part is charged, where that can be"}
    )
    stereo: Literal["keep", "strip"] = field(default="keep", metadata={"help": "strip: @, / and \\ are left out"})
    isotopes: Literal["keep", "strip"] = field(default="keep", metadata={"help": "strip: [13C] is C"})
    rings: Literal["keep", "drop"] = field(
        default="keep", metadata={"help": "drop: rows whose canonical SMILES has ring numbers above 9 are left out"}
    )


KEEP = Treatment()


def read_smiles(text: str, treatment: Treatment = KEEP) -> Chem.Mol:
    """The molecule of a SMILES, sanitized. Raises Unreadable where it is none, or is too large."""
    if not text:
        raise Unreadable("empty")
    if len(text) > LONGEST:
        raise Unreadable(f"{len(text):,} characters, where {LONGEST:,} are the most")
    if not text.isascii() or text.split() != [text]:  # RDKit takes what follows a space for a name
        raise Unreadable("characters that SMILES has not")
    mol = Chem.MolFromSmiles(text, sanitize=False)
    if mol is None:
        raise Unreadable("no SMILES")
    return treated(mol, treatment)


def treated(mol: Chem.Mol, treatment: Treatment = KEEP) -> Chem.Mol:
    """The molecule, checked and as the treatment wants it. Raises Unreadable where its chemistry does not hold."""
    if mol.GetNumAtoms() == 0:
        raise Unreadable("no atoms")
    if mol.GetNumHeavyAtoms() > MOST_ATOMS:
        raise Unreadable(f"{mol.GetNumHeavyAtoms():,} heavy atoms, where {MOST_ATOMS:,} are the most")
    if _tangled(mol):
        raise Unreadable("more bonds than a molecule has")
    try:
        Chem.SanitizeMol(mol)
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
        mol = Chem.RemoveHs(mol)
        if treatment.salts == "strip" and len(parts := Chem.GetMolFrags(mol, asMols=True)) > 1:
            mol = max(parts, key=lambda part: (part.GetNumHeavyAtoms(), Chem.MolToSmiles(part)))
        if treatment.charges == "neutralize":
            mol = rdMolStandardize.Uncharger().uncharge(mol)
        if treatment.isotopes == "strip":
            for atom in mol.GetAtoms():
                atom.SetIsotope(0)
        if treatment.stereo == "strip":
            Chem.RemoveStereochemistry(mol)
    except (ValueError, RuntimeError) as error:
        raise Unreadable(_reason(error)) from None
    return mol


def _tangled(mol: Chem.Mol) -> bool:
    """Whether atoms hang together in so many ways that matching a pattern on them would take minutes."""
    degrees = [atom.GetDegree() for atom in mol.GetAtoms()]
    most = max(degrees)
    if most > MOST_NEIGHBORS:
        return True
    if len(degrees) * most**6 <= MOST_WALKS:
        return False
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    walks = [1] * len(degrees)
    for _ in range(6):
        longer = [0] * len(degrees)
        for a, b in ends:
            longer[a] += walks[b]
            longer[b] += walks[a]
        walks = longer
    return sum(walks) > MOST_WALKS


def canonical(mol: Chem.Mol) -> str:
    """RDKit's canonical SMILES: the same text however the molecule was written."""
    return str(Chem.MolToSmiles(mol))


def neutral(mol: Chem.Mol) -> str:
    """The canonical SMILES of the molecule with protons moved until no part that can be neutral is charged.

    An acid, its carboxylate and its zwitterion have the same text.
    """
    if not any(atom.GetFormalCharge() for atom in mol.GetAtoms()):
        return canonical(mol)
    try:
        return canonical(rdMolStandardize.Uncharger(canonicalOrder=True, force=True).uncharge(mol))
    except (ValueError, RuntimeError):
        return canonical(mol)


def _reason(error: Exception) -> str:
    """RDKit's reason in lower case, without its long tail of atom numbers."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return (text[:1].lower() + text[1:])[:120]
