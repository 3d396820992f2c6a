"""The judge of series as a detector of PyOD (extra `[pyod]`): rows are in order of time."""

from __future__ import annotations

from typing import Any

import numpy as np

from genapps.anomaly.pyod import Adapter
from genapps_timeseries.scoring.detector import Detector, DetectorSettings
from genapps_timeseries.series import Floats


class SeriesDetector(Adapter):
    """Points (N,) or rows (N, C) in order of time, NaN where unknown.

    family: as of `--family`. window: points of a period, 0 finds it. normal: how many first rows are the normal part,
    all where none is given; the others are judged, and may be looked at meanwhile, as `detect` does.
    """

    def __init__(
        self,
        family: str = "ensemble",
        window: int = 0,
        normal: int | None = None,
        contamination: float = 0.1,
        random_state: int = 0,
    ) -> None:
        super().__init__(contamination=contamination)
        self.family, self.window, self.normal, self.random_state = family, window, normal, random_state

    def _learn(self, rows: Any) -> Floats:
        values = _rows(rows)
        cut = len(values) if self.normal is None else min(self.normal, len(values))
        normal, others = values[:cut], values[cut:]
        settings = DetectorSettings(self.family, self.window, self.random_state)
        self.detector_ = Detector(settings).fit(normal, others if len(others) else None)
        rest = self.detector_.score(others).scores if len(others) else np.zeros(0)
        return _finite(np.concatenate([self.detector_.reference.scores, rest]))

    def decision_function(self, X: Any) -> Floats:
        """How strange rows in order of time are, (N,); the least of all where nothing is known."""
        self._fitted()
        return _finite(self.detector_.score(_rows(X)).scores)


def _rows(values: Any) -> Floats:
    array = np.asarray(values, np.float64)
    return array[:, None] if array.ndim == 1 else array


def _finite(scores: Floats) -> Floats:
    known = scores[np.isfinite(scores)]
    found: Floats = np.where(np.isfinite(scores), scores, known.min() if len(known) else 0.0)
    return found
