"""What all members have in common that ask how far the like of a window is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.members.search import Bank, every_of, kept
from genapps_timeseries.scoring.windows import covering, spread_some, windows
from genapps_timeseries.series import Floats

BLOCK = 512  # windows that are looked at together
LONGEST = 50_000  # windows that are looked at; of a longer series every second, third...


class Nearest(ABC):
    """The distance of each window to its k-th nearest like, as scores of the points that the window covers.

    Both the normal part and what is judged are asked the same way: windows that overlap the asked one never count, so
    that scores of normal points that were learnt and of those that were not are alike.
    """

    name: ClassVar[str]
    rank: ClassVar[int]  # which nearest occurrence counts
    recurrent: ClassVar[int] = 100  # and one more for so many that are kept: what is rare is strange, if not alone
    whole: ClassVar[bool]  # whether the points that are judged are kept too, where they are at hand
    most: ClassVar[int]  # windows that are kept
    reference: Floats
    length: int

    def fit(self, task: Task) -> Self:
        """Keep windows."""
        self.length = max(1, min(self._length(task.window), len(task.normal)))
        self._learn(task)
        parts = [task.normal]
        if self.whole and task.others is not None and len(task.others) >= self.length:
            parts.append(task.others)
        counts = [max(1, len(part) - self.length + 1) for part in parts]
        rows, starts, offset = [], [], 0
        for part, count in zip(parts, counts, strict=True):
            chosen = kept(count, max(2, int(self.most * task.effort * count / sum(counts))), self.length)
            if part is task.normal and task.known is not None:
                seen = covering(task.known, self.length)[chosen]
                chosen = chosen[seen] if seen.any() else chosen
            rows += [
                self._seen(windows(part, self.length), chosen[k : k + BLOCK]) for k in range(0, len(chosen), BLOCK)
            ]
            starts.append(chosen + offset)
            offset += len(part)
        self.bank = Bank(np.concatenate(rows), np.concatenate(starts), max(1, self.length // 2))
        self._others, self._offset = (parts[1] if len(parts) > 1 else None), len(task.normal)
        self.effort = task.effort
        self.reference = self._points(task.normal, 0)
        return self

    def score(self, values: Floats) -> Floats:
        """Distances (N,), the mean of the windows that cover a point."""
        known = self._others is not None and np.array_equal(values, self._others)
        return self._points(values, self._offset if known else None)

    def _points(self, values: Floats, offset: int | None) -> Floats:
        """offset: where in the bank's count the values begin, nothing where they are not in it."""
        rows = windows(values, self.length)
        starts = np.arange(0, len(rows), every_of(len(rows), LONGEST * self.effort, max(1, self.length // 8)))
        apart = min(self.length, max(1, (len(rows) - 1) // 2))
        far = np.empty(len(starts))
        for begin in range(0, len(starts), BLOCK):
            part = starts[begin : begin + BLOCK]
            own = None if offset is None else part + offset
            far[begin : begin + BLOCK] = self._far(self._seen(rows, part), own, apart)
        return spread_some(far, starts, len(values), self.length)

    def _far(self, asked: NDArray[np.float32], starts: NDArray[np.int64] | None, apart: int) -> NDArray[np.float32]:
        """Distances (Q,) of what is asked from its like."""
        return self.bank.distances(asked, self.rank + self.bank.occurrences // self.recurrent, starts, apart)

    def _length(self, window: int) -> int:
        return window

    def _learn(self, task: Task) -> None:
        """Prepare what features need; most need nothing."""
        return

    def _seen(self, rows: Floats, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._features(rows[chosen])

    @abstractmethod
    def _features(self, rows: Floats) -> NDArray[np.float32]:
        """What is compared (N, D) of windows (N, length)."""

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The bank and how it is asked."""
        arrays: Arrays = {"bank": self.bank.rows, "starts": self.bank.starts, "reference": self.reference}
        return arrays, {"length": self.length, "effort": self.effort}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = cls()
        made.length, made.effort, made.reference = int(settings["length"]), settings["effort"], arrays["reference"]
        made.bank = Bank(arrays["bank"], arrays["starts"], max(1, made.length // 2))
        made._others, made._offset = None, len(made.reference)
        return made
