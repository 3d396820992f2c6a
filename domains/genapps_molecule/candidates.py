"""What meets a wish by the way it is made: molecules around a scaffold, between two pieces, or like a lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from rdkit import Chem


@dataclass(frozen=True)
class Candidate:
    """A molecule that was made, its canonical text, and what is told of it in columns of its own (R1, linker, ...)."""

    mol: Chem.Mol
    smiles: str
    columns: dict[str, str] = field(default_factory=dict)


class Source(Protocol):
    """Whatever makes molecules that meet one wish; `propose` takes its rows from one in place of free draws."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that each candidate may fill, in their order."""

    def draw(self, n: int, rng: np.random.Generator) -> list[Candidate]:
        """At most n candidates, unique among themselves; fewer, or none, where some attempts failed."""

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """For each molecule "" where it meets the wish, else the reason in a few words."""


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    """A generator for a network, seeded by one for everything else."""
    return torch.Generator().manual_seed(int(rng.integers(2**62)))
