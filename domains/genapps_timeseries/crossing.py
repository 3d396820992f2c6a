"""Judges across channels: what one channel alone does not show, because each is normal by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays
from genapps_timeseries.series import Floats

FOLDS = 5  # of the normal part: each is judged by what was learnt from the others
KEPT = 0.9  # of the variance lies in the subspace
FAR = 8.0  # standard deviations: farther is as far
RIDGE = 0.05
LAGS = (0, 1, 2, 4, 8)
EARNED = 0.3  # of a channel's variance must be foretold by the others, on parts that were not learnt


@dataclass(frozen=True)
class Crossed:
    """scores: (N,) of rows, higher is stranger. channels: (N, C) what each channel has to do with it, 0 and more."""

    scores: Floats
    channels: Floats


class Crossing(Protocol):
    """Judges rows of standardized channels (N, C) without NaN."""

    name: ClassVar[str]
    reference: Crossed  # of the normal part, as if no row had been learnt

    def fit(self, normal: Floats, width: int) -> Self:
        """Learn from rows (R, C); scores are means over `width` rows."""
        ...

    def score(self, values: Floats) -> Crossed:
        """Scores of rows (N, C)."""
        ...

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        ...

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        ...


class Subspace:
    """The distance to the subspace that holds nine tenths of the normal variance (the Q statistic).

    Jackson, Mudholkar, "Control procedures for residuals associated with principal component analysis", 1979.
    """

    name: ClassVar[str] = "subspace"

    def fit(self, normal: Floats, width: int) -> Self:
        """Learn the directions."""
        self.width = width
        self.directions = _directions(normal)
        parts = held_out(normal, _directions, _residuals)
        self.reference = self._crossed(parts)
        return self

    def score(self, values: Floats) -> Crossed:
        """Squared distances (N,) and each channel's part of them."""
        return self._crossed(_residuals(self.directions, values))

    def _crossed(self, residuals: Floats) -> Crossed:
        parts = smoothed(residuals**2, self.width)
        return Crossed(parts.sum(1), parts)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The directions."""
        reference = {"scores": self.reference.scores, "channels": self.reference.channels}
        return {"directions": self.directions, **reference}, {"width": self.width}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls()
        made.width, made.directions = int(settings["width"]), arrays["directions"]
        made.reference = Crossed(arrays["scores"], arrays["channels"])
        return made


class Relations:
    """What the other channels, now and a little earlier, foretell of each channel, and how far it is from that.

    A ridge regression for each channel that the others foretell at all; the score of a row is that of its strangest
    channel, which is the one whose relation to the others broke.
    """

    name: ClassVar[str] = "relations"

    def fit(self, normal: Floats, width: int) -> Self:
        """Learn the regressions; which channels earn one is told by parts that were not learnt."""
        self.width = width
        self.weights = _regressions(normal)
        residuals = held_out(normal, _regressions, _surprises)
        error = (residuals**2).mean(0)
        self.unit = np.where(error < 1 - EARNED, np.sqrt(np.maximum(error, 1e-4)), np.inf)
        self.reference = self._crossed(residuals)
        return self

    @property
    def earned(self) -> bool:
        """Whether the others foretell any channel."""
        return bool(np.isfinite(self.unit).any())

    def score(self, values: Floats) -> Crossed:
        """Squared errors over their usual size: the largest (N,), and each channel's."""
        return self._crossed(_surprises(self.weights, values))

    def _crossed(self, residuals: Floats) -> Crossed:
        parts = smoothed((residuals / self.unit) ** 2, self.width)
        return Crossed(parts.max(1), parts)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The weights."""
        reference = {"scores": self.reference.scores, "channels": self.reference.channels}
        return {"weights": self.weights, "unit": self.unit, **reference}, {"width": self.width}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The judge that `state` was taken from."""
        made = cls()
        made.width, made.weights, made.unit = int(settings["width"]), arrays["weights"], arrays["unit"]
        made.reference = Crossed(arrays["scores"], arrays["channels"])
        return made


KINDS: dict[str, type[Subspace] | type[Relations]] = {"subspace": Subspace, "relations": Relations}


def held_out(normal: Floats, learn: Callable[[Floats], Floats], judge: Callable[[Floats, Floats], Floats]) -> Floats:
    """What `judge` says of each fold of rows (R, C) with what `learn` takes from the other folds."""
    edges = np.linspace(0, len(normal), FOLDS + 1).astype(np.int64)
    found = []
    for start, stop in pairwise(edges):
        learnt = learn(np.concatenate([normal[:start], normal[stop:]]))
        before = max(0, start - max(LAGS))
        found.append(judge(learnt, normal[before:stop])[start - before :])
    return np.concatenate(found)


def smoothed(parts: Floats, width: int) -> Floats:
    """The mean of `width` rows around each row of parts (N, C), fewer at both ends."""
    if width < 2:
        return parts
    total = np.vstack([np.zeros(parts.shape[1]), np.cumsum(parts, axis=0)])
    rows = np.arange(len(parts))
    first, last = np.maximum(rows - width // 2, 0), np.minimum(rows + (width + 1) // 2, len(parts))
    means: Floats = (total[last] - total[first]) / (last - first)[:, None]
    return np.maximum(means, 0)


def _directions(normal: Floats) -> Floats:
    strengths, directions = np.linalg.eigh(normal.T @ normal / len(normal))
    shares = np.cumsum(strengths[::-1]) / max(strengths.sum(), 1e-12)
    kept = int(np.searchsorted(shares, KEPT)) + 1
    return np.ascontiguousarray(directions[:, ::-1][:, : min(kept, normal.shape[1])])


def _residuals(directions: Floats, values: Floats) -> Floats:
    residuals: Floats = values - values @ directions @ directions.T
    return residuals


def _regressions(normal: Floats) -> Floats:
    """Weights (C * lags, C) of what foretells each channel; its own rows have none."""
    features, count = _lagged(normal), normal.shape[1]
    gram, answers = features.T @ features / len(normal), features.T @ normal / len(normal)
    weights = np.zeros((len(gram), count))
    owner = np.tile(np.arange(count), len(LAGS))
    for c in range(count):
        others = np.flatnonzero(owner != c)
        inner = gram[np.ix_(others, others)] + RIDGE * np.eye(len(others))
        weights[others, c] = np.linalg.solve(inner, answers[others, c])
    return weights


def _surprises(weights: Floats, values: Floats) -> Floats:
    gaps: Floats = values - _lagged(values) @ weights
    return gaps


def _lagged(values: Floats) -> Floats:
    rows = np.arange(len(values))
    return np.hstack([values[np.maximum(rows - lag, 0)] for lag in LAGS])
