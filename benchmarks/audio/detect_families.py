"""Odd clips judged by each of the six families, beside the ensemble, by the same measures.

    python benchmarks/audio/detect_families.py                 needs GENAPPS_DATA/audio/esc10
    python benchmarks/audio/detect_families.py --families gmm  these alone; what is there of others is kept
    python benchmarks/audio/detect_families.py --development   folds 1 to 3 and other machines; nothing is written

A family learns stretches of a second (`genapps audio detect --family`), five times, each time without a fifth of the
normal clips. esc: the protocol of `detect.py`: a class of ESC-10 is normal (folds 1 to 3, 12 clips) and its own clips
of folds 4 and 5 are told from those of all classes. machines: three machines of 24 normal clips, 40 normal clips that
were not learnt, and of each of four faults five clips at -20 dB. What stretches are, and each family's settings, were
chosen on folds 1 to 3, each held out in turn, and on machines of seeds 1000 and up; folds 4 and 5 were looked at once.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import keep
import numpy as np
import torch
from detect import RATE, folder, overlap, seen

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "datasets"))

import build_machine_sounds as machines

from genapps.metrics.ranking import auroc
from genapps.models import FAMILIES
from genapps_audio.detection.families import ENSEMBLE, ByFamily
from genapps_audio.detection.judging import Judge
from genapps_audio.detection.places import place_of
from genapps_audio.detection.promising import Promise
from genapps_audio.detection.views import View, view
from genapps_audio.reading.clips import open_clips

SNR = -20.0  # dB, at which the ensemble misses some
MACHINES, UNSEEN, FAULTY = 3, 40, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--development", action="store_true", help="nothing is written")
    parser.add_argument("--families", nargs="+", default=[ENSEMBLE, *FAMILIES])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    clips, names, folds = environmental()
    rows: list[dict[str, Any]] = []
    for family in asked.families:
        begun = time.process_time()
        own = [
            *esc(family, clips, names, folds, asked.development),
            *planted(family, 1_000 if asked.development else 0),
        ]
        rows += own
        told = {"family": family, **figures(own), "cpu_seconds": round(time.process_time() - begun, 1)}
        print({key: round(value, 3) if isinstance(value, float) else value for key, value in told.items()}, flush=True)
    if not asked.development:
        kept = [row for row in keep.read("detect_families").get("rows", []) if row["family"] not in asked.families]
        rows = sorted([*kept, *rows], key=lambda row: [ENSEMBLE, *FAMILIES].index(row["family"]))
        names = dict.fromkeys(row["family"] for row in rows)
        summary = {family: figures([row for row in rows if row["family"] == family]) for family in names}
        keep.write("detect_families", rows, {"rate": RATE, "snr": SNR, "machines": MACHINES}, summary)


def learnt(family: str, views: list[View]) -> tuple[Any, Any]:
    """A judge of normal clips, and what they score."""
    groups = range(len(views))
    return Judge.learn(views, groups, 0) if family == ENSEMBLE else ByFamily.learn(views, groups, 0, family=family)


def environmental() -> tuple[list[View], Any, Any]:
    """Views, classes and folds of ESC-10."""
    every = open_clips(folder(), rate=RATE, mono=True)
    heard = list(every.take([i for i, name in enumerate(every.names) if name.endswith(".ogg")]))
    views = [view(torch.from_numpy(one.mono.copy()), RATE) for one in heard]
    folds = np.array([int(Path(one.name).name[0]) for one in heard])
    return views, np.array([one.name.partition("/")[0] for one in heard]), folds


def esc(family: str, views: list[View], names: Any, folds: Any, development: bool) -> list[dict[str, Any]]:
    """A row a class, in development a class and fold."""
    rows = []
    for kind in sorted(set(names)):
        for held in ((1,), (2,), (3,)) if development else ((4, 5),):
            own = np.flatnonzero((names == kind) & (folds <= 3) & ~np.isin(folds, held))
            judged = np.flatnonzero(np.isin(folds, held))
            judge, _ = learnt(family, [views[i] for i in own])
            scores = [judge.judge(views[i]).score for i in judged]
            rows.append({"family": family, "class": str(kind), "auroc": auroc(names[judged] != kind, scores)})
    return rows


def planted(family: str, first: int) -> list[dict[str, Any]]:
    """A row a machine: how well faults are told, found and placed, and how many normal clips raise an alarm."""
    rows = []
    for number in range(first, first + MACHINES):
        rng = np.random.default_rng(number)
        machine = machines.Machine.draw(machines.MACHINES[number % 3], rng)
        begun = time.process_time()
        judge, scores = learnt(family, [seen(machine.clip(rng), rng) for _ in range(24)])
        learning = time.process_time() - begun
        promise = Promise.of(scores.numpy(), judge.part.numpy(), None)
        begun = time.process_time()
        normal = [judge.judge(seen(machine.clip(rng), rng)) for _ in range(UNSEEN)]
        judging = (time.process_time() - begun) / UNSEEN
        odd, times, bands = [], [], []
        for fault in machines.FAULTS:
            for _ in range(FAULTY):
                wave, truth = machines.faulty(machine, fault, SNR, rng)
                odd.append(judge.judge(seen(wave, rng)))
                told = place_of(odd[-1], machines.RATE, machines.SECONDS)
                times.append(overlap((told.begin, told.end), (truth.begin, truth.end)))
                bands.append(overlap((told.low, told.high), (truth.low, truth.high)))
        alarms = [promise.p(one.scores) <= promise.rate for one in (*normal, *odd)]
        row = {
            "auroc": auroc(np.arange(UNSEEN + len(odd)) >= UNSEEN, [one.score for one in (*normal, *odd)]),
            "found": float(np.mean(alarms[UNSEEN:])),
            "false_alarms": float(np.mean(alarms[:UNSEEN])),
            "promised": promise.rate,
            "time_overlap": float(np.mean(times)),
            "band_overlap": float(np.mean(bands)),
            "learning_cpu_seconds": round(learning, 2),
            "judging_cpu_seconds": round(judging, 4),
        }
        rows.append({"family": family, "machine": number, "kind": machine.kind, **row})
    return rows


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of one family: the classes' mean and worst, the machines' means."""
    classes = [row["auroc"] for row in rows if "class" in row]
    made = [row for row in rows if "machine" in row]
    return {
        "esc_mean": float(np.mean(classes)),
        "esc_worst": float(min(classes)),
        **{
            key: float(np.mean([row[key] for row in made]))
            for key in made[0]
            if key not in ("family", "machine", "kind")
        },
    }


if __name__ == "__main__":
    main()
