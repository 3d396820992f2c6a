"""Conditions as evidence for a model whose variables are independent given a hidden state.

A condition on one variable is evidence as it stands. One over several variables is relaxed to the codes that each of
them may take anywhere in the condition; candidates drawn under the relaxed condition are then weighed by how much the
true one allows them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genapps.models.gmm.hidden_tree import Leaf, Normal, Table
from genapps.spaces import Constraint


class Relaxed:
    """Conditions relaxed to one allowance a variable; `inexact` says whether candidates have to be weighed."""

    def __init__(self, given: Sequence[Constraint]) -> None:
        self._allowed: dict[int, Tensor] = {}  # categorical variable -> largest weight (size,) of each code
        self._intervals: dict[int, tuple[float, float]] = {}
        self._joint: list[Constraint] = []
        for constraint in given:
            steps = list(zip(constraint.variables, constraint.weights, strict=True))
            if constraint.interval is not None:
                self._intervals[steps.pop()[0]] = constraint.interval
            for variable, weights in steps:
                self._allowed[variable] = torch.as_tensor(weights, dtype=torch.float32).max(0).values
            if len(steps) > 1:
                self._joint.append(constraint)

    @property
    def variables(self) -> list[int]:
        """The variables that a condition touches."""
        return [*self._allowed, *self._intervals]

    @property
    def inexact(self) -> bool:
        """Whether the relaxed conditions allow more than the true ones."""
        return bool(self._joint)

    def probability(self, variable: int, leaf: Leaf) -> Tensor:
        """The probability (K,) that the variable satisfies its condition, in each state; 1 without a condition."""
        if isinstance(leaf, Table):
            if variable not in self._allowed:
                return torch.ones(leaf.shares.shape[1])
            return torch.mv(leaf.shares.T, self._allowed[variable])
        if variable not in self._intervals:
            return torch.ones(len(leaf.mean))
        low, high = self._reach(variable, leaf.mean, leaf.deviation)
        return (high - low).clamp_min(0).float()

    def shares(self, variable: int, leaf: Table) -> Tensor:
        """The distribution (size, K) of the variable in each state, given its condition."""
        if variable not in self._allowed:
            return leaf.shares
        shares = leaf.shares * self._allowed[variable][:, None]
        total = shares.sum(0)
        return torch.where(total > 0, shares / total.clamp_min(1e-38), self._allowed[variable][:, None])

    def draw_normal(self, variable: int, leaf: Normal, states: Tensor, generator: torch.Generator) -> Tensor:
        """Values (n,) of a Gaussian part in each row's state (n,), inside the interval if there is one."""
        mean, deviation = leaf.mean[states], leaf.deviation[states]
        uniform = torch.rand(len(states), generator=generator, dtype=torch.double)
        if variable not in self._intervals:
            free: Tensor = mean + deviation * torch.special.ndtri(uniform.clamp(1e-12, 1 - 1e-12))
            return free.float()
        low, high = self._reach(variable, mean, deviation)
        between = (low + uniform * (high - low)).clamp(1e-12, 1 - 1e-12)
        value: Tensor = mean + deviation * torch.special.ndtri(between)
        return value.clamp(*self._intervals[variable]).float()

    def log_correction(self, rows: Tensor) -> Tensor:
        """Log-weight (N,) of rows drawn under the relaxed conditions: true allowance over relaxed allowance."""
        logs = torch.zeros(len(rows))
        for constraint in self._joint:
            state = torch.zeros(len(rows), dtype=torch.long)
            tables = zip(constraint.variables, constraint.weights, constraint.following, strict=True)
            for variable, weights, following in tables:
                if variable not in self._allowed:
                    continue
                codes = rows[:, variable].long()
                logs += torch.log(torch.as_tensor(weights)[state, codes] / self._allowed[variable][codes])
                state = torch.as_tensor(following)[state, codes]
        return logs

    def _reach(self, variable: int, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
        low, high = self._intervals[variable]
        return (
            torch.special.ndtr(((low - mean) / deviation).double()),
            torch.special.ndtr(((high - mean) / deviation).double()),
        )
