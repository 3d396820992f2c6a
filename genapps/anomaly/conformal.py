"""How rare is a score among scores known to be normal? Ranks as p-values, and the tail beyond the longest rank."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genapps.errors import InputError
from genapps.metrics.distributions import Floats

LEAST = 40  # reference scores below which no tail is fitted
_MOST = 200  # scores that a tail is fitted to
_SHARE = 0.1  # of the reference, likewise


def conformal_p(reference: Any, scores: Any) -> Floats:
    """P-values (N,) of scores (N,), higher is stranger, among reference scores (R,): (1 + #{reference >= s}) / (R + 1).

    Where reference and score are exchangeable, P(p <= a) <= a for every a, whatever their law (Vovk, Gammerman, Shafer,
    "Algorithmic learning in a random world", 2005, chapter 2). Equal scores count against an alarm, so a score that is
    always the same never alarms. NaN has the p-value NaN. Raises InputError for a reference without a finite score.
    """
    ordered = ordered_reference(reference)
    values = np.asarray(scores, np.float64)
    above = len(ordered) - np.searchsorted(ordered, values, side="left")
    return np.where(np.isnan(values), np.nan, (1.0 + above) / (len(ordered) + 1.0))


def needed_length(rate: float) -> int:
    """The reference scores it takes before a p-value can be as small as `rate` at all: W with 1 / (W + 1) <= rate."""
    return max(math.ceil(1 / rate - 1e-9) - 1, 1)


def exact_length(rate: float, longest: int) -> int:
    """The longest reference, at most `longest`, whose ranks meet `rate` exactly, as far as `longest` allows.

    p-values are multiples of 1 / (W + 1): with W = 1,900 a rate of 0.001 would be kept as 0.0005.
    """
    steps = math.floor((longest + 1) * rate + 1e-9)
    return longest if steps < 1 else math.ceil(steps / rate - 1e-9) - 1


def ordered_reference(reference: Any) -> Floats:
    """The finite scores of a reference (R,), ascending. Raises InputError where there is none."""
    values = np.asarray(reference, np.float64).ravel()
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        raise InputError("no finite score in the normal part: nothing can be called rare beside it")
    return values


@dataclass(frozen=True)
class Tail:
    """A generalised-Pareto tail: P(S > s) = share * (1 + shape * (s - start) / scale) ** (-1 / shape) for s > start.

    shape is at least 0, the exponential tail: a fitted end of the tail would promise what no reference can show.
    """

    start: float
    scale: float
    shape: float
    share: float

    def p(self, score: float) -> float:
        """The share of normal scores above `score`, by extrapolation."""
        excess = (score - self.start) / self.scale
        if self.shape < 1e-9:
            return self.share * math.exp(-excess)
        return float(self.share * (1 + self.shape * excess) ** (-1 / self.shape))

    def quantile(self, rate: float) -> float:
        """The score that a share `rate` of normal scores is above; for rates up to `share`."""
        ratio = self.share / rate
        stretch = math.log(ratio) if self.shape < 1e-9 else (ratio**self.shape - 1) / self.shape
        return self.start + self.scale * stretch


def fit_tail(ordered: Sequence[float]) -> Tail | None:
    """The tail of reference scores, ascending, from their highest tenth; None where these cannot tell.

    By probability-weighted moments (Hosking and Wallis, "Parameter and quantile estimation for the generalized Pareto
    distribution", 1987), which need no iteration and are steady where there are few. None for fewer than 40 scores, or
    where the highest are all equal.
    """
    total = len(ordered)
    if total < LEAST:
        return None
    count = min(max(int(_SHARE * total), LEAST // 2), _MOST, total - 1)
    start = float(ordered[total - count - 1])
    excess = np.asarray(ordered[total - count :]) - start
    mean = float(excess.mean())
    above = 1 - (np.arange(1, count + 1) - 0.35) / count
    weighted = float((above * excess).mean())
    gap = mean - 2 * weighted
    if mean <= 0 or gap <= 1e-12 * mean:
        return None
    shape = max(2 - mean / gap, 0.0)
    scale = 2 * mean * weighted / gap if shape > 0 else mean
    return Tail(start, scale, shape, count / total) if scale > 0 else None


def smooth_p(ordered: Sequence[float], tail: Tail | None, score: float, own: int = 1) -> float:
    """The p-value of a score for use beside other members': its rank, or in the highest tenth what the tail says.

    own: 1 for a new row, 0 for a row of the reference, which is counted there already. Ranks alone would call every
    row beyond a member's reference equally strange, and of M members one is beyond it M times as often.
    """
    if tail is not None and tail.start < score < math.inf:
        return tail.p(score)
    return (own + len(ordered) - bisect_left(ordered, score)) / (len(ordered) + 1.0)


def extrapolated(ordered: Sequence[float], tail: Tail | None, score: float) -> tuple[float, bool]:
    """The p-value of a finite score among ascending reference scores, and whether it is the tail's.

    The tail speaks only for scores above all of the reference, and only to make them rarer than a rank can say.
    """
    total = len(ordered)
    by_rank = (1.0 + total - bisect_left(ordered, score)) / (total + 1.0)
    if tail is None or score <= ordered[-1]:
        return by_rank, False
    by_tail = tail.p(score)
    return (by_tail, True) if by_tail < by_rank else (by_rank, False)
