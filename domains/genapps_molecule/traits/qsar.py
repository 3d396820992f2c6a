"""A model of a measured figure, fitted to a table of molecules: qsar(assay.csv, y=pIC50).

A Gaussian process over fingerprints (`gaussian`). How good it is, is told for molecules of scaffolds that it was not
fitted to: the ones that a search will come to.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from genapps.errors import InputError, UsageError
from genapps.io.limits import DEFAULT
from genapps.io.source import Version, open_source, version
from genapps.suggest import did_you_mean
from genapps_molecule.chemistry import Unreadable, read_smiles
from genapps_molecule.reading.columns import SAMPLE, smiles_column
from genapps_molecule.reading.lines import cells_of, lines_of
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
    """Molecules and numbers of a CSV, and the rows without one of them, each with its reason."""
    mols, values, dropped = [], [], []
    for row, text, cell in _cells(path, y, smiles):
        try:
            value = float(cell)
            if not np.isfinite(value):
                raise ValueError
        except ValueError:
            dropped.append((row, f"{cell[:40]!r} in {y} is no number"))
            continue
        try:
            mols.append(read_smiles(text))
            values.append(value)
        except Unreadable as error:
            dropped.append((row, str(error)))
    return mols, np.array(values, np.float64), dropped


def _cells(path: str, y: str, smiles: str | None) -> Iterator[tuple[int, str, str]]:
    """Row, SMILES and the cell of y of each row that has both cells."""
    with open_source(path, DEFAULT) as source:
        lines = lines_of(source)
        first = next(lines, "")
        delimiter = "\t" if source.suffix in {".tsv", ".tab"} else max(",;\t", key=first.count)
        header = [cell.strip() for cell in first.split(delimiter)]
        header = [cell[1:-1] if cell[:1] == cell[-1:] == '"' and len(cell) > 1 else cell for cell in header]
        if y not in header:
            raise UsageError(f"{path}: no column {y!r}.{did_you_mean(y, header)} There are: {', '.join(header[:20])}")
        rows = cells_of(lines, delimiter)
        sample = list(islice(rows, SAMPLE))
        body = [cells for _, cells in sample if isinstance(cells, list) and cells]
        place, target = smiles_column(path, header, body, smiles), header.index(y)
        for row, cells in (*sample, *rows):
            if isinstance(cells, list) and max(place, target) < len(cells):
                yield row + 1, cells[place].strip(), cells[target].strip()
