"""One channel, judged by its role, with its scores as surprise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.scoring.crossing import steps_of
from genapps_timeseries.scoring.drift import drift
from genapps_timeseries.scoring.ensemble import Ensemble
from genapps_timeseries.scoring.levels import Habits, news
from genapps_timeseries.scoring.roles import Role
from genapps_timeseries.scoring.surprise import Surprise
from genapps_timeseries.series import Floats

KINDS: dict[str, type[Ensemble] | type[Habits]] = {"ensemble": Ensemble, "habits": Habits}
WANDERING = 5.0  # how much longer the tail of surprise is for each deviation that the channel wanders
LEVELS: tuple[Role, ...] = ("binary", "levels", "constant")
HABIT = 16  # rows: the window of habits where no period is given


class Channel:
    """Judges one channel: surprise (N,) and the course (N,) that would have been normal."""

    reference: tuple[Floats, Floats]  # of the normal part (R,), as if no point had been learnt

    def __init__(self, role: Role, family: str, window: int, effort: float, crowd: int = 1) -> None:
        self.role, self.family, self.window, self.effort, self.crowd = role, family, window, effort, crowd
        self.judge: Ensemble | Habits | None = None

    def fit(self, normal: Floats, switches: Floats, generator: np.random.Generator, others: Floats | None) -> Self:
        """Learn from points (R,); switches: values that other channels of its kind take; `others` (M,) as judged."""
        course = steps_of(normal) if self.role == "counter" else normal
        if self.role != "unknown" and (self.role != "constant" or not len(switches)) and self.crowd == 1:
            made = Ensemble(self.family, self.window, self.effort)
            coming = steps_of(others) if others is not None and self.role == "counter" else others
            self.judge = made.fit(course, generator, coming)
            self.window = made.window
        elif self.role != "unknown":
            self.window = self.window or HABIT
            self.judge = Habits(self.window).fit(normal)
        scores, expected = self._raw_reference(len(normal))
        scores = np.where(np.isnan(normal), np.nan, scores)
        self.known = np.unique(normal[np.isfinite(normal)]) if self.role in LEVELS else np.empty(0)
        if isinstance(self.judge, Habits):
            self.known = np.union1d(self.known, switches) if np.isin(self.known, switches).any() else self.known
        wandering = drift(course) if self.role in ("continuous", "counter") else 0.0
        self.surprise = Surprise.of(scores, 1 + WANDERING * wandering)
        self.middle = float(np.nanmedian(normal)) if np.isfinite(normal).any() else float("nan")
        self.last = float(normal[np.isfinite(normal)][-1]) if np.isfinite(normal).any() else float("nan")
        self.most = self._most(len(normal))
        self.reference = self._judged(scores, expected, normal)
        return self

    def score(self, values: Floats) -> tuple[Floats, Floats]:
        """Surprise and expectation of points (N,), NaN where unknown."""
        if isinstance(self.judge, Ensemble):
            judged = self.judge.score(steps_of(values) if self.role == "counter" else values)
            scores, expected = judged.scores, judged.expected
        elif self.judge is not None:
            scores, expected = self.judge.score(values), np.full(len(values), np.nan)
        else:
            scores, expected = np.full(len(values), np.nan), np.full(len(values), np.nan)
        return self._judged(np.where(np.isnan(values), np.nan, scores), expected, values)

    def among(self, nats: Floats) -> Floats:
        """What nats are worth in a channel that is one of many alike: as many p-values, of which one is always low."""
        worth: Floats = np.maximum(np.minimum(nats, self.most) - np.log(self.crowd), 0.0)
        return worth

    def _raw_reference(self, count: int) -> tuple[Floats, Floats]:
        if isinstance(self.judge, Ensemble):
            return self.judge.reference.scores, self.judge.reference.expected
        unknown = np.full(count, np.nan)
        return (unknown if self.judge is None else self.judge.reference), unknown

    def _most(self, count: int) -> float:
        """Habits are worth no more than the number of windows they were learnt from allows, and each as one of many."""
        return float(np.log(count / self.window + 1)) if isinstance(self.judge, Habits) else np.inf

    def _judged(self, scores: Floats, expected: Floats, values: Floats) -> tuple[Floats, Floats]:
        surprise = self.among(self.surprise(scores)) + news(values, self.known)
        if self.role == "counter":
            known = np.where(np.isnan(values), self.last, values)
            expected = np.concatenate([[known[0]], known[:-1]]) + expected
        elif not isinstance(self.judge, Ensemble):
            expected = np.full(len(values), self.middle)
        return surprise, expected

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        settings = {
            "role": self.role,
            "family": self.family,
            "window": self.window,
            "effort": self.effort,
            "crowd": self.crowd,
        }
        numbers = {"middle": _json(self.middle), "last": _json(self.last), "most": _json(self.most)}
        surprise, expected = self.reference
        arrays: Arrays = {
            "surprise": surprise,
            "expected": expected,
            "scale": self.surprise.state(),
            "known": self.known,
        }
        learnt: dict[str, Any] = {}
        if self.judge is not None:
            found, learnt = self.judge.state()
            arrays |= prefixed("judge", found)
        kind = type(self.judge).__name__.lower() if self.judge is not None else ""
        return arrays, {**settings, **numbers, "kind": kind, "judge": learnt}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The channel that `state` was taken from."""
        numbers = int(settings["window"]), float(settings["effort"]), int(settings["crowd"])
        made = cls(settings["role"], settings["family"], *numbers)
        made.known = arrays["known"]
        made.middle, made.last = (np.nan if settings[k] is None else float(settings[k]) for k in ("middle", "last"))
        made.most = np.inf if settings["most"] is None else float(settings["most"])
        made.surprise = Surprise.from_state(arrays["scale"])
        made.reference = (arrays["surprise"], arrays["expected"])
        if settings["kind"]:
            made.judge = KINDS[settings["kind"]].from_state(under("judge", arrays), settings["judge"])
        return made


def prefixed(name: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Arrays under a folder of names."""
    return {f"{name}/{key}": array for key, array in arrays.items()}


def under(name: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The arrays of such a folder."""
    return {key[len(name) + 1 :]: array for key, array in arrays.items() if key.startswith(f"{name}/")}


def _json(value: float) -> float | None:
    return value if np.isfinite(value) else None
