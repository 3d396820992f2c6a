"""SKAB: point-wise F1 and false-alarm rate over all files, by the benchmark's own protocol.

python benchmarks/anomaly/skab.py [--quick | --choices]

Of each file the first 400 rows are learnt, all others are judged; counts are pooled over files. A row is in alarm where
the default detector's score, the mean of what its votes say in nats, is at least 10, and between two such rows that are
at most a minute apart.

Both numbers, and what the detector does with channels that wander, were chosen without the stated files, on three other
sets, which `--choices` judges at several thresholds: the file without anomalies, cut into pieces of 400 and 750 rows;
the same pieces with a fault put into each (a few channels shift together as if a valve closed, or get noisy, larger,
stuck, for two to seven minutes); and the files of valve2, whose labels were read for it (`--quick` runs them alone). 10
is the lowest whole number at which less than 14 % of normal rows are in alarm in the mean of the three sets. The other
files are stated apart, too.

These were read four times in all: F1 0.741 at 31 % false alarms with a rule that opened at 28 nats beside the
detector's own curve and stayed down to 16, and 0.732 at 31 % with 26, 14 and a half, both chosen on valve2 alone; 0.731
at 25 % with 34, 17 and a third, chosen on the file without anomalies, too; and 0.732 at 25 % as committed, with a
detector that gathers evidence over minutes and allows for wandering. On what was chosen on, 12 % of normal rows are in
alarm (8 % without anomalies, where the rule before had 17 %, 11 % beside faults that were put in, and 17 % in valve2):
that does not carry over to the real faults.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from keep import write
from numpy.typing import NDArray
from series import Labelled, folder

from genapps.metrics.ranges import segments
from genapps_timeseries.injection.inject import inject_channels
from genapps_timeseries.scoring.detector import Detector
from genapps_timeseries.series import Floats

TRAIN = 400  # rows, by protocol
AT = 10.0  # nats: rows of at least so much are in alarm
MERGE = 60  # rows, a minute: alarms at most so far apart are one
CHOSEN = "valve2"  # the group of files whose labels were read to choose
PIECE, APART = 1150, 550  # rows of a piece of the file without anomalies, and from one to the next
FAULTS = ("valve", "valve", "valve", "valve", "noise", "noise", "scale", "trend", "level", "flatline")
VOLTAGE = 6  # the channel that is the mains, which no fault of the rig changes
SEEDS = 2  # faults that are put into each piece


def files(only: str = "") -> Iterator[tuple[str, Labelled]]:
    """Group and series of each file with anomalies."""
    root = folder()
    paths = sorted((root / "skab").glob("*/*.csv.gz")) if root else []
    if not paths:
        print("skipped all: nothing in $GENAPPS_DATA/anomaly/skab")
    for path in paths:
        group = path.parent.name
        if group == "anomaly-free" or (only and group != only):
            continue
        yield group, _read(path)


def _read(path: Path) -> Labelled:
    columns = range(1, 9 if path.parent.name == "anomaly-free" else 10)
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=";", skiprows=1, usecols=columns)
    labels = table[:, 8].astype(np.int64) if table.shape[1] > 8 else np.zeros(len(table), np.int64)
    return Labelled(f"{path.parent.name}/{path.name.split('.')[0]}", table[:, :8], labels, TRAIN)


def pieces() -> Iterator[Labelled]:
    """Pieces of the file without anomalies."""
    root = folder()
    for path in sorted((root / "skab").glob("anomaly-free/*.csv.gz")) if root else []:
        values = _read(path).values
        for start in range(0, len(values) - PIECE + 1, APART):
            part = values[start : start + PIECE]
            yield Labelled(f"anomaly-free/{start}", part, np.zeros(len(part), np.int64), TRAIN)


def faulty() -> Iterator[Labelled]:
    """The same pieces with one fault in each."""
    for k, piece in enumerate(pieces()):
        for seed in range(SEEDS):
            values, labels = _fault(piece.values, np.random.default_rng([7, k, seed]))
            yield Labelled(f"{piece.name}/{seed}", values, labels, TRAIN)


def _fault(values: Floats, draws: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """Rows (N, C) in which up to four channels change for two to seven minutes, and labels (N,)."""
    count, labels = int(draws.integers(120, 450)), np.zeros(len(values), np.int64)
    start, kind = int(draws.integers(TRAIN + 30, len(values) - count)), FAULTS[draws.integers(len(FAULTS))]
    drawn = draws.choice(values.shape[1], int(draws.integers(1, 5)), replace=False).tolist()
    channels = [c for c in drawn if c != VOLTAGE] or [VOLTAGE + 1]
    size = float(np.exp(draws.uniform(np.log(0.7), np.log(5))))
    labels[start : start + count] = 1
    if kind != "valve":
        return inject_channels(values, kind, start, count, size, draws, channels=channels), labels
    there, ramp = np.arange(1, count + 1), int(draws.integers(3, 60))
    shape = np.minimum(1, np.minimum(there, there[::-1]) / ramp)
    changed = values.copy()
    for c in channels:
        high = draws.choice([-1, 1]) * size * draws.uniform(0.4, 1) * values[:TRAIN, c].std()
        changed[start : start + count, c] += high * shape
    return changed, labels


def scores(series: Labelled) -> Floats:
    """The default detector's scores of the rows after the first 400."""
    normal, rest = series.values[:TRAIN], series.values[TRAIN:]
    return Detector().fit(normal, rest).score(rest).scores


