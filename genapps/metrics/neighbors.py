"""Nearest rows in a table of mixed types: does a sample repeat the rows it was learnt from, and does it reach them all?

Distance of two rows: numbers scaled to the range of the reference rows, absolute differences summed (a missing number
lies one range below the smallest), plus one for each category that differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, Mask

BLOCK_CELLS = 1 << 17  # distances held at once: what stays in a processor's cache
SAME = 1e-6  # distances closer than this are ties
FARTHEST = 1e6  # ranges from the reference rows at which a number stops moving away, so that sums stay exact enough


@dataclass(frozen=True)
class MixedDistance:
    """The scale of a mixed distance: the mask of categories, and low end and range of each number column."""

    categorical: Mask
    low: Floats
    span: Floats

    @classmethod
    def fit(cls, reference: Floats, categorical: Mask) -> MixedDistance:
        """The ranges of the number columns of `reference` (N, D)."""
        numbers = reference[:, ~categorical]
        low = np.min(numbers, axis=0, initial=np.inf, where=~np.isnan(numbers))
        high = np.max(numbers, axis=0, initial=-np.inf, where=~np.isnan(numbers))
        low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
        return cls(categorical, low, np.where(high > low, high - low, 1.0))

    def parts(self, rows: Floats) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Scaled numbers and codes of `rows` (N, D), a missing value as -1, a row of the result for each column."""
        numbers = (rows[:, ~self.categorical] - self.low) / self.span
        numbers = np.clip(np.where(np.isnan(numbers), -1.0, numbers), -FARTHEST, FARTHEST)
        codes = np.nan_to_num(rows[:, self.categorical], nan=-1.0)
        return np.ascontiguousarray(numbers.T, np.float32), np.ascontiguousarray(codes.T, np.int32)

    def blocks(self, queries: Floats, references: Floats) -> Iterator[NDArray[np.float32]]:
        """Distances of each of `queries` (Q, D) to each of `references` (R, D), a block of queries at a time.

        The array is overwritten by the next block.
        """
        numbers, codes = self.parts(queries)
        to_numbers, to_codes = self.parts(references)
        step = max(1, BLOCK_CELLS // max(1, len(references)))
        shape = (min(step, len(queries)), len(references))
        distance, gap = np.empty(shape, np.float32), np.empty(shape, np.float32)
        differ, differing = np.empty(shape, bool), np.empty(shape, np.uint16)
        for first in range(0, len(queries), step):
            n = min(step, len(queries) - first)
            block = slice(first, first + n)
            distance[:n], differing[:n] = 0, 0
            for query, reference in zip(numbers[:, block], to_numbers, strict=True):
                np.subtract(query[:, None], reference, out=gap[:n])
                distance[:n] += np.abs(gap[:n], out=gap[:n])
            for code, other in zip(codes[:, block], to_codes, strict=True):
                np.not_equal(code[:, None], other, out=differ[:n])
                differing[:n] += differ[:n].view(np.uint8)
            distance[:n] += differing[:n]
            yield distance[:n]


@dataclass(frozen=True)
class Nearest:
    """Of each query (Q,): the distance to the nearest of `rows` references, and how many lie as near as that."""

    distance: NDArray[np.float32]
    ties: NDArray[np.int64]
    rows: int


def nearest(metric: MixedDistance, queries: Floats, references: Floats) -> Nearest:
    """The nearest of `references` (R, D) to each of `queries` (Q, D)."""
    if not len(references):
        return Nearest(np.full(len(queries), np.inf, np.float32), np.zeros(len(queries), np.int64), 0)
    distances, ties = [np.zeros(0, np.float32)], [np.zeros(0, np.int64)]
    for block in metric.blocks(queries, references):
        distances.append(block.min(axis=1))
        ties.append(np.count_nonzero(block <= distances[-1][:, None] + SAME, axis=1))
    return Nearest(np.concatenate(distances), np.concatenate(ties), len(references))


def nearer_share(train: Nearest, unseen: Nearest) -> float | None:
    """How much nearer queries lie to training rows than to unseen rows: 0.5 as near as unseen rows do, 1 copies.

    With equal numbers of training and unseen rows it is the share of queries whose nearest row is a training row, a tie
    shared by how many rows on either side tie. With unequal numbers a query that owes nothing to the training rows has
    the chance n_train / (n_train + n_unseen) of being nearest to one; the share is rescaled so that this chance becomes
    0.5 and 1 stays 1. None where there are no queries or no rows on either side.
    """
    if not len(train.distance) or not train.rows or not unseen.rows:
        return None
    gap = train.distance - unseen.distance
    shared = train.ties / (train.ties + unseen.ties)
    share = float(np.mean(np.where(np.abs(gap) < SAME, shared, gap < 0)))
    chance = train.rows / (train.rows + unseen.rows)
    return min(1.0, max(0.0, 0.5 + (share - chance) * 0.5 / (1 - chance)))


def nearness_error(queries: int, train: int, unseen: int) -> float:
    """The standard error of `nearer_share` for queries that owe nothing to the training rows.

    That of a binomial share, rescaled likewise, plus what the choice of the real rows adds (fitted to simulations).
    """
    return 0.5 * math.sqrt(train / unseen * (1 / queries + 1 / (train + unseen)))


@dataclass(frozen=True)
class Reach:
    """Which part of the real rows a sample reaches, and which part of the sample lies among real rows; shares 0..1."""

    coverage: float  # real rows with a sampled row among their k nearest real rows (Naeem et al., 2020)
    recall: float  # real rows within the k-nearest ball of a sampled row (Kynkäänniemi et al., 2019)
    precision: float  # sampled rows within the k-nearest ball of a real row


def reach(metric: MixedDistance, real: Floats, sampled: Floats, *, k: int = 5) -> Reach | None:
    """Coverage, recall and precision of `sampled` (M, D) with respect to `real` (N, D).

    A ball includes its rim, as rows of categories alone lie at few distinct distances. None with k rows or fewer.
    """
    if min(len(real), len(sampled)) <= k:
        return None
    real_radius, sampled_radius = radii(metric, real, k), radii(metric, sampled, k)
    covered, recalled, precise = [], [], np.zeros(len(sampled), bool)
    first = 0
    for block in metric.blocks(real, sampled):
        radius = real_radius[first : first + len(block)]
        inside = block <= radius[:, None] + SAME
        covered.append(inside.any(axis=1))
        precise |= inside.any(axis=0)
        recalled.append((block <= sampled_radius[None, :] + SAME).any(axis=1))
        first += len(block)
    return Reach(float(np.concatenate(covered).mean()), float(np.concatenate(recalled).mean()), float(precise.mean()))


def radii(metric: MixedDistance, rows: Floats, k: int) -> NDArray[np.float32]:
    """The distance (N,) of each row to its k-th nearest other row."""
    return np.concatenate([np.partition(block, k, axis=1)[:, k] for block in metric.blocks(rows, rows)])
