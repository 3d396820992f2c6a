"""Numbers whose states are mixtures of normal distributions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genapps.models.hmm.emissions import Statistics
from genapps.models.hmm.emissions.gaussian import Gaussian
from genapps.models.hmm.guess import cluster
from genapps.models.hmm.room import Room


@dataclass(frozen=True)
class Mixture:
    """weights: (K, M) of each state's normals. normals: K M of them, those of state 0 first."""

    weights: Tensor
    normals: Gaussian

    def log_likelihood(self, values: Tensor, room: Room | None = None) -> Tensor:
        """(S, K) of frames (S, D)."""
        each = self._each(values)
        return torch.logsumexp(each, 2, out=(room or Room()).take(each.shape[:2], each.dtype, each.device))

    def statistics(self, values: Tensor, posterior: Tensor) -> Statistics:
        """weights: (K, M) expected steps, and the statistics of the normals."""
        share = (self._each(values).softmax(2) * posterior[:, :, None]).flatten(1)  # (S, K M)
        return {"weights": share.sum(0, dtype=torch.double), **self.normals.statistics(values, share)}

    def maximize(self, statistics: Statistics) -> Mixture:
        """Weights, means and variances; a state that is never seen keeps its own."""
        counts = statistics["weights"].view_as(self.weights)
        total = counts.sum(1, keepdim=True)
        weights = torch.where(total > 1e-8, counts / total.clamp_min(1e-300), self.weights).clamp_min(1e-12)
        return replace(self, weights=weights / weights.sum(1, keepdim=True), normals=self.normals.maximize(statistics))

    def begin(self, values: Tensor, posterior: Tensor, generator: torch.Generator) -> Mixture:
        """Each state's frames in M clusters of their own."""
        share = posterior.new_zeros(len(values), *self.weights.shape)
        for state, column in enumerate(posterior.T):
            own = (column > 0).nonzero()[:, 0]
            labels = cluster(values[own], self.weights.shape[1], generator)
            share[own, state, labels] = column[own]
        normals = self.normals.begin(values, share.flatten(1), generator)
        counts = share.sum(0, dtype=torch.double) + 1
        return replace(self, weights=counts / counts.sum(1, keepdim=True), normals=normals)

    def log_prior(self) -> float:
        """There is none but the floors."""
        return 0.0

    def draw(self, states: Tensor, generator: torch.Generator) -> Tensor:
        """Frames (S, D), float64."""
        return self.normals.draw(self._choose(self.weights[states], states, generator), generator)

    def fill(self, values: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
        """Draws of the unknown values given the known ones and the state."""
        each = self._each(values)[torch.arange(len(states)), states].double()  # (S, M)
        return self.normals.fill(values, self._choose(each.softmax(1), states, generator), generator)

    def tempered(self, temperature: float) -> Mixture:
        """Weights to the power of 1 / temperature, variances times it."""
        weights = (self.weights.log() / temperature).softmax(1)
        return replace(self, weights=weights, normals=self.normals.tempered(temperature))

    def tensors(self) -> dict[str, Tensor]:
        """By name."""
        return {"weights": self.weights, **self.normals.tensors()}

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> Mixture:
        """The inverse of `tensors`."""
        normals = {name: tensor for name, tensor in tensors.items() if name != "weights"}
        return replace(self, weights=tensors["weights"], normals=self.normals.with_tensors(normals))

    def to(self, device: torch.device) -> Mixture:
        """The same on another device."""
        return replace(self, weights=self.weights.to(device), normals=self.normals.to(device))

    @property
    def parameters(self) -> int:
        """Of weights and normals."""
        return self.weights.numel() - len(self.weights) + self.normals.parameters

    def _each(self, values: Tensor) -> Tensor:
        """Log-densities times weights (S, K, M)."""
        each = self.normals.log_likelihood(values).view(len(values), *self.weights.shape)
        return each.add_(self.weights.log().to(each.dtype))

    def _choose(self, shares: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
        """Numbers (S,) of normals, drawn by shares (S, M) within the states."""
        cumulated = shares.cumsum(1)
        uniform = torch.rand(len(states), 1, dtype=torch.double, generator=generator) * cumulated[:, -1:]
        chosen = (cumulated <= uniform).sum(1).clamp_max(shares.shape[1] - 1)
        return states * shares.shape[1] + chosen
