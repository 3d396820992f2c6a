"""Which family makes new series that are most like real ones: all of them on the same development series.

Series of the Numenta Anomaly Benchmark (looked for in $GENAPPS_DATA/anomaly/nab, then in ../shared/data) and made ones.
A part of each is kept from the models; every figure compares with it, and stands beside that of other real rows, of
shuffled ones and of copied stretches. The default of `genapps timeseries synthesize` is the family that wins here.

    python benchmarks/anomaly/synthesis.py [--quick] [--budget SECONDS]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from keep import write
from series import folder

from genapps_timeseries.series import Clock, Series
from genapps_timeseries.synthesis.families import LEARN
from genapps_timeseries.synthesis.metrics import Sides, measure, score_of
from genapps_timeseries.synthesis.model import learn_series
from genapps_timeseries.synthesis.shape import filled
from genapps_timeseries.synthesis.tasks import again, parted

NAB = (
    "realKnownCause/nyc_taxi",
    "realTweets/Twitter_volume_CRM",
    "realAWSCloudwatch/elb_request_count_8c0756",
    "realAWSCloudwatch/ec2_cpu_utilization_5f5533",
    "realKnownCause/ambient_temperature_system_failure",
)
ROWS = 1_500
FAMILIES = tuple(LEARN)


def nab(name: str, rows: int) -> Series | None:
    """The first rows of one series of the benchmark; None where it is not there."""
    root = folder()
    path = root / "nab" / f"{name}.csv.gz" if root else None
    if path is None or not path.exists():
        print(f"skipped {name}: not in $GENAPPS_DATA/anomaly/nab")
        return None
    with gzip.open(path, "rt") as file:
        table = list(csv.DictReader(file))[:rows]
    times = np.array([row["timestamp"] for row in table], "datetime64[s]").astype(np.float64)
    values = np.array([[float(row["value"])] for row in table])
    clock = Clock("time", "timestamp", float(np.median(np.diff(times))))
    return Series(values, ("value",), times, np.arange(len(values)), clock)


def made(rows: int, seed: int = 0) -> Iterator[tuple[str, Series]]:
    """A cycle of noisy amplitude, beats of varying length, and three channels that depend on each other."""
    rng = np.random.default_rng(seed)
    time_ = np.arange(rows) * 600.0
    clock = Clock("time", "time", 600.0)
    phase = np.cumsum(1 + 0.1 * rng.standard_normal(rows)) / 25
    beats = np.exp(-0.5 * ((phase % 1 - 0.3) / 0.05) ** 2) - 0.3 * np.exp(-0.5 * ((phase % 1 - 0.5) / 0.08) ** 2)
    yield "beats", Series((beats + 0.03 * rng.standard_normal(rows))[:, None], ("v",), time_, np.arange(rows), clock)
    slow = np.zeros((rows, 3))
    for t in range(1, rows):
        slow[t] = 0.9 * slow[t - 1] + rng.standard_normal(3) @ np.array([[1, 0.6, 0], [0, 0.8, 0.4], [0, 0, 1.0]])
    day = np.sin(2 * np.pi * time_ / 86_400)
    load = np.round(50 + 15 * day + 3 * slow[:, 0])
    plant = np.stack([20 + 4 * day + 0.3 * slow[:, 1], load, (load + 2 * slow[:, 2] > 52).astype(float)], axis=1)
    yield "plant", Series(plant, ("temperature", "load", "on"), time_, np.arange(rows), clock)


def one(name: str, series: Series, families: tuple[str, ...], budget: float) -> list[dict[str, Any]]:
    """All families on one series."""
    parts = parted((series,))
    learnt, kept = ([filled(part.values) for part in side] for side in (parts.learnt, parts.kept))
    rows: list[dict[str, Any]] = []
    before: Any = ()
    for family in families:
        began = time.process_time()
        model = learn_series(parts.learnt, family, seed=0, budget=budget)
        fitted = time.process_time()
        drawn = again(model, parts.learnt, 1)
        seconds = time.process_time() - fitted
        before = measure(Sides(learnt, kept, drawn), before=before)
        if not rows:
            rows += controls(name, before)
        row = {"series": name, "family": family, "unlike": score_of(before)}
        row |= {m.key: m.value for m in before} | {"fit_seconds": fitted - began, "draw_seconds": seconds}
        rows.append(row)
        print(f"{name:50} {family:15} unlike {row['unlike']:.3f}  apart {row['two_sample_auc']:.3f}  "
              f"fit {row['fit_seconds']:.1f} s", flush=True)  # fmt: skip
    return rows


def controls(name: str, measures: Any) -> Iterator[dict[str, Any]]:
    """The same figures of other real rows, shuffled rows and copied stretches."""
    for k, control in enumerate(measures[0].controls):
        figures = {m.key: m.controls[k].value for m in measures}
        yield {"series": name, "family": f"({control.name})", **figures}


def main() -> None:
    """Run, print the means and keep the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="two series, the fast families; nothing is kept")
    arguments.add_argument("--budget", type=float, default=15.0, help="seconds of learning a family and series")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    families = ("gmm", "hmm", "bootstrap") if options.quick else FAMILIES
    rows: list[dict[str, Any]] = []
    for name, series in chosen(options.quick):
        rows += one(name, series, families, options.budget)
        names = list(dict.fromkeys(row["series"] for row in rows))
        if not options.quick:  # after each, so that what is done is not lost
            write("synthesis", rows, {"rows": ROWS, "budget": options.budget, "series": names}, means(rows))
    for family, figures in means(rows).items():
        print(f"{family:20}", {key: figures.get(key) for key in ("unlike", "two_sample_auc", "forecast")})


def chosen(quick: bool) -> Iterator[tuple[str, Series]]:
    """Real series and made ones in turn."""
    rows = 1_000 if quick else ROWS
    ready = [(name, series) for name in NAB[: 1 if quick else None] if (series := nab(name, rows)) is not None]
    ours = list(made(rows))[: 1 if quick else None]
    for k in range(max(len(ready), len(ours))):
        yield from (*ready[k : k + 1], *ours[k : k + 1])


def means(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The mean of each figure over the series, by family and by control."""
    summary = {}
    for family in dict.fromkeys(row["family"] for row in rows):
        own = [row for row in rows if row["family"] == family]
        keys = [key for key in own[0] if key not in ("series", "family")]
        known = {key: [row[key] for row in own if row.get(key) is not None] for key in keys}
        summary[family] = {key: round(float(np.mean(given)), 4) for key, given in known.items() if given}
    return summary


if __name__ == "__main__":
    main()
