"""What goes from room to room: a molecule that was read, a row that was not, and whatever can draw new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rdkit import Chem

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Molecule:
    """One molecule of an input: its row (from 1, the line of a text file, the record of an SDF), name and text."""

    row: int
    smiles: str  # canonical, after the treatment
    mol: Chem.Mol
    name: str = ""
    text: str = ""  # as it was written


@dataclass(frozen=True)
class Dropped:
    """A row that holds no molecule, or one that was not wanted, and why in a few words."""

    row: int
    text: str
    reason: str


class Drawer(Protocol):
    """Whatever draws texts of molecules: a network, counts of n-grams, a fragment assembly."""

    def draw(
        self, n: int, generator: torch.Generator, *, prompts: Sequence[str] | None = None, temperature: float = 1.0
    ) -> list[str]:
        """n texts as they come, valid or not; each begins with its prompt where there are some, (n,)."""
