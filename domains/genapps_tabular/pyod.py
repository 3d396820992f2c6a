"""The judges of `tabular detect` as a detector of PyOD (extra `[pyod]`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from genapps.anomaly.pyod import Adapter
from genapps.metrics.distributions import Floats
from genapps_tabular.anomalies import detect
from genapps_tabular.anomaly_model import ENSEMBLE
from genapps_tabular.checks import read
from genapps_tabular.unread import lost_cells


class TableDetector(Adapter):
    """Rows of numbers, or a table of any kind of columns: pandas, polars or pyarrow.

    family: as of `--family`. clean: whether the rows that are learnt are known to be normal; where they are not, their
    own scores are of judges that have not learnt them, by folds.
    """

    def __init__(
        self, family: str = ENSEMBLE, clean: bool = False, contamination: float = 0.1, random_state: int = 0
    ) -> None:
        super().__init__(contamination=contamination)
        self.family, self.clean, self.random_state = family, clean, random_state

    def _learn(self, rows: Any) -> Floats:
        table = _named(rows)
        train = table if self.clean else None
        made = detect(table, train=train, family=self.family, seed=self.random_state, explain=False)
        self.model_ = made.model
        return made.scores

    def decision_function(self, X: Any) -> Floats:
        """How strange rows are, (N,). Raises InputError where a column is missing."""
        self._fitted()
        table, _, name = read(_named(X), None)
        features = self.model_.features
        features.check(table, name)
        values = features.read(table)
        return self.model_.score(features.encode(values), lost_cells(features, table, values))


def _named(rows: Any) -> Any:
    """An array (N, D) as a table of columns x0, x1, ...; tables as they are."""
    if not isinstance(rows, np.ndarray | list):
        return rows
    array = np.asarray(rows, np.float64)
    return pa.table({f"x{j}": column for j, column in enumerate(array.T)})
