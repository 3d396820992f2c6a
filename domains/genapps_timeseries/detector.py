"""All channels of a series as one judge: each by its role, together by one score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.ensemble import Ensemble
from genapps_timeseries.members.base import Arrays
from genapps_timeseries.series import Floats


@dataclass(frozen=True)
class DetectorSettings:
    """family: ensemble, one of the six, auto, or pyod:NAME. window: points of a period, 0 finds it. seed: of draws."""

    family: str = "ensemble"
    window: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Scored:
    """scores: (N,) of rows, higher is stranger, NaN where nothing is known. channels: (N, C) of each channel, on one
    scale, NaN likewise. expected: (N, C) what a normal course would have been, NaN where a channel has none."""

    scores: Floats
    channels: Floats
    expected: Floats


class Detector:
    """Judges rows of C channels after a normal part."""

    reference: Scored  # of the normal part, as if each row had not been learnt
    roles: tuple[str, ...]  # of each channel: continuous, binary, constant, unknown

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        self.settings = settings or DetectorSettings()

    def fit(self, normal: Floats, others: Floats | None = None) -> Self:
        """Learn from rows (R, C), NaN where unknown. `others` (M, C): rows to be judged that are at hand."""
        generator = np.random.default_rng(self.settings.seed)
        self.roles = tuple("continuous" for _ in range(normal.shape[1]))
        self.judges = []
        for c, column in enumerate(normal.T):
            judge = Ensemble(self.settings.family, self.settings.window)
            self.judges.append(judge.fit(column, generator, None if others is None else others[:, c]))
        self.reference = _together(
            np.stack([judge.reference.scores for judge in self.judges], 1),
            np.stack([judge.reference.expected for judge in self.judges], 1),
        )
        return self

    def score(self, values: Floats) -> Scored:
        """Scores of rows (N, C), NaN where unknown."""
        judged = [judge.score(column) for judge, column in zip(self.judges, values.T, strict=True)]
        return _together(np.stack([j.scores for j in judged], 1), np.stack([j.expected for j in judged], 1))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        arrays: Arrays = {}
        settings: dict[str, Any] = {**asdict(self.settings), "roles": list(self.roles), "judges": []}
        for c, judge in enumerate(self.judges):
            found, learnt = judge.state()
            settings["judges"].append(learnt)
            arrays |= {f"channel/{c}/{name}": array for name, array in found.items()}
        return arrays, settings

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The detector that `state` was taken from."""
        made = cls(DetectorSettings(settings["family"], settings["window"], settings["seed"]))
        made.roles = tuple(settings["roles"])
        made.judges = []
        for c, learnt in enumerate(settings["judges"]):
            start = f"channel/{c}/"
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            made.judges.append(Ensemble.from_state(own, learnt))
        made.reference = _together(
            np.stack([judge.reference.scores for judge in made.judges], 1),
            np.stack([judge.reference.expected for judge in made.judges], 1),
        )
        return made


def _together(channels: Floats, expected: Floats) -> Scored:
    return Scored(channels.max(1), channels, expected)
