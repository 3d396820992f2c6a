"""Sessions as sequences of templates: how well each scorer tells abnormal ones from normal ones, on labelled sets.

    python benchmarks/anomaly/hdfs.py [--quick]

HDFS: half of the given normal sessions are learnt, the other half and all abnormal ones are judged; two splits. The
choices (the logarithm in count vectors, the largest surprise of a step, the sizes of the families, how scorers are
combined) were made on hdfs_xu; hdfs_loghub is the stated figure. The other sets come with their own normal part to
learn: OpenStack with 19 sessions, Hadoop with 17, ADFA-LD where it is there.

AUROC of the score; for several scorers together, of the rarest of their p-values. `alarms` are the shares of normal
and abnormal sessions in alarm at a promised rate of 1 %. CPU seconds of one thread: learning with the held-out scores
that the promise takes, and judging all sessions; equal sessions are judged once.

The sets are looked for in $GENAPPS_DATA/anomaly/logs/sequences and in ../shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import gzip
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from genapps_logs.scoring import Steps, repeated
from genapps_logs.sequences import Ranks, held_scores, new_scorer

SINGLE = ("counts", "markov", "hmm", "autoregressive")
TOGETHER = ("counts+markov", "counts+hmm", "counts+autoregressive", "counts+markov+hmm")
HDFS = {"hdfs_xu": "choices were made on it", "hdfs_loghub": "stated"}
SPLITS = 2
RATE = 0.01
ENOUGH = 0.999


def read(path: Path) -> list[tuple[str, ...]]:
    """The sequences of events of a file, one a line after the session's name."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [tuple(line.split(",", 1)[1].split()) for line in lines if "," in line]


def coded(train: list[tuple[str, ...]], *others: list[tuple[str, ...]]) -> tuple[int, list[list[Steps]]]:
    """The number of events of the normal part, and all parts in codes; an event it does not have is 0."""
    codes = {event: code for code, event in enumerate(sorted({event for steps in train for event in steps}), 1)}
    parts = [[tuple(codes.get(event, 0) for event in steps) for steps in part] for part in (train, *others)]
    return len(codes), parts


def measure(train: list[Steps], normal: list[Steps], abnormal: list[Steps], size: int) -> list[dict[str, Any]]:
    """Every scorer on one split."""
    test = [*normal, *abnormal]
    different, which = repeated(test)
    labels = np.repeat([0, 1], [len(normal), len(abnormal)])
    held, scores, seconds = {}, {}, {}
    for name in SINGLE:
        started = time.process_time()
        held[name] = held_scores(name, train, size)
        scorer = new_scorer(name).fit(train, size)
        learnt = time.process_time()
        scores[name] = scorer.score(different)[which]
        seconds[name] = (learnt - started, time.process_time() - learnt)
    rows = []
    for family in (*SINGLE, *TOGETHER):
        names = family.split("+")
        ranks = Ranks(np.column_stack([held[name] for name in names]))
        table, place = np.unique(np.column_stack([scores[name] for name in names]), axis=0, return_inverse=True)
        rarest = np.array([ranks.parts(row).max() for row in table])[place]
        alarms = np.array([ranks.p(value) <= RATE for value in np.unique(rarest)])[
            np.unique(rarest, return_inverse=True)[1]
        ]
        judged = scores[family] if len(names) == 1 else rarest
        rows.append(
            {
                "scorer": family,
                "auroc": float(roc_auc_score(labels, judged)),
                "alarms_normal": float(alarms[labels == 0].mean()),
                "alarms_abnormal": float(alarms[labels == 1].mean()),
                "fit_cpu_seconds": sum(seconds[name][0] for name in names),
                "judge_cpu_seconds": sum(seconds[name][1] for name in names),
            }
        )
    return rows


def hdfs(folder: Path, splits: int) -> list[dict[str, Any]]:
    """One set of HDFS, the mean of some splits."""
    given, abnormal = read(folder / "hdfs_train.gz"), read(folder / "hdfs_test_abnormal.gz")
    found = []
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(len(given))
        half = len(given) // 2
        train, normal = ([given[place] for place in part] for part in (order[:half], order[half:]))
        size, (a, b, c) = coded(train, normal, abnormal)
        found.append(measure(a, b, c, size))
    return averaged(found, half, len(given) - half, len(abnormal))


def other(folder: Path, name: str) -> list[dict[str, Any]]:
    """A set with its own normal part to learn."""
    parts = [read(folder / f"{name}_{part}.gz") for part in ("train", "test_normal", "test_abnormal")]
    size, (train, normal, abnormal) = coded(*parts)
    return averaged([measure(train, normal, abnormal, size)], len(train), len(normal), len(abnormal))


def averaged(found: list[list[dict[str, Any]]], train: int, normal: int, abnormal: int) -> list[dict[str, Any]]:
    """The mean of each figure over splits, and the least AUROC."""
    rows = []
    for same in zip(*found, strict=True):
        figures = {
            key: round(float(np.mean([row[key] for row in same])), 5 if key == "auroc" else 4)
            for key in same[0]
            if key != "scorer"
        }
        least = round(min(row["auroc"] for row in same), 5)
        sizes = {"train": train, "normal": normal, "abnormal": abnormal, "splits": len(same)}
        rows.append({"scorer": same[0]["scorer"], **figures, "least_auroc": least, **sizes})
    return rows


def main() -> None:
    """Measure, print, write results/hdfs.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="one split, and nothing is written")
    asked = options.parse_args()
    from keep import write
    from series import folder

    root = folder()
    place = root / "logs" / "sequences" if root else None
    rows: list[dict[str, Any]] = []
    for name in (*HDFS, "openstack_loghub", "hadoop_loghub", "adfa_verazuo"):
        here = place / name if place else None
        if here is None or not here.is_dir():
            print(f"skipped {name}: not in $GENAPPS_DATA/anomaly/logs/sequences")
            continue
        found = hdfs(here, 1 if asked.quick else SPLITS) if name in HDFS else other(here, name.split("_")[0])
        rows += [{"set": name, "part": HDFS.get(name, "stated"), **row} for row in found]
        for row in found:
            print(f"{name:<17} {row['scorer']:<22} {row['auroc']:.5f}  {row['alarms_normal']:.4f}  "
                  f"{row['alarms_abnormal']:.4f}  {row['fit_cpu_seconds']:7.2f}  {row['judge_cpu_seconds']:.2f}",
                  flush=True)  # fmt: skip
    if not asked.quick:
        stated = {row["scorer"]: row["auroc"] for row in rows if row["set"] == "hdfs_loghub"}
        reached = {"asked": ENOUGH, "hdfs_loghub": stated}
        write("hdfs", rows, {"promised_rate": RATE, "settings": "the defaults"}, reached)


if __name__ == "__main__":
    main()
