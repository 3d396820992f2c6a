"""Windows that are kept, and how far others are from their like among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FAR = np.float32(1e30)  # farther than anything: what may not be a neighbor
FINE = 16  # kept windows are at most a sixteenth of their length apart, since shapes have to be met in phase


@dataclass(frozen=True)
class Bank:
    """rows: (B, D) float32, kept windows or their features. starts: (B,) where each begins, ascending.

    cell: windows that begin within the same `cell` points are one occurrence, of which the nearest counts; without it
    the second neighbor of a smooth window would be the first one shifted by a point.
    """

    rows: NDArray[np.float32]
    starts: NDArray[np.int64]
    cell: int

    @cached_property
    def _sizes(self) -> NDArray[np.float32]:
        return np.asarray((self.rows**2).sum(1), np.float32)

    @cached_property
    def _cells(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(self.starts // self.cell, prepend=-1))

    @property
    def occurrences(self) -> int:
        """How many there are."""
        return len(self._cells)

    def distances(
        self, asked: NDArray[np.float32], rank: int, starts: NDArray[np.int64] | None = None, apart: int = 0
    ) -> NDArray[np.float32]:
        """Distances (Q,) of rows (Q, D) to the `rank`-th nearest occurrence, the farthest there is if there are fewer.

        Kept windows that begin less than `apart` points from `starts` (Q,) do not count: nothing is its own neighbor.
        """
        nearest = np.minimum.reduceat(self._gaps(asked, starts, apart), self._cells, axis=1)
        rank = min(rank, nearest.shape[1])
        found = np.partition(nearest, rank - 1, axis=1)[:, :rank]
        found = np.where(found < FAR, found, -FAR).max(1)
        return np.asarray(np.sqrt(np.maximum(found + (asked**2).sum(1), 0)), np.float32)

    def mean_distances(
        self, asked: NDArray[np.float32], count: int, starts: NDArray[np.int64] | None = None, apart: int = 0
    ) -> NDArray[np.float32]:
        """The mean distance (Q,) to the `count` nearest windows, of one occurrence or several."""
        gaps = self._gaps(asked, starts, apart)
        count = min(count, gaps.shape[1])
        found = np.partition(gaps, count - 1, axis=1)[:, :count]
        far = np.sqrt(np.maximum(np.where(found < FAR, found, 0) + (asked**2).sum(1)[:, None], 0))
        return np.asarray(far.mean(1), np.float32)

    def _gaps(self, asked: NDArray[np.float32], starts: NDArray[np.int64] | None, apart: int) -> NDArray[np.float32]:
        """Squared distances (Q, B) but for the squares of the asked, which are the same in a row."""
        gaps = asked @ self.rows.T
        gaps *= -2
        gaps += self._sizes
        if starts is not None and apart:
            first = np.searchsorted(self.starts, starts - apart, side="right")
            last = np.searchsorted(self.starts, starts + apart, side="left")
            for row, begin, end in zip(gaps, first.tolist(), last.tolist(), strict=True):
                row[begin:end] = FAR
        return np.asarray(gaps, np.float32)


def kept(count: int, most: int, length: int) -> NDArray[np.int64]:
    """Which of `count` windows are kept: all, or every n-th, or every n-th of evenly placed stretches; about `most`."""
    every = max(1, min(-(-count // most), length // FINE))
    starts = np.arange(0, count, every)
    stretch = min(max(1, length // every), len(starts))  # windows of one stretch, all phases of a period
    if len(starts) <= most:
        return starts
    firsts = np.linspace(0, len(starts) - stretch, max(2, most // stretch)).astype(np.int64)
    return np.asarray(starts[np.unique(firsts[:, None] + np.arange(stretch))])


def every_of(count: int, most: float, widest: int) -> int:
    """Every which of `count` windows is looked at, so that about `most` are; at most every `widest`."""
    return max(1, min(int(count / most), widest))


def shrunk(rows: NDArray[np.float64], most: int) -> NDArray[np.float32]:
    """Rows (N, L) of at most `most` columns: means of neighbors, times what keeps distances of smooth rows."""
    factor = -(-rows.shape[1] // most)
    if factor == 1:
        return np.ascontiguousarray(rows, np.float32)
    columns = rows.shape[1] // factor
    means = rows[:, : columns * factor].reshape(len(rows), columns, factor).mean(2) * np.sqrt(factor)
    return np.asarray(means, np.float32)
