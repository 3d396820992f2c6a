"""How far a window's shape is from the normal part, seen through filters that were never trained.

Random filters keep what kind of edges and bumps a window has and forget where in it they are, so a pattern that only
came a little early is no anomaly (the patch embedding of PaAno, ICLR 2026, without its training).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.members.nearest import Nearest
from genapps_timeseries.series import Floats

LENGTH = 64  # points of a window
FILTERS = 64  # of each dilation
WIDTH = 7
DILATIONS = (1, 3)
FLAT = 1e-3  # of the channel's spread, added to a window's own


class Convolutions(Nearest):
    """The mean distance to the three nearest normal windows, by the mean answer and the highest one of each filter."""

    name: ClassVar[str] = "convolutions"
    rank: ClassVar[int] = 3
    whole: ClassVar[bool] = False
    most: ClassVar[int] = 1500

    def _length(self, window: int) -> int:
        return LENGTH

    def _far(self, asked: NDArray[np.float32], starts: NDArray[np.int64] | None, apart: int) -> NDArray[np.float32]:
        return self.bank.mean_distances(asked, self.rank, starts, apart)

    def _learn(self, task: Task) -> None:
        bound = 1 / np.sqrt(WIDTH)
        filters = task.generator.uniform(-bound, bound, (len(DILATIONS), FILTERS, WIDTH + 1))
        self._place(filters.astype(np.float32))

    def _place(self, filters: NDArray[np.float32]) -> None:
        """Filters as matrices (length, length * filters): convolutions that keep the length, with zeros beyond it."""
        self.filters, self._matrices = filters, []
        for dilation, group in zip(DILATIONS, filters, strict=True):
            matrix = np.zeros((self.length, self.length, FILTERS), np.float32)
            for k in range(WIDTH):
                shift = (k - WIDTH // 2) * dilation
                at = np.arange(max(0, -shift), min(self.length, self.length - shift))
                matrix[at + shift, at] = group[:, k]
            self._matrices.append(matrix.reshape(self.length, -1))

    def _features(self, rows: Floats) -> NDArray[np.float32]:
        part = rows - rows.mean(1, keepdims=True)
        part = (part / (rows.std(1, keepdims=True) + FLAT)).astype(np.float32)
        seen = []
        for matrix, group in zip(self._matrices, self.filters, strict=True):
            answer = (part @ matrix).reshape(len(part), self.length, FILTERS) + group[:, WIDTH]
            seen += [np.maximum(answer, 0).mean(1), answer.max(1)]
        return np.concatenate(seen, axis=1)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The filters and the bank."""
        arrays, settings = super().state()
        return arrays | {"filters": self.filters}, settings

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = super().from_state(arrays, settings)
        made._place(arrays["filters"])
        return made
