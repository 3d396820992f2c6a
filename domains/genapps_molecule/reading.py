"""Molecules from a file, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from genapps_molecule.chemistry import KEEP, Treatment, Unreadable, canonical, read_smiles
from genapps_molecule.records import Dropped, Molecule


def read_molecules(
    path: str | Path,
    treatment: Treatment = KEEP,
    *,
    column: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Molecule | Dropped]:
    """Each row of a file as a molecule, or as what was dropped and why."""
    with Path(path).open(encoding="utf-8", errors="replace") as lines:
        for row, line in enumerate(lines, 1):
            text, _, name = line.strip().partition(" ")
            try:
                mol = read_smiles(text, treatment)
            except Unreadable as error:
                yield Dropped(row, text, str(error))
                continue
            yield Molecule(row, canonical(mol), mol, name.strip(), text)
