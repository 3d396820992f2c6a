"""All channels of a series as one judge: each by its role, across each other, together by one score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.channels import Channel, prefixed, under
from genapps_timeseries.crossing import FAR, KINDS, Crossed, Crossing, Relations
from genapps_timeseries.members.base import Arrays
from genapps_timeseries.roles import Role, roles_of, switch_values
from genapps_timeseries.series import Floats
from genapps_timeseries.surprise import Surprise

FULL = 4  # channels of continuous values that get the whole effort; more of them share it
LEAST = 0.1  # of the effort for each


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
    """Judges rows of C channels after a normal part.

    Each channel is judged by its role, and the channels of continuous values across each other too. What each judge
    says becomes surprise (-log of a p-value beside the normal part), so that a channel that is always wild does not
    drown the others. The score of a row is the mean surprise at its strangest channel, at all channels together and at
    each judge across channels. A series of one channel has the score of that channel's judge.
    """

    reference: Scored  # of the normal part, as if each row had not been learnt
    roles: tuple[Role, ...]  # of each channel: continuous, binary, levels, counter, constant, unknown

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        self.settings = settings or DetectorSettings()

    def fit(self, normal: Floats, others: Floats | None = None) -> Self:
        """Learn from rows (R, C), NaN where unknown. `others` (M, C): rows to be judged that are at hand."""
        generator = np.random.default_rng(self.settings.seed)
        self.roles = roles_of(normal)
        switches = switch_values(normal, self.roles)
        moving = sum(role in ("continuous", "counter") for role in self.roles)
        effort = max(LEAST, min(1.0, FULL / max(moving, 1)))
        self.judges = [
            Channel(role, self.settings.family, self.settings.window, effort).fit(
                column, switches, generator, None if others is None else others[:, c]
            )
            for c, (role, column) in enumerate(zip(self.roles, normal.T, strict=True))
        ]
        self._cross(normal)
        found = [judge.reference for judge in self.judges]
        own = np.stack([scores for scores, _ in found], 1)
        crossed = [crossing.reference for crossing in self.crossings]
        self.scales = {f"crossing.{c.name}": Surprise.of(c.reference.scores) for c in self.crossings}
        strongest, breadth = _pooled(own)
        self.scales |= {"strongest": Surprise.of(strongest), "breadth": Surprise.of(breadth)}
        self.reference = self._together(own, np.stack([expected for _, expected in found], 1), crossed)
        return self

    def _cross(self, normal: Floats) -> None:
        self.crossed = np.flatnonzero([role == "continuous" for role in self.roles])
        self.crossings: list[Crossing] = []
        self.middle, self.spread = np.zeros(len(self.crossed)), np.ones(len(self.crossed))
        if len(self.crossed) < 2:
            return
        part = normal[:, self.crossed]
        self.middle, self.spread = np.nanmean(part, axis=0), np.nanstd(part, axis=0)
        width = max(1, min(self.judges[c].window for c in self.crossed) // 8)
        table = self._table(normal)
        for kind in KINDS.values():
            made = kind().fit(table, width)
            if not isinstance(made, Relations) or made.earned:
                self.crossings.append(made)

    def _table(self, values: Floats) -> Floats:
        table = np.clip((values[:, self.crossed] - self.middle) / self.spread, -FAR, FAR)
        return np.where(np.isnan(table), 0.0, table)

    def score(self, values: Floats) -> Scored:
        """Scores of rows (N, C), NaN where unknown."""
        found = [judge.score(column) for judge, column in zip(self.judges, values.T, strict=True)]
        table = self._table(values) if self.crossings else values
        crossed = [crossing.score(table) for crossing in self.crossings]
        own = np.stack([scores for scores, _ in found], 1)
        return self._together(own, np.stack([expected for _, expected in found], 1), crossed)

    def _together(self, own: Floats, expected: Floats, crossed: list[Crossed]) -> Scored:
        if own.shape[1] == 1:
            return Scored(own[:, 0], own, expected)
        strongest, breadth = _pooled(own)
        ways = [self.scales["strongest"](strongest), self.scales["breadth"](breadth)]
        channels = own.copy()
        for crossing, found in zip(self.crossings, crossed, strict=True):
            ways.append(self.scales[f"crossing.{crossing.name}"](found.scores))
            share = found.channels / np.maximum(found.channels.sum(1, keepdims=True), 1e-12)
            channels[:, self.crossed] += ways[-1][:, None] * share
        known = np.isfinite(own).any(1)
        scores = np.where(known, np.nanmean(np.stack([np.nan_to_num(way) for way in ways]), axis=0), np.nan)
        return Scored(scores, channels, expected)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        arrays: Arrays = {"crossed": self.crossed, "middle": self.middle, "spread": self.spread}
        settings: dict[str, Any] = {**asdict(self.settings), "roles": list(self.roles), "judges": [], "crossings": {}}
        for c, judge in enumerate(self.judges):
            found, learnt = judge.state()
            settings["judges"].append(learnt)
            arrays |= prefixed(f"channel/{c}", found)
        for crossing in self.crossings:
            found, settings["crossings"][crossing.name] = crossing.state()
            arrays |= prefixed(f"crossing/{crossing.name}", found)
        arrays |= prefixed("scale", {name: scale.state() for name, scale in self.scales.items()})
        return arrays, settings

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The detector that `state` was taken from."""
        made = cls(DetectorSettings(settings["family"], settings["window"], settings["seed"]))
        made.roles = tuple(settings["roles"])
        made.crossed, made.middle, made.spread = arrays["crossed"], arrays["middle"], arrays["spread"]
        made.judges = [
            Channel.from_state(under(f"channel/{c}", arrays), learnt) for c, learnt in enumerate(settings["judges"])
        ]
        made.crossings = [
            KINDS[name].from_state(under(f"crossing/{name}", arrays), learnt)
            for name, learnt in settings["crossings"].items()
        ]
        made.scales = {name: Surprise.from_state(array) for name, array in under("scale", arrays).items()}
        found = [judge.reference for judge in made.judges]
        crossed = [crossing.reference for crossing in made.crossings]
        own, expected = (np.stack(part, 1) for part in zip(*found, strict=True))
        made.reference = made._together(own, expected, crossed)
        return made


def _pooled(own: Floats) -> tuple[Floats, Floats]:
    """The largest and the mean surprise (N,) of all channels, 0 where none is known."""
    filled = np.nan_to_num(own)
    return filled.max(1), filled.mean(1)
