"""Is a table as useful as another to learn from? Train on one, test on the other (TSTR; Esteban et al., 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, Mask
from genapps.metrics.two_sample import bounded_threads, few_codes

TREES = 300  # of all classes together where there are more than three; a class never gets fewer than 20


@dataclass(frozen=True)
class Regression:
    """How well numbers were predicted: share of the variance explained, and error in the target's own unit."""

    r2: float
    rmse: float


def classification_auc(
    train: tuple[Floats, Floats], test: tuple[Floats, Floats], categorical: Mask, *, seed: int = 0, threads: int = 1
) -> float | None:
    """Area under the ROC curve on `test` of boosted trees fitted to `train`; each is (features (N, D), codes (N,)).

    Two classes: of the higher code. More: the mean over classes, each against the rest; a class that `train` lacks
    scores 0.5. Rows without a class are left out. None where `test` has fewer than two classes or there are no
    features.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    (x, y), (unseen, truth) = _labelled(*train), _labelled(*test)
    classes = np.unique(truth)
    if len(classes) < 2 or not x.shape[1]:
        return None
    learnt = np.unique(y)
    if len(learnt) < 2:  # nothing to learn: every row gets the same score
        return 0.5
    mask = few_codes(categorical, x, unseen)
    rounds = 100 if len(learnt) <= 3 else max(20, TREES // len(learnt))
    with bounded_threads(threads):
        trees = HistGradientBoostingClassifier(random_state=seed, categorical_features=mask, max_iter=rounds)
        scores = trees.fit(x, y).predict_proba(unseen)
    column = {code: scores[:, k] for k, code in enumerate(trees.classes_)}
    judged = classes[-1:] if len(classes) == 2 else classes
    areas = [roc_auc_score(truth == code, column.get(code, np.zeros(len(truth)))) for code in judged]
    return float(np.mean(areas))


def regression_scores(
    train: tuple[Floats, Floats], test: tuple[Floats, Floats], categorical: Mask, *, seed: int = 0, threads: int = 1
) -> Regression | None:
    """R2 and root mean squared error on `test` of boosted trees fitted to `train`.

    Each is (features (N, D), numbers (N,)). Rows without a target are left out. None where `test` has a constant target
    or `train` has no rows or no features.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    (x, y), (unseen, truth) = _labelled(*train), _labelled(*test)
    if len(y) < 2 or len(truth) < 2 or not x.shape[1] or np.ptp(truth) == 0:
        return None
    mask = few_codes(categorical, x, unseen)
    with bounded_threads(threads):
        trees = HistGradientBoostingRegressor(random_state=seed, categorical_features=mask).fit(x, y)
        error = trees.predict(unseen) - truth
    squared: float = float(np.mean(error**2))
    return Regression(r2=1 - squared / float(np.var(truth)), rmse=squared**0.5)


def _labelled(x: Floats, y: Floats) -> tuple[Floats, NDArray[np.float64]]:
    known = ~np.isnan(y)
    return x[known], y[known]
