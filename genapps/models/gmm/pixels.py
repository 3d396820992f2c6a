"""Mixtures of images as rows of pixels: factor analysers, whose factors are what an image of a kind may vary in.

Richardson and Weiss, "On GANs and GMMs", 2018: on whole images such mixtures cover the data better than GANs do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from genapps.models.base import Job, LogProb
from genapps.models.gmm.gaussian import GaussianMixture
from genapps.models.gmm.settings import GaussianConfig
from genapps.spaces import Columns, Constraint, Continuous, Pixels


@dataclass(frozen=True)
class PixelConfig(GaussianConfig):
    """A mixture of images; what differs from that of rows are the defaults."""

    n_components: int = field(default=50, metadata={"help": "components of the mixture", "least": 1, "most": 100_000})
    covariance_type: Literal["full", "tied", "diag", "spherical", "lowrank"] = field(
        default="lowrank", metadata={"help": "full, tied, diag, spherical, or lowrank (factor analysers)"}
    )
    n_factors: int = field(default=10, metadata={"help": "factors of a lowrank covariance", "least": 1})
    tol: float = field(
        default=1e-4, metadata={"help": "relative gain of the log-likelihood below which EM stops", "least": 0}
    )
    reg_covar: float = field(
        default=1e-2, metadata={"help": "added to every variance, as a share of that of all pixels", "least": 0}
    )
    max_iter: int = field(default=40, metadata={"help": "most EM iterations", "least": 1})


class PixelMixture(GaussianMixture):
    """Gaussian mixture for `Pixels`. The density is that of pixels as real numbers, whatever their levels."""

    Config: ClassVar[type] = PixelConfig
    common_scale: ClassVar[bool] = True

    @staticmethod
    def columns_of(space: Pixels) -> Columns:
        """A column a pixel, channel after channel, row after row."""
        return Columns((Continuous(),) * (space.channels * space.height * space.width))

    def rows_of(self, batch: Any) -> Tensor:
        """Images as rows of pixels, float32 unless they are float64."""
        rows: Tensor = batch.flatten(1)
        if rows.is_floating_point():
            return rows
        rows = rows.to(torch.float32)
        return torch.where(rows < 0, torch.nan, rows)

    def fit(self, data: Tensor, validation: Tensor | None, job: Job) -> None:
        """Learn from images (N, C, H, W)."""
        self._fit_rows(self.rows_of(data), None if validation is None else self.rows_of(validation), job, job.weights)

    def partial_fit(self, data: Tensor, job: Job) -> None:
        """One step of stepwise EM on some more images."""
        super().partial_fit(self.rows_of(data), job)

    def log_prob(self, data: Tensor, generator: torch.Generator) -> LogProb:
        """Exact log-density (N,) in nats of the pixels as real numbers; unknown pixels are integrated out."""
        return super().log_prob(self.rows_of(data), generator)

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw images (n, C, H, W), rounded to the space's levels where there are some."""
        return self._images(super().sample(n, generator, given=given, temperature=temperature))

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill the unknown pixels by draws given the known ones."""
        return self._images(super().impute(self.rows_of(data), generator, given=given))

    def _images(self, rows: Tensor) -> Tensor:
        space = self.space
        images = rows.float().view(-1, *space.shape)
        return images.round().clamp(0, space.levels - 1).to(torch.uint8) if space.levels else images
