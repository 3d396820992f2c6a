"""How alike the molecules of two lists are, by the bits their fingerprints share, counted a word of 64 at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

_BLOCK = 16_384  # columns that are compared at once: their words stay in the processor's cache

Prints = NDArray[np.uint8]


def tanimoto_rows(a: Prints, b: Prints) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Tanimoto's coefficients of packed fingerprints (N, 128) and (M, 128), a piece of a row at a time.

    Yields row, first column, and the coefficients from there (<= 16,384); 1 for two molecules without any bit.
    """
    left = _words(a)
    sizes = np.bitwise_count(left).sum(1, dtype=np.int32)
    for first in range(0, len(b), _BLOCK):
        words = np.ascontiguousarray(_words(b[first : first + _BLOCK]).T)
        counts = np.bitwise_count(words).sum(0, dtype=np.int32)
        shared, bits = np.empty_like(words), np.empty(words.shape, np.uint8)
        for row, word in enumerate(left):
            np.bitwise_and(words, word[:, None], out=shared)
            both = np.bitwise_count(shared, out=bits).sum(0, dtype=np.int32)
            either = counts + (sizes[row] - both)
            yield row, first, np.where(either > 0, both / np.maximum(either, 1), 1).astype(np.float32)


def nearest_similarity(a: Prints, b: Prints, *, progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
    """For each row of a (N, 128) its likeness to the most alike of b (M, 128), (N,); 0 where b is empty.

    `progress` is told how many of the N were done.
    """
    best = np.zeros(len(a), np.float32)
    for start in range(0, len(a), 512):
        part = best[start : start + 512]
        for row, _, alike in tanimoto_rows(a[start : start + 512], b):
            part[row] = max(part[row], alike.max())
        if progress is not None:
            progress(start + len(part))
    return best


def internal_diversity(prints: Prints) -> tuple[float, float]:
    """1 less the mean over molecules of their mean likeness to all, and the same with means of squares.

    IntDiv and IntDiv2 of MOSES (D. Polykovskiy et al. 2020): each molecule counts as one of its own peers. NaN without
    molecules.
    """
    if not len(prints):
        return float("nan"), float("nan")
    sums = np.zeros((2, len(prints)))
    for row, _, alike in tanimoto_rows(prints, prints):
        sums[:, row] += float(alike.sum(dtype=np.float64)), float(alike @ alike)
    first, second = sums / len(prints)
    return 1 - float(first.mean()), 1 - float(np.sqrt(second).mean())


def _words(packed: Prints) -> NDArray[np.uint64]:
    return np.ascontiguousarray(packed).view(np.uint64)
