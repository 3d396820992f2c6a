"""Can a classifier tell two samples apart? The classifier two-sample test (Lopez-Paz and Oquab, 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, Mask

FOLDS = 3
MOST_CODES = 250  # boosted trees take fewer than 255 categories; a column with more is cut like a number


@contextmanager
def bounded_threads(threads: int) -> Iterator[None]:
    """Boosted trees on at most so many threads."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=threads):
        yield


def few_codes(categorical: Mask, *tables: Floats) -> Mask:
    """Which columns (D,) boosted trees can treat as categories: codes below 250 in every table (N, D)."""
    fits = np.ones(len(categorical), bool)
    for table in tables:
        fits &= ~(np.nan_to_num(table, nan=0.0).max(axis=0, initial=0.0) >= MOST_CODES)
    return categorical & fits


def two_sample_auc(a: Floats, b: Floats, categorical: Mask, *, seed: int = 0, threads: int = 1) -> float | None:
    """Area under the ROC curve of boosted trees that tell rows of `a` (N, D) from rows of `b` (M, D); 0.5 is alike.

    Equal numbers of rows (the first of the longer table), mean of 3 stratified folds, scikit-learn's histogram gradient
    boosting as it comes. None where there are no columns or fewer than 2 rows a fold and side.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    n = min(len(a), len(b))
    if n < 2 * FOLDS or not a.shape[1]:
        return None
    rows = np.concatenate([a[:n], b[:n]])
    sides: NDArray[np.int64] = np.repeat([1, 0], n)
    mask = few_codes(categorical, rows)
    areas = []
    with bounded_threads(threads):
        for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, sides):
            trees = HistGradientBoostingClassifier(random_state=seed, categorical_features=mask)
            trees.fit(rows[train], sides[train])
            areas.append(roc_auc_score(sides[test], trees.predict_proba(rows[test])[:, 1]))
    return float(np.mean(areas))
