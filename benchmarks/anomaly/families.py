"""All six families, the members of the ensemble by themselves, and the ensemble, as judges of the same series.

    python benchmarks/anomaly/families.py [--quick] [--choices] [--only gmm,hmm]

Each learns the part for training, with the same settings for all series, and judges the whole series; the ensemble's
own members may look at the rest meanwhile, as in `detect`. The figure is VUS-PR (`genapps.metrics.ranges`) with the
window of the series (`natural_window`), its mean, and the means of the sources. Seconds are of the processor, one
thread, for learning and judging; the last column is of a made series of 10,000 points, 2,500 of them normal. Settings
were chosen on other series, `--choices`: those of NAB that are not stated, made ones, and Merlion's.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from calibration import choices
from keep import read, write
from series import Labelled, folder, stated

from genapps.metrics.ranges import natural_window, vus_pr
from genapps_timeseries.members.base import Member, Task
from genapps_timeseries.members.choosing import member_of
from genapps_timeseries.members.family import FAMILIES
from genapps_timeseries.scoring.detector import Detector
from genapps_timeseries.scoring.ensemble import MEMBERS
from genapps_timeseries.scoring.windows import window_of
from genapps_timeseries.series import Floats

PEERS = ("pyod:KNN", "pyod:IForest")
Judge = Callable[[Labelled], Floats]


def alone(make: Callable[[], Member]) -> Judge:
    """A member by itself, fed as the ensemble feeds it: in deviations, in its window."""

    def scores(series: Labelled) -> Floats:
        normal, rest = series.values[: series.train], series.values[series.train :]
        middle, unit = float(np.median(normal)), float(normal.std()) or 1.0
        normal, rest = (normal - middle) / unit, (rest - middle) / unit
        member = make().fit(Task(normal, window_of(normal), np.random.default_rng(0), rest))
        return np.concatenate([member.reference, member.score(rest)])

    return scores


def together(series: Labelled) -> Floats:
    """The ensemble, as `detect` has it."""
    normal, rest = series.values[: series.train, None], series.values[series.train :, None]
    judge = Detector().fit(normal, rest)
    scores = np.concatenate([judge.reference.scores, judge.score(rest).scores])
    return np.nan_to_num(scores, nan=float(np.nanmin(scores)))


def judges() -> dict[str, tuple[str, Judge]]:
    """Name to kind and judge."""
    found: dict[str, tuple[str, Judge]] = {"ensemble": ("ensemble", together)}
    found |= {kind.name: ("member", alone(kind)) for kind in MEMBERS}
    found |= {name: ("family", alone(kind)) for name, kind in FAMILIES.items()}
    return found | {name: ("PyOD", alone(lambda name=name: member_of(name))) for name in PEERS}


def source(series: Labelled) -> str:
    """NAB, MSL, SMAP, UCR, or where a series to choose by is from."""
    if "_id_" in series.name:
        return series.name.split("_")[1]
    return "NAB" if "/" in series.name else series.name.split("_")[0]


def development() -> Iterator[Labelled]:
    """Series that settings may be chosen on; made ones thinned out."""
    for number, series in enumerate(choices()):
        if series.labels.any() and (not series.name.startswith("made") or number % 4 == 0):
            yield series
    root = folder()
    for path in sorted((root / "synthetic_merlion").glob("*.csv.gz")) if root else []:
        with gzip.open(path, "rt") as file:
            table = np.loadtxt(file, delimiter=",", skiprows=1)
        labels = (table[:, 2] > 0).astype(np.int64)
        yield Labelled(f"merlion_{path.name}", table[:, 1], labels, min(len(table) // 4, int(labels.argmax())))


def made() -> Labelled:
    """10,000 points of a noisy day, for the time."""
    draws = np.random.default_rng(1)
    values = np.sin(2 * np.pi * np.arange(10_000) / 144) + 0.1 * draws.standard_normal(10_000)
    return Labelled("made_time", values, np.zeros(10_000, np.int64), 2500)


def measured(name: str, kind: str, judge: Judge, series: list[Labelled]) -> dict[str, Any]:
    """A row of the table."""
    values, spent = [], []
    for one in series:
        began = time.process_time()
        scores = judge(one)
        spent.append(time.process_time() - began)
        values.append(float(vus_pr(one.labels, scores, natural_window(one.values))))
    began = time.process_time()
    judge(made())
    long = time.process_time() - began
    sources = [source(one) for one in series]
    row = {"judge": name, "kind": kind, "vus_pr": round(float(np.mean(values)), 4)}
    row |= {s: round(float(np.mean([v for v, o in zip(values, sources, strict=True) if o == s])), 4) for s in sources}
    row |= {"cpu_s": round(float(np.mean(spent)), 2), "cpu_s_10000_points": round(long, 2)}
    return {**row, "series": {one.name: round(v, 4) for one, v in zip(series, values, strict=True)}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every fourth series, gmm and hmm; writes nothing")
    parser.add_argument("--choices", action="store_true", help="the series that settings were chosen on")
    parser.add_argument("--only", help="these judges, with commas between; the others keep the rows they have")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    series = list(development() if asked.choices else stated())[:: 4 if asked.quick else 1]
    if not series:
        print("skipped: no series in $GENAPPS_DATA or ../shared/data")
        return
    every = judges()
    names = asked.only.split(",") if asked.only else ["gmm", "hmm"] if asked.quick else list(every)
    result = "families_choices" if asked.choices else "families"
    rows = {row["judge"]: row for row in read(result).get("rows", [])} if asked.only else {}
    for name in names:
        try:
            rows[name] = measured(name, *every[name], series)
        except ImportError as error:
            print(f"skipped {name}: {error}")
            continue
        print({key: value for key, value in rows[name].items() if key != "series"}, flush=True)
    if not asked.quick:
        kept = [rows[name] for name in every if name in rows]
        write(result, kept, {"series": len(series), "protocol": __doc__})


if __name__ == "__main__":
    main()
