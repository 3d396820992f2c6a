"""What is said of each row of a list of molecules: its figures, its alerts, and why it is not wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps.io.shards import in_processes
from genapps_molecule.chemistry import KEEP, Treatment
from genapps_molecule.reading.files import Written, understood
from genapps_molecule.reading.kinds import number_of
from genapps_molecule.records import Dropped, Molecule
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.measures import figures
from genapps_molecule.traits.properties import PROPERTIES, USUAL
from genapps_molecule.traits.ranges import Wish

LOT = 500  # rows that are judged at once
_FEW = 4 * LOT  # rows that one process judges sooner than others would start

Row = Written | Dropped


@dataclass(frozen=True)
class Order:
    """What is to be said: which figures, which alerts; and what is wished.

    columns: of the input, with numbers in them, which the wish may speak of.
    """

    names: tuple[str, ...] = USUAL
    filters: tuple[str, ...] = ()
    where: str | None = None
    treatment: Treatment = KEEP
    choose: bool = False  # only those that meet the wish and have no alert are wanted
    unique: bool = False  # and each of them once
    columns: tuple[str, ...] = ()

    @property
    def wish(self) -> Wish | None:
        """What is wished. Raises UsageError where it is not understood."""
        return Wish.parse(self.where, self.columns) if self.where is not None else None


@dataclass(frozen=True)
class Judged:
    """A lot of rows, N each: `reasons` say why a row is none or not wanted, and are empty for the others.

    `smiles` are canonical, or as they were written where they are none; `figures` (N,) are NaN there; `alerts` are
    joined by "; ".
    """

    rows: list[int]
    smiles: list[str]
    names: list[str]
    figures: dict[str, NDArray[np.float64]]
    alerts: list[str]
    reasons: list[str]
    broken: list[bool]  # could not be read
    others: list[dict[str, str]]  # what else the rows say
    written: list[str]  # the SMILES as they were written; of a record of an SDF as they are

    def __len__(self) -> int:
        return len(self.rows)


class Judge:
    """Judges one lot after another; made once in each process."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.wish = order.wish
        self.alerts = Alerts.named(order.filters)
        wished = self.wish.names if self.wish else ()
        self.own = tuple(name for name in wished if name in order.columns)
        self.needed = tuple(dict.fromkeys((*order.names, *(name for name in wished if name not in self.own))))

    def __call__(self, rows: Sequence[Row]) -> Judged:
        """What is said of these rows."""
        read = [one if isinstance(one, Dropped) else understood(one, self.order.treatment) for one in rows]
        reasons = [one.reason if isinstance(one, Dropped) else "" for one in read]
        broken = [bool(reason) for reason in reasons]
        others = [{} if isinstance(one, Dropped) else one.others for one in rows]
        table = self._figures(read, others, reasons)
        alerts = [
            "" if isinstance(one, Dropped) or (self.order.choose and reason) else "; ".join(self.alerts.hits(one.mol))
            for one, reason in zip(read, reasons, strict=True)
        ]
        if self.order.choose:
            reasons = [reason or alert for reason, alert in zip(reasons, alerts, strict=True)]
        return Judged(
            [one.row for one in read],
            [one.text if isinstance(one, Dropped) else one.smiles for one in read],
            ["" if isinstance(one, Dropped) else one.name for one in read],
            table,
            alerts,
            reasons,
            broken,
            others,
            [one.text or one.smiles if isinstance(one, Molecule) else one.text for one in read],
        )

    def _figures(
        self, read: Sequence[Molecule | Dropped], others: Sequence[Mapping[str, str]], reasons: list[str]
    ) -> dict[str, NDArray[np.float64]]:
        """Figures of all rows; where only what is wished is wanted, the reasons of the others are filled in."""
        places = [row for row, reason in enumerate(reasons) if not reason]
        mols = [one.mol for one in read if isinstance(one, Molecule)]
        table = figures(mols, self.needed)
        if self.wish and self.order.choose and mols:
            cells = {name: [others[place].get(name, "").strip() for place in places] for name in self.own}
            own = {name: np.array([number_of(text) for text in texts]) for name, texts in cells.items()}
            missed = self.wish.missed({**table, **own})
            for row, place in enumerate(places):
                without = next((name for name in self.own if np.isnan(own[name][row])), None)
                reasons[place] = missed[row] if without is None else _no_number(without, cells[without][row])
        whole = {name: np.full(len(read), np.nan) for name in self.needed}
        for name, values in table.items():
            whole[name][places] = values
        return whole


def judge(rows: Iterable[Row], order: Order, workers: int = 1) -> Iterator[Judged]:
    """Lots of rows with what is said of them, in order; by several processes where there are enough rows for them."""
    stream = iter(rows)
    first = list(islice(stream, _FEW + 1))
    everything = chain(first, stream)
    lots = iter(lambda: list(islice(everything, LOT)), [])
    if workers <= 1 or len(first) <= _FEW:
        work = Judge(order)
        for lot in lots:
            yield work(lot)
        return
    yield from in_processes(Judge, (order,), ((lot,) for lot in lots), workers)


def _no_number(name: str, text: str) -> str:
    return f"{name} is {repr(text[:40]) if text else 'empty'}, no number in {name}"


def whole(name: str) -> bool:
    """Whether a figure is a count."""
    return name in PROPERTIES and PROPERTIES[name].whole


def molecule_of(smiles: str) -> Chem.Mol:
    """The molecule of a canonical text that was read before."""
    return Chem.MolFromSmiles(smiles)
