"""Ten million rows: how much memory and time reading them takes, and `genapps timeseries detect` from end to end.

    python benchmarks/anomaly/scale.py [--quick]

The series is generated: three channels with a daily course, ISO stamps ten seconds apart, a few gaps and rows out of
order, as CSV (every cell is text) and as Parquet. Peak resident memory is the kernel's figure for the process; beyond
it stands what the imports alone take.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import keep

from record import command, run_measured

CHUNK = 500_000
STEP = 10
READ = """
import sys, json
from genapps_timeseries.reading.files import read_series
(series,) = read_series(sys.argv[1])
print(len(series), series.notes)
"""
IMPORTS = "import genapps_timeseries.reading.files"
DETECT_IMPORTS = "import genapps_timeseries.detection.files"


def generate(path: Path, rows: int) -> None:
    """Write the series, a chunk at a time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    generator = np.random.default_rng(0)
    start = np.datetime64("2020-01-01T00:00:00")
    writer: Any = None
    for first in range(0, rows, CHUNK):
        number = np.arange(first, min(first + CHUNK, rows))
        gone = np.cumsum(generator.random(len(number)) < 1e-5) + first // 1000
        stamps = start + (number + gone) * np.timedelta64(STEP, "s")
        day = 2 * np.pi * (number + gone) * STEP / 86_400
        noise = generator.normal(0, 0.1, (3, len(number)))
        columns = {
            "flow": np.round(5 + np.sin(day) + noise[0], 4),
            "pressure": np.round(3 + 0.5 * np.sin(day + 1) + noise[1], 4),
            "power": np.round(10 + np.abs(np.sin(day / 2)) + noise[2], 4),
        }
        order = np.arange(len(number))
        order[[10, 11]] = 11, 10
        table = pa.table({"time": stamps[order], **columns})
        if writer is None:
            kind = pyarrow.csv.CSVWriter if path.suffix == ".csv" else pyarrow.parquet.ParquetWriter
            writer = kind(path, table.schema)
        writer.write_table(table)
    writer.close()


def main() -> None:
    """Generate, read, detect, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--quick", action="store_true", help="300,000 rows, nothing written")
    parser.add_argument("--only", choices=["read", "detect"], help="one of the two; what was measured else is kept")
    parser.add_argument("--generate", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = 300_000 if options.quick else options.rows
    if options.generate:
        generate(options.generate, options.rows)
        return
    kept = [] if options.quick else keep.read("scale").get("rows", [])
    made = [row for row in kept if options.only and row["what"] != options.only]
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("csv", "parquet"):
            data = Path(folder) / f"series.{suffix}"
            # In another process: what this one holds would count for its children.
            run_measured([sys.executable, __file__, "--generate", str(data), "--rows", str(rows)])
            for what, words, imports in measures(data, Path(folder), options.only):
                if what == "detect" and suffix == "parquet":
                    continue
                made.append({"what": what, "format": suffix, "rows": rows, **measured(words, imports, rows)})
                print(json.dumps(made[-1]))
    if not options.quick:
        keep.write("scale", made, {"channels": 3, "step_s": STEP, "threads": 1}, summary(made))


def measures(data: Path, folder: Path, only: str | None) -> list[tuple[str, list[str], str]]:
    """What is measured: its name, the command, and the imports that stand for an idle process."""
    scores = str(folder / "scores.csv")
    both = [
        ("read", [sys.executable, "-c", READ, str(data)], IMPORTS),
        ("detect", [*command(), "timeseries", "detect", str(data), "-o", scores, "-q"], DETECT_IMPORTS),
    ]
    return [one for one in both if only in (None, one[0])]


def measured(words: list[str], imports: str, rows: int) -> dict[str, float]:
    """Time and peak memory, and the memory beyond what the imports take."""
    idle = run_measured([sys.executable, "-c", imports])
    used = run_measured(words)
    cpu = used["cpu_s"] - idle["cpu_s"]
    return {**used, "beyond_imports_mb": round(used["memory_mb"] - idle["memory_mb"], 1), "rows_a_cpu_s": rows // cpu}


def summary(made: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows a CPU second and peak memory of each."""
    return {
        f"{row['what']}_{row['format']}": {name: row[name] for name in ("rows_a_cpu_s", "memory_mb")} for row in made
    }


if __name__ == "__main__":
    main()
