"""Molecules as like to a lead as was asked: Tanimoto's coefficient of Morgan fingerprints within a range."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps.errors import UsageError
from genapps_molecule.reading.arguments import named
from genapps_molecule.traits.fingerprints import fingerprints, nearest

_RANGE = re.compile(r"\s*(\d*\.?\d+)\s*(?:(?:\.\.|-|:)\s*(\d*\.?\d+))?\s*")


@dataclass(frozen=True)
class Likeness:
    """Leads, their fingerprints (N, 128), and the range that the similarity to the nearest of them is to lie in."""

    leads: tuple[Chem.Mol, ...]
    prints: NDArray[np.uint8]
    low: float
    high: float

    @classmethod
    def parse(cls, lead: str, similarity: str = "0.4..0.8") -> Likeness:
        """From a file of leads or a SMILES, and a range as LOW..HIGH, or LOW alone.

        Raises UsageError for what is no molecule or no range within 0 to 1.
        """
        found = _RANGE.fullmatch(similarity)
        low, high = (float(found[1]), float(found[2] or 1.0)) if found else (math.nan, math.nan)
        if not 0 <= low <= high <= 1:
            raise UsageError(f"--similarity {similarity!r} is no range within 0 to 1; write for example 0.4..0.8")
        leads = tuple(named(lead, "--like"))
        if any(atom.GetAtomicNum() == 0 for mol in leads for atom in mol.GetAtoms()):
            raise UsageError(f"--like {lead[:80]!r} has an attachment point; a lead is a whole molecule")
        return cls(leads, fingerprints(leads), low, high)

    def similarity(self, mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        """How like each molecule (N,) is to the nearest lead."""
        return nearest(fingerprints(mols), self.prints)[1].astype(np.float64)

    def distance(self, mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        """How far each similarity (N,) is from the range, in tenths: 0 where it lies within."""
        found = self.similarity(mols)
        return 10 * np.maximum(np.maximum(self.low - found, found - self.high), 0.0)

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """The similarity of each molecule where it is out of the range, as a reason; "" where it is not."""
        if not len(mols):
            return []
        asked = f"not {self.low:g} to {self.high:g}"
        return [
            "" if self.low <= found <= self.high else f"similarity is {found:.3f}, {asked}"
            for found in self.similarity(mols)
        ]
