"""How many records a second `timeseries watch` judges on one core, and how long one record takes to be answered.

`python benchmarks/anomaly/watch.py` writes results/watch.json. Lines of CSV and of JSON, one channel and ten, by
process CPU time; the wait for one record is wall-clock time from the line to its verdict, with the state being saved.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import keep

from genapps_timeseries.watching.series import Asked
from genapps_timeseries.watching.streaming import DEFAULT, LIGHT
from genapps_timeseries.watching.watch import Running, watch

WARM = 700  # lines that are written at once, so that the columns are known and the warm-up is over


def records(count: int, channels: int) -> Iterator[dict[str, Any]]:
    """A day's wave and noise, a record a minute."""
    draws = random.Random(0)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for row in range(count):
        wave = 50 + 20 * math.sin(2 * math.pi * row / 1440)
        values = {f"x{c}": round(wave + draws.gauss(0, 2), 3) for c in range(channels)}
        yield {"time": (begin + timedelta(minutes=row)).isoformat(), **values}


def write(path: Path, count: int, channels: int) -> None:
    """The records as the file's suffix asks."""
    with path.open("w", encoding="utf-8") as file:
        for row, record in enumerate(records(count, channels)):
            if path.suffix == ".csv" and not row:
                file.write(",".join(record) + "\n")
            file.write((",".join(map(str, record.values())) if path.suffix == ".csv" else json.dumps(record)) + "\n")


def speed(path: Path, family: str) -> float:
    """Records a second of CPU time, beyond what a watch of the first records takes to begin."""
    seconds = []
    for source in (_head(path), path):
        started = time.process_time()
        made = watch(str(source), output="/dev/null", asked=Asked(family=family))
        seconds.append((made.records, time.process_time() - started))
    (few, start), (many, whole) = seconds
    return (many - few) / (whole - start)


def _head(path: Path) -> Path:
    head = path.with_name(f"head{path.suffix}")
    with path.open(encoding="utf-8") as file:
        head.write_text("".join(line for _, line in zip(range(600), file, strict=False)), "utf-8")
    return head


def waits(path: Path, family: str, folder: Path) -> list[float]:
    """Milliseconds from a line to its verdict, each line written to a pipe by itself once the last one was answered.

    After the warm-up; the state is saved every second, which is among what a line may wait for.
    """
    lines, pipe = path.read_bytes().splitlines(keepends=True)[:10_000], folder / "pipe"
    os.mkfifo(pipe)
    answered = threading.Semaphore(0)
    sent: list[float] = []
    found: list[float] = []

    def send() -> None:
        with pipe.open("wb", 0) as file:
            file.write(b"".join(lines[:WARM]))
            for line in lines[WARM:]:
                answered.acquire()
                sent.append(time.perf_counter())
                file.write(line)

    def look() -> bool:
        if len(sent) > len(found):
            found.append(1e3 * (time.perf_counter() - sent[-1]))
        answered.release()
        return False

    thread = threading.Thread(target=send)
    thread.start()
    running, state = Running(save_every=1.0), str(folder / "state.genapps")
    watch(str(pipe), output="/dev/null", asked=Asked(family=family), running=running, state=state, stop=look)
    thread.join()
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the records, nothing written")
    quick = parser.parse_args().quick
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for family, count in ((DEFAULT, 20_000), (LIGHT, 100_000)):
            for suffix, channels in ((".csv", 1), (".jsonl", 1), (".csv", 10)):
                path = folder / f"{family}-{channels}{suffix}"
                write(path, count // (10 if quick else 1) // (1 if channels == 1 else 5), channels)
                rate = round(speed(path, family))
                row: dict[str, Any] = {"family": family, "channels": channels, "lines": suffix[1:], "a_second": rate}
                if suffix == ".csv" and channels == 1:
                    took = sorted(waits(path, family, Path(tempfile.mkdtemp(dir=folder))))
                    row |= {f"p{q:g}_ms": round(took[int(q / 100 * (len(took) - 1))], 3) for q in (50, 99, 99.9)}
                rows.append(row)
                print(row)
    if not quick:
        keep.write("watch", rows, {"warm_up": Asked().warm_up, "rate": Asked().rate})


if __name__ == "__main__":
    main()
