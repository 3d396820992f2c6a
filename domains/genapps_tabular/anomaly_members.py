"""What says how strange a row is: members of an ensemble over plain features, fitted on rows and asked about others.

Every member is fitted on a batch (N, D) of a feature space and scores batches of it, higher is stranger. Three are our
own choice; any family with an `anomaly_score`, and any detector of PyOD by name, can stand in their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from genapps.anomaly.foreign import Foreign
from genapps.metrics.distributions import Floats
from genapps.models import build
from genapps.models import load as load_family
from genapps.spaces import Columns
from genapps_tabular.anomaly_codes import Cells
from genapps_tabular.clustering import batch, sample_of
from genapps_tabular.features import CHUNK, Axes
from genapps_tabular.model import generators

BANK = 20_000  # rows that neighbors are looked for among
FEW, MANY = 5, 50  # neighbors: few where the rows are known to be clean, more where anomalies may have company
COMPONENTS = 8
ROWS_A_COMPONENT = 20
WORTH = 5.0  # rows' worth of the overall covariance in each component
FLOOR = 1e-2  # least variance of a number in a component, in units of its robust variance
FULL = 60  # numbers up to which covariances are full
TRIMMED = 0.2  # share of the strangest rows that the mixture leaves out, twice, where anomalies may be among them
FITTING = (0, 10)  # the place of fitting members in a run's randomness
PLACE = 2  # of the bank's rows, in that of samples


class Member(Protocol):
    """Fitted on rows of a space."""

    def score(self, codes: Floats) -> Floats:
        """How strange each row (N, D) is, (N,): higher is stranger."""

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arrays and plain settings, from which `restore` makes the same member."""


class Explainer(Protocol):
    """A member that knows what each cell costs given the others, and what would be expected there."""

    def score(self, codes: Floats) -> Floats:
        """As every member."""

    def surprises(self, codes: Floats, groups: Sequence[Sequence[int]]) -> Floats:
        """How many nats (N, G) each group of columns costs given the others."""

    def draw(self, codes: Floats, columns: Sequence[int], count: int, generator: Any) -> Floats:
        """So many draws (N, count, columns) of some columns of each row given its others."""

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """As every member."""


