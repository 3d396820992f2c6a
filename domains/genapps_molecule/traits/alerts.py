"""Substructures that a chemist would rather not see: PAINS, BRENK, MCF and others by name, and anybody's own SMARTS.

PAINS (J. Baell and G. Holloway, J. Med. Chem. 2010, 53, 2719) and the medicinal chemistry filters MCF are the SMARTS of
the MOSES benchmark, matched as there: with all hydrogens as atoms. BRENK (R. Brenk et al., ChemMedChem 2008, 3, 435)
and the other sets are those of RDKit's FilterCatalog.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import FilterCatalog

from genapps.errors import InputError, UsageError
from genapps.suggest import did_you_mean

SHIPPED = ("pains", "mcf")
_CATALOGS = {
    "brenk": "BRENK",
    "nih": "NIH",
    "zinc": "ZINC",
    "bms": "CHEMBL_BMS",
    "dundee": "CHEMBL_Dundee",
    "glaxo": "CHEMBL_Glaxo",
    "inpharmatica": "CHEMBL_Inpharmatica",
    "lint": "CHEMBL_LINT",
    "mlsmr": "CHEMBL_MLSMR",
    "surechembl": "CHEMBL_SureChEMBL",
}
NAMES = (*SHIPPED, *_CATALOGS)
_BITS = 2_048
_LONGEST_FILE = 4 * 2**20  # bytes of SMARTS


@dataclass(frozen=True)
class Screened:
    """Queries that are matched only where the bits of their pattern are all among the molecule's: RDKit's screen.

    `bits` (Q, 32) of uint64; `hydrogens`: whether queries are matched on a molecule with all hydrogens as atoms. The
    bits are then those of the part of a query that no hydrogen can match, and the molecule's those without hydrogens:
    what is found with hydrogens is so in part without them.
    """

    names: tuple[str, ...]
    queries: tuple[Chem.Mol, ...]
    bits: NDArray[np.uint64]
    hydrogens: bool

    @classmethod
    def of(cls, named: Sequence[tuple[str, Chem.Mol]], hydrogens: bool) -> Screened:
        """Of names and queries."""
        queries = tuple(query for _, query in named)
        bits = [_pattern(_heavy(query) if hydrogens else query) for query in queries]
        stacked = np.stack(bits) if bits else np.zeros((0, _BITS // 64), np.uint64)
        return cls(tuple(name for name, _ in named), queries, stacked, hydrogens)

    def hits(self, mol: Chem.Mol, pattern: NDArray[np.uint64]) -> list[str]:
        """The names of the queries that are found; `pattern` are the bits of the molecule without hydrogens."""
        may = np.flatnonzero(~(self.bits & ~pattern).any(1))
        return [self.names[i] for i in may if mol.HasSubstructMatch(self.queries[i])]

    def plain(self, mol: Chem.Mol) -> list[str]:
        """The same without the screen: slow, to check it."""
        found = zip(self.names, self.queries, strict=True)
        return [name for name, query in found if mol.HasSubstructMatch(query)]


@dataclass(frozen=True)
class Catalog:
    """A set of RDKit's own."""

    name: str
    catalog: FilterCatalog.FilterCatalog

    def hits(self, mol: Chem.Mol) -> list[str]:
        """The names of the alerts that are found."""
        return [f"{self.name}:{entry.GetDescription()}" for entry in self.catalog.GetMatches(mol)]


@dataclass(frozen=True)
class Alerts:
    """Sets of alerts, looked for in one molecule after another."""

    screened: tuple[Screened, ...]
    catalogs: tuple[Catalog, ...]

    @classmethod
    def named(cls, names: Sequence[str | Path]) -> Alerts:
        """Sets by name, and files of SMARTS: one a line with its name after it, or CSV with a column smarts.

        Raises UsageError for a name that is neither, InputError naming the line for what is no SMARTS.
        """
        screened, catalogs = [], []
        for name in dict.fromkeys(str(one).strip() for one in names):
            if name.lower() in SHIPPED:
                screened.append(_shipped(name.lower()))
            elif name.lower() in _CATALOGS:
                catalogs.append(_catalog(name.lower()))
            else:
                screened += _own(name)
        return cls(tuple(screened), tuple(catalogs))

    def hits(self, mol: Chem.Mol) -> list[str]:
        """What is found in a molecule, as "set:alert", each once."""
        found = []
        if self.screened:
            pattern = _pattern(mol)
            full = Chem.AddHs(mol) if any(one.hydrogens for one in self.screened) else mol
            for one in self.screened:
                found += one.hits(full if one.hydrogens else mol, pattern)
        for catalog in self.catalogs:
            found += catalog.hits(mol)
        return list(dict.fromkeys(found))


