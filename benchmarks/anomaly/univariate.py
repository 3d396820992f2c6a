"""VUS-PR of the default on univariate series, beside published figures, and what each of its members gets alone.

python benchmarks/anomaly/univariate.py [--quick] [--choices]

The detector learns from the rows that the name of a file declares normal and has the rest at hand, as everybody on that
board has; it is the default with its default settings, the same for all series. Values go in as they are in the file.
The buffer of the measure is TSB-AD's: the period of the whole series (`natural_window`).

--choices: the development series instead, on which every setting was chosen (`development.py`); beside them Sub-PCA as
published and a z-normalized profile of the fifth neighbor, which is what MMPAD comes to.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from development import development
from keep import write
from metric import sub_pca
from numpy.typing import NDArray
from series import Labelled, folder, published, stated

from genapps.metrics.ranges import natural_window, vus_pr
from genapps_timeseries.members.base import Task
from genapps_timeseries.members.shapes import Discords
from genapps_timeseries.scoring.detector import Detector
from genapps_timeseries.scoring.ensemble import Ensemble

Floats = NDArray[np.float64]
LARGE = 5  # series of a family whose mean counts by itself


class Profile(Discords):
    """The matrix profile of the fifth neighbor."""

    name: ClassVar[str] = "profile"
    rank: ClassVar[int] = 5


def profile(values: Floats, window: int) -> Floats:
    """A stand-in for MMPAD where it is not published."""
    unit = (values - values.mean()) / (values.std() or 1.0)
    return Profile().fit(Task(unit, window, np.random.default_rng(0))).reference


def judged(series: Labelled) -> tuple[Floats, float]:
    """The default's scores of all rows, those of the normal part as if they had not been learnt; CPU seconds."""
    began = time.process_time()
    normal, others = series.values[: series.train, None], series.values[series.train :, None]
    detector = Detector().fit(normal, others)
    scores = np.concatenate([detector.reference.scores, detector.score(others).scores])
    return np.nan_to_num(scores, nan=float(np.nanmin(scores))), time.process_time() - began


def alone(series: Labelled) -> tuple[dict[str, Floats], dict[str, float]]:
    """The scores of each member of the ensemble, and its weight."""
    ensemble = Ensemble().fit(series.values[: series.train], np.random.default_rng(0), series.values[series.train :])
    others, _ = ensemble.prepared(series.values[series.train :])
    found = {m.name: np.concatenate([m.reference, m.score(others)]) for m in ensemble.members}
    worth = {m.name: v.worth * len(found) for m, v in zip(ensemble.members, ensemble.voices_of, strict=True)}
    return found, worth


def board() -> dict[str, float]:
    """MMPAD as published, by file name."""
    root = folder()
    path = root / "published" / "leaderboard_2026" / "Uni_MMPAD.csv.gz" if root else None
    if path is None or not path.exists():
        return {}
    with gzip.open(path, "rt") as file:
        return {row["file"]: float(row["VUS-PR"]) for row in csv.DictReader(file)}


def row_of(series: Labelled, rivals: dict[str, float]) -> dict[str, Any]:
    """Everything about one series."""
    window = natural_window(series.values)
    scores, took = judged(series)
    members, worth = alone(series)
    figure: Callable[[Floats], float] = lambda s: round(vus_pr(series.labels, s, window), 4)  # noqa: E731
    return {
        "series": series.name,
        "rows": len(series.values),
        "default": figure(scores),
        "rivals": {name: round(value, 4) for name, value in rivals.items()},
        "members": {name: figure(found) for name, found in members.items()},
        "worth": {name: round(value, 2) for name, value in worth.items()},
        "cpu_s_10000_rows": round(took / len(series.values) * 1e4, 3),
    }


def family(name: str) -> str:
    """NAB of 001_NAB_id_1..., nab of nab_..."""
    parts = name.split("_")
    return parts[1] if parts[0].isdigit() else parts[0]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means: of all, of each family beside the better rival, of each member."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(family(row["series"]), []).append(row)
    families = {}
    for name, found in groups.items():
        rivals = {rival: _mean(row["rivals"][rival] for row in found) for rival in found[0]["rivals"]}
        families[name] = {"series": len(found), "default": _mean(row["default"] for row in found), **rivals}
    behind = [
        name
        for name, found in families.items()
        if found["series"] >= LARGE
        and found["default"] < max(v for k, v in found.items() if k not in ("series", "default"))
    ]
    names = {name for row in rows for name in row["members"]}
    return {
        "series": len(rows),
        "mean": _mean(row["default"] for row in rows),
        "mean_of_families": _mean(found["default"] for found in families.values()),
        "large_families_behind_a_rival": behind,
        "families": families,
        "members": {
            name: _mean(row["members"][name] for row in rows if name in row["members"]) for name in sorted(names)
        },
        "cpu_s_10000_rows": _mean(row["cpu_s_10000_rows"] for row in rows),
        "cpu_s_10000_rows_most": max(row["cpu_s_10000_rows"] for row in rows),
    }


def _mean(values: Iterator[float] | Any) -> float:
    return round(float(np.mean(list(values))), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three series, nothing written")
    parser.add_argument("--choices", action="store_true", help="the series that settings were chosen on")
    asked = parser.parse_args()
    pca, mmpad = published("Sub-PCA"), board()
    rows = []
    for k, series in enumerate(development() if asked.choices else stated()):
        if asked.quick and k == 3:
            break
        window = natural_window(series.values)
        if asked.choices:
            found = {"Sub-PCA": sub_pca(series.values, window), "profile": profile(series.values, window)}
            rivals = {name: vus_pr(series.labels, scores, window) for name, scores in found.items()}
        else:
            rivals = {"Sub-PCA": pca[series.name], "MMPAD": mmpad[series.name]}
        rows.append(row_of(series, rivals))
        print({key: rows[-1][key] for key in ("series", "rows", "default", "rivals", "cpu_s_10000_rows")}, flush=True)
    if not rows:
        return
    totals = summary(rows)
    print(totals)
    if not asked.quick:
        settings = {"detector": "default", "seed": 0, "threads": 1}
        write("univariate_choices" if asked.choices else "univariate", rows, settings, totals)


if __name__ == "__main__":
    main()
