"""A table of a million rows: how much memory `genapps tabular fit` needs beyond an interpreter that has imported torch.

    python benchmarks/tabular/scale.py

The table is generated: numbers, categories, dates, missing values, an identifier, with known dependencies. It is
written as CSV (every cell is text when it is read, the hard case) and as Parquet.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from record import RESULTS, command, machine, run_measured, stamp, write

LIMIT_MB = 2048
CHUNK = 100_000


def generate(path: Path, rows: int) -> None:
    """Write the table, a chunk at a time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    generator = np.random.default_rng(0)
    writer = None
    for first in range(0, rows, CHUNK):
        n = min(CHUNK, rows - first)
        age = np.clip(generator.normal(42, 15, n), 18, 95).astype(np.int64)
        region = generator.choice(12, n, p=np.arange(12, 0, -1) / 78)
        income = np.round(np.exp(generator.normal(9.5 + 0.01 * age + 0.05 * region, 0.5)), 2)
        bought = generator.random(n) < 1 / (1 + np.exp(4 - income / 10_000))
        shop = np.minimum(generator.zipf(1.5, n), 4000) + 17 * region
        day = np.datetime64("2023-01-01") + generator.integers(0, 730, n)
        moment = day.astype("datetime64[s]") + generator.integers(8 * 3600, 20 * 3600, n)
        table = pa.table(
            {
                "customer": [f"C{first + i:09d}" for i in range(n)],
                "age": age,
                "region": [f"region {r}" for r in region],
                "shop": [f"S{s:05d}" for s in shop],
                "income": pa.array(income, mask=generator.random(n) < 0.05),
                "visits": generator.poisson(1 + 3 * bought, n),
                "spent": np.where(bought, np.round(income * generator.random(n) / 50, 2), 0.0),
                "joined": moment,
                "score": generator.normal(age / 10, 1, n),
                "bought": bought,
            }
        )
        if writer is None:
            kind = pyarrow.csv.CSVWriter if path.suffix == ".csv" else pyarrow.parquet.ParquetWriter
            writer = kind(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def main() -> None:
    """Generate, fit with each family, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--budget", default="60s", help="time to train (60s)")
    parser.add_argument("--families", default="autoregressive,gmm")
    parser.add_argument("--out", type=Path, default=RESULTS / "scale.json")
    parser.add_argument("--generate", type=Path, help="only write the table")
    options = parser.parse_args()
    if options.generate:
        generate(options.generate, options.rows)
        return
    base = run_measured([sys.executable, "-c", "import torch"])["memory_mb"]
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("csv", "parquet"):
            data = Path(folder) / f"table.{suffix}"
            # in another process: what this one holds would count for its children
            rows = ["--rows", str(options.rows)]
            run_measured([sys.executable, __file__, "--generate", str(data), *rows])
            for family in options.families.split(","):
                target = ["-o", str(Path(folder) / "model.genapps")]
                fit = ["tabular", "fit", str(data), "--family", family, "--budget", options.budget, *target]
                used = run_measured([*command(), *fit])
                beyond = round(used["memory_mb"] - base, 1)
                runs.append({"format": suffix, "family": family, **used, "beyond_imports_mb": beyond})
                print(f"{suffix:8s} {family:16s} {beyond:.0f} MiB beyond {base:.0f}, {used['cpu_s']:.0f} CPU seconds")
    protocol = f"peak resident memory of `genapps tabular fit --budget {options.budget}`, minus that of `import torch`"
    result = {**stamp(), "machine": machine(), "protocol": protocol, "rows": options.rows, "limit_mb": LIMIT_MB}
    write(options.out, {**result, "import_torch_mb": base, "runs": runs})


if __name__ == "__main__":
    main()
