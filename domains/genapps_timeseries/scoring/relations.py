"""Judges each channel by what the others, now and a little earlier, foretell of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.scoring.crossing import FOLDS, Common, Crossed, folds, smoothed
from genapps_timeseries.scoring.surprise import Surprise
from genapps_timeseries.series import Codes, Floats

LAGS = (0, 1, 2, 4, 8)  # rows back that foretell
MANY = 64  # channels: with more of them only the present foretells
RIDGE = 0.05  # of a channel's variance
EARNED = 0.3  # of a channel's variance must be foretold, on parts that were not learnt
LEARNT = 20_000  # rows that a regression is learnt from
WIDTH = 16  # rows: errors are means of as many
BLOCK = 65_536


class Relations:
    """A ridge regression of each channel on the others; the score of a row is the surprise at its strangest channel.

    That is the channel whose relation to the others broke, though it may look normal by itself. A channel that the
    others do not foretell has none, nor has one of which they foretell where it is but not what it does within a fifth
    of the normal part: two channels that wander look related for as long as they happen to go the same way (Granger,
    Newbold, "Spurious regressions in econometrics", 1974). Of twins only the first foretells others, and the second is
    held against the first.
    """

    name: ClassVar[str] = "relations"

    def fit(self, table: Floats, common: Common, most: Floats, crowds: Floats) -> Self:
        """Learn from rows (R, K). most (K,): nats that an error in a column is worth at most; crowds (K,): of how many
        alike it is one."""
        self.most, self.less, self.lags = most, np.log(crowds), LAGS if table.shape[1] <= MANY else LAGS[:1]
        rows = np.unique(np.linspace(0, len(table) - 1, LEARNT).astype(np.int64))
        fold = folds(len(table))
        moments = [self._moments(table, rows[fold[rows] == f]) for f in range(FOLDS)]
        whole = np.sum([gram for gram, _ in moments], axis=0), np.sum([answer for _, answer in moments], axis=0)
        self.weights = self._regressions(*whole, common.twins)
        errors = np.empty(table.shape)
        for f, (gram, answers) in enumerate(moments):
            learnt = self._regressions(whole[0] - gram, whole[1] - answers, common.twins)
            errors[fold == f] = self._errors(learnt, table)[fold == f]
        self.earned = (errors**2).mean(0) < (1 - EARNED) * table.var(0)
        self.earned &= _within(errors, fold) < (1 - EARNED) * _within(table, fold)
        parts = smoothed(errors[:, self.earned] ** 2, WIDTH)
        self.scales = [Surprise.of(part) for part in parts.T]
        self.reference = self._crossed(parts)
        return self

    def score(self, table: Floats) -> Crossed:
        """Surprise (N,) at the strangest channel, and at each."""
        return self._crossed(smoothed(self._errors(self.weights, table)[:, self.earned] ** 2, WIDTH))

    def _crossed(self, parts: Floats) -> Crossed:
        nats = np.zeros((len(parts), len(self.earned)))
        for k, scale, part in zip(np.flatnonzero(self.earned), self.scales, parts.T, strict=True):
            nats[:, k] = np.maximum(np.minimum(scale(part), self.most[k]) - self.less[k], 0.0)
        return Crossed(nats.max(1, initial=0.0), nats)

    def _moments(self, table: Floats, rows: Codes) -> tuple[Floats, Floats]:
        features = np.hstack([table[np.maximum(rows - lag, 0)] for lag in self.lags])
        return features.T @ features, features.T @ table[rows]

    def _regressions(self, gram: Floats, answers: Floats, twins: Codes) -> Floats:
        """Weights (lags * K, K) of all regressions from one inverse: a column's own lags are taken out of it again."""
        count, lags = answers.shape[1], len(self.lags)
        single = np.tile(twins == np.arange(count), lags)
        size = max(float(np.trace(gram)) / len(gram), 1e-12)
        ready = np.where(np.outer(single, single), gram, 0.0) + np.eye(len(gram)) * (RIDGE * size)
        inverse = np.linalg.inv(ready)
        own = np.arange(count)[:, None] + count * np.arange(lags)
        asked: Floats = np.where(single[:, None], answers, 0.0)
        for c in range(count):
            asked[own[c], c] = 0.0
        weights: Floats = inverse @ asked
        for c in range(count):
            block = inverse[np.ix_(own[c], own[c])]
            weights[:, c] -= inverse[:, own[c]] @ np.linalg.solve(block, weights[own[c], c])
            weights[own[c], c] = 0.0
        return _twinned(weights, gram, twins)

    def _errors(self, weights: Floats, table: Floats) -> Floats:
        errors = table.copy()
        count = table.shape[1]
        for start in range(0, len(table), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(table)))
            for k, lag in enumerate(self.lags):
                errors[rows] -= table[np.maximum(rows - lag, 0)] @ weights[k * count : (k + 1) * count]
        first = min(max(self.lags), len(errors) - 1)  # the first row of which all is there that foretells it
        errors[:first] = errors[first]
        return errors

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The weights and the scales of errors."""
        arrays: Arrays = {
            "weights": self.weights,
            "most": self.most,
            "less": self.less,
            "earned": self.earned.astype(np.int64),
        }
        return arrays | {f"scale/{k}": scale.state() for k, scale in enumerate(self.scales)}, {"lags": list(self.lags)}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls()
        made.lags, made.weights, made.most = tuple(settings["lags"]), arrays["weights"], arrays["most"]
        made.less = arrays["less"]
        made.earned = arrays["earned"].astype(bool)
        made.scales = [Surprise.from_state(arrays[f"scale/{k}"]) for k in range(int(made.earned.sum()))]
        return made


def _within(values: Floats, fold: Codes) -> Floats:
    """The mean variance (K,) of values (R, K) within the folds (R,)."""
    means: Floats = np.mean([values[fold == f].var(0) for f in np.unique(fold)], axis=0)
    return means


def _twinned(weights: Floats, gram: Floats, twins: Codes) -> Floats:
    """The regressions of second twins on the first alone."""
    for second in np.flatnonzero(twins != np.arange(len(twins))):
        first = twins[second]
        weights[:, second] = 0.0
        weights[first, second] = np.sign(gram[first, second])
    return weights
