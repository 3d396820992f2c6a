"""Numbers of any unit and offset as numbers of mean 0 and deviation 1, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

_FAR = 1e3  # centres further than this many scales from 0 leave float32 fewer than four digits


@dataclass(frozen=True)
class Scaling:
    """A centre and a scale for each of D variables, float64 (D,): no offset and no unit then matters to a network."""

    center: Tensor
    scale: Tensor

    @classmethod
    def fit(cls, data: Tensor) -> Scaling:
        """The mean and standard deviation of the known values (not NaN) of each column of data (N, D).

        A constant column keeps its scale of 1, and one without a known value its centre of 0.
        """
        known = ~torch.isnan(data)
        count = known.sum(0).clamp_min(1)
        values = data.double()
        low = torch.where(known, values, torch.inf).amin(0)
        spread = torch.where(known, values, -torch.inf).amax(0) - low
        varies = known.any(0) & (spread > 0)
        low, spread = torch.where(known.any(0), low, 0.0), torch.where(varies, spread, 1.0)
        # In units of the column's own range nothing overflows and nothing cancels.
        within = torch.where(known, (values - low) / spread, 0.0)
        mean = within.sum(0) / count
        variance = torch.where(known, (within - mean).square(), 0.0).sum(0) / count
        scale = torch.where(varies, spread * variance.sqrt(), 1.0)
        return cls(low + spread * mean, torch.where(scale > 0, scale, 1.0))

    @classmethod
    def none(cls, count: int) -> Scaling:
        """The scaling of that many variables that changes nothing."""
        return cls(torch.zeros(count, dtype=torch.double), torch.ones(count, dtype=torch.double))

    def standardise(self, data: Tensor) -> Tensor:
        """Data (..., D) in deviations from the mean, float32; NaN stays NaN."""
        return ((data.double() - self.center) / self.scale).float()

    def restore(self, standard: Tensor) -> Tensor:
        """The inverse of `standardise`: float32 where that has the digits, float64 for offsets far from 0."""
        raw = standard.double() * self.scale + self.center
        return raw if bool((self.center.abs() > _FAR * self.scale).any()) else raw.float()

    @property
    def log_scale_sum(self) -> float:
        """What a log-density of standardised rows is too high by: the sum of the logarithms of the scales."""
        return float(self.scale.log().sum())

    def to(self, device: torch.device) -> Scaling:
        """The same on a device."""
        return Scaling(self.center.to(device), self.scale.to(device))

    def to_tensors(self) -> dict[str, Tensor]:
        """Its numbers by name."""
        return {"center": self.center, "scale": self.scale}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Scaling:
        """The inverse of `to_tensors`."""
        return cls(tensors["center"].double(), tensors["scale"].double())
