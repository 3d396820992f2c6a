"""What judges across channels have in common: the form, the channels on one scale, and rows that were not learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.scoring.drift import drift
from genapps_timeseries.scoring.filling import fill
from genapps_timeseries.scoring.roles import Role
from genapps_timeseries.series import Codes, Floats

FOLDS = 5  # of the normal part: each is judged by what was learnt from the others
FAR = 8.0  # spreads of a channel: farther is as far, so that no single value outweighs all the rest
WANDERING = 2.0  # how much wider the scale of a channel is for each deviation that it wanders
TWINS = 0.999  # correlation from which on two channels are one


@dataclass(frozen=True)
class Crossed:
    """scores: (N,) of rows, higher is stranger. channels: (N, K) what each column has to do with it, 0 and more."""

    scores: Floats
    channels: Floats


class Crossing(Protocol):
    """Judges rows of a table (N, K): channels on one scale, without NaN."""

    name: ClassVar[str]
    reference: Crossed  # of the normal part, as if no row had been learnt; there after `fit` only

    def score(self, table: Floats) -> Crossed:
        """Scores of rows (N, K)."""
        ...

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        ...

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        ...


@dataclass(frozen=True)
class Common:
    """The channels that move, on one scale.

    columns: (K,) their numbers. steps: (K,) whether a channel is a counter, of which the steps count. levels: (K,)
    whether it has few levels. middle and spread (K,): mean and deviation in the normal part, the latter wider where the
    channel wanders. twins: (K,) the number of the first column that says the same, or the column's own: what is
    measured twice must not count twice.
    """

    columns: Codes
    steps: NDArray[np.bool_]
    levels: NDArray[np.bool_]
    middle: Floats
    spread: Floats
    twins: Codes

    @classmethod
    def of(cls, normal: Floats, roles: Sequence[Role]) -> Self:
        """From a normal part (R, C), NaN where unknown."""
        columns = np.array([c for c, role in enumerate(roles) if role not in ("unknown", "constant")], np.int64)
        steps = np.array([roles[c] == "counter" for c in columns], bool)
        levels = np.array([roles[c] in ("binary", "levels") for c in columns], bool)
        raw = _raw(normal, columns, steps)
        middle, spread = raw.mean(0), raw.std(0)
        spread = spread * np.array([1 + WANDERING * drift(column) for column in raw.T])
        moving = spread > 1e-9 * np.maximum(np.abs(middle), 1e-300)
        made = cls(
            columns[moving], steps[moving], levels[moving], middle[moving], spread[moving], np.empty(0, np.int64)
        )
        table = made(normal)
        alike = np.abs(table.T @ table) / np.maximum(len(table) * np.outer(table.std(0), table.std(0)), 1e-12) >= TWINS
        twins = (alike | np.eye(len(alike), dtype=bool)).argmax(1) if len(alike) else made.twins
        return cls(made.columns, made.steps, made.levels, made.middle, made.spread, twins.astype(np.int64))

    def __call__(self, values: Floats) -> Floats:
        """Rows (N, C) as a table (N, K); holes are bridged."""
        table: Floats = np.clip((_raw(values, self.columns, self.steps) - self.middle) / self.spread, -FAR, FAR)
        return table

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which columns (K,) are nobody's second."""
        found: NDArray[np.bool_] = self.twins == np.arange(len(self.twins))
        return found

    def state(self) -> Arrays:
        """Everything, as arrays."""
        flags = {"steps": self.steps.astype(np.int64), "levels": self.levels.astype(np.int64)}
        return {"columns": self.columns, "middle": self.middle, "spread": self.spread, "twins": self.twins, **flags}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `state` was taken from."""
        flags = arrays["steps"].astype(bool), arrays["levels"].astype(bool)
        return cls(arrays["columns"], *flags, arrays["middle"], arrays["spread"], arrays["twins"])


def steps_of(values: Floats) -> Floats:
    """Steps (N,) of a counter from point to point; the first is taken for the second.

    Where it is set back its step is unknown: that tells nothing of how fast it counts.
    """
    steps = np.diff(values, prepend=np.nan)
    way = np.sign(np.nan_to_num(np.sign(steps)).sum())
    steps = np.where(steps * way < 0, np.nan, steps)
    steps[:1] = steps[1:2] if len(steps) > 1 else 0.0
    return steps


def folds(count: int) -> Codes:
    """The fold of each row (R,): stretches of equal length."""
    return np.arange(count) * FOLDS // max(count, 1)


def smoothed(parts: Floats, width: int) -> Floats:
    """The mean of `width` rows around each row of parts (N, K) >= 0; at both ends that of the first and last `width`.

    Means of fewer vary more, so that an end would be strange for being one.
    """
    width = min(width, len(parts))
    if width < 2:
        return parts
    total = np.vstack([np.zeros(parts.shape[1]), np.cumsum(parts, axis=0)])
    first = np.clip(np.arange(len(parts)) - width // 2, 0, len(parts) - width)
    means: Floats = (total[first + width] - total[first]) / width
    return np.maximum(means, 0)


def _raw(values: Floats, columns: Codes, steps: NDArray[np.bool_]) -> Floats:
    found = np.empty((len(values), len(columns)))
    for k, (c, step) in enumerate(zip(columns.tolist(), steps.tolist(), strict=True)):
        found[:, k] = fill(steps_of(values[:, c]) if step else values[:, c], 1).values
    return found
