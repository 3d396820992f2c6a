"""How far a window is from the mean window, each of their directions by its own spread: sub-sequence PCA, whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.members.folds import folds
from genapps_timeseries.members.search import every_of
from genapps_timeseries.scoring.windows import covering, spread_some, windows
from genapps_timeseries.series import Floats

BLOCK = 2048
LONGEST = 100_000  # windows that are looked at; of a longer series every second, third...
LESSONS = 8000  # windows that are learnt from, evenly taken
FLOOR = 0.01  # of the mean variance, which every direction has at least; 1e-4 of the channel's where there is none


class Principal:
    """The Mahalanobis distance of windows, shrunk towards none by a floor under the variances."""

    name: ClassVar[str] = "principal"
    reference: Floats

    def fit(self, task: Task) -> Self:
        """Learn all; the reference is of folds that were left out."""
        self.length = max(1, min(task.window, len(task.normal)))
        rows = windows(task.normal, self.length)
        usable = np.ones(len(rows), bool) if task.known is None else covering(task.known, self.length)
        usable = usable if usable.any() else ~usable
        far = np.empty(len(rows))
        for part in folds(len(rows)):
            rest = usable.copy()
            rest[max(0, part.start - self.length // 2) : part.stop + self.length // 2] = False
            far[part] = _far(rows[part], *_spread(rows, rest if rest.any() else usable))
        self.middle, self.whitening = _spread(rows, usable)
        self.reference = spread_some(far, np.arange(len(rows)), len(task.normal), self.length)
        return self

    def score(self, values: Floats) -> Floats:
        """Distances (N,), the mean of the windows that cover a point."""
        rows = windows(values, self.length)
        starts = np.arange(0, len(rows), every_of(len(rows), LONGEST, max(1, self.length // 8)))
        far = _far(rows[:: starts[1] if len(starts) > 1 else 1], self.middle, self.whitening)
        return spread_some(far, starts, len(values), self.length)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The mean window, the whitening matrix, and the reference."""
        return {"middle": self.middle, "whitening": self.whitening, "reference": self.reference}, {}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = cls()
        made.middle, made.whitening, made.reference = arrays["middle"], arrays["whitening"], arrays["reference"]
        made.length = len(made.middle)
        return made


def _spread(rows: Floats, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The mean (L,) of chosen rows (N, L), and the matrix (L, L) that brings them to variance 1 each way."""
    places = np.flatnonzero(chosen)
    part = rows[places[:: max(1, len(places) // LESSONS)]]
    middle = part.mean(0)
    part = part - middle
    variances, directions = np.linalg.eigh(part.T @ part / len(part))
    variances = np.maximum(variances, 0)
    return middle, directions / np.sqrt(variances + FLOOR * variances.mean() + 1e-4)


def _far(rows: Floats, middle: Floats, whitening: Floats) -> Floats:
    parts = [((rows[k : k + BLOCK] - middle) @ whitening) ** 2 for k in range(0, len(rows), BLOCK)]
    return np.concatenate([np.sqrt(part.sum(1)) for part in parts])
