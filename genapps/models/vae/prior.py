"""The distribution of the latents that rows are made from: a mixture of Gaussians, at first a single standard one.

The encoder's latents of all rows together (the aggregate posterior) never are the standard normal that training pulls
them to. A mixture fitted to them afterwards closes the gap (Ghosh et al. 2020, "From variational to deterministic
autoencoders", section 4); every bound is then taken under the mixture, which is the model's true prior from then on.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_RIDGE = 1e-3  # added to every variance of a component
_TRIALS = 4  # rows considered for each first centre


class Mixture(nn.Module):
    """K Gaussians with full covariances over L latents.

    shares: (K,) logarithms. means: (K, L). factors: (K, L, L) lower Cholesky factors of the covariances.
    """

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.shares: Tensor
        self.means: Tensor
        self.factors: Tensor
        self.register_buffer("shares", torch.zeros(1))
        self.register_buffer("means", torch.zeros(1, latent))
        self.register_buffer("factors", torch.eye(latent)[None])

    def log_prob(self, latents: Tensor) -> Tensor:
        """Log-density (N,) of latents (N, L)."""
        if len(self.shares) == 1:  # mostly the standard normal
            return self._joint(latents)[:, 0]
        mixed: Tensor = torch.logsumexp(self._joint(latents), 1)
        return mixed

    def sample(self, n: int, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Latents (n, L); deviations are scaled by the root of the temperature."""
        which = torch.multinomial(self.shares.exp(), n, replacement=True, generator=generator) if n else None
        noise = torch.randn(n, self.means.shape[1], generator=generator) * math.sqrt(temperature)
        if which is None:
            return noise
        return self.means[which] + torch.einsum("nij,nj->ni", self.factors[which], noise)

    def fit(self, latents: Tensor, components: int, generator: torch.Generator, iterations: int = 25) -> None:
        """Become the mixture of at most that many components that fits latents (N, L), by EM from spread-out rows."""
        components = max(1, min(components, len(latents) // (2 * latents.shape[1])))
        centers = _spread(latents, components, generator)
        nearest = torch.cdist(latents, centers).argmin(1)
        posterior = nn.functional.one_hot(nearest, components).float()
        for _ in range(iterations):
            self._maximise(latents, posterior)
            posterior = torch.softmax(self._joint(latents), 1)
        self._maximise(latents, posterior)

    def _joint(self, latents: Tensor) -> Tensor:
        """log share + log density (N, K)."""
        eye = torch.eye(self.means.shape[1], device=latents.device)
        inverse = torch.linalg.solve_triangular(self.factors, eye.expand_as(self.factors), upper=False)
        flat = inverse.flatten(0, 1)  # (K * L, L)
        standard = (latents @ flat.T).view(len(latents), *self.means.shape)
        standard = standard - torch.einsum("kij,kj->ki", inverse, self.means)
        volume = inverse.diagonal(dim1=1, dim2=2).log().sum(1) - 0.5 * self.means.shape[1] * math.log(2 * math.pi)
        joint: Tensor = self.shares + volume - 0.5 * standard.square().sum(2)
        return joint

    def _maximise(self, latents: Tensor, posterior: Tensor) -> None:
        count = posterior.sum(0).clamp_min(1e-6)
        means = (posterior.T @ latents) / count[:, None]
        spread = torch.cov(latents.T, correction=0).view(latents.shape[1], -1)
        factors = []
        for k, mean in enumerate(means):
            centered = latents - mean
            covariance = (centered * posterior[:, k, None]).T @ centered
            # One row's worth of the overall covariance keeps every component a distribution.
            covariance = (covariance + spread) / (count[k] + 1) + _RIDGE * torch.eye(len(mean))
            factors.append(torch.linalg.cholesky(covariance))
        self.shares = (count / count.sum()).log()
        self.means, self.factors = means, torch.stack(factors)


def _spread(latents: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Rows far from each other, each the best of a few drawn by squared distance (greedy k-means++)."""
    first = torch.randint(len(latents), (1,), generator=generator)
    centers = [latents[first]]
    distance = torch.cdist(latents, centers[0]).square()[:, 0]
    for _ in range(count - 1):
        weights = distance if float(distance.sum()) > 0 else torch.ones_like(distance)
        trials = torch.multinomial(weights, _TRIALS, replacement=True, generator=generator)
        nearer = torch.minimum(distance[:, None], torch.cdist(latents, latents[trials]).square())  # (N, trials)
        best = int(nearer.sum(0).argmin())
        centers.append(latents[trials[best]][None])
        distance = nearer[:, best]
    return torch.cat(centers)