@dataclass(frozen=True)
class Neighbors:
    """The mean distance to the nearest rows of a bank, on plain axes (Ramaswamy et al. 2000; Angiulli 2002)."""

    axes: Axes
    bank: Floats
    count: int

    @classmethod
    def fit(cls, space: Columns, codes: Floats, count: int, seed: int) -> Neighbors:
        """The bank is at most 20,000 of the rows (N, D)."""
        kept = sample_of(codes, BANK, seed, PLACE)
        axes = Axes.fit(space, kept)
        return cls(axes, axes(kept).astype(np.float32), min(count, len(kept)))

    def score(self, codes: Floats) -> Floats:
        from sklearn.neighbors import NearestNeighbors

        finder = NearestNeighbors(n_neighbors=self.count, n_jobs=1).fit(self.bank)
        parts = [
            finder.kneighbors(self.axes(codes[first : first + CHUNK]).astype(np.float32))[0].mean(axis=1)
            for first in range(0, len(codes), CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"bank": self.bank, "middle": self.axes.middle, "weight": self.axes.weight}, {"count": self.count}

    @classmethod
    def restore(cls, space: Columns, arrays: Mapping[str, Any], settings: Mapping[str, Any]) -> Neighbors:
        """The inverse of `state`."""
        return cls(Axes(space, arrays["middle"], arrays["weight"]), arrays["bank"], int(settings["count"]))


@dataclass(frozen=True)
class Family:
    """A model of one of the families over the plain features."""

    space: Columns
    name: str
    model: Any

    @classmethod
    def mixture(
        cls, space: Columns, codes: Floats, seed: int, trimmed: bool, own: Mapping[str, Any] | None = None
    ) -> Family:
        """A Gaussian mixture of eight components, or fewer where rows are few; `own` settings come before these.

        trimmed: the strangest fifth of the rows is left out and the mixture fitted anew, twice, as for a robust
        estimate of location and scatter (Rousseeuw and Van Driessen 1999).
        """
        numbers = sum(size == 0 for size in space.sizes)
        options: dict[str, Any] = {
            "n_components": max(1, min(COMPONENTS, len(codes) // ROWS_A_COMPONENT)),
            "covariance_type": "full" if numbers <= FULL else "diag",
            "covariance_prior": WORTH,
            "reg_covar": FLOOR,
            **(own or {}),
        }
        model, kept = None, codes
        for attempt in range(3 if trimmed else 1):
            generator = generators(seed, *FITTING, 1, attempt)[1]
            model = build("gmm", space, **options).fit(batch(space, kept), generator=generator)
            if trimmed:
                scores = cls(space, "gmm", model).score(codes)
                kept = codes[scores <= np.quantile(scores, 1 - TRIMMED)]
        return cls(space, "gmm", model)

    @classmethod
    def fit(
        cls, space: Columns, codes: Floats, name: str, options: Mapping[str, Any], seed: int, **fitting: Any
    ) -> Family:
        """Any family that learns rows of numbers and codes, with its own settings."""
        model = build(name, space, **options)
        return cls(space, name, model.fit(batch(space, codes), generator=generators(seed, *FITTING, 2)[1], **fitting))

    def score(self, codes: Floats) -> Floats:
        parts = [
            np.asarray(self.model.anomaly_score(batch(self.space, codes[first : first + CHUNK])), np.float64)
            for first in range(0, len(codes), CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def surprises(self, codes: Floats, groups: Sequence[Sequence[int]]) -> Floats:
        """How many nats (N, G) each group of columns costs given the others; of the mixture."""
        without = self.model.log_prob_without(batch(self.space, codes), groups)
        found: Floats = np.asarray(without, np.float64) + self.score(codes)[:, None]
        return found

    def draw(self, codes: Floats, columns: Sequence[int], count: int, generator: Any) -> Floats:
        """So many draws (N, count, columns) of some columns of each row given its others."""
        holes = np.repeat(codes, count, axis=0)
        holes[:, list(columns)] = np.nan
        drawn = np.asarray(self.model.impute(batch(self.space, holes), generator=generator), np.float64)
        return drawn[:, list(columns)].reshape(len(codes), count, len(columns))

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        tensors, settings = self.model.state()
        return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}, {
            "family": self.name,
            "settings": settings,
        }

    @classmethod
    def restore(cls, space: Columns, arrays: Mapping[str, Any], settings: Mapping[str, Any]) -> Family:
        """The inverse of `state`."""
        import torch

        tensors = {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}
        return cls(space, settings["family"], load_family(settings["family"], space, tensors, settings["settings"]))


@dataclass(frozen=True)
class Points:
    """A detector of another library over plain axes."""

    axes: Axes
    judge: Foreign

    @classmethod
    def fit(cls, space: Columns, codes: Floats, name: str, seed: int) -> Points:
        """On at most 20,000 of the rows. Raises UsageError for a detector there is none of."""
        kept = sample_of(codes, BANK, seed, PLACE)
        axes = Axes.fit(space, kept)
        return cls(axes, Foreign.fit(name, axes(kept).astype(np.float32), seed))

    def score(self, codes: Floats) -> Floats:
        parts = [
            self.judge.score(self.axes(codes[first : first + CHUNK]).astype(np.float32))
            for first in range(0, len(codes), CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        arrays, settings = self.judge.state()
        return {**arrays, "middle": self.axes.middle, "weight": self.axes.weight}, settings

    @classmethod
    def restore(cls, space: Columns, arrays: Mapping[str, Any], settings: Mapping[str, Any]) -> Points:
        """The inverse of `state`; the detector is fitted again."""
        return cls(Axes(space, arrays["middle"], arrays["weight"]), Foreign.from_state(arrays, settings))


KINDS: dict[str, Any] = {"neighbors": Neighbors, "family": Family, "foreign": Points, "cells": Cells}


def kind_of(member: Member) -> str:
    """The name under which a member is saved."""
    return next(name for name, kind in KINDS.items() if isinstance(member, kind))
