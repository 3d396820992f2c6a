"""The best of a search as rows: score and what it is made of, properties, alerts, and how unlike they are."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from genapps_molecule.optimizing.fence import HARD
from genapps_molecule.optimizing.genetic import parsed
from genapps_molecule.optimizing.ledger import Candidate, Ledger
from genapps_molecule.optimizing.objective import parts_of
from genapps_molecule.optimizing.search import Objective
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.fingerprints import fingerprints, similarities
from genapps_molecule.traits.properties import USUAL
from genapps_molecule.traits.properties import table as property_table

_DIGITS = 7
ALERTS = ("pains", "brenk", "mcf")


@dataclass(frozen=True)
class Delivered:
    """Rows best first, as columns of one length each; `diversity` is one minus the mean similarity of two of them."""

    mols: list[Chem.Mol]
    columns: dict[str, list[Any]]
    diversity: float

    @property
    def rows(self) -> list[str]:
        """The molecules, canonical."""
        return list(self.columns["smiles"])

    @property
    def alerted(self) -> int:
        """How many have an alert."""
        return sum(bool(words) for words in self.columns["alerts"])

    def warnings(self) -> Iterator[str]:
        """What a chemist would say of the rows together, and what helps."""
        rows, hard = len(self.mols), sum(value > HARD for value in self.columns["sa"])
        if 2 * self.alerted > rows:
            yield f"{self.alerted:,} of {rows:,} rows have alerts; add --filters pains,brenk,mcf to ask about none such"
        if 2 * hard > rows:
            yield f"{hard:,} of {rows:,} rows would be hard to make (sa above {HARD:g}); add --hardest {HARD:g}"


def deliver(
    ledger: Ledger, objective: Objective, n: int, distinct: float = 1.0, known: Container[str] = ()
) -> Delivered:
    """The n best, none more similar to a better one than `distinct` says (Tanimoto's coefficient, 0 to 1).

    Those that are `known` are left out.
    """
    calls, nearest = distinct_best(ledger, n, distinct, known)
    asked = [Candidate(ledger.smiles[call], parsed(ledger.smiles[call])) for call in calls]
    mols = [one.mol for one in asked]
    values = ledger.values
    parts = {name: column for name, column in parts_of(objective, asked).items() if name not in USUAL}
    alerts = Alerts.named(ALERTS)
    columns: dict[str, list[Any]] = {
        "smiles": [one.smiles for one in asked],
        "rank": list(range(1, len(calls) + 1)),
        "score": _rounded(values[calls]),
        **{name: _rounded(column) for name, column in parts.items()},
        **{name: _rounded(column) for name, column in property_table(mols, USUAL).items()},
        "alerts": ["; ".join(alerts.hits(mol)) for mol in mols],
        "scaffold": [_scaffold(mol) for mol in mols],
        "nearest_better": nearest,
        "call": [int(call) + 1 for call in calls],
    }
    return Delivered(mols, columns, _diversity(mols))


def distinct_best(ledger: Ledger, n: int, distinct: float, known: Container[str] = ()) -> tuple[list[int], list[float]]:
    """The calls of the n best that are distinct, and each one's similarity to the nearest better one among them."""
    calls: list[int] = []
    nearest: list[float] = []
    kept = np.zeros((0, 128), np.uint8)
    for call in ledger.ranked().tolist():
        if len(calls) >= n:
            break
        if ledger.smiles[call] in known:
            continue
        print_ = fingerprints([parsed(ledger.smiles[call])])
        alike = float(similarities(print_, kept).max()) if len(kept) else 0.0
        if alike <= distinct:
            calls.append(call)
            nearest.append(round(alike, 4))
            kept = np.concatenate([kept, print_])
    return calls, nearest


def _rounded(values: NDArray[np.float64]) -> list[float]:
    """So many digits that the figures still make up the score, and no more."""
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]


def _scaffold(mol: Chem.Mol) -> str:
    try:
        return str(Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol)))
    except (ValueError, RuntimeError):
        return ""


def _diversity(mols: Sequence[Chem.Mol]) -> float:
    if len(mols) < 2:
        return 0.0
    prints = fingerprints(mols[:1_000])
    alike = similarities(prints, prints)
    pairs = len(alike) * (len(alike) - 1)
    return float(1 - (alike.sum() - np.trace(alike)) / pairs)
