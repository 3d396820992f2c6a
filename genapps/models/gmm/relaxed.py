"""Conditions as evidence for a model whose variables are independent given a hidden state.

A condition on one variable is evidence as it stands. One over several variables is relaxed to the codes that each of
them may take anywhere in the condition; candidates drawn under the relaxed condition are then weighed by how much the
true one allows them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.models.constraints import Allowances
from genapps.models.gmm.hidden_tree import Leaf, Normal, Table


class Relaxed(Allowances):
    """Conditions relaxed to one allowance a variable; `inexact` says whether candidates have to be weighed."""

    def probability(self, variable: int, leaf: Leaf) -> Tensor:
        """The probability (K,) that the variable satisfies its condition, in each state; 1 without a condition."""
        if isinstance(leaf, Table):
            if variable not in self.codes:
                return torch.ones(leaf.shares.shape[1])
            return torch.mv(leaf.shares.T, self.codes[variable])
        if variable not in self.intervals:
            return torch.ones(len(leaf.mean))
        low, high = self._reach(variable, leaf.mean, leaf.deviation)
        return (high - low).clamp_min(0).float()

    def shares(self, variable: int, leaf: Table) -> Tensor:
        """The distribution (size, K) of the variable in each state, given its condition."""
        if variable not in self.codes:
            return leaf.shares
        shares = leaf.shares * self.codes[variable][:, None]
        total = shares.sum(0)
        return torch.where(total > 0, shares / total.clamp_min(1e-38), self.codes[variable][:, None])

    def draw_normal(self, variable: int, leaf: Normal, states: Tensor, generator: torch.Generator) -> Tensor:
        """Values (n,) of a Gaussian part in each row's state (n,), inside the interval if there is one."""
        mean, deviation = leaf.mean[states], leaf.deviation[states]
        uniform = torch.rand(len(states), generator=generator, dtype=torch.double)
        if variable not in self.intervals:
            free: Tensor = mean + deviation * torch.special.ndtri(uniform.clamp(1e-12, 1 - 1e-12))
            return free.float()
        low, high = self._reach(variable, mean, deviation)
        between = (low + uniform * (high - low)).clamp(1e-12, 1 - 1e-12)
        value: Tensor = mean + deviation * torch.special.ndtri(between)
        return value.clamp(*self.intervals[variable]).float()

    def _reach(self, variable: int, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        low, high = self.intervals[variable]
        return (
            torch.special.ndtr(((low - mean) / deviation).double()),
            torch.special.ndtr(((high - mean) / deviation).double()),
        )
