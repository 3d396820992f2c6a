"""Is the promised rate of false alarms kept? Realised over promised rate on held-out normal rows of real series.

python benchmarks/anomaly/calibration.py [--quick] [--choices]

Score: the absolute residual of a ridge autoregression of order 32, fitted on the first half of the part for training;
it is causal. Reference: the other half, and then rolling, as long as the part for training. Judged: every later row
that is at least one window (`natural_window`) from any labelled event; a series counts where at least 10 alarms by
chance are due. Settings are the defaults for all series. They were chosen on other series, `--choices`: those of NAB
that are not among the stated ones, and made ones. `within` is two-sided: from half to twice the promised rate.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from keep import write
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from series import STATED, Labelled, folder, stated

from genapps.anomaly import Calibration, calibrate, conformal_p
from genapps.metrics.ranges import natural_window, segments

Floats = NDArray[np.float64]
RATES = {0.01: 0.90, 0.001: 0.75}  # and the share of the series that is asked for
ORDER = 32
DUE = 10


def residuals(values: Floats, fitted: int) -> Floats:
    """Absolute residuals (N,) of a ridge autoregression fitted on the first rows; 0 where the past is too short."""
    order = min(ORDER, fitted // 4)
    past, middle = sliding_window_view(values, order)[:-1], values[:fitted].mean()
    rows = past[: fitted - order] - middle
    ridge = 1e-2 * max(values[:fitted].var(), 1e-9) * len(rows) * np.eye(order)
    weights = np.linalg.solve(rows.T @ rows + ridge, rows.T @ (values[order:fitted] - middle))
    return np.concatenate([np.zeros(order), np.abs(values[order:] - middle - (past - middle) @ weights)])


def judge(series: Labelled, rate: float) -> dict[str, Any] | None:
    """The realised over the promised rate of one series, rolling and with a threshold fixed on the reference."""
    window, half, train = natural_window(series.values), series.train // 2, series.train
    near = np.convolve(series.labels, np.ones(2 * window + 1), "same") > 0
    normal = ~near[train:]
    if normal.sum() * rate < DUE:
        return None
    scores = residuals(series.values, half)
    began = time.process_time()
    found = calibrate(scores[half:train], scores[train:], Calibration(rate, Calibration(rate).rows(train)))
    took = time.process_time() - began
    alarms = found.p <= rate
    fixed = conformal_p(scores[half:train], scores[train:]) <= rate
    first, last = segments(series.labels[train:])
    return {
        "series": series.name,
        "rate": rate,
        "normal_rows": int(normal.sum()),
        "ratio": round(float(alarms[normal].mean() / rate), 3),
        "ratio_fixed_threshold": round(float(fixed[normal].mean() / rate), 3),
        "constant": bool(np.ptp(series.values[:train]) == 0),
        "events": len(first),
        "events_met": int(sum(alarms[a : b + 1].any() for a, b in zip(first, last, strict=True))),
        "microseconds_a_row": round(1e6 * took / len(alarms), 2),
    }


def choices() -> Iterator[Labelled]:
    """Series that settings may be chosen on: NAB's that are not stated, and made ones."""
    root = folder()
    if root:
        with (root / "tsbad_manifest.csv").open() as file:
            sources = {row["source"] for row in csv.DictReader(file) if row["file"].startswith(STATED)}
        windows = json.loads((root / "nab" / "combined_windows.json").read_text())
        for name in sorted(set(windows) - {source.removeprefix("NAB ") for source in sources}):
            yield from _nab(root, name, windows[name])
    yield from _made()


def _nab(root: Path, name: str, windows: list[list[str]]) -> Iterator[Labelled]:
    path = next((root / "nab").glob(f"{name}*"), None)
    if path is None:
        print(f"skipped {name}: not in $GENAPPS_DATA/anomaly/nab")
        return
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        rows = list(csv.reader(file))[1:]
    times = np.array([row[0] for row in rows], "datetime64[s]")
    labels = np.zeros(len(rows), np.int64)
    for first, last in windows:
        begin, end = (np.datetime64(word[:19].replace(" ", "T")) for word in (first, last))
        labels[(times >= begin) & (times <= end)] = 1
    train = min(len(rows) // 4, int(labels.argmax()) if labels.any() else len(rows))
    if train >= 400:
        yield Labelled(name, np.array([float(row[1]) for row in rows]), labels, train)


def _made() -> Iterator[Labelled]:
    """Autoregressions with steady, heavy-tailed and swinging noise, a day, rounding, shifts, and two events each."""
    draws, rows = np.random.default_rng(5), 12_000
    steps = np.arange(rows)
    for kind in range(24):
        noise = draws.standard_t(4, rows) if kind % 3 == 1 else draws.standard_normal(rows)
        noise = noise * np.exp(np.sin(steps / 300)) if kind % 3 == 2 else noise
        values = np.zeros(rows)
        for t in range(2, rows):
            values[t] = 0.6 * values[t - 1] + 0.2 * values[t - 2] + noise[t]
        values += 5 * np.sin(2 * np.pi * steps / 144) * (kind % 2)
        values = np.round(values) if kind % 4 == 3 else values
        labels = np.zeros(rows, np.int64)
        for first in (5000, 8000):
            values[first : first + 100] += 12
            labels[first : first + 100] = 1
        values[9500:] += 8 * (kind % 5 == 4)
        yield Labelled(f"made_{kind}", values, labels, 2500)


def summary(rows: list[dict[str, Any]], rate: float, asked: float) -> dict[str, Any]:
    """What the series come to at one rate."""
    ratios = np.array([row["ratio"] for row in rows if row["rate"] == rate])
    fixed = np.array([row["ratio_fixed_threshold"] for row in rows if row["rate"] == rate])
    if not len(ratios):
        return {"series": 0}
    return {
        "series": len(ratios),
        "within": round(float(((ratios >= 0.5) & (ratios <= 2)).mean()), 4),
        "asked": asked,
        "at_most_twice": round(float((ratios <= 2).mean()), 4),
        "within_fixed_threshold": round(float(((fixed >= 0.5) & (fixed <= 2)).mean()), 4),
        "constant_series": sum(row["constant"] for row in rows if row["rate"] == rate),
        "median_ratio": round(float(np.median(ratios)), 3),
        "least_ratio": round(float(ratios.min()), 3),
        "most_ratio": round(float(ratios.max()), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three series, nothing written")
    parser.add_argument("--choices", action="store_true", help="the series that settings were chosen on")
    asked = parser.parse_args()
    source = choices() if asked.choices else stated(3 if asked.quick else None)
    everything = list(source)[: 3 if asked.quick else None]
    rows = [row for series in everything for rate in RATES if (row := judge(series, rate)) is not None]
    for row in rows:
        print(row)
    totals = {str(rate): summary(rows, rate, share) for rate, share in RATES.items()}
    print(json.dumps(totals, indent=1))
    if rows and not asked.quick:
        settings = {
            "score": f"ridge autoregression, order {ORDER}",
            "due": DUE,
            "calibration": "defaults",
            "threads": 1,
        }
        write("calibration_choices" if asked.choices else "calibration", rows, settings, totals)


if __name__ == "__main__":
    main()
