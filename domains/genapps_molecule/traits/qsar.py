"""A model of a measured figure, fitted to a table of molecules: qsar(assay.csv, y=pIC50).

A Gaussian process over fingerprints (`gaussian`). How good it is, is told for molecules of scaffolds that it was not
fitted to: the ones that a search will come to.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from genapps.errors import InputError, UsageError
from genapps.io.source import Version, version
from genapps.suggest import did_you_mean
from genapps_molecule.reading.columns import SAMPLE
from genapps_molecule.reading.files import Written, read_texts, understood
from genapps_molecule.records import Dropped
from genapps_molecule.traits.gaussian import Process, bits_of

FEWEST, MOST = 10, 5_000  # molecules of a table; of a larger one so many are drawn
_FOLDS = 5
_FOR_NOISE = 1_000


@dataclass(frozen=True)
class Qsar:
    """A fitted model. r2: the share of variance that it explains where scaffolds are new; dropped: rows left out."""

    name: str
    process: Process
    molecules: int
    r2: float
    dropped: tuple[tuple[int, str], ...]

    def value(self, mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        """What it guesses, (N,), in the units of the table."""
        return self.process.guess(bits_of(mols))[0]

    def spread(self, mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        """How unsure it is, (N,): a standard deviation in those units."""
        return self.process.guess(bits_of(mols))[1]

    @property
    def words(self) -> str:
        """What a person should know of it."""
        left = "".join(f" (row {row}: {reason})" for row, reason in self.dropped[:1])
        return (
            f"{self.name}: fitted to {self.molecules:,} molecules, {len(self.dropped):,} rows left out{left};"
            f" where scaffolds are new it explains {max(self.r2, 0.0):.0%} of the variance"
        )


def qsar(argument: str) -> Qsar:
    """The model of "FILE, y=COLUMN", or "FILE, y=COLUMN, smiles=COLUMN"; fitted once for each version of the file.

    Raises UsageError for a column that is not there, InputError for a table with too few molecules and numbers.
    """
    path, *words = [word.strip() for word in argument.split(",")]
    given = {key.strip(): value.strip().strip("\"'") for key, _, value in (word.partition("=") for word in words)}
    if not path or set(given) - {"y", "smiles"} or not given.get("y"):
        raise UsageError(f"qsar({argument}): write qsar(FILE.csv, y=COLUMN)")
    path = path.strip("\"'")
    return _of_table(f"qsar({argument})", path, given["y"], given.get("smiles"), version(path))


@lru_cache(maxsize=16)
def _of_table(name: str, path: str, y: str, smiles: str | None, version: Version) -> Qsar:
    mols, values, dropped = _table(path, y, smiles)
    if len(mols) < FEWEST:
        why = f"; row {dropped[0][0]}: {dropped[0][1]}" if dropped else ""
        raise InputError(f"{path}: {len(mols)} molecules with a number in {y}, {FEWEST} are the fewest{why}")
    return fitted(name, mols, values, tuple(dropped))


def fitted(
    name: str, mols: Sequence[Chem.Mol], values: NDArray[np.float64], dropped: tuple[tuple[int, str], ...] = ()
) -> Qsar:
    """A model of values (N,)."""
    if len(mols) > MOST:
        kept = np.random.default_rng(0).permutation(len(mols))[:MOST]
        mols, values = [mols[k] for k in kept], values[kept]
    rows = bits_of(mols)
    noise = Process.fit(rows[:_FOR_NOISE], values[:_FOR_NOISE]).noise
    process = Process.fit(rows, values, (noise,))
    groups = np.array([zlib.crc32(_scaffold(mol).encode()) % _FOLDS for mol in mols])
    missed = float(((process.without(groups) - values) ** 2).sum())
    total = float(((values - values.mean()) ** 2).sum())
    return Qsar(name, process, len(mols), 1 - missed / total if total > 0 else 0.0, dropped)


def _scaffold(mol: Chem.Mol) -> str:
    return str(MurckoScaffold.MurckoScaffoldSmiles(mol=mol))


def _table(path: str, y: str, smiles: str | None) -> tuple[list[Chem.Mol], NDArray[np.float64], list[tuple[int, str]]]:
    """Molecules and numbers of a table, and the rows without one of them, each with its reason."""
    mols, values, dropped = [], [], []
    for row in _rows(path, y, smiles):
        if isinstance(row, Dropped):
            dropped.append((row.row, row.reason))
            continue
        cell = row.others.get(y, "").strip()
        try:
            value = float(cell)
            if not np.isfinite(value):
                raise ValueError
        except ValueError:
            dropped.append((row.row, f"{cell[:40]!r} in {y} is no number"))
            continue
        molecule = understood(row)
        if isinstance(molecule, Dropped):
            dropped.append((row.row, molecule.reason))
        else:
            mols.append(molecule.mol)
            values.append(value)
    return mols, np.array(values, np.float64), dropped


def _rows(path: str, y: str, smiles: str | None) -> Iterator[Written | Dropped]:
    """The rows of a file of any kind. Raises UsageError where the first ones have no such column."""
    rows = read_texts(path, column=smiles, others=True)
    sample = list(islice(rows, SAMPLE))
    header = list(dict.fromkeys(name for row in sample if isinstance(row, Written) for name in row.others))
    if y not in header and any(isinstance(row, Written) for row in sample):
        there = f"There are: {', '.join(header[:20])}" if header else "It has no others"
        raise UsageError(f"{path}: no column {y!r} beside the molecules.{did_you_mean(y, header)} {there}")
    yield from chain(sample, rows)
