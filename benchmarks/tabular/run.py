"""Compare systems that make synthetic tables, all on the same rows and by the same judge.

    python benchmarks/tabular/run.py --dataset adult --systems all --out benchmarks/tabular/results/adult.json

Systems that are named replace their rows in an existing result, the others keep theirs; each row has its own date and
commit. A system may live in an environment of its own: --python mostlyai=/path/to/python. The sets are looked for in
$GENAPPS_DATA/tabular and in ../shared/data/tabular beside the repository; none of them is part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from protocol import DESCRIPTION, Split, load, score, usefulness, versions
from record import ONE_THREAD, RESULTS, ROOT, machine, one_thread, read, stamp, write
from systems import CONTROLS, SYSTEMS

HERE = Path(__file__).resolve().parent


def find(dataset: str) -> Path | None:
    """The folder of a set, or None after saying where it was looked for."""
    places = [Path(os.environ["GENAPPS_DATA"])] if os.environ.get("GENAPPS_DATA") else []
    places.append(ROOT.parent / "shared" / "data")
    for place in places:
        if (place / "tabular" / dataset / "metadata.json").exists():
            return place / "tabular" / dataset
    print(f"skipped {dataset}: no tabular/{dataset} in GENAPPS_DATA or ../shared/data", file=sys.stderr)
    return None


def control(name: str, split: Split) -> pd.DataFrame | None:
    """Rows that make the scores readable: real ones, copied ones, independent columns. None where there are too few."""
    if name == "real":
        return split.fresh if len(split.fresh) >= 500 else None
    if name == "copy":
        return split.train.sample(len(split.train), random_state=1)
    generator = np.random.default_rng(1)
    return pd.DataFrame({c: generator.choice(split.train[c].to_numpy(), len(split.train)) for c in split.train})


def system(name: str, split: Split, options: argparse.Namespace) -> tuple[dict[str, Any], pd.DataFrame | None]:
    """Run one system in a fresh process with one thread; its figures and, unless it was skipped, its rows."""
    settings = {"seed": options.seed, "epochs": options.epochs}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        split.train.to_parquet(folder / "train.parquet")
        task = {"kinds": split.kinds, "options": settings, "speed_rows": len(split.train)}
        (folder / "task.json").write_text(json.dumps(task))
        python = dict(p.split("=", 1) for p in options.python).get(name, sys.executable)
        paths = os.pathsep.join((str(ROOT), str(ROOT / "domains"), os.environ.get("PYTHONPATH", "")))
        environment = {**one_thread(), "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1", "TMPDIR": place}
        command = [python, str(HERE / "worker.py"), name, place]
        try:
            done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, timeout=options.limit)
        except subprocess.TimeoutExpired:
            return {"skipped": f"stopped after {options.limit:.0f} s"}, None
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return {"skipped": f"failed with exit code {done.returncode}: {said[:200]}"}, None
        figures = json.loads((folder / "figures.json").read_text())
        rows = None if "skipped" in figures else pd.read_parquet(folder / "rows.parquet")
    return figures, rows


def measure(name: str, split: Split, options: argparse.Namespace) -> dict[str, Any]:
    """The row of one system."""
    began = time.perf_counter()
    if name in CONTROLS:
        rows = control(name, split)
        figures = {} if rows is not None else {"skipped": "fewer than 500 training rows were left over"}
    else:
        figures, rows = system(name, split, options)
        if name in ("ctgan", "tvae"):
            figures["settings"] = f"{options.epochs} epochs"
    if rows is not None:
        figures |= score(split, rows)
    said = figures.get("skipped") or f"two-sample {figures['two_sample_holdout']:.4f}, TSTR {figures['tstr']}"
    print(f"{name:16s} {said}  ({time.perf_counter() - began:.0f} s)", flush=True)
    return {**figures, **stamp()}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="adult", help="adult, default, magic or flights")
    parser.add_argument("--systems", default="all", help=f"all, or some of {','.join((*CONTROLS, *SYSTEMS))}")
    parser.add_argument("--rows", type=int, default=10_000, help="training rows (10000)")
    parser.add_argument("--epochs", type=int, default=300, help="epochs of CTGAN and TVAE (300, their default)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the systems that take one (0)")
    parser.add_argument("--limit", type=float, default=3600, help="seconds after which a system is stopped (3600)")
    parser.add_argument("--python", action="append", default=[], metavar="SYSTEM=PATH", help="interpreter of a system")
    parser.add_argument("--out", type=Path, help="the result (results/DATASET.json)")
    return parser.parse_args()


def main() -> int:
    """Measure the systems asked for, one after the other, and write after each."""
    options = arguments()
    out = options.out or RESULTS / f"{options.dataset}.json"
    names = [*CONTROLS, *SYSTEMS] if options.systems == "all" else options.systems.split(",")
    unknown = [n for n in names if n not in (*CONTROLS, *SYSTEMS)]
    if unknown:
        print(f"unknown systems: {', '.join(unknown)}", file=sys.stderr)
        return 2
    folder = find(options.dataset)
    if folder is None:
        return 0
    split = load(folder, options.rows)
    real = usefulness(split.train, split)
    for name in names:
        found = measure(name, split, options)
        rows = read(out).get("systems", {})  # now: another run may have written since
        if "skipped" in found and "skipped" not in rows.get(name, found):
            print(f"{name}: the row of {rows[name]['date']} stays")
        else:
            rows[name] = found
        order = [n for n in (*CONTROLS, *SYSTEMS) if n in rows]
        result = {
            "dataset": options.dataset,
            **stamp(),
            "machine": machine(),
            "protocol": DESCRIPTION,
            "rows": {"train": len(split.train), "holdout": len(split.holdout), "test": len(split.test)},
            "columns": len(split.kinds),
            "target": split.target,
            "task": split.task,
            "judge": versions("scikit-learn", "sdmetrics", "numpy", "pandas"),
            "trained_on_real": real,
            "systems": {n: rows[n] for n in order},
        }
        write(out, result)
    return 0


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    os.environ.update(ONE_THREAD)
    sys.exit(main())
