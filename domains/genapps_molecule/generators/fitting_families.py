"""`fit --family`: a user's own molecules learnt by a family other than the network on SMILES."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from genapps_molecule.chemistry import KEEP, Treatment, Unreadable, canonical, read_smiles
from genapps_molecule.generators.families import FamilyModel, fit_family
from genapps_molecule.generators.fitting import KEPT, FitConfig, read_rows
from genapps_molecule.reading.files import read_molecules
from genapps_molecule.records import Dropped
from genapps_molecule.traits.novelty import Training

_DRAWN = 1_000  # texts that are drawn to see what was learnt
_TOLD = 1_000  # rows that were dropped and that --json tells


@dataclass(frozen=True)
class FittedFamily:
    """A model of a family, what is to be told of it, and the rows that were not learnt."""

    model: FamilyModel
    figures: dict[str, Any]
    dropped: list[Dropped]

    def to_json(self) -> dict[str, Any]:
        """Every figure, and the first rows that were dropped."""
        rows = [{"row": one.row, "text": one.text, "reason": one.reason} for one in self.dropped[:_TOLD]]
        return {**self.figures, "dropped_rows": rows}

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        told, draws = self.figures, self.figures["draws"]
        yield f"{told['molecules']:,} molecules learnt by {told['family']}, of {told['rows']:,} rows"
        if told["repeated"]:
            yield f"  {told['repeated']:>9,}  there before"
        for reason, count in told["dropped"].items():
            yield f"  {count:>9,}  dropped: {reason}"
        yield f"of {draws['n']:,} draws {draws['valid']:.1%} are valid, {draws['new']:.1%} of them new"


def fit(
    path: str | Path,
    family: str,
    config: FitConfig,
    treatment: Treatment = KEEP,
    *,
    column: str | None = None,
    encoding: str | None = None,
    seed: int = 0,
) -> FittedFamily:
    """Learn the molecules of a file. Raises UsageError for an unknown family, InputError for too few molecules."""
    rows = read_rows(read_molecules(path, treatment, column=column, encoding=encoding), seed)
    model = fit_family(family, rows.canonical, training=config.training, seed=seed)
    figures: dict[str, Any] = {"family": family, "rows": rows.read, "molecules": len(rows.canonical)}
    figures |= {"repeated": rows.repeated, "dropped": rows.reasons, "draws": _draws(model, seed)}
    few = len(rows.canonical) <= KEPT
    training = Training.of(rows.canonical, rows.mols) if few else None
    card = {"what": "a user's own molecules", **figures}
    return FittedFamily(replace(model, training=training, card=card), figures, rows.dropped)


def _draws(model: FamilyModel, seed: int) -> dict[str, Any]:
    """Of so many draws the share that is valid, and of these the share that was not learnt."""
    found: list[str] = []
    for text in model.draw(_DRAWN, torch.Generator().manual_seed(seed)):
        try:
            found.append(canonical(read_smiles(text)))
        except Unreadable:
            continue
    new = 1 - float(model.members.hold(found).mean()) if model.members is not None and found else 0.0
    return {"n": _DRAWN, "valid": len(found) / _DRAWN, "new": new}
