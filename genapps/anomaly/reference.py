"""The last W scores that were normal, in order of time and in order of size: a bounded memory for ranks."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from typing import Any

import numpy as np

from genapps.anomaly.conformal import Tail, extrapolated, fit_tail, smooth_p
from genapps.errors import InputError
from genapps.metrics.distributions import Floats

_STALE = 0.01  # of the reference may change before the tail is fitted anew


class Reference:
    """A rolling reference of at most `length` finite scores; the oldest leaves when one more comes.

    A rank takes O(log W) comparisons; learning moves at most W numbers by a block copy. The tail is fitted when it is
    asked for, and again after a hundredth of the reference has changed. Raises InputError without a finite score.
    """

    def __init__(self, scores: Any, length: int) -> None:
        values = np.asarray(scores, np.float64).ravel()
        self.length = length
        self._recent = deque(values[np.isfinite(values)][-length:].tolist())
        self._ordered = sorted(self._recent)
        self._tail: Tail | None = None
        self._age = math.inf  # scores learnt since the tail was fitted
        if not self._recent:
            raise InputError("no finite score in the normal part: nothing can be called rare beside it")

    def __len__(self) -> int:
        return len(self._recent)

    def p(self, score: float, *, tail: bool = True) -> tuple[float, bool]:
        """The p-value of a score, and whether it comes from the tail beyond the reference."""
        if tail and self._ordered[-1] < score < math.inf:
            return extrapolated(self._ordered, self._fit(), score)
        total = len(self._ordered)
        return (1.0 + total - bisect_left(self._ordered, score)) / (total + 1.0), False

    def smooth_p(self, score: float) -> float:
        """The p-value of a new row's score for use beside other members'."""
        return smooth_p(self._ordered, self._fit(), score)

    def own_p(self) -> Floats:
        """The same (W,) for the scores held, oldest first."""
        tail = self._fit()
        return np.array([smooth_p(self._ordered, tail, score, own=0) for score in self._recent])

    def quantile(self, rate: float, *, tail: bool = True) -> float:
        """The least number such that every score above it has a p-value of at most `rate`; infinite where none has."""
        total = len(self._ordered)
        allowed = math.floor(rate * (total + 1) * (1 + 1e-12)) - 1
        if allowed >= 0:
            return self._ordered[total - 1 - allowed] if allowed < total else -math.inf
        fitted = self._fit() if tail else None
        return max(fitted.quantile(rate), self._ordered[-1]) if fitted else math.inf

    def far(self) -> float:
        """As far beyond the highest score as that is above the median; infinite where most scores are the same."""
        top, middle = self._ordered[-1], self._ordered[len(self._ordered) // 2]
        return 2 * top - middle if top > middle else math.inf

    def learn(self, score: float) -> None:
        """Take a finite score in, and the oldest out where the reference is full."""
        if len(self._recent) == self.length:
            oldest = self._recent.popleft()
            del self._ordered[bisect_left(self._ordered, oldest)]
        self._recent.append(score)
        insort(self._ordered, score)
        self._age += 1

    def _fit(self) -> Tail | None:
        if self._age > _STALE * len(self._ordered):
            self._tail, self._age = fit_tail(self._ordered), 0
        return self._tail

    def scores(self) -> Floats:
        """The scores held (W,), oldest first."""
        return np.asarray(self._recent, np.float64)

    def state(self) -> dict[str, Floats]:
        """All that is held, as plain arrays."""
        tail = self._tail
        fitted = [] if tail is None else [tail.start, tail.scale, tail.shape, tail.share]
        return {
            "scores": self.scores(),
            "tail": np.asarray(fitted, np.float64),
            "ages": np.asarray([self.length, self._age], np.float64),
        }

    @classmethod
    def restore(cls, state: dict[str, Floats]) -> Reference:
        """The reference that `state` was taken from. Raises InputError for arrays that are none."""
        if {"scores", "tail", "ages"} - state.keys() or len(state["ages"]) != 2 or len(state["tail"]) not in (0, 4):
            raise InputError("a saved calibration without its reference: save it again")
        length, age = state["ages"].tolist()
        made = cls(state["scores"], int(length))
        made._tail = Tail(*state["tail"].tolist()) if len(state["tail"]) else None
        made._age = age
        return made
