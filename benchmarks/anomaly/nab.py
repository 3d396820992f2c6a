"""The stream detector on the Numenta Anomaly Benchmark, scored by its own rules; no row is judged by a later one.

`python benchmarks/anomaly/nab.py` writes results/nab.json. Settings of the detector were chosen on the files of DEV
alone (artificial ones, and those whose name hashes to an even number); the other half was read when they stood.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import keep
import numpy as np
from numpy.typing import NDArray
from series import folder

from genapps_timeseries.streaming import DEFAULT, LIGHT, Stream

Floats = NDArray[np.float64]
Judge = Callable[["Watched"], Floats]
PROFILES = {"standard": (0.11, 1.0), "reward_low_FP_rate": (0.22, 1.0), "reward_low_FN_rate": (0.11, 2.0)}


@dataclass(frozen=True)
class Watched:
    """One file: values (N,), times (N,) in seconds, and the first and last row of each labelled window."""

    name: str
    values: Floats
    times: Floats
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """First rows that are not judged: 15 %, at most 750."""
        return min(math.floor(0.15 * len(self.values)), 750)

    @property
    def development(self) -> bool:
        """Whether choices may look at this file's labels."""
        return self.name.startswith("artificial") or zlib.crc32(Path(self.name).stem.encode()) % 2 == 0


def read(root: Path) -> list[Watched]:
    """All files that are there, in order of name."""
    windows = json.loads((root / "combined_windows.json").read_text())
    return [
        _read(root / f"{name}.gz", name, windows[name]) for name in sorted(windows) if (root / f"{name}.gz").exists()
    ]


def _read(path: Path, name: str, windows: list[list[str]]) -> Watched:
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    stamps = [datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp() for row in rows]
    places = [
        tuple(stamps.index(datetime.fromisoformat(edge).replace(tzinfo=UTC).timestamp()) for edge in window)
        for window in windows
    ]
    values = np.array([float(row["value"]) for row in rows])
    return Watched(name, values, np.array(stamps), tuple((first, last) for first, last in places))


def credit(place: Floats) -> Floats:
    """What an alarm is worth: near 1 at the start of a window (place -1), 0 at its end, -1 far behind it."""
    return np.where(place >= 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(place, 3))) - 1)


def curve(files: Sequence[Watched], scores: Sequence[Floats], profile: str = "standard") -> tuple[Floats, Floats]:
    """Thresholds, falling, and the benchmark's raw score if rows at least that high are alarms.

    An alarm in a window earns by how early it is, the best of a window counts; each one outside costs, less shortly
    after a window; a window without any costs the weight of a miss.
    """
    false, miss = PROFILES[profile]
    levels: list[Floats] = [np.array([np.inf])]
    changes: list[Floats] = [np.array([0.0])]
    missed = 0.0
    for file, score in zip(files, scores, strict=True):
        rows = np.arange(len(score))
        outside = rows >= file.probation
        place = np.full(len(score), 3.0)
        for first, last in sorted(file.windows):
            inside = rows[max(first, file.probation) : last + 1]
            place[last + 1 :] = (rows[last + 1 :] - last) / max(last - first, 1)
            outside[first : last + 1] = False
            if not len(inside):
                continue
            missed -= miss
            worth = credit((inside - last - 1.0) / (last - first + 1)) / credit(np.array(-1.0))
            order = np.argsort(-score[inside], kind="stable")
            best = np.maximum.accumulate(worth[order])
            levels.append(score[inside][order])
            changes.append(np.diff(best, prepend=-miss))
        levels.append(score[outside])
        changes.append(false * credit(place[outside]))
    level, change = np.concatenate(levels), np.concatenate(changes)
    order = np.argsort(-level, kind="stable")
    level, total = level[order], missed + np.cumsum(change[order])
    last_of_ties = np.append(level[1:] != level[:-1], True)
    return level[last_of_ties], total[last_of_ties]


def result(files: Sequence[Watched], scores: Sequence[Floats], profile: str = "standard") -> tuple[float, float]:
    """The normalized score (nothing found 0, all found at once 100) at the best single threshold, and that threshold."""
    levels, totals = curve(files, scores, profile)
    best = int(totals.argmax())
    return normalized(files, float(totals[best]), profile), float(levels[best])


def normalized(files: Sequence[Watched], raw: float, profile: str = "standard") -> float:
    """100 (raw - null) / (perfect - null)."""
    windows = sum(len(file.windows) for file in files)
    null = -PROFILES[profile][1] * windows
    return 100 * (raw - null) / (windows - null)


def at(files: Sequence[Watched], scores: Sequence[Floats], threshold: float, profile: str = "standard") -> float:
    """The normalized score at a given threshold."""
    levels, totals = curve(files, scores, profile)
    return normalized(files, float(totals[(levels >= threshold).sum() - 1]), profile)


def gaussian(file: Watched) -> Floats:
    """The benchmark's baseline: the normal law's tail of a value beside the last 6,400, taken anew every 100 rows."""
    window: deque[float] = deque(maxlen=6400)
    fresh: list[float] = []
    found, mean, spread = np.zeros(len(file.values)), 0.0, 1.0
    for row, value in enumerate(file.values.tolist()):
        if window:
            found[row] = 1 - 0.5 * math.erfc(abs(value - mean) / spread / math.sqrt(2))
        if len(window) < 6400:
            window.append(value)
        else:
            fresh.append(value)
            if len(fresh) < 100:
                continue
            window.extend(fresh)
            fresh = []
        mean, spread = float(np.mean(window)), float(np.std(window)) or 1e-6
    return found


def chance(file: Watched) -> Floats:
    """Scores that know nothing."""
    return np.random.default_rng(zlib.crc32(file.name.encode())).random(len(file.values))


def perfect(file: Watched) -> Floats:
    """Alarms at the first row of each window."""
    found = np.zeros(len(file.values))
    found[[first for first, _ in file.windows]] = 1
    return found


def judged(file: Watched, family: str) -> Floats:
    """How likely something begins with each row, as the stream detector says it; the warm-up is what is not judged."""
    stream = Stream(1, family)
    warm = file.probation
    stream.begin(file.times[:warm].tolist(), file.values[:warm, None])
    found = np.zeros(len(file.values))
    for row in range(warm, len(file.values)):
        stream.step(float(file.times[row]), (float(file.values[row]),))
        found[row] = stream.onset()
    return found
