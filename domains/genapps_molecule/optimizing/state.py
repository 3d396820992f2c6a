"""A search as one file, so that it can go on after it was stopped: the ledger, the draws' state, what was ordered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_molecule.optimizing.genetic import packed, unpacked
from genapps_molecule.optimizing.ledger import Ledger, Scores
from genapps_molecule.optimizing.search import Search

DOMAIN, TASK = "molecule", "optimize"


def save(path: str | Path, search: Search, order: Mapping[str, Any]) -> None:
    """Write the search whole or not at all; `order` is what a run that goes on must agree with, as JSON."""
    ledger = search.ledger
    header = {
        "domain": DOMAIN,
        "task": TASK,
        "order": dict(order),
        "reasons": {str(call): reason for call, reason in ledger.reasons.items()},
        "search": json.dumps(search.state()),  # the draws' state holds integers of 128 bits
    }
    write_artifact(
        path, {"values": ledger.values, "smiles": packed(ledger.smiles), **search.strategy.tensors()}, header
    )


def restore(path: str | Path, search: Search, order: Mapping[str, Any]) -> None:
    """Bring a search to where the file left it.

    Raises UsageError where something else was ordered then, InputError where the file is damaged or holds no search.
    """
    artifact = read_artifact(path)
    header = artifact.header
    if header.get("domain") != DOMAIN or header.get("task") != TASK:
        raise InputError(f"{path}: not what `genapps molecule optimize --state` writes")
    differs = [key for key, value in order.items() if header["order"].get(key) != value]
    if differs:
        raise UsageError(
            f"{path}: was begun with another {', '.join(differs)}; go on with the same, or name another --state"
        )
    try:
        tensors = dict(artifact.tensors)
        smiles = unpacked(tensors.pop("smiles"))
        reasons = header["reasons"]
        ledger = Ledger()
        told = tuple(reasons.get(str(call), "") for call in range(len(smiles)))
        ledger.enter(smiles, Scores(tensors.pop("values"), told))
        state = json.loads(header["search"])
        search.ledger, search.first, search.begun = ledger, state["first"], state["begun"]
        search.rng.bit_generator.state = state["rng"]
        search.strategy.take_tensors(tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: does not hold what a search must; begin it anew") from error
