"""The labelled series that the anomaly benchmarks run on, under the names that TSB-AD gives them.

Looked for in $GENAPPS_DATA/anomaly, then in ../shared/data/anomaly beside the repository; never part of it.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# The univariate series whose figures are stated; no choice may look at their labels.
STATED = (
    *("001_NAB", "005_NAB", "006_NAB", "008_NAB", "013_NAB", "016_NAB", "017_NAB", "019_NAB", "025_NAB"),
    *("141_MSL", "143_MSL", "144_MSL", "147_MSL", "148_MSL", "326_UCR", "346_UCR"),
    *("531_SMAP", "532_SMAP", "533_SMAP", "534_SMAP", "537_SMAP", "538_SMAP"),
    *("540_SMAP", "541_SMAP", "545_SMAP", "546_SMAP", "547_SMAP", "549_SMAP"),
)


@dataclass(frozen=True)
class Labelled:
    """One series: values (N,), labels (N,) of 0 and 1, and how many first rows are declared free of anomalies."""

    name: str
    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    train: int


def folder() -> Path | None:
    """Where the data are, or nothing."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    for root in (os.environ.get("GENAPPS_DATA"), beside):
        if root and (Path(root) / "anomaly").is_dir():
            return Path(root) / "anomaly"
    return None


def stated(limit: int | None = None) -> Iterator[Labelled]:
    """The stated univariate series; what is not found is said and left out."""
    root = folder()
    for key in STATED[:limit]:
        found = sorted((root / "tsbad_u").glob(f"{key}_*.csv.gz")) if root else []
        if not found:
            print(f"skipped {key}: not in $GENAPPS_DATA/anomaly/tsbad_u")
            continue
        yield load(found[0])


def load(path: Path) -> Labelled:
    """Read one file of columns Data and Label; its name says how long the part for training is."""
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1, ndmin=2)
    name = path.name.removesuffix(".gz")
    train = int(name.split("_tr_")[1].split("_")[0])
    return Labelled(name, table[:, 0], table[:, -1].astype(np.int64), train)


def published(method: str) -> dict[str, float]:
    """VUS-PR of a method as the TSB-AD benchmark published it in 2024, by file name."""
    root = folder()
    path = root / "published" / "tsbad_2024_uni.csv.gz" if root else None
    if path is None or not path.exists():
        return {}
    with gzip.open(path, "rt") as file:
        return {row["file"]: float(row[method]) for row in csv.DictReader(file)}
