"""One system in a process of its own: fit the rows of a folder, sample as many, write them and what it took.

Started by run.py; needs only pandas, pyarrow and the system's own modules, so that a system can live in another
environment.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from record import cpu_seconds, peak_mb
from systems import MODULES, PACKAGES, SYSTEMS


def measure(name: str, folder: Path) -> None:
    """Fit, sample twice (the first draw is kept, the second is timed) and write rows.parquet and figures.json."""
    task = json.loads((folder / "task.json").read_text())
    try:
        for module in MODULES[name]:
            importlib.import_module(module)
    except ImportError as error:
        (folder / "figures.json").write_text(json.dumps({"skipped": f"not installed: {error}"}))
        return
    train = pd.read_parquet(folder / "train.parquet")
    for column, kind in task["kinds"].items():
        if kind == "categorical":
            train[column] = train[column].astype(object).where(train[column].notna(), np.nan)
    imports = peak_mb()
    start, wall = cpu_seconds(), time.perf_counter()
    draw = SYSTEMS[name](train, task["kinds"], task["options"])
    figures = {"fit_cpu_s": cpu_seconds() - start, "fit_wall_s": time.perf_counter() - wall}
    rows = draw(len(train), task["options"]["seed"])
    start = cpu_seconds()
    again = draw(task["speed_rows"], task["options"]["seed"] + 1)
    figures["rows_per_cpu_s"] = len(again) / max(cpu_seconds() - start, 0.01)
    figures |= {"memory_mb": peak_mb(), "imports_mb": imports}
    for column, kind in task["kinds"].items():
        if kind == "categorical":  # a column of strings and numbers has no Parquet type
            rows[column] = rows[column].astype(object).where(rows[column].isna(), rows[column].astype(str))
    rows.to_parquet(folder / "rows.parquet")
    found = {}
    for package in PACKAGES[name]:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    (folder / "figures.json").write_text(json.dumps({**figures, "versions": found}))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    measure(sys.argv[1], Path(sys.argv[2]))
