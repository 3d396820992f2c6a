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
from genapps_timeseries.members.search import Bank, every_of
from genapps_timeseries.series import Floats
from genapps_timeseries.windows import spread_some, windows

LENGTH = 64  # points of a window
FILTERS = 64  # of each dilation
WIDTH = 7
DILATIONS = (1, 3)
BANK = 1500
NEAREST = 3
BLOCK = 512
LONGEST = 50_000  # windows that are looked at; of a longer series every second, third...
FLAT = 1e-3  # of the channel's spread: what a window's own spread is at least taken for


class Convolutions:
    """The mean distance to the three nearest windows of the normal part, by features of random filters."""

    name: ClassVar[str] = "convolutions"
    reference: Floats

    def fit(self, task: Task) -> Self:
        """Keep features of at most 1,500 windows of the normal part, evenly taken."""
        bound = 1 / np.sqrt(WIDTH)
        self.filters = task.generator.uniform(-bound, bound, (len(DILATIONS), FILTERS, WIDTH + 1)).astype(np.float32)
        self.length = min(LENGTH, len(task.normal))
        self._prepare()
        rows = windows(task.normal, self.length)
        starts = np.arange(0, len(rows), max(1, len(rows) // BANK))
        self.bank = Bank(self._features(rows[starts]), starts)
        self.reference = self._points(task.normal, apart=self.length)
        return self

    def score(self, values: Floats) -> Floats:
        """Distances (N,), the mean of the windows that cover a point."""
        return self._points(values)

    def _points(self, values: Floats, apart: int = 0) -> Floats:
        rows = windows(values, self.length)
        starts = np.arange(0, len(rows), every_of(len(rows), LONGEST, self.length // 4))
        far = np.empty(len(starts))
        for begin in range(0, len(starts), BLOCK):
            part = slice(begin, begin + BLOCK)
            gaps = self.bank.squares(self._features(rows[starts[part]]), starts[part], apart)
            count = min(NEAREST, gaps.shape[1])
            far[part] = np.sqrt(np.partition(gaps, count - 1, axis=1)[:, :count]).mean(1)
        return spread_some(far, starts, len(values), self.length)

    def _prepare(self) -> None:
        """Filters as matrices (length, length * filters): each is a convolution that keeps the length, zeros beyond."""
        self._matrices = []
        for dilation, group in zip(DILATIONS, self.filters, strict=True):
            matrix = np.zeros((self.length, self.length, FILTERS), np.float32)
            for k in range(WIDTH):
                shift = (k - WIDTH // 2) * dilation
                place = np.arange(max(0, -shift), min(self.length, self.length - shift))
                matrix[place + shift, place] = group[:, k]
            self._matrices.append(matrix.reshape(self.length, -1))

    def _features(self, rows: Floats) -> NDArray[np.float32]:
        """The mean over the window of each filter's positive part, and its maximum: (N, 2 * dilations * filters)."""
        parts = []
        for begin in range(0, len(rows), BLOCK):
            part = rows[begin : begin + BLOCK]
            part = part - part.mean(1, keepdims=True)
            part = (part / (part.std(1, keepdims=True) + FLAT)).astype(np.float32)
            seen = []
            for matrix, group in zip(self._matrices, self.filters, strict=True):
                answer = (part @ matrix).reshape(len(part), self.length, FILTERS) + group[:, WIDTH]
                seen += [np.maximum(answer, 0).mean(1), answer.max(1)]
            parts.append(np.concatenate(seen, axis=1))
        return np.concatenate(parts)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The filters and the bank."""
        arrays: Arrays = {"filters": self.filters, "bank": self.bank.rows, "starts": self.bank.starts}
        return arrays | {"reference": self.reference}, {"length": self.length}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = cls()
        made.filters, made.length, made.reference = arrays["filters"], int(settings["length"]), arrays["reference"]
        made.bank = Bank(arrays["bank"], arrays["starts"])
        made._prepare()
        return made
