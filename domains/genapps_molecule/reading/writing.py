"""Molecules with their figures to a file, as its suffix asks: CSV, TSV, JSON lines, Parquet, SMI or SDF."""

from __future__ import annotations

import contextlib
import gzip
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import AllChem, rdDepictor

from genapps.errors import UsageError
from genapps.io.atomic import check_target, replacing
from genapps.io.writers import TableWriter, check_output

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]

_OWN = {".smi": "smi", ".smiles": "smi", ".sdf": "sdf", ".sd": "sdf"}
_MOST_ATOMS_3D = 200
_TRIES_3D = 20  # beginnings of an embedding


def molecule_format(target: str | Path) -> str:
    """What a target's suffix asks for: smi, sdf or table. `-` takes CSV."""
    suffixes = [suffix.lower() for suffix in Path(target).suffixes if suffix.lower() != ".gz"]
    return _OWN.get(suffixes[-1], "table") if suffixes else "table"


def check_molecules(target: str | Path, three_d: bool = False) -> None:
    """Refuse a target that could not be written, before the work. Raises UsageError and GenappsError as writers do."""
    if molecule_format(target) == "table":
        check_output(target)
    else:
        check_target(target)
    if three_d and molecule_format(target) != "sdf":
        raise UsageError(f"{target}: only an SDF holds coordinates; name the output FILE.sdf, or leave out --3d")


class MoleculeWriter:
    """A context manager that writes molecules with their columns, one lot after another; whole or not at all.

    The columns (N,) each begin with "smiles"; a column "name" names the molecules in SMI and SDF. In an SDF all other
    columns are data fields, and coordinates are drawn flat, or embedded in space and relaxed where `three_d` is true
    (ETKDG, S. Riniker and G. Landrum, J. Chem. Inf. Model. 2015, 55, 2562; MMFF94); `flat` counts those that could not.
    """

    def __init__(self, target: str | Path, *, three_d: bool = False, seed: int = 0) -> None:
        check_molecules(target, three_d)
        self.target, self.three_d, self.seed = target, three_d, seed
        self.rows = self.flat = 0
        self._stack = contextlib.ExitStack()
        self._table: TableWriter | None = None
        self._handle: BinaryIO | None = None

    def __enter__(self) -> Self:
        self.kind = molecule_format(self.target)
        if self.kind == "table":
            self._table = self._stack.enter_context(TableWriter(self.target))
        else:
            handle: BinaryIO = self._stack.enter_context(replacing(self.target))
            if str(self.target).lower().endswith(".gz"):
                zipped = gzip.GzipFile("", "wb", 6, handle, mtime=0)
                handle = cast(BinaryIO, self._stack.enter_context(zipped))
            self._handle = handle
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self._stack.__exit__(*error)

    def write(self, mols: Sequence[Chem.Mol], columns: Columns) -> None:
        """Append rows: molecules and what is said of each."""
        if self._table is not None:
            self._table.write(pa.table({name: _array(values) for name, values in columns.items()}))
        elif self._handle is not None:
            self._handle.write("".join(self._texts(mols, columns)).encode())
        self.rows += len(mols)

    def _texts(self, mols: Sequence[Chem.Mol], columns: Columns) -> Iterable[str]:
        names = columns.get("name", [""] * len(mols))
        if self.kind == "smi":
            for smiles, name in zip(columns["smiles"], names, strict=True):
                yield f"{smiles} {_line(name)}".rstrip() + "\n"
            return
        fields = [name for name in columns if name != "name"]
        for row, (mol, name) in enumerate(zip(mols, names, strict=True)):
            said = "".join(
                f">  <{field}>\n{_line(text)}\n\n" for field in fields if (text := _shown(columns[field][row]))
            )
            yield f"{self._block(mol, _line(name))}{said}$$$$\n"

    def _block(self, mol: Chem.Mol, name: str) -> str:
        mol = Chem.Mol(mol)
        placed = self._embedded(mol) if self.three_d else None
        if placed is None:
            rdDepictor.Compute2DCoords(mol)
            self.flat += self.three_d
        placed = placed or mol
        placed.SetProp("_Name", name)
        return str(Chem.MolToMolBlock(placed))

    def _embedded(self, mol: Chem.Mol) -> Chem.Mol | None:
        """The molecule with hydrogens, in space; nothing where no place for its atoms is found."""
        if mol.GetNumHeavyAtoms() > _MOST_ATOMS_3D:
            return None
        full = Chem.AddHs(mol)
        settings = AllChem.ETKDGv3()  # type: ignore[attr-defined]
        settings.randomSeed, settings.maxIterations = self.seed % 2**31, _TRIES_3D
        try:
            if AllChem.EmbedMolecule(full, settings) != 0:  # type: ignore[attr-defined]
                return None
            AllChem.MMFFOptimizeMolecule(full)  # type: ignore[attr-defined]
        except (ValueError, RuntimeError):
            return None
        return full


def write_molecules(
    target: str | Path, mols: Sequence[Chem.Mol], columns: Columns, *, three_d: bool = False, seed: int = 0
) -> None:
    """Write all molecules at once; see MoleculeWriter."""
    with MoleculeWriter(target, three_d=three_d, seed=seed) as writer:
        writer.write(mols, columns)


def _array(values: Sequence[Any] | NDArray[Any]) -> pa.Array:
    """An Arrow column; not-a-number is a missing cell, and a list of no numbers is text however empty it is."""
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        return pa.array(values, from_pandas=True)
    cells = list(values)
    return pa.array(cells, pa.string() if all(cell is None or isinstance(cell, str) for cell in cells) else None)


def _line(value: Any) -> str:
    return " ".join(str(value).split()) if value is not None else ""


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
