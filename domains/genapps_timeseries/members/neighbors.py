"""How far the nearest normal windows are, in the channel's own unit: amplitude counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.series import Floats
from genapps_timeseries.windows import spread, windows

BANK = 6000  # windows that are kept
NEAREST = 50
BLOCK = 1024


class Neighbors:
    """The distance to the k-th nearest window of the normal part and of the points that are judged."""

    name: ClassVar[str] = "neighbors"

    def fit(self, task: Task) -> Self:
        """Keep windows; there are at most 6,000, evenly taken."""
        self.length = min(task.window, len(task.normal))
        parts = [task.normal] + ([task.others] if task.others is not None else [])
        found = [windows(part, self.length) for part in parts if len(part) >= self.length]
        count = sum(map(len, found))
        every = max(1, count // BANK)
        self.bank = np.concatenate([part[::every] for part in found]).astype(np.float32)
        self.nearest = max(1, min(len(self.bank), max(5, NEAREST // every)))
        self.reference = self.score(task.normal)
        return self

    def score(self, values: Floats) -> Floats:
        """Distances (N,), the mean of the windows that cover a point."""
        asked = windows(values, self.length)
        size = (self.bank**2).sum(1)
        far = np.empty(len(asked))
        for start in range(0, len(asked), BLOCK):
            part = asked[start : start + BLOCK].astype(np.float32)
            squares = (part**2).sum(1)[:, None] + size - 2 * part @ self.bank.T
            far[start : start + BLOCK] = np.partition(squares, self.nearest - 1, axis=1)[:, self.nearest - 1]
        return spread(np.sqrt(np.maximum(far, 0)), len(values), self.length)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The bank and what it is asked."""
        return {"bank": self.bank, "reference": self.reference}, {"nearest": self.nearest}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = cls()
        made.bank, made.reference = arrays["bank"], arrays["reference"]
        made.length, made.nearest = made.bank.shape[1], int(settings["nearest"])
        return made
