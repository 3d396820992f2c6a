"""The learning rate of a family on tables, chosen on training rows alone.

    python benchmarks/tabular/rates.py rbm 0.001 0.003 0.01

Of the 10,000 training rows of each table, 8,000 are learnt. The figures are the log-likelihood of the other 2,000 in
nats a row, as the family itself gives it, and the two-sample AUC of as many sampled rows beside them: a model may give
rows their due and yet be hard to draw from. No test row is read.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from genapps_tabular import TabularConfig, fit
from protocol import conform, load, two_sample
from record import RESULTS, machine, stamp, write
from run import find

ROWS, LEARNT = 10_000, 8_000


def measure(family: str, name: str, rate: float, seed: int) -> dict[str, Any]:
    """One fit, and what it says of the rows kept from it."""
    folder = find(name)
    if folder is None:
        return {"set": name, "skipped": "no such data"}
    split = load(folder, ROWS)
    rows = split.train
    config = TabularConfig(family=family, seed=seed)
    began = time.process_time()
    model = fit(rows.iloc[:LEARNT], config=replace(config, training=replace(config.training, learning_rate=rate)))
    seconds = time.process_time() - began
    found = model.log_prob(rows.iloc[LEARNT:])
    row = {"set": name, "family": family, "learning_rate": rate, "seed": seed, "fit_cpu_s": round(seconds, 1)}
    kept = rows.iloc[LEARNT:].reset_index(drop=True)
    row["two_sample"] = round(
        two_sample(kept, conform(model.sample(len(kept), seed=seed), split.kinds), split.kinds), 4
    )
    return {**row, "nats": round(float(np.mean(found.values.numpy())), 3), "kind": found.kind, "error": found.error}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family")
    parser.add_argument("rates", type=float, nargs="+")
    parser.add_argument("--sets", nargs="+", default=["adult", "magic"])
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in arguments.sets:
        for rate in arguments.rates:
            for seed in range(arguments.seeds):
                rows.append(measure(arguments.family, name, rate, seed))
                print(rows[-1], flush=True)
    write(
        RESULTS / f"rates_{arguments.family}.json", {**stamp(), "machine": machine(), "protocol": __doc__, "rows": rows}
    )


if __name__ == "__main__":
    main()
