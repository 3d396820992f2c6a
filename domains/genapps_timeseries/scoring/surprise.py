"""Scores of any unit as surprise, so that channels and ways of judging can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from genapps_timeseries.series import Floats

KNOTS = 256  # of the curve from scores to surprise
HIGH = 0.9  # up to here the normal scores, from their median on, tell how fast the tail falls
TO_HIGH = np.log(0.5 / (1 - HIGH))  # nats from the median to there, were they exponential
MOST = 200.0  # nats
LEAST = 1e-100  # of a score, so that nothing overflows


@dataclass(frozen=True)
class Surprise:
    """A curve from scores to -log of their p-value in nats, 0..200.

    scores (K,), ascending, and nats (K,): between them straight lines. Beyond the last the tail is exponential: `unit`
    is the score that a further nat takes, told by the body of the scores, since the highest normal ones are few and
    often no better than what is looked for. rare: nats of the least score above all normal ones.
    """

    scores: Floats
    nats: Floats
    rare: float
    unit: float

    @classmethod
    def of(cls, reference: Floats, slower: float = 1.0) -> Self:
        """From scores (R,) of normal rows that were not learnt, NaN left out; without any, nothing is surprising.

        slower: what a nat counts less than the number of rows says, where rows are far from independent.
        """
        ordered = np.sort(reference[np.isfinite(reference)])
        count = len(ordered)
        if not count:
            return cls(np.zeros(1), np.zeros(1), 0.0, np.inf)
        above = np.unique(np.rint(np.geomspace(1, count, KNOTS)).astype(np.int64))  # scores at least as high
        scores = np.unique(ordered[count - above])
        at_least = count - np.searchsorted(ordered, scores)
        middle, high = np.quantile(ordered, [0.5, HIGH])
        unit = float(high - middle) / TO_HIGH or max(float(ordered[-1] - ordered.mean()), 0.0) or 1.0
        unit = max(unit, LEAST)
        nats = np.log((count + 1) / (at_least + 1)) / slower
        return cls(scores, nats, float(np.log(count + 1)) / slower, unit * slower)

    def __call__(self, scores: Floats) -> Floats:
        """Surprise of scores, any shape; NaN stays NaN."""
        inside = np.interp(scores, self.scores, self.nats)
        beyond = self.rare + (scores - self.scores[-1]) / self.unit
        nats: Floats = np.where(scores > self.scores[-1], beyond, inside)
        # From half of the most on it grows ever more slowly: what is stranger stays stranger, and no ties come up.
        nats = np.where(nats > MOST / 2, MOST - (MOST / 2) ** 2 / np.maximum(nats, MOST / 2), nats)
        return np.where(np.isnan(scores), np.nan, nats)

    def state(self) -> Floats:
        """Everything as one array (2K + 2,)."""
        return np.concatenate([[self.rare, self.unit], self.scores, self.nats])

    @classmethod
    def from_state(cls, state: Floats) -> Self:
        """The curve that `state` was taken from."""
        scores, nats = np.split(np.asarray(state[2:], np.float64), 2)
        return cls(scores, nats, float(state[0]), float(state[1]))