def merged(raised: NDArray[np.bool_], apart: int) -> NDArray[np.bool_]:
    """Rows (N,) in alarm, and those between two that are at most so many rows apart."""
    found = raised.copy()
    for first, last in zip(*segments(~raised), strict=True):
        found[first : last + 1] |= first > 0 and last < len(raised) - 1 and last - first < apart - 1
    return found


def counts(series: Labelled, found: Floats, at: float) -> dict[str, int]:
    """Rows after the first 400 by whether they are in alarm and ought to be."""
    raised, true = merged(found >= at, MERGE), series.labels[TRAIN:] == 1
    four = {"hit": raised & true, "false": raised & ~true, "missed": ~raised & true, "quiet": ~raised & ~true}
    return {key: int(rows.sum()) for key, rows in four.items()}


def figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    """F1, share of normal rows in alarm and share of abnormal ones without, of pooled counts."""
    hit, false, missed, quiet = (sum(row[key] for row in rows) for key in ("hit", "false", "missed", "quiet"))
    return {
        "files": len(rows),
        "f1": round(2 * hit / max(2 * hit + false + missed, 1), 4),
        "false_alarm_rate": round(false / max(false + quiet, 1), 4),
        "missed_rate": round(missed / max(hit + missed, 1), 4),
    }


def choices() -> None:
    """Print the figures of what the threshold was chosen on."""
    sets = {"no anomalies": pieces(), "faults put in": faulty(), CHOSEN: (series for _, series in files(CHOSEN))}
    for name, found in sets.items():
        judged = [(series, scores(series)) for series in found]
        for at in np.arange(7.0, 16.0):
            print(name, at, figures([counts(series, score, at) for series, score in judged]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"the files of {CHOSEN}, nothing written")
    parser.add_argument("--choices", action="store_true", help="what was chosen on, nothing written")
    options = parser.parse_args()
    if options.choices:
        choices()
        return
    rows: list[dict[str, Any]] = []
    for group, series in files(CHOSEN if options.quick else ""):
        began = time.process_time()
        found = counts(series, scores(series), AT)
        rows.append({"series": series.name, "group": group, **found, "cpu_s": round(time.process_time() - began, 2)})
        print(rows[-1], flush=True)
    if not rows:
        return
    groups = sorted({row["group"] for row in rows})
    summary = {
        "all": figures(rows),
        "unseen": figures([row for row in rows if row["group"] != CHOSEN]),
        **{group: figures([row for row in rows if row["group"] == group]) for group in groups},
    }
    print(summary)
    if not options.quick:
        settings = {"train": TRAIN, "at": AT, "merge": MERGE, "chosen_on": f"pieces, faults, {CHOSEN}", "threads": 1}
        write("skab", rows, settings, summary)


if __name__ == "__main__":
    main()
