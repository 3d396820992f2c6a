"""Several members as one judge of one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.filling import fill
from genapps_timeseries.members.base import Arrays, Member, Task
from genapps_timeseries.members.convolutions import Convolutions
from genapps_timeseries.members.neighbors import Neighbors
from genapps_timeseries.series import Floats
from genapps_timeseries.windows import window_of

MEMBERS: tuple[type[Member], ...] = (Neighbors, Convolutions)
FARTHEST = 1e6  # spreads of the channel; what is farther off counts as that far, so that single precision suffices
LOWEST, HIGHEST = -3.0, 10.0  # of one member's z-score: none outvotes all others


@dataclass(frozen=True)
class Judged:
    """scores: (N,) of points, higher is stranger. expected: (N,) what a normal course would have been."""

    scores: Floats
    expected: Floats


class Ensemble:
    """Judges one channel: members' scores on one scale, their mean."""

    reference: Judged  # of the normal part (R,), as if each point had not been learnt

    def __init__(self, family: str = "ensemble", window: int = 0) -> None:
        self.family, self.window = family, window

    def fit(self, normal: Floats, generator: np.random.Generator, others: Floats | None = None) -> Self:
        """Learn from points (R,) of the normal part; `others` (M,) are judged and at hand. NaN: unknown."""
        known = normal[np.isfinite(normal)]
        self.middle, self.unit = _measure(known if len(known) else np.zeros(1))
        self.window = self.window or window_of(fill(normal, 1).values)
        rows, judged = self._prepared(normal)
        there = self._prepared(others)[0] if others is not None and len(others) else None
        task = Task(rows, self.window, generator, there)
        self.members = [member().fit(task) for member in MEMBERS]
        own = np.stack([member.reference for member in self.members], axis=1)
        both = own if there is None else np.concatenate([own, self._raw(there)])
        self.means, self.spreads = both.mean(0), both.std(0)
        self.spreads[self.spreads <= 0] = 1.0
        self.reference = self._judged(own, judged)
        return self

    def score(self, values: Floats) -> Judged:
        """Scores of points (N,), NaN where unknown."""
        rows, judged = self._prepared(values)
        return self._judged(self._raw(rows), judged)

    def voices(self, values: Floats) -> tuple[tuple[str, ...], Floats]:
        """The members' names, and their z-scores (N, M) of points (N,): who saw it."""
        rows, _ = self._prepared(values)
        return tuple(member.name for member in self.members), self._z(self._raw(rows))

    def _prepared(self, values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        filled, judged = fill(values, max(3, self.window // 2))
        return np.clip((filled - self.middle) / self.unit, -FARTHEST, FARTHEST), judged

    def _raw(self, rows: Floats) -> Floats:
        return np.stack([member.score(rows) for member in self.members], axis=1)

    def _z(self, scores: Floats) -> Floats:
        z: Floats = np.clip((scores - self.means) / self.spreads, LOWEST, HIGHEST)
        return z

    def _judged(self, scores: Floats, judged: NDArray[np.bool_]) -> Judged:
        return Judged(np.where(judged, self._z(scores).mean(1), np.nan), np.full(len(scores), self.middle))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        arrays: Arrays = {"means": self.means, "spreads": self.spreads, "reference": self.reference.scores}
        settings: dict[str, Any] = {"window": self.window, "family": self.family, "members": {}}
        settings |= {"middle": self.middle, "unit": self.unit}
        for member in self.members:
            found, settings["members"][member.name] = member.state()
            arrays |= {f"{member.name}/{name}": array for name, array in found.items()}
        return arrays, settings

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The ensemble that `state` was taken from."""
        made = cls(settings["family"], int(settings["window"]))
        made.middle, made.unit = float(settings["middle"]), float(settings["unit"])
        made.means, made.spreads = arrays["means"], arrays["spreads"]
        made.members = [
            member.from_state(_own(arrays, member.name), settings["members"][member.name]) for member in MEMBERS
        ]
        made.reference = Judged(arrays["reference"], np.full(len(arrays["reference"]), made.middle))
        return made


def _own(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    return {key.partition("/")[2]: array for key, array in arrays.items() if key.startswith(f"{name}/")}


def _measure(known: Floats) -> tuple[float, float]:
    """The middle of known values and their spread but for the outermost hundredth; 1 where all are the same."""
    middle = float(np.median(known))
    low, high = np.quantile(known, [0.005, 0.995])
    unit = float(np.clip(known, low, high).std()) or float(known.std())
    return middle, unit if np.isfinite(unit) and unit > 0 else 1.0
