"""What the last points did not let one expect: the residual of a linear autoregression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.members.folds import folds
from genapps_timeseries.scoring.windows import covering, reach_of, tent, windows
from genapps_timeseries.series import Floats

LAGS = 32
RIDGE = 1e-3  # of the channel's variance, for each point
BOUND = 10.0  # spreads: what is farther off says nothing more about the next point
LESSONS = 20_000  # points that are learnt from, the last ones


class Regression:
    """The absolute residual of ridge regression on up to 32 points before; a causal member."""

    name: ClassVar[str] = "regression"
    reference: Floats

    def fit(self, task: Task) -> Self:
        """Learn all; the reference is of folds that were left out."""
        self.lags = max(1, min(LAGS, len(task.normal) // 4))
        self.reach = reach_of(task.window)
        rows, values = self._lagged(task.normal), np.clip(task.normal, -BOUND, BOUND)
        usable = np.arange(len(values)) >= self.lags
        if task.known is not None:
            usable &= np.concatenate([np.zeros(self.lags, bool), covering(task.known, self.lags + 1)])[: len(usable)]
        usable[: max(0, len(values) - LESSONS)] = False
        residual = np.empty(len(values))
        for part in folds(len(values)):
            rest = usable.copy()
            rest[part] = False
            residual[part] = task.normal[part] - rows[part] @ self._solved(rows[rest], values[rest])
        self.weights = self._solved(rows[usable], values[usable])
        self.reference = self._points(residual)
        return self

    def score(self, values: Floats) -> Floats:
        """Residuals (N,); the first points, which have too few before them, count as usual at most."""
        return self._points(values - self._lagged(values) @ self.weights)

    def _points(self, residual: Floats) -> Floats:
        size = np.abs(residual)
        size[: self.lags] = np.minimum(size[: self.lags], np.median(size) if len(size) else 0)
        return tent(size, self.reach)

    def _lagged(self, values: Floats) -> Floats:
        padded = np.pad(np.clip(values, -BOUND, BOUND), (self.lags, 0), mode="edge")
        return windows(padded, self.lags)[: len(values)]

    def _solved(self, rows: Floats, values: Floats) -> Floats:
        square = rows.T @ rows + RIDGE * (len(rows) + 1) * np.eye(self.lags)
        return np.asarray(np.linalg.solve(square, rows.T @ values), np.float64)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The weights, and the reference."""
        return {"weights": self.weights, "reference": self.reference}, {"reach": self.reach}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = cls()
        made.weights, made.reference, made.reach = arrays["weights"], arrays["reference"], int(settings["reach"])
        made.lags = len(made.weights)
        return made
