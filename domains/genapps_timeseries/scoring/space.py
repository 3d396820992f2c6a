"""Judges across channels by where a row lies among normal rows: off their subspace, far out in it, away from all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.scoring.crossing import FOLDS, Crossed, folds, smoothed
from genapps_timeseries.series import Codes, Floats

KEPT = 0.9  # of the variance lies in the subspace
WIDTH = 8  # rows: scores are means of as many
LAGS = (0, 2, 4, 6)  # rows back that a joint window holds
FACTORS = 16  # numbers that a joint window is told by
BANK = 1500  # joint windows that are kept
NEAREST = 5
BLOCK = 1024


class Directions:
    """Sums of squares along fixed directions of the table."""

    name: ClassVar[str] = "directions"

    def fit(self, table: Floats) -> Self:
        """Learn the directions from rows (R, K)."""
        fold = folds(len(table))
        # A channel that wanders is told in a wider unit than what it has shown: it may yet vary as much as all others.
        unseen = np.diag(np.maximum(1 - table.var(0), 0))
        moments = [part.T @ part + len(part) * unseen for part in (table[fold == f] for f in range(FOLDS))]
        whole = np.sum(moments, axis=0)
        self.map = self._map(whole)
        found = [self._raw(self._map(whole - moments[f]), table[fold == f]) for f in range(FOLDS)]
        self.reference = _crossed(np.concatenate(found))
        return self

    def score(self, table: Floats) -> Crossed:
        """Sums (N,) of rows, and each column's part of them."""
        return _crossed(self._raw(self.map, table))

    @staticmethod
    def _map(moment: Floats) -> Floats:
        raise NotImplementedError

    @staticmethod
    def _raw(directions: Floats, table: Floats) -> Floats:
        parts: Floats = table * (table @ directions @ directions.T)  # whose sum over columns is the sum of squares
        return parts

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The directions."""
        return {"map": self.map}, {}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls()
        made.map = arrays["map"]
        return made


class Off(Directions):
    """The squared distance to the subspace that holds nine tenths of the normal variance (the Q statistic).

    Jackson, Mudholkar, "Control procedures for residuals associated with principal component analysis", 1979.
    """

    name: ClassVar[str] = "off"

    @staticmethod
    def _map(moment: Floats) -> Floats:
        _, directions, kept = _principal(moment)
        return np.ascontiguousarray(directions[:, kept:])


class Out(Directions):
    """How far out a row lies within that subspace, each direction in its own unit (Hotelling's T squared)."""

    name: ClassVar[str] = "out"

    @staticmethod
    def _map(moment: Floats) -> Floats:
        strengths, directions, kept = _principal(moment)
        return np.ascontiguousarray(directions[:, :kept] / np.sqrt(np.maximum(strengths[:kept], 1e-12)))


class Joint:
    """The distance of a window of all channels together to the fifth nearest normal one."""

    name: ClassVar[str] = "joint"

    def fit(self, table: Floats) -> Self:
        """Learn from rows (R, K)."""
        rows = np.unique(np.linspace(0, len(table) - 1, 20 * BANK).astype(np.int64))
        some = _lagged(table, rows)
        self.map = _principal(some.T @ some)[1][:, :FACTORS].astype(np.float32)
        kept = np.unique(np.linspace(0, len(table) - 1, BANK).astype(np.int64))
        self.own, self.bank = table[kept].astype(np.float32), _lagged(table, kept).astype(np.float32) @ self.map
        fold = folds(len(table))
        self.reference = self._judged(table, fold, fold[kept])
        return self

    def score(self, table: Floats) -> Crossed:
        """Distances (N,), and each column's part of the way to the nearest."""
        return self._judged(table)

    def _judged(self, table: Floats, fold: Codes | None = None, kept: Codes | None = None) -> Crossed:
        far, parts = np.empty((len(table), 1)), np.empty(table.shape)
        size = (self.bank**2).sum(1)
        nearest = min(NEAREST, len(self.bank)) - 1
        for start in range(0, len(table), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(table)))
            asked = _lagged(table, rows).astype(np.float32) @ self.map
            squares = (asked**2).sum(1)[:, None] + size - 2 * asked @ self.bank.T
            if fold is not None:
                squares[fold[rows][:, None] == kept] = np.inf
            far[rows, 0] = np.sqrt(np.maximum(np.partition(squares, nearest, axis=1)[:, nearest], 0))
            parts[rows] = (table[rows] - self.own[squares.argmin(1)]) ** 2
        far[np.isinf(far)] = 0.0
        return Crossed(smoothed(far, WIDTH)[:, 0], smoothed(parts, WIDTH))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The bank."""
        return {"map": self.map, "own": self.own, "bank": self.bank}, {}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls()
        made.map, made.own, made.bank = arrays["map"], arrays["own"], arrays["bank"]
        return made


def _crossed(parts: Floats) -> Crossed:
    return Crossed(smoothed(parts.sum(1, keepdims=True), WIDTH)[:, 0], smoothed(np.maximum(parts, 0), WIDTH))


def _principal(moment: Floats) -> tuple[Floats, Floats, int]:
    """Variances, falling, their directions, and how many of them hold enough: at least one, and one less than all."""
    strengths, directions = np.linalg.eigh(moment)
    strengths = np.maximum(strengths[::-1], 0)
    shares = np.cumsum(strengths) / max(strengths.sum(), 1e-300)
    kept = int(np.searchsorted(shares, KEPT)) + 1
    return strengths, directions[:, ::-1], max(1, min(kept, len(strengths) - 1))


def _lagged(table: Floats, rows: Codes) -> Floats:
    return np.hstack([table[np.maximum(rows - lag, 0)] for lag in LAGS])
