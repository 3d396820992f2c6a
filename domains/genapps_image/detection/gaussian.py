"""One Gaussian of low rank as a measure of what is usual: probabilistic principal components, in closed form.

Tipping and Bishop, "Probabilistic principal component analysis", 1999, section 3.2: the maximum of the likelihood is
the first eigenvectors of the covariance, and beside them one variance for all other directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SHARE = 0.9  # of the variance that the directions kept explain
_LEAST = 0.01  # of the mean variance, which no direction's is below


@dataclass(frozen=True)
class Gaussian:
    """mean (D,), directions (Q, D), variances (Q,) along them, noise: the variance along all others."""

    mean: Tensor
    directions: Tensor
    variances: Tensor
    noise: float

    @classmethod
    def learn(cls, rows: Tensor, share: float = SHARE) -> Gaussian:
        """Of rows (N, D), N at least 1; as many directions as explain `share` of their variance."""
        mean = rows.mean(0)
        apart = (rows - mean).double()
        if len(rows) <= rows.shape[1]:
            values, inner = torch.linalg.eigh(apart @ apart.T)
            vectors = (apart.T @ inner) / values.clamp(min=1e-12).sqrt()
        else:
            values, vectors = torch.linalg.eigh(apart.T @ apart)
        variances = values.flip(0).clamp(min=0) / len(rows)
        total, width = float(variances.sum()), rows.shape[1]
        explained = variances.cumsum(0) / max(total, 1e-12)
        kept = min(int((explained < share).sum()) + 1, len(variances), max(len(rows) - 1, 1))
        rest = max(total - float(variances[:kept].sum()), 0.0) / max(width - kept, 1)
        noise = max(rest + _LEAST * total / width, 1e-8)
        directions = vectors.flip(1)[:, :kept].T
        return cls(mean, directions.float().contiguous(), variances[:kept].float(), noise)

    def distance(self, rows: Tensor) -> Tensor:
        """Squared Mahalanobis distance (N,): twice the negative log-density but for a constant."""
        apart = rows - self.mean
        inside = apart @ self.directions.T
        beyond = ((apart**2).sum(1) - (inside**2).sum(1)).clamp(min=0)
        return (inside**2 / (self.variances + self.noise)).sum(1) + beyond / self.noise

    def state(self) -> dict[str, Tensor]:
        """For a model file."""
        return {
            "mean": self.mean,
            "directions": self.directions,
            "variances": self.variances,
            "noise": torch.tensor([self.noise]),
        }

    @classmethod
    def restore(cls, state: dict[str, Tensor]) -> Gaussian:
        """The inverse of `state`."""
        return cls(state["mean"], state["directions"], state["variances"], float(state["noise"][0]))
