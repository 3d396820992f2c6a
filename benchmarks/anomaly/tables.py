"""Anomalous rows: our detectors beside PyOD's on the 25 tables of ADBench at hand, in one run.

    python benchmarks/anomaly/tables.py [--quick] [--only autoregressive]

Han et al. 2022, "ADBench: Anomaly detection benchmark". At most 4,000 rows of a table, drawn with seed 0. Clean: half
of the normal rows are learnt, the rest is judged. As they are: all rows are learnt and judged. PyOD's detectors have
their defaults and standardised columns; ours read the table as a person's, through `genapps_tabular.detect`. The figure
is the area under the ROC curve. The ensemble was chosen on the eight tables named in DEVELOPMENT; the means of the
other seventeen are given apart; a table that a judge refuses as too wide is left out of its mean.
"""

from __future__ import annotations

import argparse
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from keep import read, write  # noqa: E402
from series import folder  # noqa: E402
from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from genapps.errors import UsageError  # noqa: E402

DEVELOPMENT = (
    "2_annthyroid", "4_breastw", "12_fault", "18_Ionosphere", "30_satellite", "37_Stamps", "40_vowels", "46_WPBC",
)  # fmt: skip
OURS = ("ensemble", "gmm", "autoregressive")
PEERS = ("KNN", "IForest", "ECOD")
ROWS = 4_000

Frame = pd.DataFrame
Scores = np.ndarray


def ours(family: str) -> Callable[[Frame, Frame, bool], Scores]:
    """Scores of the rows judged by `detect`, after learning the clean rows, or the judged rows themselves."""

    def system(learnt: Frame, judged: Frame, clean: bool) -> Scores:
        from genapps_tabular import detect

        return detect(judged, train=learnt if clean else None, family=family).scores

    return system


def peer(name: str) -> Callable[[Frame, Frame, bool], Scores]:
    """A detector of PyOD with its defaults."""

    def system(learnt: Frame, judged: Frame, clean: bool) -> Scores:
        from genapps.anomaly.foreign import pyod

        scaler = StandardScaler().fit(learnt.to_numpy())
        detector = pyod(name, 0)
        detector.fit(scaler.transform(learnt.to_numpy()))
        return np.nan_to_num(detector.decision_function(scaler.transform(judged.to_numpy())))

    return system


def rows_of(path: Path, generator: np.random.Generator) -> tuple[Frame, np.ndarray, np.ndarray]:
    """The rows of a table, their labels, and which of them are learnt where rows are clean."""
    with zipfile.ZipFile(path) as stored:
        x, y = (np.lib.format.read_array(stored.open(f"{name}.npy"), allow_pickle=False) for name in "Xy")
    x, y = x.astype(float), y.astype(int).ravel()
    if len(x) > ROWS:
        kept = np.sort(generator.choice(len(x), ROWS, replace=False))
        x, y = x[kept], y[kept]
    normal = np.flatnonzero(y == 0)
    generator.shuffle(normal)
    learnt = np.zeros(len(y), bool)
    learnt[normal[: len(normal) // 2]] = True
    return pd.DataFrame(x, columns=[f"x{k}" for k in range(x.shape[1])]), y, learnt


def measure(path: Path, only: str = "") -> list[dict[str, Any]]:
    """A row for each system and mode."""
    frame, y, learnt = rows_of(path, np.random.default_rng(0))
    systems = {f"genapps {name}": ours(name) for name in OURS} | {f"PyOD {name}": peer(name) for name in PEERS}
    systems = {name: system for name, system in systems.items() if only in name}
    found = []
    for mode, clean in (("clean", True), ("as they are", False)):
        rows, judged, truth = (frame[learnt], frame[~learnt], y[~learnt]) if clean else (frame, frame, y)
        for name, system in systems.items():
            began = time.process_time()
            try:
                scores = system(rows.reset_index(drop=True), judged.reset_index(drop=True), clean)
            except UsageError as error:
                print(f"skipped {name} on {path.stem}: {error}")
                continue
            seconds = time.process_time() - began
            found.append(
                {
                    "set": path.stem,
                    "rows": len(frame),
                    "columns": frame.shape[1],
                    "mode": mode,
                    "system": name,
                    "auroc": round(float(roc_auc_score(truth, scores)), 4),
                    "ap": round(float(average_precision_score(truth, scores)), 4),
                    "cpu_s": round(seconds, 2),
                }
            )
    return found


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The means of all tables, and of those that were not looked at while choosing."""
    frame = pd.DataFrame(rows)
    found = []
    for (mode, name), part in frame.groupby(["mode", "system"], sort=False):
        unseen = part[~part["set"].isin(DEVELOPMENT)]
        found.append(
            {
                "mode": mode,
                "system": name,
                "tables": len(part),
                "auroc": round(part["auroc"].mean(), 4),
                "ap": round(part["ap"].mean(), 4),
                "auroc_unseen": round(unseen["auroc"].mean(), 4) if len(unseen) else None,
                "cpu_s": round(part["cpu_s"].mean(), 2),
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the development tables only; writes nothing")
    parser.add_argument("--only", default="", help="systems whose name has this; the others keep the rows they have")
    asked = parser.parse_args()
    quick = asked.quick
    torch.set_num_threads(1)
    place = folder()
    if place is None or not (place / "adbench").is_dir():
        print("skipped: no anomaly/adbench in $GENAPPS_DATA or ../shared/data")
        return
    kept = read("tables").get("rows", []) if asked.only else []
    rows: list[dict[str, Any]] = [row for row in kept if asked.only not in row["system"]]
    for path in sorted((place / "adbench").glob("*.npz")):
        if not quick or path.stem in DEVELOPMENT:
            rows += measure(path, asked.only)
            print(
                path.stem, {f"{r['mode']} {r['system']}": r["auroc"] for r in rows if r["set"] == path.stem}, flush=True
            )
    for row in means(rows):
        print(row)
    if not quick:
        write("tables", rows, {"development": DEVELOPMENT, "protocol": __doc__}, {"means": means(rows)})


if __name__ == "__main__":
    main()
