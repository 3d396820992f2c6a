"""How many valid molecules a second the shipped model draws, on one core and on two; how long `propose` and `fit` take.

Processor seconds are of all threads; on a loaded machine they are what an idle one would take, its own clock is not.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from keep import write
from molecules import read

from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.generators.sampling import judged, valid


def main() -> None:
    """Measure, and write results/speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the draws, and few molecules to learn")
    options = parser.parse_args()
    n = 2_000 if options.quick else 10_000
    model = SmilesModel.shipped()
    rows = [drawing(model, n, threads) for threads in (1, 2)]
    rows.append(proposing(1_000))
    rows.append(fitting(200 if options.quick else 5_000))
    summary = {"draws": judged(model, n), "trained": dict(model.card).get("what", "")}
    write("speed", rows, {"n": n, "quick": options.quick, "load": load()}, summary)


def drawing(model: SmilesModel, n: int, threads: int) -> dict[str, Any]:
    """Texts drawn, parsed and written canonically, by so many threads."""
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    model.draw(64, generator)
    wall, processor = time.perf_counter(), time.process_time()
    found = len(valid(model.draw(n, generator)))
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    row = {
        "what": "draw",
        "threads": threads,
        "n": n,
        "valid": found,
        "seconds": round(wall, 2),
        "processor_seconds": round(processor, 2),
        "valid_a_second": round(found / wall),
        "valid_a_processor_second": round(found / processor),
    }
    print(row, flush=True)
    return row


def proposing(n: int) -> dict[str, Any]:
    """`propose` in a process of its own, from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.csv"
        words = ["propose", "-n", str(n), "-o", str(target), "--filters", "pains,brenk,mcf"]
        row = {"what": "propose", "n": n, **command(*words, "--report", str(Path(folder) / "grid.html"))}
        row["delivered"] = len(target.read_text().splitlines()) - 1
    print(row, flush=True)
    return row


def fitting(n: int) -> dict[str, Any]:
    """`fit --from-shipped` in a process of its own, of molecules that the model did not learn."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "my.smi").write_text("\n".join(islice(read("moses_scaffolds"), n)))
        words = ["fit", str(Path(folder) / "my.smi"), "-o", str(Path(folder) / "mine.genapps"), "--from-shipped"]
        row = {"what": "fit", "n": n, **command(*words)}
        card = SmilesModel.load(Path(folder) / "mine.genapps").card
    row |= {name: card[name] for name in ("held_out_nats_before", "held_out_nats", "draws")}
    print(row, flush=True)
    return row


def command(*words: str) -> dict[str, Any]:
    """What a command of molecules takes."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "genapps", "molecule", *words, "-q"], check=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - wall
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = {"seconds": round(wall, 2), "processor_seconds": round(processor, 2)}
    return {**figures, "peak_mib": after.ru_maxrss // 1024}


def load() -> float:
    """Processes that waited for a core in the last minute, this one among them."""
    return round(os.getloadavg()[0], 1)


if __name__ == "__main__":
    main()
