"""Several members as one judge of one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps.anomaly.combining import Scale, robust_scale
from genapps_timeseries.members.base import Arrays, Member, Task
from genapps_timeseries.members.neighbors import Neighbors
from genapps_timeseries.series import Floats
from genapps_timeseries.windows import window_of


@dataclass(frozen=True)
class Judged:
    """scores: (N,) of points, higher is stranger. expected: (N,) what a normal course would have been."""

    scores: Floats
    expected: Floats


class Ensemble:
    """Judges one channel: members' scores on one scale, their weighted mean.

    effort: 0..1, the share of the usual time that may be spent on the channel: banks shrink with it, costly members go.
    """

    reference: Judged  # of the normal part (R,), as if each point had not been learnt

    def __init__(self, family: str = "ensemble", window: int = 0, effort: float = 1.0) -> None:
        self.family, self.window, self.effort = family, window, effort

    def fit(self, normal: Floats, generator: np.random.Generator, others: Floats | None = None) -> Self:
        """Learn from points (R,) of the normal part; `others` (M,) are judged and at hand. NaN: unknown."""
        normal, others = _filled(normal), None if others is None else _filled(others)
        self.window = self.window or window_of(normal)
        task = Task(normal, self.window, generator, others)
        self.members: list[Member] = [Neighbors().fit(task)]
        scores = np.stack([member.reference for member in self.members], axis=1)
        self.scale = robust_scale(scores)
        self.middle = float(np.median(normal))
        self.reference = self._judged(scores)
        return self

    def score(self, values: Floats) -> Judged:
        """Scores of points (N,), NaN where unknown."""
        filled = _filled(values)
        return self._judged(np.stack([member.score(filled) for member in self.members], axis=1))

    def _judged(self, scores: Floats) -> Judged:
        return Judged(self.scale(scores).mean(1), np.full(len(scores), self.middle))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        arrays: Arrays = {"middle": self.scale.middle, "spread": self.scale.spread, "reference": self.reference.scores}
        settings: dict[str, Any] = {
            "window": self.window,
            "family": self.family,
            "effort": self.effort,
            "center": self.middle,
            "members": {},
        }
        for member in self.members:
            found, settings["members"][member.name] = member.state()
            arrays |= {f"{member.name}/{name}": array for name, array in found.items()}
        return arrays, settings

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The ensemble that `state` was taken from."""
        made = cls(settings["family"], int(settings["window"]), float(settings["effort"]))
        made.middle, made.scale = float(settings["center"]), Scale(arrays["middle"], arrays["spread"])
        own = {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith("neighbors/")}
        made.members = [Neighbors.from_state(own, settings["members"]["neighbors"])]
        made.reference = Judged(arrays["reference"], np.full(len(arrays["reference"]), made.middle))
        return made


def _filled(values: Floats) -> Floats:
    """The points with holes filled along straight lines."""
    known = np.isfinite(values)
    if known.all():
        return values
    rows = np.arange(len(values))
    return np.interp(rows, rows[known], values[known]) if known.any() else np.zeros(len(values))
