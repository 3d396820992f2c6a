"""Is severity earned? Grades of false events on made series without a fault, and of faults that were put into them.

The base series are those of kinds.py, each by itself with one fault of strength 6, and four channels of a machine.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

import numpy as np
from keep import write
from kinds import bases
from numpy.typing import NDArray

from genapps_timeseries.detection.tasks import detect
from genapps_timeseries.injection.inject import inject
from genapps_timeseries.series import series_of

Floats = NDArray[np.float64]
FAULTS = ("spike", "level", "noise", "trend", "shape", "flip")
PLACE, LENGTH = 2500, 96


def main() -> None:
    """Detect, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of six; nothing is written")
    args = parser.parse_args()
    false: Counter[str] = Counter()
    real: Counter[str] = Counter()
    seeds = 1 if args.quick else len(FAULTS)
    for seed in range(seeds):
        draws = np.random.default_rng([11, seed])
        kind = FAULTS[seed]
        rows = 2 if kind == "spike" else LENGTH
        for values in series(draws):
            false.update(event.grade for event in detect([series_of(values, step=300)]).events)
            bad = values.copy()
            c = seed % bad.shape[1]
            bad[:, c] = inject(values[:, c], kind, PLACE, rows, 6.0, draws, window=LENGTH)
            found = detect([series_of(bad, step=300)]).events
            there = [event for event in found if event.first < PLACE + rows and event.last >= PLACE]
            real[max(there, key=lambda event: event.severity).grade if there else "(not found)"] += 1
    print("false", dict(false), "faults", dict(real))
    summary = {"series": 6 * seeds, "false": sum(false.values()), "false_critical": false["critical"]}
    summary |= {"faults": sum(real.values()), "faults_critical": real["critical"]}
    print(summary)
    if not args.quick:
        rows_of = [{"of": "false events", **false}, {"of": "faults", **real}]
        write("severity", rows_of, {"strength": 6.0, "seeds": seeds}, summary)


def series(draws: np.random.Generator) -> Iterator[Floats]:
    """Normal series (4000, C)."""
    for _, values in bases(draws):
        yield values[:, None]
    day = np.sin(2 * np.pi * np.arange(4000) / 288)
    load = 50 + 20 * day + wander(draws, 1.5, 0.8)
    columns = [
        load,
        40 + 0.3 * load + wander(draws, 0.4, 0.8),
        1 + wander(draws, 0.05, 0.3),
        draws.normal(12, 0.3, 4000),
    ]
    yield np.stack(columns, axis=1).round(3)


def wander(draws: np.random.Generator, spread: float, memory: float) -> Floats:
    """Noise (4000,) that remembers."""
    made = draws.normal(0, spread, 4000)
    for row in range(1, 4000):
        made[row] += memory * made[row - 1]
    return made


if __name__ == "__main__":
    main()
