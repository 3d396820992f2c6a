"""Which categories behave alike: a column of very many is ordered by the column that it goes with most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

CELLS = 20_000_000  # a table of counts larger than this is not worth it
LEAST = 0.02  # less than this, above chance, is nothing


def alike(values: Ints, count: int, others: Sequence[Ints]) -> Ints | None:
    """For each of `count` values of a column (N,) the code that it mostly has in the column it tells most about.

    `others` are columns of codes (N,), negative ones unknown. None where no column is told anything about.
    """
    best, chosen = LEAST, None
    shuffled = np.random.default_rng(0).permutation(len(values))
    for other in others:
        known = (values >= 0) & (other >= 0)
        size = int(other.max(initial=0)) + 1
        if count * size > CELLS or not known.any():
            continue
        counts = _counts(values[known], other[known], count, size)
        chance = (values[shuffled] >= 0) & (other >= 0)  # what would be told by chance alone, with so few rows each
        share = told(counts) - told(_counts(values[shuffled][chance], other[chance], count, size))
        if share > best:
            best, chosen = share, counts.argmax(axis=1)
    return chosen


def told(counts: Ints) -> float:
    """The share of the columns' entropy that the rows tell, 0..1, from counts (rows, columns)."""
    total = counts.sum()
    cells, rows, columns = (c[c > 0] / total for c in (counts.ravel(), counts.sum(axis=1), counts.sum(axis=0)))
    entropy = [float(-(p * np.log(p)).sum()) for p in (cells, rows, columns)]
    return (entropy[1] + entropy[2] - entropy[0]) / entropy[2] if entropy[2] > 0 else 0.0


def _counts(values: Ints, other: Ints, rows: int, columns: int) -> Ints:
    return np.bincount(values * columns + other, minlength=rows * columns).reshape(rows, columns)
