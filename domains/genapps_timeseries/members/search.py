"""Distances to windows that are kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FAR = np.float32(1e30)  # farther than anything: what may not be a neighbor


@dataclass(frozen=True)
class Bank:
    """rows: (B, D) float32, kept windows or their features. starts: (B,) where in the series each begins."""

    rows: NDArray[np.float32]
    starts: NDArray[np.int64]

    @cached_property
    def _sizes(self) -> NDArray[np.float32]:
        return np.asarray((self.rows**2).sum(1), np.float32)

    def squares(
        self, asked: NDArray[np.float32], starts: NDArray[np.int64] | None = None, apart: int = 0
    ) -> NDArray[np.float32]:
        """Squared distances (Q, B) from rows (Q, D).

        Kept windows that begin less than `apart` points from `starts` (Q,) are far away: nothing is its own neighbor.
        Where that leaves none, the one that begins farthest off stands for all.
        """
        gaps = asked @ self.rows.T
        gaps *= -2
        gaps += self._sizes
        gaps += (asked**2).sum(1)[:, None]
        np.maximum(gaps, 0, out=gaps)
        if apart and starts is not None:
            first = np.searchsorted(self.starts, starts - apart, side="right")
            last = np.searchsorted(self.starts, starts + apart, side="left")
            for row, (begin, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
                if begin == 0 and end == len(self.starts):
                    farthest = int(np.abs(self.starts - starts[row]).argmax())
                    gaps[row] = gaps[row, farthest]
                else:
                    gaps[row, begin:end] = FAR
        return np.asarray(gaps, np.float32)


def every_of(count: int, most: int, widest: int) -> int:
    """Which share of `count` windows is looked at: every n-th, so that about `most` are, n at most `widest`."""
    return max(1, min(count // most, widest))
