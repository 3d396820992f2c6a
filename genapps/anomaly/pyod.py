"""The families of genapps as detectors of PyOD, for its combinations, its benchmarks and code that is written for it.

Only who imports this needs PyOD (`pip install 'genapps[pyod]'`). What a domain has is in its own module: tables in
`genapps_tabular.pyod`, series in `genapps_timeseries.pyod`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from genapps.errors import MissingExtra, UsageError
from genapps.metrics.distributions import Floats

try:
    from pyod.models.base import BaseDetector  # type: ignore[import-untyped]
except ImportError as error:
    raise MissingExtra("pyod", "pyod") from error

ROWS = ("gmm", "vae", "gan", "rbm")  # families that learn rows of numbers
ROWS_A_COMPONENT = 20


class Adapter(BaseDetector):  # type: ignore[misc]
    """What all of them share: `fit` keeps decision_scores_, threshold_ and labels_, as PyOD has them."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from rows; y is ignored."""
        self._set_n_classes(y)
        self.decision_scores_ = self._learn(X)
        self._process_decision_scores()
        return self

    @abstractmethod
    def decision_function(self, X: Any) -> Floats:
        """How strange rows are, (N,): higher is stranger. Raises UsageError before `fit`."""

    @abstractmethod
    def _learn(self, rows: Any) -> Floats:
        """Learn rows, and say how strange each of them is, (N,)."""

    def _fitted(self) -> None:
        if not hasattr(self, "decision_scores_"):
            raise UsageError("this detector has not learnt anything yet: call fit first")


class FamilyDetector(Adapter):
    """A family over rows of numbers: gmm, vae, gan or rbm.

    options: settings of the family's own. NaN are unknown where the family knows that (gmm, vae, rbm).
    """

    def __init__(
        self,
        family: str = "gmm",
        options: Mapping[str, Any] | None = None,
        contamination: float = 0.1,
        random_state: int = 0,
    ) -> None:
        super().__init__(contamination=contamination)
        self.family, self.options, self.random_state = family, options, random_state

    def _learn(self, rows: Any) -> Floats:
        from genapps.models import build
        from genapps.spaces import Columns, Continuous

        if self.family not in ROWS:
            raise UsageError(f"family {self.family!r}: rows of numbers are learnt by {', '.join(ROWS)}")
        table = _table(rows)
        options: dict[str, Any] = {}
        if self.family == "gmm":
            components = max(1, min(8, len(table) // ROWS_A_COMPONENT))
            options = {"n_components": components, "covariance_prior": 5.0, "reg_covar": 1e-2}
        options |= dict(self.options or {})
        space = Columns((Continuous(),) * table.shape[1])
        self.model_ = build(self.family, space, random_state=self.random_state, **options).fit(table)
        return np.asarray(self.model_.anomaly_score(table), np.float64)

    def decision_function(self, X: Any) -> Floats:
        """How strange rows (N, D) are, (N,), by the family's own measure."""
        self._fitted()
        return np.asarray(self.model_.anomaly_score(_table(X)), np.float64)


def _table(rows: Any) -> Floats:
    table = np.asarray(rows, np.float64)
    if table.ndim != 2:
        raise UsageError(f"rows of shape {table.shape}: give (rows, columns)")
    return table
