"""Obeying `genapps.spaces.Constraint` while variables are drawn one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.spaces import Constraint


class Evidence:
    """The constraints of a batch of rows, and the state each row has reached in each of them."""

    def __init__(self, given: Sequence[Constraint], rows: int) -> None:
        self._steps: dict[int, tuple[int, Tensor, Tensor]] = {}  # variable -> (constraint, weights, following states)
        self._states = [torch.zeros(rows, dtype=torch.long) for _ in given]
        for number, constraint in enumerate(given):
            tables = zip(constraint.variables, constraint.weights, constraint.following, strict=True)
            for variable, weights, following in tables:
                self._steps[variable] = (number, torch.as_tensor(weights), torch.as_tensor(following))

    def weigh(self, variable: int, shares: Tensor, rows: Tensor) -> Tensor:
        """Probabilities (B, size) of those rows times the weights that the condition leaves each code."""
        if variable not in self._steps:
            return shares
        number, weights, _ = self._steps[variable]
        return shares * weights[self._states[number][rows]]

    def read(self, variable: int, codes: Tensor) -> None:
        """Advance every row's state by the code (B,) it now has."""
        if variable in self._steps:
            number, _, following = self._steps[variable]
            if len(following) > 1 or following.any():
                self._states[number] = following[self._states[number], codes.clamp_min(0)]
            else:
                self._states[number].zero_()


def draw(shares: Tensor, total: Tensor, generator: torch.Generator) -> Tensor:
    """One code a row (B,) in proportion to shares (B, size); a code of share 0 is never drawn where another is left."""
    reach = shares.cumsum(1)
    aim = torch.rand(len(shares), generator=generator) * total
    aim = torch.minimum(aim, torch.nextafter(reach[:, -1], torch.zeros(())))  # rounding must not pass the last code
    return torch.searchsorted(reach, aim[:, None], right=True)[:, 0].clamp_max(shares.shape[1] - 1)


def resample(log_weights: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Row numbers (n,) drawn in proportion to exp(log_weights) (B,), in random order.

    Systematic resampling (Kitagawa 1996): each row appears within one of its expected number of times.
    Raises UsageError when every weight is zero.
    """
    top = log_weights.max()
    if not torch.isfinite(top):
        raise UsageError("the conditions contradict each other: the model gives them no probability; relax --given")
    weights = torch.exp((log_weights - top).double())
    if len(weights) == n and bool((weights == 1).all()):
        return torch.arange(n)
    reach = weights.cumsum(0) / weights.sum()
    aims = (torch.arange(n) + torch.rand(1, generator=generator, dtype=torch.double)) / n
    chosen = torch.searchsorted(reach, aims).clamp_max(len(weights) - 1)
    return chosen[torch.randperm(n, generator=generator)]
