"""The molecules that a person knows already, and does not want to be proposed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from genapps.errors import InputError
from genapps_molecule.chemistry import neutral
from genapps_molecule.reading.files import read_molecules
from genapps_molecule.records import Molecule

_LEAST = 0.1  # share of rows that are molecules: of bytes at random a few lines are, as C or N alone is one


def known_molecules(
    paths: Sequence[Path], say: Callable[[str], None] = lambda sentence: None, option: str = "--novel-to"
) -> frozenset[str]:
    """The molecules of files as canonical SMILES, neutral where they can be; say takes how many each file has.

    Raises InputError for a file in which hardly anything is a molecule.
    """
    found: set[str] = set()
    for path in paths:
        here: set[str] = set()
        rows = read = 0
        for one in read_molecules(path):
            rows += 1
            if isinstance(one, Molecule):
                read += 1
                here.add(neutral(one.mol))
        if read <= _LEAST * rows:
            few = f"{read:,} of {rows:,} rows are molecules" if read else "no molecule in it"
            raise InputError(f"{option} {path}: {few}; give SMILES, or a table or an SDF of molecules")
        say(f"{option} {path}: {len(here):,} molecules are known, read from {rows:,} rows")
        found |= here
    return frozenset(found)
