"""The molecules of a page as they come: the first ones whole, with pictures; of all figures, how often which value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from rdkit import Chem

from genapps.report.text import clip, figure, plain
from genapps_molecule.depicting import picture
from genapps_molecule.properties import PROPERTIES
from genapps_molecule.report.tally import Bars, Tally

MOST = 2_000  # molecules with a picture; a page of more is slow to open and to read
_LONGEST = 1_000  # characters of a cell
_FINE = 64  # bins of a property's spread
_LETTERS = {"qed": "QED", "mw": "MW", "logp": "logP", "tpsa": "TPSA", "hbd": "HBD", "hba": "HBA", "sa": "SA"}


@dataclass(frozen=True)
class Column:
    """One column of the page: its name in the file, what people read, what it means, and how its values are spread."""

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

    def __len__(self) -> int:
        """How many molecules are kept."""
        return len(self._pictures)

    def add(self, columns: Mapping[str, Sequence[Any] | NDArray[Any]], mols: Sequence[Chem.Mol] | None = None) -> None:
        """Add rows: columns (N,) by name, `smiles` among them, the same ones in each call; molecules where known."""
        smiles = [str(text) for text in columns["smiles"]]
        room = max(self.most - len(self), 0)
        for row, text in enumerate(smiles[:room]):
            mol = mols[row] if mols is not None else Chem.MolFromSmiles(text)
            self._pictures.append(picture(mol if mol is not None else Chem.Mol()))
        for name, values in columns.items():
            numbers = _numbers(values)
            if numbers is not None and len(numbers):
                self._tally(name, values).add(numbers)
            self._cells.setdefault(name, []).extend(_cell(value) for value in _plain(values[:room]))
        self.rows += len(smiles)

    def _tally(self, name: str, values: Sequence[Any] | NDArray[Any]) -> Tally:
        if name not in self._tallies:
            known = PROPERTIES.get(name)
            whole = known.whole if known is not None else _whole(values)
            numbers = _numbers(values)
            finite = numbers[np.isfinite(numbers)] if numbers is not None else np.zeros(0)
            span = known.spread if known is not None else float(np.ptp(finite)) if len(finite) else 1.0
            self._tallies[name] = Tally(1.0 if whole else (span or 1.0) / _FINE, whole)
        return self._tallies[name]

    def columns(self) -> tuple[Column, ...]:
        """Every column, in the order they came in."""
        return tuple(
            Column(
                name,
                short(name),
                PROPERTIES[name].words if name in PROPERTIES else "",
                values,
                tally.bars() if (tally := self._tallies.get(name)) is not None else None,
                tally is not None and tally.whole,
            )
            for name, values in self._cells.items()
        )

    def tiles(self) -> tuple[Tile, ...]:
        """What is shown of each molecule that is kept."""
        columns = [column for column in self.columns() if column.name not in ("smiles", "name", "alerts")]
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
    """What a column is called on the page: "mw" is MW, "drug_similarity" is Drug similarity."""
    return _LETTERS.get(name) or plain(name)


def _said(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else clip(value, 300)


def _plain(values: Any) -> Sequence[Any]:
    """Values as Python has them."""
    for name in ("to_pylist", "tolist"):
        if hasattr(values, name):
            return list(getattr(values, name)())
    return list(values)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return clip(value, _LONGEST) if isinstance(value, str) else value


def _numbers(values: Sequence[Any] | NDArray[Any]) -> NDArray[np.float64] | None:
    """A column of numbers, NaN where one is missing; None for one of anything else."""
    listed = _plain(values)
    known = [value for value in listed if value is not None]
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return None
    return np.array([math.nan if value is None else float(value) for value in listed]) if known else None


def _whole(values: Sequence[Any] | NDArray[Any]) -> bool:
    return all(isinstance(value, int) for value in _plain(values) if value is not None)
