"""Binary frames, a piano roll for one: every state has a probability for each variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genapps.models.hmm.emissions import Statistics
from genapps.models.hmm.room import Room

_CHUNK = 8192  # steps turned to numbers at once
_IMPOSSIBLE = -1e30  # less than any sum of logarithms that are not -inf


@dataclass(frozen=True)
class Bernoulli:
    """prob: (K, D) of a 1, float64. prior: pseudo-counts of a 0 and of a 1."""

    prob: Tensor
    prior: float = 0.0
    dtype: torch.dtype = torch.double

    def log_likelihood(self, values: Tensor, room: Room | None = None) -> Tensor:
        """(S, K) of zeros and ones (S, D), unknown where negative or NaN."""
        one, zero = self.prob.log(), torch.log1p(-self.prob)
        # Without a prior a probability may be 0: its logarithm is finite here, so that 0 times it is 0.
        one, zero = (part.clamp_min(_IMPOSSIBLE).to(self.dtype).T for part in (one, zero))
        result = (room or Room()).take((len(values), len(self.prob)), self.dtype, values.device)
        for (ones, zeros), out in zip(self._seen(values), result.split(_CHUNK), strict=True):
            torch.mm(ones, one, out=out).addmm_(zeros, zero)
        return result.masked_fill_(result < _IMPOSSIBLE / 2, -torch.inf)

    def statistics(self, values: Tensor, posterior: Tensor) -> Statistics:
        """ones, zeros: (K, D) expected, of known values."""
        ones, zeros = (torch.zeros_like(self.prob) for _ in range(2))
        for (one, zero), share in zip(self._seen(values), posterior.split(_CHUNK), strict=True):
            ones += share.T @ one.to(share.dtype)
            zeros += share.T @ zero.to(share.dtype)
        return {"ones": ones, "zeros": zeros}

    def maximize(self, statistics: Statistics) -> Bernoulli:
        """The share of ones, with the prior; what was never seen keeps what it has."""
        ones = statistics["ones"] + self.prior
        total = ones + statistics["zeros"] + self.prior
        return replace(self, prob=torch.where(total > 0, ones / total.clamp_min(1e-300), self.prob))

    def begin(self, values: Tensor, posterior: Tensor, generator: torch.Generator) -> Bernoulli:
        """The shares of ones that each state probably emitted, kept away from 0 and 1."""
        found = self.statistics(values, posterior)
        return replace(self, prob=(found["ones"] + 1) / (found["ones"] + found["zeros"] + 2))

    def log_prior(self) -> float:
        """The Beta prior's."""
        return self.prior * float((self.prob.log() + torch.log1p(-self.prob)).sum()) if self.prior else 0.0

    def draw(self, states: Tensor, generator: torch.Generator) -> Tensor:
        """Zeros and ones (S, D)."""
        uniform = torch.rand(len(states), self.prob.shape[1], dtype=torch.double, generator=generator)
        return (uniform < self.prob[states]).long()

    def fill(self, values: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
        """Draws where the value is unknown."""
        unknown = torch.isnan(values) | (values < 0)
        return torch.where(unknown, self.draw(states, generator).to(values.dtype), values)

    def tempered(self, temperature: float) -> Bernoulli:
        """Log-odds over the temperature."""
        return replace(self, prob=torch.sigmoid(torch.logit(self.prob) / temperature))

    def tensors(self) -> dict[str, Tensor]:
        """By name."""
        return {"prob": self.prob}

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> Bernoulli:
        """The inverse of `tensors`."""
        return replace(self, prob=tensors["prob"])

    def to(self, device: torch.device) -> Bernoulli:
        """The same on another device."""
        return replace(self, prob=self.prob.to(device))

    @property
    def parameters(self) -> int:
        """K D."""
        return self.prob.numel()

    def _seen(self, values: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Where each chunk has a known one, and where a known zero."""
        return [((part == 1).to(self.dtype), (part == 0).to(self.dtype)) for part in values.split(_CHUNK)]
