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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import keep
import numpy as np
from numpy.typing import NDArray
from series import folder

from genapps_timeseries.watching.streaming import DEFAULT, LIGHT, Stream

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
    """The normalized score (nothing found 0, all found at once 100) at the best threshold for all, and that."""
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
    values = file.values
    found = np.zeros(len(values))
    for row in range(1, len(values)):
        stop = row if row <= 6400 else row - (row - 6400) % 100
        if row <= 6400 or stop == row:
            window = values[max(stop - 6400, 0) : stop]
            mean, spread = float(window.mean()), float(window.std()) or 1e-6
        found[row] = 1 - 0.5 * math.erfc(abs(float(values[row]) - mean) / spread / math.sqrt(2))
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


def halves(files: Sequence[Watched], scores: Sequence[Floats]) -> dict[str, dict[str, float]]:
    """For each profile the score of all files, and of each half at the threshold that is best for the first."""
    first = [k for k, file in enumerate(files) if file.development]
    second = [k for k, file in enumerate(files) if not file.development]
    found = {}
    for profile in PROFILES:
        pick = [([files[k] for k in half], [scores[k] for k in half]) for half in (first, second)]
        chosen, threshold = result(*pick[0], profile)
        found[profile] = {
            "all": result(files, scores, profile)[0],
            "chosen_on": chosen,
            "held_out": at(*pick[1], threshold, profile),
            "threshold": threshold,
        }
    return found


def main() -> None:
    """Judge every file that is there, by the detector and by the controls, and write what they come to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the artificial files alone")
    quick = parser.parse_args().quick
    root = folder()
    if root is None or not (root / "nab").is_dir():
        print("skipped: the benchmark's files are not in $GENAPPS_DATA/anomaly/nab")
        return
    files = [file for file in read(root / "nab") if not quick or file.name.startswith("artificial")]
    judges: dict[str, Judge] = {
        "watch": lambda file: judged(file, DEFAULT),
        "watch, light": lambda file: judged(file, LIGHT),
        "windowed Gaussian": gaussian,
        "random": chance,
        "null": lambda file: np.zeros(len(file.values)),
        "perfect": perfect,
    }
    rows, summary = [], {}
    for name, judge in judges.items():
        started = time.process_time()
        scores = [judge(file) for file in files]
        seconds = time.process_time() - started
        found = halves(files, scores)
        rows.append({"detector": name, "seconds": round(seconds, 1), "profiles": _rounded(found)})
        summary[name] = round(found["standard"]["all"], 1)
        told = (f"{profile} {values['all']:6.1f}" for profile, values in found.items())
        print(f"{name:18}", *told, f"{seconds:.0f} s")
    if not quick:
        windows = sum(len(file.windows) for file in files)
        settings = {"files": len(files), "windows": windows, "chosen_on": [f.name for f in files if f.development]}
        keep.write("nab", rows, settings, summary)


def _rounded(found: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {profile: {name: round(value, 4) for name, value in values.items()} for profile, values in found.items()}


if __name__ == "__main__":
    main()
