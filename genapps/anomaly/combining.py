"""Scores of several members or channels on one scale, and their p-values as one p-value that keeps its promise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from genapps.anomaly.calibration import Calibration, Calibrator
from genapps.anomaly.conformal import conformal_p, ordered_reference
from genapps.anomaly.reference import Reference
from genapps.errors import InputError
from genapps.metrics.distributions import Floats

Pooling = Literal["fisher", "least", "cauchy"]
_MAD = 1.4826  # a normal law's standard deviation over its median absolute deviation


@dataclass(frozen=True)
class Scale:
    """What scores of normal rows look like: the median (M,) and the spread (M,) of each of M members."""

    middle: Floats
    spread: Floats

    def __call__(self, scores: Any, low: float = -3.0, high: float = 10.0) -> Floats:
        """Scores (N, M) as z-scores, clipped so that no single member can outvote all others."""
        z: Floats = np.clip((np.asarray(scores, np.float64) - self.middle) / self.spread, low, high)
        return z


def robust_scale(reference: Any) -> Scale:
    """Median and median absolute deviation of reference scores (R, M), NaN left out.

    Where more than half of a member's scores are the same, its spread is the mean absolute deviation, and 1 where all
    are: then whatever differs is that far away. Raises InputError for a member without a finite score.
    """
    columns = [ordered_reference(column) for column in _columns(reference).T]
    middle = np.array([np.median(column) for column in columns])
    gaps = [np.abs(column - center) for column, center in zip(columns, middle, strict=True)]
    spread = np.array([_MAD * np.median(gap) or 1.2533 * gap.mean() or 1.0 for gap in gaps])
    return Scale(middle, spread)


def normal_ranks(reference: Any, scores: Any) -> Floats:
    """Scores (N,) as the normal law's quantile of their rank in a reference (R,): no outlier moves it, no unit counts.

    Between the quantiles of 1 / (R + 1) and its complement; equal scores stand at the lower end of their ranks.
    """
    size = len(ordered_reference(reference))
    law = NormalDist()
    table = np.array([law.inv_cdf(1 - rank / (size + 1)) for rank in range(1, size + 1)] + [0.0])
    table[-1] = table[-2]
    p = conformal_p(reference, scores)
    ranks = np.where(np.isnan(p), 1, np.rint(np.nan_to_num(p) * (size + 1))).astype(np.int64)
    return np.where(np.isnan(p), np.nan, table[ranks - 1])


def pooled(p: Any, how: Pooling = "fisher") -> Floats:
    """One statistic (N,) of p-values (N, M), higher is stranger; NaN counts as nothing strange, all NaN as NaN.

    fisher: the sum of -log p, for members that see the same thing. least: the largest -log p, for channels of which one
    may fail alone. cauchy: the mean of cot(pi p) (Liu, Xie, "Cauchy combination test", 2020), 0 for p above 1/2 so that
    dull members do not outweigh a strange one: between the two. What a value means is not looked up, since members
    depend on one another, but learnt from normal rows: see `Panel`.
    """
    return np.array([_pool(row, how) for row in np.asarray(p, np.float64).tolist()])


def _pool(p: list[float], how: Pooling) -> float:
    known = [max(value, 1e-300) for value in p if value == value]
    if not known:
        return math.nan
    if how == "least":
        return -math.log(min(known))
    terms = [1 / math.tan(math.pi * v) if v < 0.5 else 0.0 for v in known] if how == "cauchy" else map(math.log, known)
    total = math.fsum(terms)  # exactly rounded: equal p-values in another order are a tie
    return total / len(p) if how == "cauchy" else -total


@dataclass(frozen=True)
class Panelled:
    """Several members as one.

    p: (N,) p-values of all together; an alarm is p <= rate. members: (N, M) each one's own, which name the cause.
    """

    p: Floats
    members: Floats

    def contributions(self) -> Floats:
        """Each member's share (N, M) of the surprise: -log p over its sum; equal shares where nothing surprises."""
        surprise = -np.log(np.where(np.isnan(self.members), 1.0, self.members))
        total = surprise.sum(axis=1, keepdims=True)
        shares: Floats = np.where(total > 0, surprise / np.where(total > 0, total, 1), 1 / surprise.shape[1])
        return shares


class Panel:
    """Members or channels ranked each by itself and then together, as batch or stream.

    reference: scores (R, M) of normal rows, oldest first, NaN where one is unknown. The statistic of the members'
    p-values is itself calibrated on the same rows, so that the promise holds however the members depend on one another.
    A row of the reference is never less rare there than a new row of the same scores would be, which is the safe side.
    Members learn when the whole does. Raises InputError for a member without a finite score.
    """

    def __init__(self, reference: Any, settings: Calibration | None = None, how: Pooling = "fisher") -> None:
        settings = settings or Calibration()
        table = _columns(reference)
        self.how: Pooling = how
        self._members = [Reference(column, settings.rows(len(table))) for column in table.T]
        within = np.full(table.shape, np.nan)
        for k, member in enumerate(self._members):
            known = np.flatnonzero(np.isfinite(table[:, k]))[-len(member) :]
            within[known, k] = member.own_p()
        self._together = Calibrator(pooled(within, how), settings)

    def step(self, scores: Sequence[float]) -> tuple[float, list[float]]:
        """The next row's scores (M,), NaN where one is unknown: its p-value, and the members' own."""
        if len(scores) != len(self._members):
            raise InputError(f"scores of {len(scores)} members beside a reference of {len(self._members)}")
        pairs = list(zip(self._members, scores, strict=True))
        own = [member.smooth_p(score) if score == score else math.nan for member, score in pairs]
        p = self._together.step(_pool(own, self.how))
        if self._together.learnt:
            for member, score in pairs:
                if math.isfinite(score):
                    member.learn(score)
        return p, own

    @property
    def learnt(self) -> bool:
        """Whether the last row went into the references at once."""
        return self._together.learnt

    def run(self, scores: Any) -> Panelled:
        """The same for rows (N, M), as `step` gives them."""
        table = _columns(scores)
        p, own = np.empty(len(table)), np.empty(table.shape)
        for row, values in enumerate(table.tolist()):
            p[row], own[row] = self.step(values)
        return Panelled(p, own)

    def state(self) -> dict[str, Floats]:
        """Everything that was learnt, as plain arrays."""
        members = {f"member.{k}.{name}": a for k, m in enumerate(self._members) for name, a in m.state().items()}
        return {**self._together.state(), **members}

    @classmethod
    def restore(cls, state: dict[str, Floats], settings: Calibration, how: Pooling = "fisher") -> Panel:
        """The panel that `state` was taken from, with its settings. Raises InputError for arrays that are none."""
        count = sum(name.startswith("member.") and name.endswith(".scores") for name in state)
        if not count:
            raise InputError("a saved panel without its members: save it again")
        made = cls.__new__(cls)
        made.how = how
        made._together = Calibrator.restore(state, settings)
        made._members = [Reference.restore(_part(state, f"member.{k}.")) for k in range(count)]
        return made


def _part(state: dict[str, Floats], prefix: str) -> dict[str, Floats]:
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def _columns(scores: Any) -> Floats:
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or not table.shape[1]:
        raise InputError(f"scores of shape {table.shape}: give a row a time and a column a member")
    return table
