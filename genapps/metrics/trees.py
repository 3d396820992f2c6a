"""Gradient-boosted trees as measures use them: scikit-learn's histogram trees as they come, on few threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, Mask

MOST_CODES = 250  # trees take fewer than 255 categories; a column with more is cut like a number
ROUNDS = 100


@dataclass(frozen=True)
class Trees:
    """Fitted trees and the columns that they look at."""

    estimator: Any
    columns: NDArray[np.int64]

    def predict(self, rows: Floats) -> Floats:
        """Numbers (N,) for rows (N, D)."""
        return np.asarray(self.estimator.predict(rows[:, self.columns]), np.float64)

    def probabilities(self, rows: Floats) -> dict[int, Floats]:
        """The probability (N,) of each class for rows (N, D)."""
        shares = self.estimator.predict_proba(rows[:, self.columns])
        return {int(code): shares[:, k] for k, code in enumerate(self.estimator.classes_)}


def fit_trees(
    rows: Floats,
    target: NDArray[Any],
    categorical: Mask,
    *,
    classes: bool,
    seed: int = 0,
    rounds: int = ROUNDS,
    threads: int = 1,
) -> Trees | None:
    """Trees that predict `target` (N,), codes or numbers, from `rows` (N, D); None where no column holds a value."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    columns = np.flatnonzero(~np.isnan(rows).all(axis=0)) if len(rows) else np.empty(0, np.int64)
    if not len(columns):
        return None
    kept = rows[:, columns]
    mask = categorical[columns] & (np.nan_to_num(kept).max(axis=0) < MOST_CODES)
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    with bounded_threads(threads):
        estimator = kind(random_state=seed, categorical_features=mask, max_iter=rounds)
        return Trees(estimator.fit(kept, target), columns)


@contextmanager
def bounded_threads(threads: int) -> Iterator[None]:
    """Native libraries on at most so many threads."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=threads):
        yield
