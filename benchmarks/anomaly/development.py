"""The univariate series that choices are made on: made ones, and real ones that are not among the stated."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from calibration import choices
from made import made
from series import STATED, Labelled, folder, load

START = 500  # rows that Merlion's series are taken as normal for, whether they are or not
PIECE, PIECES = 12_000, 4  # rows of a piece of the electrocardiogram, and how many


def development(seeds: int = 3) -> Iterator[Labelled]:
    """Made series, and what is found of Merlion's, UCR's, an electrocardiogram and the rest of NAB.

    Names begin with their family.
    """
    yield from made(seeds)
    root = folder()
    if root is None:
        print("skipped all but the made series: no $GENAPPS_DATA/anomaly")
        return
    for path in sorted((root / "synthetic_merlion").glob("*.csv.gz")):
        table = _table(path, 1)
        yield Labelled(f"merlion_{path.name}", table[:, 1], (table[:, 2] > 0).astype(np.int64), START)
    yield from _ucr(root)
    yield from _heart(root)
    for series in choices():
        if "/" in series.name and series.labels.any():
            yield Labelled(f"nab_{series.name}", series.values, series.labels, series.train)


def _ucr(root: Path) -> Iterator[Labelled]:
    """Series of the UCR archive but for those whose values are stated under another name."""
    stated = [load(path).values for key in STATED if "UCR" in key for path in (root / "tsbad_u").glob(f"{key}_*")]
    for path in sorted((root / "ucr").glob("*.txt.gz")):
        with gzip.open(path, "rt") as file:
            values = np.array(file.read().split(), float)
        if any(len(values) == len(other) and np.allclose(values, other, atol=1e-3) for other in stated):
            continue
        train, first, last = (int(word) for word in path.name.split(".")[0].split("_")[-3:])
        labels = np.zeros(len(values), np.int64)
        labels[first : last + 1] = 1
        yield Labelled(f"ucr_{path.name}", values, labels, train)


def _heart(root: Path) -> Iterator[Labelled]:
    """Pieces of an electrocardiogram that begin with normal beats."""
    path, found = root / "ecg" / "MBA_ECG805_data.out.gz", 0
    table = _table(path, 0) if path.exists() else np.zeros((0, 2))
    for begin in range(0, len(table) - PIECE, PIECE):
        values, labels = table[begin : begin + PIECE, 0], table[begin : begin + PIECE, 1].astype(np.int64)
        first = int(labels.argmax())
        if labels.any() and first >= PIECE // 10 and found < PIECES:
            found += 1
            yield Labelled(f"ecg_{begin}", values, labels, min(PIECE // 4, first))


def _table(path: Path, skip: int) -> np.ndarray:
    with gzip.open(path, "rt") as file:
        return np.loadtxt(file, delimiter=",", skiprows=skip, ndmin=2)
