"""Images as the visible units of one restricted Boltzmann machine: every pixel a unit."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from genapps.errors import UsageError
from genapps.models.rbm.columns import ColumnsRBM, RBMConfig
from genapps.spaces import Categorical, Columns, Continuous, Pixels, Variable


class PixelsRBM(ColumnsRBM):
    """Bernoulli units for black and white images, Gaussian ones for real numbers."""

    def __init__(self, space: Pixels, config: RBMConfig) -> None:
        if space.levels not in (0, 2):
            raise UsageError(
                f"the rbm family learns images of 2 levels or of real numbers, not of {space.levels} levels; "
                "make them black and white, or give floats"
            )
        super().__init__(space, config)

    def flat_space(self) -> Columns:
        """Every pixel of every channel a variable."""
        pixel: Variable = Categorical(2) if self.space.levels else Continuous()
        return Columns((pixel,) * (self.space.channels * self.space.height * self.space.width))

    def flat(self, data: Tensor) -> Tensor:
        """(N, C, H, W) as (N, D)."""
        return data.flatten(1)

    def shaped(self, rows: Tensor) -> Any:
        """(N, D) as (N, C, H, W)."""
        return rows.view(-1, *self.space.shape)
