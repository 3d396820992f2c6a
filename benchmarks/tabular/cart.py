"""A sequence of CART trees: each column from the columns before it, the baseline to beat and to distrust.

Every synthetic value is a training value drawn from the leaf that the row so far falls into, so it is fast, close to
the training rows on every fidelity score, and memorizes. (The idea: Reiter 2005, Using CART to generate partially
synthetic public use microdata.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FEW = 30  # numbers with at most so many values are classified, not regressed
MISSING = -1e9


@dataclass(frozen=True)
class Leaves:
    """A tree and the training rows of each of its leaves, as slices of `rows`."""

    tree: Any
    rows: NDArray[np.int64]
    leaves: NDArray[np.int64]
    starts: NDArray[np.int64]

    def draw(self, x: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.int64]:
        """For each row of `x`, a training row of the same leaf."""
        leaf = np.searchsorted(self.leaves, self.tree.apply(x))
        size = self.starts[leaf + 1] - self.starts[leaf]
        return self.rows[self.starts[leaf] + (generator.random(len(x)) * size).astype(int)]


def encode(frame: pd.DataFrame, kinds: dict[str, str]) -> NDArray[np.float32]:
    """Categories as their rank among the sorted values, missing as a number of its own."""
    columns = []
    for name, kind in kinds.items():
        if kind == "categorical":
            rank = {v: i for i, v in enumerate(sorted(frame[name].dropna().unique()))}
            columns.append([-1 if pd.isna(v) else rank[v] for v in frame[name]])
        else:
            column = frame[name]
            if kind == "datetime":
                column = (pd.to_datetime(column) - pd.Timestamp(0)).dt.total_seconds()
            columns.append(pd.to_numeric(column).fillna(MISSING))
    return np.stack([np.asarray(c, np.float32) for c in columns], axis=1)


def grow(x: NDArray[np.float32], y: NDArray[np.float32], classify: bool, leaf: int) -> Leaves:
    """A tree for `y` (its ranks where it is a number), with at least `leaf` training rows in each leaf."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if classify else DecisionTreeRegressor
    tree = kind(min_samples_leaf=leaf, random_state=0)
    tree.fit(x, y.astype(int) if classify else pd.Series(y).rank().to_numpy())
    found = tree.apply(x)
    rows = np.argsort(found, kind="stable")
    leaves, starts = np.unique(found[rows], return_index=True)
    return Leaves(tree, rows, leaves, np.r_[starts, len(rows)])


def fit(train: pd.DataFrame, kinds: dict[str, str], leaf: int = 15) -> Callable[[int, int], pd.DataFrame]:
    """Learn the sequence; the result draws `n` rows with a seed."""
    known = encode(train, kinds)
    names = list(train.columns)
    sequence = [
        grow(known[:, :j], known[:, j], kinds[name] == "categorical" or len(np.unique(known[:, j])) <= FEW, leaf)
        for j, name in enumerate(names)
        if j
    ]

    def sample(n: int, seed: int) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        source = np.zeros((n, len(names)), np.int64)
        values = np.zeros((n, len(names)), np.float32)
        for j in range(len(names)):
            source[:, j] = sequence[j - 1].draw(values[:, :j], generator) if j else generator.integers(0, len(train), n)
            values[:, j] = known[source[:, j], j]
        return pd.DataFrame({c: train[c].to_numpy()[source[:, j]] for j, c in enumerate(names)})

    return sample
