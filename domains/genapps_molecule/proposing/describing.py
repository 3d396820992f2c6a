"""What is told of each delivered molecule: properties, alerts, scaffold, the nearest drug, what was learnt from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from genapps_molecule.growing.candidates import Source
from genapps_molecule.proposing.picking import Aim, aims_table, fronts
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.fingerprints import fingerprints
from genapps_molecule.traits.novelty import Members, Training, known_drugs
from genapps_molecule.traits.properties import PROPERTIES, USUAL, table

LOOKED_FOR = ("pains", "brenk", "mcf")  # the alerts that every molecule is told of
LOT = 2_000  # molecules that are held at once
_MOST_RANKED = 20_000  # rows whose fronts are told


def described(
    smiles: Sequence[str],
    source: Source | None = None,
    aims: Sequence[Aim] = (),
    *,
    members: Members | None = None,
    training: Training | None = None,
) -> dict[str, Any]:
    """Columns (N,) by name, in their order, of canonical SMILES."""
    alerts = Alerts.named(LOOKED_FOR)
    names = tuple(dict.fromkeys((*USUAL, *(aim.name for aim in aims))))
    lots = []
    for start in range(0, max(len(smiles), 1), LOT):
        texts = list(smiles[start : start + LOT])
        mols = [Chem.MolFromSmiles(text) for text in texts]
        lots.append(_lot(texts, mols, names, alerts, source, members, training))
    columns: dict[str, Any] = {name: _joined([lot[name] for lot in lots]) for name in lots[0]}
    if aims and len(smiles) <= _MOST_RANKED:
        columns["front"] = fronts(aims_table(aims, columns))
    return columns


def _lot(
    smiles: list[str],
    mols: list[Chem.Mol],
    names: Sequence[str],
    alerts: Alerts,
    source: Source | None,
    members: Members | None,
    training: Training | None,
) -> dict[str, Any]:
    prints = fingerprints(mols)
    columns: dict[str, Any] = {"smiles": smiles}
    for name, values in table(mols, names).items():
        columns[name] = values.astype(np.int64) if PROPERTIES[name].whole else np.round(values, 4)
    columns["alerts"] = ["; ".join(alerts.hits(mol)) for mol in mols]
    columns["scaffold"] = [scaffold(mol) for mol in mols]
    columns["nearest_drug"], alike = known_drugs().nearest(prints)
    columns["drug_similarity"] = np.round(alike.astype(np.float64), 3)
    if training is not None:
        columns["nearest_training"], alike = training.nearest(prints)
        columns["training_similarity"] = np.round(alike.astype(np.float64), 3)
    if members is not None:
        columns["in_training"] = members.hold(smiles)
    if source is not None and source.columns:
        told = [source.describe(mol) for mol in mols]
        columns |= {name: [one.get(name, "") for one in told] for name in source.columns}
    return columns


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return [item for part in parts for item in part]


def scaffold(mol: Chem.Mol) -> str:
    """The rings and what joins them (Bemis and Murcko 1996); empty where there is no ring."""
    try:
        return str(MurckoScaffold.MurckoScaffoldSmiles(mol=mol))
    except (ValueError, RuntimeError):
        return ""
