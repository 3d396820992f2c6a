"""Codes: every state has a distribution over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genapps.models.hmm.emissions import Statistics
from genapps.models.hmm.room import Room


@dataclass(frozen=True)
class Categorical:
    """log_prob: (K, V) of each code in each state, float64. prior: pseudo-counts a code."""

    log_prob: Tensor
    prior: float = 0.0
    dtype: torch.dtype = torch.double

    def log_likelihood(self, values: Tensor, room: Room | None = None) -> Tensor:
        """(S, K) of codes (S,)."""
        table = torch.cat([self.log_prob.T, self.log_prob.new_zeros(1, len(self.log_prob))]).to(self.dtype)
        codes = values.long()
        out = (room or Room()).take((len(values), len(self.log_prob)), self.dtype, values.device)
        return torch.index_select(table, 0, torch.where(codes < 0, len(table) - 1, codes), out=out)

    def statistics(self, values: Tensor, posterior: Tensor) -> Statistics:
        """counts: (K, V) expected, of known codes."""
        states, size = self.log_prob.shape
        counts = posterior.new_zeros(size + 1, states, dtype=torch.double)
        counts.index_add_(0, torch.where(values < 0, size, values.long()), posterior.double())
        return {"counts": counts[:-1].T.contiguous()}

    def maximize(self, statistics: Statistics) -> Categorical:
        """The shares of the counts and pseudo-counts; a state without any keeps what it has."""
        counts = statistics["counts"] + self.prior
        total = counts.sum(1, keepdim=True)
        return replace(self, log_prob=torch.where(total > 0, counts.log() - total.log(), self.log_prob))

    def begin(self, values: Tensor, posterior: Tensor, generator: torch.Generator) -> Categorical:
        """The shares that each state probably emitted, mixed with those of all states and a little of every code."""
        counts = self.statistics(values, posterior)["counts"]
        overall = counts.sum(0) / counts.sum().clamp_min(1e-300) + 0.01 / counts.shape[1]
        counts = counts + (0.1 * counts.sum(1, keepdim=True) + 1) * overall
        return replace(self, log_prob=(counts / counts.sum(1, keepdim=True)).log())

    def log_prior(self) -> float:
        """The Dirichlet prior's."""
        return self.prior * float(self.log_prob.sum()) if self.prior else 0.0

    def draw(self, states: Tensor, generator: torch.Generator) -> Tensor:
        """Codes (S,)."""
        cumulated = self.log_prob.exp().cumsum(1)
        return torch.cat(
            [_pick(cumulated[chunk], generator) for chunk in states.split(max(1, 2**22 // cumulated.shape[1]))]
        )

    def fill(self, values: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
        """Draws where the code is -1."""
        return torch.where(values < 0, self.draw(states, generator), values.long())

    def tempered(self, temperature: float) -> Categorical:
        """Log-probabilities over the temperature."""
        return replace(self, log_prob=(self.log_prob / temperature).log_softmax(1))

    def tensors(self) -> dict[str, Tensor]:
        """By name."""
        return {"log_prob": self.log_prob}

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> Categorical:
        """The inverse of `tensors`."""
        return replace(self, log_prob=tensors["log_prob"])

    def to(self, device: torch.device) -> Categorical:
        """The same on another device."""
        return replace(self, log_prob=self.log_prob.to(device))

    @property
    def parameters(self) -> int:
        """K (V - 1)."""
        return len(self.log_prob) * (self.log_prob.shape[1] - 1)


def _pick(cumulated: Tensor, generator: torch.Generator) -> Tensor:
    uniform = torch.rand(len(cumulated), 1, dtype=torch.double, generator=generator) * cumulated[:, -1:]
    return (cumulated <= uniform).sum(1).clamp_max(cumulated.shape[1] - 1)
