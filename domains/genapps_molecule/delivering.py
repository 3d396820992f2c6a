"""`propose` from files to files: the model, what is wished, the table of rows, what was dropped, the report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genapps_molecule.candidates import Source
from genapps_molecule.model import SmilesModel
from genapps_molecule.proposing import Order, Proposed, propose
from genapps_molecule.working import listing


@dataclass(frozen=True)
class Places:
    """Where results go."""

    rows: str
    dropped: Path | None = None
    report: Path | None = None


def deliver(
    order: Order,
    places: Places,
    *,
    model: Path | None = None,
    source: Callable[[SmilesModel], Source] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Proposed:
    """Propose, and write what is asked for. `source` makes the source of molecules from the model."""
    found = SmilesModel.shipped() if model is None else SmilesModel.load(model)
    with ExitStack() as stack:
        dropped = None
        if places.dropped is not None:
            dropped = stack.enter_context(listing(places.dropped, ("smiles", "reason")))
        proposed = propose(
            found,
            order,
            None if source is None else source(found),
            members=found.members,
            training=found.training,
            progress=progress,
            dropped=dropped,
            stopped=stopped,
        )
    write_rows(proposed, places.rows)
    return proposed


def write_rows(proposed: Proposed, target: str) -> None:
    """The rows in the format that the target's name asks for."""
    import numpy as np
    import pyarrow as pa

    from genapps.io.writers import TableWriter

    def column(values: Any) -> Any:
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            return pa.array(np.round(values.astype(np.float64), 4), from_pandas=True)
        return pa.array(values)

    with TableWriter(target) as writer:
        writer.write(pa.table({name: column(values) for name, values in proposed.columns.items()}))
