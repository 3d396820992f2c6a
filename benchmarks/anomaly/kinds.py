"""Is the kind of an event told right? Injected anomalies of known kind in base series, and a confusion matrix.

The base series are made here: seasons with noise, a daily course of a service, beats, a wander, a saw. Two figures:
where the rows of the anomaly are given, and where the detector had to find them.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
from keep import write
from numpy.typing import NDArray

from genapps_timeseries.detection.kinds import kind_of
from genapps_timeseries.detection.tasks import detect
from genapps_timeseries.injection.inject import inject
from genapps_timeseries.scoring.windows import window_of
from genapps_timeseries.series import series_of

Floats = NDArray[np.float64]

# What is injected -> what it is called by those who see it.
TRUE = {
    "spike": ("spike",),
    "level": ("level shift",),
    "trend": ("trend",),
    "noise": ("noise",),
    "speed": ("frequency",),
    "flatline": ("flatline",),
    "dropout": ("missing", "gap"),
    "shape": ("shape",),
    "flip": ("shape",),
    "missing": ("shape",),
}
STRENGTH = 4.0


def bases(draws: np.random.Generator) -> Iterator[tuple[str, Floats]]:
    """Normal series of 4,000 rows."""
    rows = np.arange(4000)
    yield "season", 10 + 3 * np.sin(2 * np.pi * rows / 96) + np.sin(2 * np.pi * rows / 48) + draws.normal(0, 0.25, 4000)
    day = np.maximum(np.sin(2 * np.pi * rows / 144), -0.3)
    yield "service", 200 + 100 * day * draws.normal(1, 0.03, 4000) + draws.normal(0, 4, 4000)
    beat = np.exp(-(((rows % 60) - 20) ** 2) / 18.0) + 0.3 * np.exp(-(((rows % 60) - 38) ** 2) / 40.0)
    yield "beats", beat + draws.normal(0, 0.02, 4000)
    wander = np.zeros(4000)
    for row in range(1, 4000):
        wander[row] = 0.9 * wander[row - 1] + draws.normal()
    yield "wander", wander
    yield "saw", (rows % 80) / 80 + draws.normal(0, 0.02, 4000)


def main() -> None:
    """Inject, tell, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two tries of each instead of eight; nothing is written")
    parser.add_argument("--found", type=int, default=2, help="tries that the detector has to find, too")
    args = parser.parse_args()
    tries = 2 if args.quick else 8
    begun = time.process_time()
    given: dict[str, Counter[str]] = defaultdict(Counter)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    by_base: dict[str, list[bool]] = defaultdict(list)
    for trial in range(tries):
        draws = np.random.default_rng([4, trial])
        for base, values in bases(draws):
            window = window_of(values[:2000])
            for kind, names in TRUE.items():
                length = int(draws.integers(1, 4)) if kind == "spike" else int(draws.integers(window // 2, 2 * window))
                start = int(draws.integers(2400, 3800 - length))
                new = inject(values, kind, start, length, STRENGTH, draws, window=window)
                told = kind_of(new, start, start + length, values[:2000], window).name
                given[kind][told] += 1
                by_base[base].append(told in names)
                if trial < args.found:
                    events = detect([series_of(new)]).events
                    near = [e for e in events if e.first < start + length + window and e.last > start - window]
                    found[kind][max(near, key=lambda e: e.severity).kind if near else "(not found)"] += 1
    for title, matrix in (("rows given", given), ("rows found", found)):
        print(title)
        for kind, told in matrix.items():
            print(f"  {kind:9s} {told.most_common()}")
    summary = {
        "rows_given": _right(given),
        "rows_found": _right(found) if found else None,
        "by_base": {base: round(float(np.mean(right)), 3) for base, right in by_base.items()},
        "cpu_s": round(time.process_time() - begun, 1),
    }
    print(summary)
    if tries > 2:
        rows = [{"kind": kind, "given": dict(given[kind]), "found": dict(found[kind])} for kind in TRUE]
        write("kinds", rows, {"strength": STRENGTH, "tries": tries, "found": args.found}, summary)


def _right(matrix: dict[str, Counter[str]]) -> float:
    """The share told right, of those that were found."""
    right = sum(count for kind, told in matrix.items() for name, count in told.items() if name in TRUE[kind])
    total = sum(count for told in matrix.values() for name, count in told.items() if name != "(not found)")
    return round(right / max(total, 1), 3)


if __name__ == "__main__":
    main()
