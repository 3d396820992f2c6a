"""All channels of a series as one judge: each by its role, across each other, together by one score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.scoring.channels import Channel, prefixed, under
from genapps_timeseries.scoring.crossing import Common, Crossed, Crossing
from genapps_timeseries.scoring.moments import SHORTEST, Moments
from genapps_timeseries.scoring.relations import Relations
from genapps_timeseries.scoring.roles import Role, crowds, roles_of, switch_values
from genapps_timeseries.scoring.space import Joint, Off, Out
from genapps_timeseries.scoring.surprise import Surprise
from genapps_timeseries.series import Floats

HUGE = 1e100
FULL = 3  # channels that get the whole effort; more of them, switches left out, share it
LEAST = 0.03  # of the effort for each
CROSSINGS: dict[str, type[Crossing]] = {kind.name: kind for kind in (Relations, Off, Out, Joint, Moments)}
# What is heard of as one vote: the mean of its judges, so that several of a kind do not outvote another kind.
# Moments are heard twice, for they alone gather evidence over minutes.
VOTES = (("strongest", "breadth"), ("relations",), ("off", "out", "joint"), ("moments",), ("moments",))
IN_NATS = {
    "moments"
}  # told in nats already, by how far stretches may lie off that never came up within the normal part

ALREADY = {"strongest", "relations"}  # the largest of several surprises: as one of many it cannot be worth more


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

    Each channel is judged by its role, and those that move are judged across each other too. What each judge says
    becomes surprise (-log of a p-value beside the normal part), so that a channel that is always wild does not drown
    the others. The score of a row is the mean of four votes: the channels by themselves (the strangest, and all
    together), their relations, their place among normal rows, and their moments over stretches, which count twice; a
    vote that has no judge is left out. A series of one channel has the score of that channel.
    """

    reference: Scored  # of the normal part, as if each row had not been learnt
    roles: tuple[Role, ...]  # of each channel: continuous, binary, levels, counter, constant, unknown

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        self.settings = settings or DetectorSettings()

    def fit(self, normal: Floats, others: Floats | None = None) -> Self:
        """Learn from rows (R, C), NaN where unknown. `others` (M, C): rows to be judged that are at hand."""
        normal, others = _finite(normal), None if others is None else _finite(others)
        generator = np.random.default_rng(self.settings.seed)
        self.roles = roles_of(normal)
        switches = switch_values(normal, self.roles)
        self.crowds = crowds(normal, self.roles, switches)
        alone = sum(role != "unknown" and crowd == 1 for role, crowd in zip(self.roles, self.crowds, strict=True))
        effort = max(LEAST, min(1.0, FULL / max(alone, 1)))
        self.channels = [
            Channel(role, self.settings.family, self.settings.window, effort, int(self.crowds[c])).fit(
                column, switches, generator, None if others is None else others[:, c]
            )
            for c, (role, column) in enumerate(zip(self.roles, normal.T, strict=True))
        ]
        self._cross(normal)
        own, expected = _stacked([channel.reference for channel in self.channels])
        crossed = {crossing.name: crossing.reference for crossing in self.crossings}
        ways = self._ways(own, crossed)
        self.scales = {name: Surprise.of(scores) for name, scores in ways.items() if name not in IN_NATS}
        self.reference = self._together(own, expected, crossed)
        return self

    def _cross(self, normal: Floats) -> None:
        self.common = Common.of(normal, self.roles)
        self.space = self.common.single & ~self.common.levels
        self.crossings: list[Crossing] = []
        table = self.common(normal)
        if table.shape[1] > 1:
            most = np.array([self.channels[c].most for c in self.common.columns])
            relations = Relations().fit(table, self.common, most, self.crowds[self.common.columns].astype(np.float64))
            self.crossings += [relations] if relations.earned.any() else []
        if self.space.sum() > 1:
            self.crossings += [made.fit(table[:, self.space]) for made in (Off(), Out(), Joint())]
            self.crossings += [Moments().fit(table[:, self.space])] if len(table) >= SHORTEST else []

    def score(self, values: Floats) -> Scored:
        """Scores of rows (N, C), NaN where unknown."""
        values = _finite(values)
        found = [channel.score(column) for channel, column in zip(self.channels, values.T, strict=True)]
        table = self.common(values) if self.crossings else values
        crossed = {
            crossing.name: crossing.score(table if isinstance(crossing, Relations) else table[:, self.space])
            for crossing in self.crossings
        }
        return self._together(*_stacked(found), crossed)

    def _ways(self, own: Floats, crossed: Mapping[str, Crossed]) -> dict[str, Floats]:
        """All that a row (N,) is judged by."""
        filled = np.nan_to_num(own)
        ways = {"strongest": filled.max(1), "breadth": filled @ (1 / self.crowds)}
        return ways | {name: found.scores for name, found in crossed.items()}

    def _together(self, own: Floats, expected: Floats, crossed: Mapping[str, Crossed]) -> Scored:
        if own.shape[1] == 1:
            return Scored(own[:, 0], own, expected)
        ways = self._ways(own, crossed)
        nats = {name: self.scales[name](scores) if name in self.scales else scores for name, scores in ways.items()}
        for name in ALREADY & nats.keys():
            nats[name] = np.minimum(nats[name], ways[name])
        votes = [np.mean([nats[name] for name in vote if name in nats], axis=0) for vote in VOTES if vote[-1] in nats]
        scores = np.where(np.isfinite(own).any(1), np.mean(votes, axis=0), np.nan)
        channels = own.copy()
        for name, found in crossed.items():
            columns = self.common.columns if name == "relations" else self.common.columns[self.space]
            share = found.channels / np.maximum(found.channels.sum(1, keepdims=True), 1e-12)
            channels[:, columns] += nats[name][:, None] * share
        return Scored(scores, channels, expected)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        reference = {"scores": self.reference.scores, "channels": self.reference.channels}
        arrays = prefixed("reference", {**reference, "expected": self.reference.expected})
        arrays |= {"crowds": self.crowds, **prefixed("common", self.common.state())}
        arrays |= prefixed("scale", {name: scale.state() for name, scale in self.scales.items()})
        settings: dict[str, Any] = {**asdict(self.settings), "roles": list(self.roles), "channels": [], "crossings": {}}
        for c, channel in enumerate(self.channels):
            found, learnt = channel.state()
            settings["channels"].append(learnt)
            arrays |= prefixed(f"channel/{c}", found)
        for crossing in self.crossings:
            found, settings["crossings"][crossing.name] = crossing.state()
            arrays |= prefixed(f"crossing/{crossing.name}", found)
        return arrays, settings

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The detector that `state` was taken from."""
        made = cls(DetectorSettings(settings["family"], settings["window"], settings["seed"]))
        made.roles, made.crowds = tuple(settings["roles"]), arrays["crowds"]
        made.reference = Scored(**under("reference", arrays))
        made.common = Common.from_state(under("common", arrays))
        made.space = made.common.single & ~made.common.levels
        made.scales = {name: Surprise.from_state(array) for name, array in under("scale", arrays).items()}
        made.channels = [
            Channel.from_state(under(f"channel/{c}", arrays), learnt) for c, learnt in enumerate(settings["channels"])
        ]
        made.crossings = [
            CROSSINGS[name].from_state(under(f"crossing/{name}", arrays), learnt)
            for name, learnt in settings["crossings"].items()
        ]
        return made


def _finite(values: Floats) -> Floats:
    """What is infinite is unknown, and what is huge is cut so that its square is a number."""
    return np.clip(np.where(np.isfinite(values), values, np.nan), -HUGE, HUGE)


def _stacked(found: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    return np.stack([scores for scores, _ in found], 1), np.stack([expected for _, expected in found], 1)
