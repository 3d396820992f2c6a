"""What makes molecules that meet a wish: around a scaffold, between two pieces, near a lead, by a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from rdkit import Chem

Made = tuple[str, Chem.Mol]  # a canonical SMILES and its molecule


class Source(Protocol):
    """Whatever makes molecules that meet one wish; `propose` takes its rows from one in place of free draws."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are told of each molecule beside its properties: R1, linker, ..."""

    def draw(self, n: int, rng: np.random.Generator) -> list[Made]:
        """At most n molecules, each another one; fewer, or none, where attempts failed."""

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """For each molecule "" where it meets the wish, else the reason in a few words."""

    def describe(self, mol: Chem.Mol) -> Mapping[str, str | float]:
        """The columns of a molecule that meets the wish, however it was made."""

    def notes(self) -> list[str]:
        """What people should know of how the molecules so far were made, a sentence each."""


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    """A generator for a network, seeded by one for everything else."""
    return torch.Generator().manual_seed(int(rng.integers(2**62)))
