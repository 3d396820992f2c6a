"""What an option names: molecules of a file, or one written out as a SMILES."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles

_SUFFIXES = frozenset({".smi", ".smiles", ".txt", ".csv", ".tsv", ".sdf", ".mol", ".parquet", ".jsonl", ".gz"})


def named(argument: str, option: str, most: int = 1_000) -> list[Chem.Mol]:
    """The first molecules of a file, `most` of them, or the one of a SMILES.

    Raises UsageError, naming the option, for what is neither; InputError for a file that holds no molecule.
    """
    if is_file(argument, option):
        from genapps_molecule.reading.files import read_molecules
        from genapps_molecule.records import Molecule

        mols = list(islice((one.mol for one in read_molecules(argument) if isinstance(one, Molecule)), most))
        if not mols:
            raise InputError(f"{option} {argument}: no molecule in it")
        return mols
    try:
        return [read_smiles(argument)]
    except Unreadable as error:
        raise UsageError(f"{option} {argument[:80]!r} is neither a file nor a molecule: {error}") from None


def text_of(argument: str, option: str) -> str:
    """A SMILES as it is, or the canonical one of the only molecule of a file. Raises as `named` does."""
    if not is_file(argument, option):
        return argument
    mols = named(argument, option, most=2)
    if len(mols) > 1:
        raise UsageError(f"{option} {argument} holds several molecules; give one")
    return canonical(mols[0])


def is_file(argument: str, option: str) -> bool:
    """Whether the argument names a file; raises UsageError where it looks like one that is not there."""
    try:
        there = Path(argument).is_file()
    except (OSError, ValueError):  # longer than a path may be, or with a zero byte
        return False
    if not there and Path(argument).suffix.lower() in _SUFFIXES:
        raise UsageError(f"{option}: there is no file {argument[:200]}")
    return there
