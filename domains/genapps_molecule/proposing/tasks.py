"""`propose`: draw, drop what is not wanted, pick the ones to deliver, and say what is known of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from genapps_molecule.generators.sampling import Yield
from genapps_molecule.proposing.describing import LOT, described
from genapps_molecule.proposing.orders import Order
from genapps_molecule.proposing.picking import Aim, aims_table, order_of
from genapps_molecule.proposing.running import Run
from genapps_molecule.records import Drawer
from genapps_molecule.traits.novelty import Members, Training

__all__ = ["Order", "Proposed", "propose"]


@dataclass(frozen=True)
class Proposed:
    """Canonical SMILES (N,), what is said of each as columns of a table, and what became of the others.

    judged: molecules that a guided search has looked at. notes: sentences for people.
    """

    smiles: list[str]
    columns: dict[str, Any]
    told: Yield
    seconds: float
    judged: int = 0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.smiles)

    def lots(self) -> Iterator[tuple[list[Chem.Mol], dict[str, Any]]]:
        """Molecules and columns, some rows at a time."""
        for start in range(0, max(len(self), 1), LOT):
            rows = slice(start, start + LOT)
            mols = [Chem.MolFromSmiles(text) for text in self.smiles[rows]]
            yield mols, {name: values[rows] for name, values in self.columns.items()}

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "molecules": len(self),
            "drawn": self.told.drawn,
            "yield": round(self.told.share, 6),
            "dropped": dict(sorted(self.told.reasons.items(), key=lambda pair: -pair[1])),
            "searched": self.judged,
            "seconds": round(self.seconds, 2),
            "notes": list(self.notes),
        }

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        yield f"{len(self):,} molecules"
        if self.told.drawn:
            yield f"of {self.told.drawn:,} draws {self.told.wished:,} were as wished, a yield of {self.told.share:.2%}"
        for reason, count in sorted(self.told.reasons.items(), key=lambda pair: -pair[1])[:8]:
            yield f"  {count:>9,}  {reason}"
        if self.judged:
            yield f"a guided search looked at {self.judged:,} molecules"


def propose(
    drawer: Drawer,
    order: Order,
    *,
    members: Members | None = None,
    training: Training | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    dropped: Callable[[str, str], None] | None = None,
    say: Callable[[str], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Proposed:
    """Molecules as the order wants them.

    members and training say of each molecule what the model learnt it from. dropped takes each molecule that is drawn
    and not delivered, and the reason. say takes sentences about how it goes while it does. Where draws yield less than
    1 %, and where likeness to a lead is asked for, a guided search takes their place. Fewer molecules than asked are
    delivered where draws, time or patience ran out (`Run.ended`); the last of the notes says which.
    """
    run = Run(drawer, order, dropped, say or (lambda sentence: None))
    run.fill(progress or (lambda done, total: None), stopped)
    columns = described(run.picked(), run.source, order.aims, members=members, training=training)
    if "front" in columns:
        columns = _by_front(columns, order.aims)
    return Proposed(columns["smiles"], columns, run.told, time.monotonic() - run.started, run.judged, tuple(run.notes))


def _by_front(columns: dict[str, Any], aims: Sequence[Aim]) -> dict[str, Any]:
    """The rows by the fronts that they are told to be on: what was picked has other fronts than all there was."""
    rows = order_of(columns["front"], aims_table(aims, columns))
    return {
        name: values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows]
        for name, values in columns.items()
    }
