"""What the states emit: likelihoods of observations, and their best parameters given who probably emitted what.

Every kind is a frozen dataclass of parameters that answers to `Emission`. Its statistics are sums over steps, so that
chunks of sequences, several processes and weights add up.

Shapes: S steps, K states, D variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self

import torch
from torch import Tensor

from genapps.models.hmm.room import Room

Statistics = dict[str, Tensor]


class Emission(Protocol):
    """values: (S,) codes, -1 where unknown, or (S, D) numbers, NaN where unknown."""

    def log_likelihood(self, values: Tensor, room: Room | None = None) -> Tensor:
        """Of each step in each state, (S, K); unknown values count as 1. room: where to put it."""

    def statistics(self, values: Tensor, posterior: Tensor) -> Statistics:
        """Sums in float64 over the steps, weighted by the posterior (S, K) of the states."""

    def maximize(self, statistics: Statistics) -> Self:
        """The parameters that explain the statistics best, given the prior."""

    def begin(self, values: Tensor, posterior: Tensor, generator: torch.Generator) -> Self:
        """Where EM may begin: rough parameters from a rough posterior, with nothing impossible."""

    def log_prior(self) -> float:
        """The prior's logarithm, up to a constant."""

    def draw(self, states: Tensor, generator: torch.Generator) -> Tensor:
        """Values (S,) or (S, D) of steps in those states (S,)."""

    def fill(self, values: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
        """The values with draws where they are unknown, given the state and what is known of each step."""

    def tempered(self, temperature: float) -> Self:
        """Bolder (below 1) or freer (above 1)."""

    def tensors(self) -> dict[str, Tensor]:
        """The parameters, under the names of the fields."""

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> Self:
        """Other parameters: the inverse of `tensors`."""

    def to(self, device: torch.device) -> Self:
        """The same on another device."""

    @property
    def parameters(self) -> int:
        """Free ones, for BIC."""
