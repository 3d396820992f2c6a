"""Can a classifier tell two samples apart? The classifier two-sample test (Lopez-Paz and Oquab, 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, Mask
from genapps.metrics.trees import fit_trees

FOLDS = 3


def two_sample_auc(a: Floats, b: Floats, categorical: Mask, *, seed: int = 0, threads: int = 1) -> float | None:
    """Area under the ROC curve of boosted trees that tell rows of `a` (N, D) from rows of `b` (M, D); 0.5 is alike.

    Equal numbers of rows (the first of the longer table), mean of 3 stratified folds. None where there are no columns
    or fewer than 2 rows a fold and side.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    n = min(len(a), len(b))
    if n < 2 * FOLDS or not a.shape[1]:
        return None
    rows = np.concatenate([a[:n], b[:n]])
    sides: NDArray[np.int64] = np.repeat([1, 0], n)
    areas = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, sides):
        trees = fit_trees(rows[train], sides[train], categorical, classes=True, seed=seed, threads=threads)
        scores = trees.probabilities(rows[test])[1] if trees else np.zeros(len(test))
        areas.append(roc_auc_score(sides[test], scores))
    return float(np.mean(areas))
