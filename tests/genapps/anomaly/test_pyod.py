"""Ours as detectors of PyOD: what its tools expect of a detector is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyod")

from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from genapps.anomaly.pyod import FamilyDetector
from genapps.errors import UsageError


def rows(seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(300, 4)) @ (np.eye(4) + 0.5)
    labels = np.zeros(300, int)
    labels[:15] = 1
    values[:15] += generator.choice([-5.0, 5.0], size=(15, 4))
    return values, labels


def detectors() -> list[Any]:
    from genapps_tabular.pyod import TableDetector
    from genapps_timeseries.pyod import SeriesDetector

    return [
        FamilyDetector(),
        TableDetector(clean=True),
        TableDetector("gmm"),
        SeriesDetector(),
        SeriesDetector("gmm", window=10, normal=200),
    ]


@pytest.mark.parametrize("detector", detectors(), ids=lambda d: f"{type(d).__name__} {d.family}")
def test_it_does_what_pyod_s_detectors_do(detector: Any) -> None:
    values, labels = rows()
    made = clone(detector)
    assert made.get_params() == detector.get_params() and not hasattr(made, "decision_scores_")
    assert made.fit(values) is made
    assert made.decision_scores_.shape == made.labels_.shape == (300,)
    assert made.threshold_ == pytest.approx(np.percentile(made.decision_scores_, 90))
    assert made.labels_.mean() == pytest.approx(0.1, abs=0.02)
    scores = made.decision_function(values)
    assert scores.shape == (300,) and np.isfinite(scores).all()
    np.testing.assert_array_equal(made.predict(values), (scores > made.threshold_).astype(int))
    chances = made.predict_proba(values)
    assert chances.shape == (300, 2) and np.allclose(chances.sum(1), 1)
    if "Series" not in type(detector).__name__:  # where the order of rows has a meaning, these labels have none
        assert roc_auc_score(labels, made.decision_scores_) > 0.9
    if isinstance(made, FamilyDetector):
        made.set_params(contamination=0.2)
        assert made.fit(values).labels_.mean() == pytest.approx(0.2, abs=0.02)


def test_pyod_combines_them_with_its_own() -> None:
    from pyod.models.knn import KNN
    from pyod.models.lscp import LSCP

    values, labels = rows()
    ours = [FamilyDetector(), FamilyDetector("gmm", {"n_components": 1})]
    made = LSCP([*ours, KNN()], n_bins=3, random_state=0).fit(values)
    assert roc_auc_score(labels, made.decision_scores_) > 0.9


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="call fit first"):
        FamilyDetector().decision_function([[1.0]])
    with pytest.raises(UsageError, match="gmm, vae, gan, rbm"):
        FamilyDetector("hmm").fit(rows()[0])
    with pytest.raises(UsageError, match="rows, columns"):
        FamilyDetector().fit(np.zeros(5))
