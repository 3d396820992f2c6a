"""What a watch knows, in one file: written whole or not at all, plain arrays and JSON, nothing that is executed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_timeseries.series import Floats
from genapps_timeseries.watching.streaming import part

TASK = "timeseries.watch"


@dataclass(frozen=True)
class State:
    """kept and shared: what JSON holds and arrays of the whole watch. series: the same of each series by its name."""

    kept: dict[str, Any]
    shared: dict[str, Floats]
    series: dict[str, tuple[dict[str, Floats], dict[str, Any]]]  # arrays, what JSON holds


def save(path: str | Path, state: State) -> None:
    """Write a state atomically. Raises GenappsError where that cannot be done."""
    arrays: dict[str, np.ndarray] = {f"shared/{key}": array for key, array in state.shared.items()}
    names, told = [], []
    for k, (name, (held, kept)) in enumerate(state.series.items()):
        names.append(name)
        told.append(kept)
        arrays |= {f"{k}/{key}": array for key, array in held.items()}
    write_artifact(path, arrays, {"task": TASK, "kept": state.kept, "names": names, "told": told})


def load(path: str | Path) -> State | None:
    """A saved state, or None where there is none yet. Raises InputError for a file that is something else."""
    if not Path(path).exists():
        return None
    found = read_artifact(path)
    header = found.header
    if header.get("task") != TASK:
        raise UsageError(f"{path}: a genapps file, but not the state of a watch; give --state another name")
    try:
        series = {}
        for k, (name, told) in enumerate(zip(header["names"], header["told"], strict=True)):
            series[str(name)] = (part(found.tensors, f"{k}/"), told)
        return State(header["kept"], part(found.tensors, "shared/"), series)
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: a state without all of its parts; remove it to begin anew") from None
