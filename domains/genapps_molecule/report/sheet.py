"""The molecules of a page as they come: the first ones whole, with pictures; of all figures, how often which value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from rdkit import Chem

from genapps.report.text import clip, figure, plain
from genapps_molecule.report.depicting import picture
from genapps_molecule.report.tally import Bars, Tally
from genapps_molecule.traits.properties import PROPERTIES

MOST = 2_000  # molecules with a picture; a page of more is slow to open and to read
_WIDEST = 60  # columns, those that we know not counted: a file may have thousands
_LONGEST = 1_000  # characters of a cell
_FINE = 64  # bins of a property's spread
_TEXTS = ("smiles", "name", "alerts")  # columns that are no numbers, whatever is in them
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?:[eE][-+]?\d{1,2})?")
_PLAIN = re.compile(r"[a-z][a-z0-9_]*")  # a name as programs write it
_LETTERS = {"qed": "QED", "mw": "MW", "logp": "logP", "tpsa": "TPSA", "hbd": "HBD", "hba": "HBA", "sa": "SA"}


@dataclass(frozen=True)
class Column:
    """One column of the page: its name in the file, what people read, what it means, and how its values are spread."""

    place: int  # among the columns of the page
    name: str
    short: str
    words: str
    values: Sequence[Any]  # of the molecules with a picture; None where there is none
    bars: Bars | None  # of a column of numbers
    whole: bool


@dataclass(frozen=True)
class Tile:
    """One molecule of the page."""

    title: str
    smiles: str
    picture: Markup
    figures: tuple[tuple[str, str], ...]
    alerts: str | None  # None where nobody looked for any
    others: tuple[tuple[str, str], ...]


class Sheet:
    """Collects molecules in lots. `rows` are all that came, the first `most` of them are kept."""

    def __init__(self, most: int = MOST) -> None:
        self.most, self.rows = most, 0
        self._cells: dict[str, list[Any]] = {}
        self._tallies: dict[str, Tally] = {}
        self._pictures: list[Markup] = []
        self.left_out: set[str] = set()  # columns beyond the widest page

    def __len__(self) -> int:
        """How many molecules are kept."""
        return len(self._pictures)

    def add(self, columns: Mapping[str, Sequence[Any] | NDArray[Any]], mols: Sequence[Chem.Mol] | None = None) -> None:
        """Add rows: columns (N,) by name, `smiles` among them; molecules where they are known."""
        smiles = list(columns["smiles"])
        before, room = len(self), max(self.most - len(self), 0)
        for row, text in enumerate(smiles[:room]):
            self._pictures.append(picture(mols[row] if mols is not None else _read(text)))
        for name, values in columns.items():
            if not self._admits(name):
                continue
            listed = _plain(values)
            numbers = _numbers(listed)
            if numbers is not None:
                self._tallies.setdefault(name, _fresh(name, numbers, listed)).add(numbers)
            cells = self._cells.setdefault(name, [None] * before)
            cells.extend(listed[:room] if name == "smiles" else map(_cell, listed[:room]))
        for name in self._cells.keys() - columns.keys():
            self._cells[name].extend([None] * len(smiles[:room]))
        self.rows += len(smiles)

    def _admits(self, name: str) -> bool:
        if name in self._cells or name in PROPERTIES or name in _TEXTS or len(self._cells) < _WIDEST:
            return True
        self.left_out.add(name)
        return False

    def columns(self) -> tuple[Column, ...]:
        """Every column that says something, in the order they came in."""
        said = [
            (name, values)
            for name, values in self._cells.items()
            if name == "smiles" or any(value not in (None, "") for value in values)
        ]
        return tuple(self._column(place, name, values) for place, (name, values) in enumerate(said))

    def _column(self, place: int, name: str, values: list[Any]) -> Column:
        """One column; texts that are all numbers, as those of an input are, become such."""
        tally = self._tallies.get(name)
        if tally is None and name not in _TEXTS and (read := _as_numbers(values)) is not None:
            values, numbers = read, _numbers(read)
            assert numbers is not None
            tally = _fresh(name, numbers, values)
            tally.add(numbers)
        if tally is not None and tally.whole:
            values = [value if value is None else int(value) for value in values]
        words = PROPERTIES[name].words if name in PROPERTIES else ""
        bars = tally.bars() if tally is not None else None
        return Column(place, name, short(name), words, values, bars, tally is not None and tally.whole)

    def tiles(self) -> tuple[Tile, ...]:
        """What is shown of each molecule that is kept."""
        columns = [column for column in self.columns() if column.name not in _TEXTS]
        numbers = [column for column in columns if column.bars is not None]
        words = [column for column in columns if column.bars is None]
        alerts, names = self._cells.get("alerts"), self._cells.get("name")
        return tuple(
            Tile(
                clip(names[row] or "") if names is not None else "",
                self._cells["smiles"][row],
                self._pictures[row],
                tuple((column.short, figure(column.values[row])) for column in numbers),
                None if alerts is None else alerts[row] or "",
                tuple(
                    (column.short, _said(column.values[row]))
                    for column in words
                    if column.values[row] not in ("", None)
                ),
            )
            for row in range(len(self))
        )


def short(name: str) -> str:
    """What a column is called on the page: "mw" is MW, "drug_similarity" Drug similarity, "pIC50 (nM)" as it is."""
    return _LETTERS.get(name) or (plain(name) if _PLAIN.fullmatch(name) else clip(name))


def _said(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else clip(value, 300)


def _read(smiles: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(smiles)
    return mol if mol is not None else Chem.Mol()


def _plain(values: Any) -> list[Any]:
    """Values as Python has them."""
    for name in ("to_pylist", "tolist"):
        if hasattr(values, name):
            return list(getattr(values, name)())
    return list(values)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return clip(value, _LONGEST) if isinstance(value, str) else value


def _numbers(values: Sequence[Any]) -> NDArray[np.float64] | None:
    """A column of numbers (N,), NaN where one is missing; None for one of anything else."""
    known = [value for value in values if value is not None]
    if not known or not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return None
    return np.array([math.nan if value is None else float(value) for value in values])


def _as_numbers(values: Sequence[Any]) -> list[float | int | None] | None:
    """Texts as the numbers they are; None where one is anything else, or would not be written so again (007)."""
    read: list[float | int | None] = []
    for value in values:
        if value in (None, ""):
            read.append(None)
        elif isinstance(value, str) and _NUMBER.fullmatch(value):
            read.append(int(value) if value.lstrip("-").isdigit() else float(value))
        else:
            return None
    return read


def _fresh(name: str, numbers: NDArray[np.float64], values: Sequence[Any]) -> Tally:
    """A tally as fine as a column asks for."""
    known = PROPERTIES.get(name)
    finite = numbers[np.isfinite(numbers)]
    whole = known.whole if known is not None else all(isinstance(value, int) for value in values if value is not None)
    span = known.spread if known is not None else float(np.ptp(finite)) if len(finite) else 0.0
    return Tally(1.0 if whole else (span or 1.0) / _FINE, whole)
