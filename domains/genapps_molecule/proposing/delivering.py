"""`propose` from files to files: the model, the table of rows, what was dropped, the report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from genapps.errors import GenappsError
from genapps_molecule.generators.families import load_drawer
from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.proposing.orders import Order
from genapps_molecule.proposing.tasks import Proposed, propose
from genapps_molecule.reading.writing import MoleculeWriter
from genapps_molecule.report import show_proposed
from genapps_molecule.working import listing


@dataclass(frozen=True)
class Places:
    """Where results go: rows by suffix, what was dropped as CSV, a page. three_d: coordinates in space, in an SDF."""

    rows: str
    dropped: Path | None = None
    report: Path | None = None
    three_d: bool = False


def deliver(
    order: Order,
    places: Places,
    *,
    model: Path | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Proposed:
    """Propose, and write what is asked for; files appear together at the end, or stay as they were.

    Raises GenappsError where no molecule is found: then only what was dropped is written.
    """
    found = SmilesModel.shipped() if model is None else load_drawer(model)
    with ExitStack() as stack:
        dropped = None
        if places.dropped is not None:
            dropped = stack.enter_context(listing(places.dropped, ("smiles", "reason")))
        proposed = propose(
            found, order, members=found.members, training=found.training, progress=progress, dropped=dropped, say=say
        )
        if len(proposed):
            _write(proposed, order, places)
    if not len(proposed):
        raise GenappsError(proposed.notes[-1])
    return proposed


def _write(proposed: Proposed, order: Order, places: Places) -> None:
    """The rows and the page; the rows last, as who stops the page wants neither."""
    with MoleculeWriter(places.rows, three_d=places.three_d, seed=order.seed) as writer:
        for mols, columns in proposed.lots():
            writer.write(mols, columns)
        if places.report is not None:
            show_proposed(places.report, proposed, order)
