"""Sequences of codes: every hidden state has a distribution over the codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from genapps.models.hmm.emissions.categorical import Categorical
from genapps.models.hmm.engine import ChainConfig, ChainModel
from genapps.spaces import Tokens


@dataclass(frozen=True)
class TokenConfig(ChainConfig):
    """The chain, and how codes are smoothed."""

    emissionprob_prior: float = field(
        default=1.01,
        metadata={
            "help": "Dirichlet concentration of each state's codes; 1: what was not seen is impossible",
            "least": 1,
        },
    )


class TokenModel(ChainModel):
    """Hidden Markov model of `Tokens`; unknown codes (-1) are summed over."""

    Config: ClassVar[type] = TokenConfig
    space: Tokens
    config: TokenConfig

    def _template(self, dtype: torch.dtype) -> Categorical:
        shape = (self.config.n_components, self.space.size)
        even = torch.full(shape, 1 / self.space.size, dtype=torch.double)
        return Categorical(even.log(), self.config.emissionprob_prior - 1)

    def _guess(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """Each code leans to some states, by chance."""
        lean = torch.rand(self.space.size + 1, self.config.n_components, dtype=torch.double, generator=generator)
        lean = -torch.log1p(-lean)  # exponential draws over their sum are a uniform draw of shares
        return (lean / lean.sum(1, keepdim=True))[values]

    @property
    def emissionprob_(self) -> Tensor:
        """(K, V) of each code in each state."""
        emission = self._fitted().emission
        assert isinstance(emission, Categorical)
        return emission.log_prob.exp()
