"""`propose` from files to files: the model, what is wished, the table of rows, what was dropped, the report."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from genapps.io.atomic import replacing
from genapps_molecule.candidates import Source
from genapps_molecule.model import SmilesModel
from genapps_molecule.proposing import Order, Proposed, propose


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
    with _reasons(places.dropped) as dropped:
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


@contextmanager
def _reasons(path: Path | None) -> Iterator[Callable[[str, str], None] | None]:
    """What writes each dropped molecule with its reason to a CSV file, where one is asked for."""
    if path is None:
        yield None
        return
    import io

    with replacing(path) as handle:
        text: TextIO = io.TextIOWrapper(handle, "utf-8", newline="", write_through=True)
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["smiles", "reason"])
        yield lambda smiles, reason: rows.writerow([smiles, reason])
        text.flush()
        text.detach()
