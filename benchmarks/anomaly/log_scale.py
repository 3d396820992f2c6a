"""Logs at size: lines a second and peak memory of `logs fit`, `detect --model` and `detect` alone, one thread.

    python benchmarks/anomaly/log_scale.py [--megabytes 1024] [--quick]

Two made logs: requests that take several steps each, every value drawn anew, and a quarter as much of the shop's log,
whose lines name no session; that one repeats itself, so that time goes back now and then, and is not judged by itself.
Each task runs in a process of its own. --quick takes 20 MB and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from templates import made_log, peak_megabytes

SHOP = 4  # such a part of the size is enough for the shop
NORMAL = 0.05  # of the log that the model of `detect --model` is fitted to
START = datetime(2026, 3, 2)


def requests_log(path: Path, size: int) -> None:
    """Requests of five to seven steps each, a few at a time."""
    draw = random.Random(0)
    now, waiting = 0.0, []
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            for _ in range(5000):
                now += draw.expovariate(20)
                name = f"{draw.getrandbits(64):016x}"
                waiting += [(now + 0.1 * k, name, text) for k, text in enumerate(steps(draw))]
            waiting.sort()
            cut = next(place for place, (seconds, _, _) in enumerate(waiting) if seconds > now - 1)
            for seconds, name, text in waiting[:cut]:
                stamp = (START + timedelta(seconds=seconds)).isoformat(sep=" ", timespec="milliseconds")
                file.write(f"{stamp.replace('.', ',')} INFO [worker-{len(text) % 4}] shop.web: req {name} {text}\n")
            waiting = waiting[cut:]


def steps(draw: random.Random) -> list[str]:
    """What one request logs."""
    query = [f"query took {draw.randint(3, 120)} ms" for _ in range(draw.choice([1, 1, 2, 3]))]
    return [
        f"received GET /items/{draw.randrange(10**6)} from 10.0.{draw.randrange(9)}.{draw.randrange(250)}",
        f"authenticated user {draw.choice(['ann', 'bob', 'cem', 'dan', 'eva', 'fay'])}",
        *query,
        f"rendered page of {draw.randint(800, 9000)} bytes",
        f"answered with status {draw.choice([200] * 17 + [304, 404, 302])}",
    ]


def child(task: str, log: str, model: str) -> None:
    """Run one task and print CPU time and peak memory as JSON."""
    from genapps_logs import detect
    from genapps_logs.fitting import fit

    started = time.process_time()
    if task == "fit":
        lines, found = fit(log, save=model).lines, None
    else:
        done = detect(log, model=model) if task == "detect --model" else detect(log)
        lines, found = done.lines, len(done.findings)
    seconds = time.process_time() - started
    figures = {"lines": lines, "findings": found, "cpu_seconds": round(seconds, 2)}
    print(json.dumps({**figures, "lines_per_second": round(lines / seconds), "peak_mb": peak_megabytes()}))


def measured(task: str, log: Path, model: Path) -> dict[str, Any]:
    """One task in a process of its own."""
    words = [sys.executable, __file__, "--child", task, str(log), str(model)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure, print, write results/log_scale.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--megabytes", type=int, default=1024)
    options.add_argument("--quick", action="store_true", help="20 MB, and nothing is written")
    options.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.child:
        child(*asked.child)
        return
    from keep import write

    size = (20 if asked.quick else asked.megabytes) * 2**20
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, make, wanted in (("requests", requests_log, size), ("shop", made_log, size // SHOP)):
            log, normal, model = Path(folder) / "a.log", Path(folder) / "n.log", Path(folder) / "m.genapps"
            make(log, wanted)
            make(normal, max(int(NORMAL * wanted), 2**20))
            tasks = [("fit", normal), ("detect --model", log), ("detect", log)]
            for task, source in tasks[: 3 if name == "requests" else 2]:
                megabytes = round(source.stat().st_size / 2**20)
                rows.append({"log": name, "task": task, "megabytes": megabytes, **measured(task, source, model)})
                print(rows[-1], flush=True)
            log.unlink()
    if not asked.quick:
        write("log_scale", rows, {"settings": "the defaults", "threads": 1})


if __name__ == "__main__":
    main()