def _pattern(mol: Chem.Mol) -> NDArray[np.uint64]:
    """RDKit's pattern fingerprint as words, (32,)."""
    bits = Chem.PatternFingerprint(mol, fpSize=_BITS)
    return np.frombuffer(bytes.fromhex(DataStructs.BitVectToFPSText(bits)), np.uint64)


def _heavy(query: Chem.Mol) -> Chem.Mol:
    """A query without the atoms that a hydrogen can match."""
    part = Chem.RWMol(query)
    for atom in reversed(list(part.GetAtoms())):
        if any(atom.Match(other) for mol in _hydrides() for other in mol.GetAtoms() if other.GetAtomicNum() == 1):
            part.RemoveAtom(atom.GetIdx())
    return part.GetMol()


@cache
def _hydrides() -> list[Chem.Mol]:
    """Molecules with hydrogen atoms in every surrounding that an atom's query could ask for."""
    return [Chem.AddHs(Chem.MolFromSmiles(text)) for text in ("C", "N", "O", "S", "[H][H]", "Br", "c1cc[nH]c1")]


@cache
def _shipped(name: str) -> Screened:
    text = files("genapps_molecule").joinpath("data", f"{name}.csv").read_text("utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return Screened.of([(f"{name}:{row['name']}", Chem.MolFromSmarts(row["smarts"])) for row in rows], True)


@cache
def _catalog(name: str) -> Catalog:
    params = FilterCatalog.FilterCatalogParams()
    params.AddCatalog(getattr(FilterCatalog.FilterCatalogParams.FilterCatalogs, _CATALOGS[name]))
    return Catalog(name, FilterCatalog.FilterCatalog(params))


def _own(name: str) -> list[Screened]:
    """The queries of a file: those that name hydrogen atoms on molecules that have them, the others on plain ones."""
    path = Path(name)
    if not path.is_file():
        known = ", ".join(NAMES)
        raise UsageError(
            f"{name!r} is neither a set of alerts nor a file of SMARTS.{did_you_mean(name, NAMES)} There are: {known}"
        )
    if path.stat().st_size > _LONGEST_FILE:
        raise InputError(f"{path}: a file of SMARTS is at most {_LONGEST_FILE // 2**20} MiB")
    plain: list[tuple[str, Chem.Mol]] = []
    full: list[tuple[str, Chem.Mol]] = []
    for number, smarts, label in _lines(path):
        query = Chem.MolFromSmarts(smarts)
        if query is None or query.GetNumAtoms() == 0:
            raise InputError(f"{path}: line {number}: {smarts[:80]!r} is no SMARTS; correct it or take it out")
        named = (f"{path.stem}:{label or smarts[:60]}", query)
        (full if any(atom.GetAtomicNum() == 1 for atom in query.GetAtoms()) else plain).append(named)
    if not plain and not full:
        raise InputError(f"{path}: no SMARTS in it; write one a line, with its name after it")
    return [Screened.of(some, hydrogens) for some, hydrogens in ((plain, False), (full, True)) if some]


def _lines(path: Path) -> list[tuple[int, str, str]]:
    """Line, SMARTS and name of each that a file holds; lines that begin with # are remarks."""
    lines = path.read_text("utf-8", errors="replace").splitlines()
    if path.suffix.lower() in {".csv", ".tsv"}:
        reader = csv.DictReader(lines, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        columns = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
        if "smarts" not in columns:
            raise InputError(f"{path}: line 1: no column named smarts")
        name = columns.get("name") or columns.get("names")
        rows = [
            (reader.line_num, (row[columns["smarts"]] or "").strip(), (row[name] or "").strip() if name else "")
            for row in reader
        ]
        return [row for row in rows if row[1]]
    split = [(number, *line.strip().partition(" ")[::2]) for number, line in enumerate(lines, 1)]
    return [(number, smarts, label.strip()) for number, smarts, label in split if smarts and smarts[0] != "#"]
