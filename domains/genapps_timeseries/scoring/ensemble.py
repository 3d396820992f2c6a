"""Several members as one judge of one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Member, Task
from genapps_timeseries.members.convolutions import Convolutions
from genapps_timeseries.members.level import Level
from genapps_timeseries.members.neighbors import Neighbors
from genapps_timeseries.members.principal import Principal
from genapps_timeseries.members.regression import Regression
from genapps_timeseries.members.shapes import Discords, Shapes
from genapps_timeseries.members.spikes import Spikes
from genapps_timeseries.scoring.course import Course
from genapps_timeseries.scoring.filling import fill
from genapps_timeseries.scoring.voice import Voice
from genapps_timeseries.scoring.weighting import worths
from genapps_timeseries.scoring.windows import window_of
from genapps_timeseries.series import Floats

DEFAULT = "ensemble"
MEMBERS: tuple[type[Member], ...] = (
    Neighbors, Convolutions, Shapes, Discords, Level, Principal, Regression, Spikes,
)  # fmt: skip
FARTHEST = 1e6  # spreads of the channel; what is farther off counts as that far, so that single precision suffices
HOLE = 3  # points without a value that can always be bridged


@dataclass(frozen=True)
class Judged:
    """scores: (N,) of points, higher is stranger, NaN where unknown. expected: (N,) what a normal course would have
    been, seen from before and after."""

    scores: Floats
    expected: Floats


class Ensemble:
    """Judges one channel: what its members say, weighted by what they found of anomalies put into the normal part.

    family: `ensemble` for all members, or one that `members.choosing` names. window: points of a period, 0 finds it.
    effort: 0..1, the share of the usual time that may be spent on the channel: banks shrink with it.
    """

    reference: Judged  # of the normal part (R,), as if each point had not been learnt

    def __init__(self, family: str = DEFAULT, window: int = 0, effort: float = 1.0) -> None:
        self.family, self.window, self.effort = family, window, effort
        self._others: Floats | None = None

    def fit(self, normal: Floats, generator: np.random.Generator, others: Floats | None = None) -> Self:
        """Learn from points (R,) of the normal part; `others` (M,) are judged and at hand. NaN: unknown.

        `others` are to be judged whole, in one call of `score`: parts of them would meet their own like.
        """
        known = normal[np.isfinite(normal)]
        self.middle, self.unit = _measure(known if len(known) else np.zeros(1))
        self.window = self.window or window_of(fill(normal, 1).values)
        rows, judged = self.prepared(normal)
        there, there_judged = self.prepared(others) if others is not None and len(others) else (None, None)
        task = Task(rows, self.window, generator, there, judged, self.effort)
        kinds = [kind for kind in self._kinds() if there is not None or kind is not Discords]
        self.members = [kind().fit(task) for kind in kinds]
        self.course = Course().fit(task)
        self.voices_of: list[Voice] = []
        own, coming = np.zeros(len(rows)), None if there is None else np.zeros(len(there))
        for member, worth in zip(self.members, worths(task, kinds), strict=True):
            scores = None if there is None else member.score(there)
            voice = Voice.of(member.reference, scores, judged, worth / len(kinds))
            own += voice(member.reference)
            if scores is not None and coming is not None:
                coming += voice(scores)
            self.voices_of.append(voice)
        self.reference = self._judged(own, self.course.reference, judged)
        if there is not None and coming is not None and there_judged is not None:
            self._others, self._found = np.array(others), self._judged(coming, self.course.score(there), there_judged)
        return self

    def score(self, values: Floats) -> Judged:
        """Scores of points (N,), NaN where unknown."""
        if self._others is not None and np.array_equal(values, self._others, equal_nan=True):
            return self._found
        rows, judged = self.prepared(values)
        if not len(rows):
            return Judged(np.zeros(0), np.zeros(0))
        said = np.zeros(len(rows))
        for member, voice in zip(self.members, self.voices_of, strict=True):
            said += voice(member.score(rows))
        return self._judged(said, self.course.score(rows), judged)

    def voices(self, values: Floats) -> tuple[tuple[str, ...], Floats]:
        """The members' names, and what each says (N, M) of points (N,): who saw it. It takes as long as `score`."""
        rows, _ = self.prepared(values)
        pairs = zip(self.members, self.voices_of, strict=True)
        said = np.stack([voice(member.score(rows)) for member, voice in pairs], axis=1)
        return tuple(member.name for member in self.members), said

    def _kinds(self) -> list[Any]:
        if self.family == DEFAULT:
            return list(MEMBERS)
        from genapps_timeseries.members.choosing import member_of  # brings torch

        return [lambda: member_of(self.family)]

    def prepared(self, values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Points (N,) as members see them, in spreads from the middle with holes bridged, and which are judged."""
        filled, judged = fill(values, max(HOLE, self.window // 2))
        return np.clip((filled - self.middle) / self.unit, -FARTHEST, FARTHEST), judged

    def _judged(self, said: Floats, course: Floats, judged: NDArray[np.bool_]) -> Judged:
        return Judged(np.where(judged, said, np.nan), course * self.unit + self.middle)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        arrays: Arrays = {"reference": self.reference.scores, "expected": self.reference.expected}
        settings: dict[str, Any] = {"family": self.family, "window": self.window, "effort": self.effort}
        settings |= {"middle": self.middle, "unit": self.unit, "members": {}, "voices": {}}
        for member, voice in zip(self.members, self.voices_of, strict=True):
            found, settings["members"][member.name] = member.state()
            settings["voices"][member.name] = voice.state()
            arrays |= {f"{member.name}/{name}": array for name, array in found.items()}
        arrays |= {f"course/{name}": array for name, array in self.course.state().items()}
        return arrays, settings

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The ensemble that `state` was taken from."""
        made = cls(settings["family"], int(settings["window"]), float(settings["effort"]))
        made.middle, made.unit = float(settings["middle"]), float(settings["unit"])
        made.members = [_restored(name, _own(arrays, name), found) for name, found in settings["members"].items()]
        made.voices_of = [Voice(**settings["voices"][member.name]) for member in made.members]
        made.course = Course.from_state(_own(arrays, "course"))
        made.reference = Judged(arrays["reference"], arrays["expected"])
        return made


def _restored(name: str, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Member:
    kinds = {kind.name: kind for kind in MEMBERS}
    if name in kinds:
        return kinds[name].from_state(arrays, settings)
    from genapps_timeseries.members.choosing import restored  # brings torch

    return restored(name, arrays, settings)


def _own(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}


def _measure(known: Floats) -> tuple[float, float]:
    """The middle of known values and their spread but for the outermost hundredth; 1 where all are the same."""
    middle = float(np.median(known))
    low, high = np.quantile(known, [0.005, 0.995])
    unit = float(np.clip(known, low, high).std()) or float(known.std())
    return middle, unit if np.isfinite(unit) and unit > 0 else 1.0
