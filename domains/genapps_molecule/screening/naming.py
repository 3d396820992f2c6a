"""What the columns of a file are called beside ours, so that neither takes the other's place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from genapps_molecule.reading.files import Written
from genapps_molecule.reading.kinds import number_of
from genapps_molecule.records import Dropped
from genapps_molecule.screening.judging import Order
from genapps_molecule.traits.properties import PROPERTIES

WRITTEN = "smiles (given)"  # the SMILES as it was written, where any is not canonical

Row = Written | Dropped


@dataclass(frozen=True)
class Naming:
    """How columns of a file are called in what is written, by their own names; those that are not here stay.

    notes: what a person should know of it.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __call__(self, row: Row) -> Row:
        """The row with its cells under the new names."""
        if isinstance(row, Dropped) or not self.names:
            return row
        return replace(row, others={self.names.get(name, name): text for name, text in row.others.items()})


def named(order: Order, head: Iterable[Row]) -> tuple[Order, Naming]:
    """The order with the columns that its wish may speak of, and the naming, by the first rows of the file.

    A wish may speak of a column that is called as a property by its new name. Raises UsageError as the wish does.
    """
    rows = [row.others for row in head if isinstance(row, Written)]
    theirs = tuple(dict.fromkeys(name for row in rows for name in row))
    both = {given(name): name for name in theirs if name in PROPERTIES and given(name) not in theirs}
    order = replace(order, columns=(*_numbered(rows), *both))
    wished = order.wish.names if order.wish else ()
    said = {"alerts"} if order.filters and not order.choose else set()
    said |= set() if order.choose else {"reason"}
    ours = {"smiles", "name", WRITTEN, *said, *order.names, *wished} - set(order.columns)
    ours |= {both[name] for name in wished if name in both}
    names = beside(theirs, ours)
    return order, Naming(names, tuple(_notes(names, theirs, wished)))


def beside(theirs: Collection[str], ours: Collection[str]) -> dict[str, str]:
    """New names, of which none is there, for columns that are called as ours are."""
    found: dict[str, str] = {}
    taken = {*theirs, *ours}
    for name in theirs:
        if name in ours:
            found[name] = next(one for one in _others(name) if one not in taken)
            taken.add(found[name])
    return found


def given(name: str) -> str:
    """What a column is called whose name is taken."""
    return f"{name} (given)"


def _others(name: str) -> Iterator[str]:
    yield given(name)
    number = 2
    while True:
        yield f"{name} (given {number})"
        number += 1


def _numbered(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The columns that an expression may speak of: those with a number in them, or nothing yet, by the first rows."""
    told: dict[str, list[str]] = {}
    for row in rows:
        for name, text in row.items():
            told.setdefault(name, []).extend([text.strip()] if text.strip() else [])
    return tuple(
        name
        for name, texts in told.items()
        if name.lower() not in PROPERTIES and (not texts or any(number_of(text) == number_of(text) for text in texts))
    )


def _notes(names: Mapping[str, str], theirs: Iterable[str], wished: Collection[str]) -> Iterator[str]:
    if names:
        told = ", ".join(f"{name!r} as {other!r}" for name, other in names.items())
        yield f"columns of the file that are called as ours are kept under another name: {told}"
    for name in theirs:
        if name.lower() in wished and name.lower() in PROPERTIES:
            other = names.get(name)
            own = f"the file's own column is {other!r}" if other else f"rename the file's {name!r} to speak of that"
            yield f"in --where {name.lower()} is the property; {own}"
