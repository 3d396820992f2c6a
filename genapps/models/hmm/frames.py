"""Sequences of frames: numbers, codes, or both at each step.

Numbers are measured from their mean in their standard deviations, so that another unit or a far origin changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.hmm.emissions import Emission
from genapps.models.hmm.emissions.bernoulli import Bernoulli
from genapps.models.hmm.emissions.categorical import Categorical
from genapps.models.hmm.emissions.gaussian import CovarianceType, Gaussian
from genapps.models.hmm.emissions.mixture import Mixture
from genapps.models.hmm.emissions.product import Product
from genapps.models.hmm.engine import ChainConfig, ChainModel
from genapps.models.hmm.guess import cluster
from genapps.robust import center_and_scale
from genapps.spaces import Categorical as Codes
from genapps.spaces import Frames

_ONE_HOT = 32  # codes of a variable up to which it takes part in finding clusters
_LEAST_SINGLE = 1e-5  # the smallest share of a variance that float32 can tell from rounding


@dataclass(frozen=True)
class FrameConfig(ChainConfig):
    """The chain, and what its states emit."""

    covariance_type: CovarianceType = field(
        default="diag", metadata={"help": "of numbers in a state: spherical, diag, full, or tied (full, one for all)"}
    )
    n_mix: int = field(default=1, metadata={"help": "normal distributions a state", "least": 1})
    min_covar: float = field(
        default=1e-6, metadata={"help": "least variance in a state, as a share of the variable's own", "above": 0}
    )
    emissionprob_prior: float = field(
        default=1.01,
        metadata={
            "help": "Dirichlet concentration of each state's codes; 1: what was not seen is impossible",
            "least": 1,
        },
    )


class FrameModel(ChainModel):
    """Hidden Markov model of `Frames`; unknown frames and entries are summed over."""

    Config: ClassVar[type] = FrameConfig
    config: FrameConfig

    def __init__(self, space: Any, config: FrameConfig) -> None:
        super().__init__(space, config)
        self.frames = self._frames(space)
        variables = self.frames.variables
        if not variables:
            raise UsageError("frames without variables: there is nothing to learn")
        if config.covariance_type == "tied" and config.n_mix > 1:
            raise UsageError("n_mix above 1 goes with spherical, diag or full covariances, not with tied ones")
        self.numbers = [j for j, v in enumerate(variables) if not isinstance(v, Codes)]
        self.binary = [j for j, v in enumerate(variables) if isinstance(v, Codes) and v.size == 2]
        self.codes = [j for j, v in enumerate(variables) if isinstance(v, Codes) and v.size != 2]
        self.location = torch.zeros(len(variables), dtype=torch.double)
        self.scale = torch.ones(len(variables), dtype=torch.double)

    def _frames(self, space: Any) -> Frames:
        found: Frames = space
        return found

    # -- emissions -----------------------------------------------------------------------------------------------

    def _template(self, dtype: torch.dtype) -> Product:
        parts: list[tuple[Emission, list[int]]] = []
        if self.numbers:
            parts.append((self._normals(dtype), self.numbers))
        prior, states = self.config.emissionprob_prior - 1, self.config.n_components
        if self.binary:
            half = torch.full((states, len(self.binary)), 0.5, dtype=torch.double)
            parts.append((Bernoulli(half, prior), self.binary))
        for column in self.codes:
            size = self.frames.row.sizes[column]
            even = torch.full((states, size), 1 / size, dtype=torch.double)
            parts.append((Categorical(even.log(), prior), [column]))
        return Product(tuple(part for part, _ in parts), tuple(tuple(columns) for _, columns in parts))

    def _normals(self, dtype: torch.dtype) -> Emission:
        c, width = self.config, len(self.numbers)
        rows = c.n_components * c.n_mix
        means = torch.zeros(rows, width, dtype=torch.double)
        covars = torch.ones(rows, width, dtype=torch.double)
        if c.covariance_type in ("full", "tied"):
            covars = torch.diag_embed(covars)
        least = c.min_covar if dtype == torch.double else max(c.min_covar, _LEAST_SINGLE)
        normals = Gaussian(means, covars, c.covariance_type, least)
        if c.n_mix == 1:
            return normals
        return Mixture(torch.full((c.n_components, c.n_mix), 1 / c.n_mix, dtype=torch.double), normals)

    def _guess(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """The clusters of the frames."""
        kind = values.dtype if values.is_floating_point() else torch.double
        parts = [values[:, self.numbers].to(kind)] if self.numbers else []
        for column in self.binary + self.codes:
            codes, size = values[:, column], self.frames.row.sizes[column]
            if size <= _ONE_HOT:
                shown = torch.arange(1 if size == 2 else 0, size)
                parts.append((codes[:, None] == shown).to(kind))
        features = torch.cat(parts, 1) if parts else torch.rand(len(values), 1, generator=generator)
        labels = cluster(features, self.config.n_components, generator)
        return torch.nn.functional.one_hot(labels, self.config.n_components).to(kind)

    # -- units ---------------------------------------------------------------------------------------------------

    def _learn_units(self, batch: Ragged) -> None:
        for j in self.numbers:
            column = batch.values[:, j].double()
            column = column[~torch.isnan(column)]
            if len(column):
                self.location[j], self.scale[j] = center_and_scale(column)
        if self.config.covariance_type == "spherical":  # one variance for all is one in the data's own units
            self.scale[self.numbers] = self.scale[self.numbers].square().mean().sqrt()

    def _inward(self, batch: Ragged) -> Ragged:
        if not self.numbers:
            return batch
        values = (batch.values.double() - self.location) / self.scale
        return Ragged(values.to(batch.values.dtype), batch.lengths)

    def _outward(self, values: Tensor) -> Tensor:
        return values * self.scale + self.location if self.numbers else values

    def _log_units(self, batch: Ragged) -> Tensor | None:
        if not self.numbers:
            return None
        return -((~torch.isnan(batch.values)).double() @ self.scale.log())  # the scale of codes is 1

    # -- keeping, and what was learnt ----------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        tensors, settings = super().state()
        return {**tensors, "location": self.location, "scale": self.scale}, settings

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        super().restore(tensors, settings)
        self.location, self.scale = tensors["location"], tensors["scale"]

    @property
    def means_(self) -> Tensor:
        """(K, D) of the numbers, in the data's units; (K, M, D) where n_mix is above 1."""
        means = self._of_normals().means * self.scale[self.numbers] + self.location[self.numbers]
        return self._by_mix(means)

    @property
    def covars_(self) -> Tensor:
        """Variances (K, D), covariances (K, D, D) where full, (D, D) where tied; (K, M, ...) where n_mix is above 1."""
        scale, covars = self.scale[self.numbers], self._of_normals().covars
        if self.config.covariance_type in ("full", "tied"):
            covars = covars * scale[:, None] * scale
            return covars[0] if self.config.covariance_type == "tied" else self._by_mix(covars)
        return self._by_mix(covars * scale * scale)

    @property
    def weights_(self) -> Tensor:
        """(K, M) of the normals of each state."""
        part = self._part(Mixture)
        return part.weights if isinstance(part, Mixture) else torch.ones(self.config.n_components, 1)

    @property
    def emissionprob_(self) -> Tensor | list[Tensor]:
        """(K, D) probability of a 1 where all variables are binary; otherwise one (K, V) for each variable of codes."""
        tables: dict[int, Tensor] = {}
        emission = self._product()
        for part, columns in zip(emission.parts, emission.columns, strict=True):
            if isinstance(part, Categorical):
                tables[columns[0]] = part.log_prob.exp()
            if isinstance(part, Bernoulli):
                if len(columns) == len(self.frames.variables):
                    return part.prob
                tables |= {column: torch.stack([1 - p, p], 1) for column, p in zip(columns, part.prob.T, strict=True)}
        return [tables[column] for column in sorted(tables)]

    def _product(self) -> Product:
        emission = self._fitted().emission
        assert isinstance(emission, Product)
        return emission

    def _part(self, *kinds: type) -> Emission | None:
        return next((part for part in self._product().parts if isinstance(part, kinds)), None)

    def _of_normals(self) -> Gaussian:
        part = self._part(Gaussian, Mixture)
        if part is None:
            raise UsageError("these frames hold codes only; see emissionprob_")
        return part.normals if isinstance(part, Mixture) else part  # type: ignore[return-value]

    def _by_mix(self, values: Tensor) -> Tensor:
        c = self.config
        return values if c.n_mix == 1 else values.view(c.n_components, c.n_mix, *values.shape[1:])
