"""How fast rows are made on one core, and that memory does not grow with their number.

    python benchmarks/tabular/sampling.py

Fits each family to 10,000 Adult rows (the table that ships, where Adult is not to be had), saves it, and runs
`genapps tabular sample` to a file of n and of 10 n rows, each in its own process with one thread. The rate without the
start and without writing is measured on the model itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from record import RESULTS, ROOT, command, cpu_seconds, machine, one_thread, peak_mb, run_measured, stamp, write

LIMITS = {"gmm": 100_000, "autoregressive": 10_000}


def prepare(family: str, target: Path) -> str:
    """Fit a family and save it; the name of the table."""
    import pandas as pd

    from genapps_tabular import TabularConfig, fit
    from protocol import load
    from run import find

    folder = find("adult")
    if folder is None:
        from genapps_tabular import samples

        path = next(p for p in Path(samples.__path__[0]).iterdir() if p.suffix in (".csv", ".parquet"))
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        name = path.stem
    else:
        table, name = load(folder, 10_000).train, "adult"
    fit(table, config=TabularConfig(family=family)).save(target)
    return name


def rate(model: Path, rows: int) -> dict[str, float]:
    """Rows per CPU second of a loaded model, shard after shard, nothing kept; after a first shard that is not timed."""
    import torch

    from genapps_tabular import TableModel

    torch.set_num_threads(1)
    loaded = TableModel.load(model)
    for _ in loaded.shards(10_000, seed=1):
        pass
    began, wall, made = cpu_seconds(), time.perf_counter(), 0
    for shard in loaded.shards(rows, seed=0):
        made += len(shard)
    seconds = cpu_seconds() - began
    return {"rows_per_cpu_s": round(made / seconds), "wall_s": time.perf_counter() - wall, "memory_mb": peak_mb()}


def inside(*arguments: str) -> Any:
    """This script's --inside part in a fresh process: what it prints."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "domains")))
    environment = {**one_thread(), "PYTHONPATH": paths}
    command_line = [sys.executable, __file__, "--inside", *arguments]
    done = subprocess.run(command_line, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(family: str, rows: int, folder: Path) -> dict[str, Any]:
    """One family: its rate, and the memory and time of the command for n and 10 n rows."""
    model = folder / f"{family}.genapps"
    table = inside("prepare", family, str(model))
    found: dict[str, Any] = {"table": table, "limit_rows_per_cpu_s": LIMITS[family]}
    found |= inside("rate", str(model), str(rows))
    for n in (rows, 10 * rows):
        target = folder / "rows.csv"
        used = run_measured([*command(), "tabular", "sample", str(model), "-n", str(n), "-o", str(target)])
        found[f"command_{n}"] = {**used, "bytes": target.stat().st_size}
        print(
            f"{family:16s} n={n:<9d} {used['memory_mb']:.0f} MiB {n / used['cpu_s']:.0f} rows/CPU s with start and CSV"
        )
    print(f"{family:16s} {found['rows_per_cpu_s']} rows/CPU s")
    return found


def main() -> None:
    """Measure every family and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="n; the command is also run with ten times as many")
    parser.add_argument("--families", default="gmm,autoregressive")
    parser.add_argument("--out", type=Path, default=RESULTS / "sampling.json")
    parser.add_argument("--inside", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        task, *rest = options.inside
        print(json.dumps(prepare(rest[0], Path(rest[1])) if task == "prepare" else rate(Path(rest[0]), int(rest[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        families = {f: measure(f, options.rows, Path(folder)) for f in options.families.split(",")}
    protocol = "one process, one thread; the command writes CSV"
    write(
        options.out, {**stamp(), "machine": machine(), "protocol": protocol, "rows": options.rows, "families": families}
    )


if __name__ == "__main__":
    main()
