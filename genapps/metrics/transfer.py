"""Is a table as useful as another to learn from? Train on one, test on the other (TSTR; Esteban et al., 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, Mask
from genapps.metrics.trees import ROUNDS, fit_trees

FEWEST = 5  # rows of a class below which it is not learnt: trees chase single rows, to the harm of the other classes


@dataclass(frozen=True)
class Regression:
    """How well numbers were predicted: share of the variance explained, and error in the target's own unit."""

    r2: float
    rmse: float


def classification_auc(
    train: tuple[Floats, Floats], test: tuple[Floats, Floats], categorical: Mask, *, seed: int = 0, threads: int = 1
) -> float | None:
    """Area under the ROC curve on `test` of boosted trees fitted to `train`; each is (features (N, D), codes (N,)).

    Two classes: of the higher code. More: the mean over classes, each against the rest, with fewer trees a class; one
    that `train` has in fewer than 5 rows scores 0.5. Rows without a class are left out. None where `test` has fewer
    than two classes or there are no features.
    """
    from sklearn.metrics import roc_auc_score

    (x, y), (unseen, truth) = _labelled(*train), _labelled(*test)
    classes = np.unique(truth)
    if len(classes) < 2 or not x.shape[1]:
        return None
    found = np.unique_counts(y)
    frequent = np.isin(y, found.values[found.counts >= FEWEST])
    x, y = x[frequent], y[frequent]
    learnt = len(np.unique(y))
    rounds = ROUNDS if learnt <= 3 else max(20, 3 * ROUNDS // learnt)
    trees = None
    if learnt >= 2:  # one class teaches nothing: every row gets the same score
        trees = fit_trees(x, y, categorical, classes=True, seed=seed, rounds=rounds, threads=threads)
    scores = trees.probabilities(unseen) if trees else {}
    judged = classes[-1:] if len(classes) == 2 else classes
    areas = [roc_auc_score(truth == code, scores.get(int(code), np.zeros(len(truth)))) for code in judged]
    return float(np.mean(areas))


def regression_scores(
    train: tuple[Floats, Floats], test: tuple[Floats, Floats], categorical: Mask, *, seed: int = 0, threads: int = 1
) -> Regression | None:
    """R2 and root mean squared error on `test` of boosted trees fitted to `train`.

    Each is (features (N, D), numbers (N,)). Rows without a target are left out. None where `test` has a constant target
    or `train` has no rows or no features.
    """
    (x, y), (unseen, truth) = _labelled(*train), _labelled(*test)
    if len(y) < 2 or len(truth) < 2 or np.ptp(truth) == 0:
        return None
    trees = fit_trees(x, y, categorical, classes=False, seed=seed, threads=threads)
    if trees is None:
        return None
    squared = float(np.mean((trees.predict(unseen) - truth) ** 2))
    return Regression(r2=1 - squared / float(np.var(truth)), rmse=math.sqrt(squared))


def _labelled(x: Floats, y: Floats) -> tuple[Floats, NDArray[np.float64]]:
    known = ~np.isnan(y)
    return x[known], y[known]
