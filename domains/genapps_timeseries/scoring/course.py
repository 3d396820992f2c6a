"""What a normal course would have been: the mean of the most similar normal windows, laid over one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.scoring.windows import covering, windows
from genapps_timeseries.series import Floats

MOST = 1500  # windows that are kept
ALIKE = 5  # that are averaged
BLOCK = 512


class Course:
    """Not causal: a point is seen in all windows that cover it."""

    reference: Floats  # (R,) of the normal part, from windows that do not overlap the asked one

    def fit(self, task: Task) -> Self:
        """Keep windows of the normal part, evenly taken."""
        self.length = max(1, min(task.window, len(task.normal)))
        rows = windows(task.normal, self.length)
        self.starts = np.arange(0, len(rows), max(1, -(-len(rows) // max(2, int(MOST * task.effort)))))
        if task.known is not None:
            seen = covering(task.known, self.length)[self.starts]
            self.starts = self.starts[seen] if seen.any() else self.starts
        self.bank = np.ascontiguousarray(rows[self.starts], np.float32)
        self.reference = self._course(task.normal, own=True)
        return self

    def score(self, values: Floats) -> Floats:
        """The course (N,) beside points (N,)."""
        return self._course(values, own=False)

    def _course(self, values: Floats, own: bool) -> Floats:
        rows = windows(values, self.length)
        step = max(1, self.length // 4)
        starts = np.append(np.arange(0, len(rows) - 1, step), len(rows) - 1)
        apart = min(self.length, max(1, (len(rows) - 1) // 2)) if own else 0
        total, count = np.zeros(len(rows) + self.length - 1), np.zeros(len(rows) + self.length - 1)
        for begin in range(0, len(starts), BLOCK):
            part = starts[begin : begin + BLOCK]
            for start, row in zip(part.tolist(), self._alike(rows[part], part, apart), strict=True):
                total[start : start + self.length] += row
                count[start : start + self.length] += 1
        found: Floats = (total / count)[: len(values)]
        return found

    def _alike(self, asked: Floats, starts: NDArray[np.int64], apart: int) -> NDArray[np.float32]:
        gaps = (self.bank**2).sum(1) - 2 * asked.astype(np.float32) @ self.bank.T
        if apart:
            gaps[np.abs(starts[:, None] - self.starts) < apart] = np.inf
        count = min(ALIKE, len(self.starts))
        chosen = np.argpartition(gaps, count - 1, axis=1)[:, :count]
        allowed = np.isfinite(np.take_along_axis(gaps, chosen, axis=1))
        allowed[~allowed.any(1)] = True
        share = allowed / allowed.sum(1, keepdims=True)
        return np.asarray(np.einsum("qk,qkl->ql", share.astype(np.float32), self.bank[chosen]), np.float32)

    def state(self) -> Arrays:
        """The bank, and the reference."""
        return {"bank": self.bank, "starts": self.starts, "reference": self.reference}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The course that `state` was taken from."""
        made = cls()
        made.bank, made.starts, made.reference = arrays["bank"], arrays["starts"], arrays["reference"]
        made.length = made.bank.shape[1]
        return made
