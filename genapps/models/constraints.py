"""Obeying `genapps.spaces.Constraint`: while variables are drawn one after the other, or all at once.

Models that draw variables in turn carry `Evidence` along. Models whose variables are independent given something hidden
use `Allowances`: a condition over several variables is relaxed to the codes that each of them may take anywhere in it;
candidates drawn under the relaxed condition are then weighed by how much the true one allows them.
"""

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


class Allowances:
    """Conditions relaxed to one allowance a variable.

    codes: categorical variable -> largest weight (size,) of each code. intervals: continuous variable -> (low, high).
    """

    def __init__(self, given: Sequence[Constraint]) -> None:
        self.codes: dict[int, Tensor] = {}
        self.intervals: dict[int, tuple[float, float]] = {}
        self._joint: list[Constraint] = []
        for constraint in given:
            steps = list(zip(constraint.variables, constraint.weights, strict=True))
            if constraint.interval is not None:
                self.intervals[steps.pop()[0]] = constraint.interval
            for variable, weights in steps:
                self.codes[variable] = torch.as_tensor(weights, dtype=torch.float32).max(0).values
            if len(steps) > 1:
                self._joint.append(constraint)

    @property
    def variables(self) -> list[int]:
        """The variables that a condition touches."""
        return [*self.codes, *self.intervals]

    @property
    def inexact(self) -> bool:
        """Whether the relaxed conditions allow more than the true ones, so that candidates have to be weighed."""
        return bool(self._joint)

    def log_correction(self, rows: Tensor) -> Tensor:
        """Log-weight (N,) of rows drawn under the relaxed conditions: true allowance over relaxed allowance."""
        logs = torch.zeros(len(rows))
        for constraint in self._joint:
            state = torch.zeros(len(rows), dtype=torch.long)
            tables = zip(constraint.variables, constraint.weights, constraint.following, strict=True)
            for variable, weights, following in tables:
                if variable not in self.codes:
                    continue
                codes = rows[:, variable].long()
                logs += torch.log(torch.as_tensor(weights)[state, codes] / self.codes[variable][codes])
                state = torch.as_tensor(following)[state, codes]
        return logs


def interval_log_prob(mean: Tensor, deviation: Tensor, interval: tuple[float, float]) -> Tensor:
    """Log-probability, in float64, that a Gaussian of that mean and deviation falls into (low, high)."""
    low, high, _ = _towards_zero(mean, deviation, interval)
    reach = torch.special.log_ndtr(high)
    inside: Tensor = reach + torch.log1p(-torch.exp(torch.special.log_ndtr(low) - reach))
    return inside


def draw_between(mean: Tensor, deviation: Tensor, interval: tuple[float, float], generator: torch.Generator) -> Tensor:
    """Values of Gaussians inside (low, high), float64, by the inverse of their distribution function."""
    low, high, sign = _towards_zero(mean, deviation, interval)
    low, high = torch.special.ndtr(low), torch.special.ndtr(high)
    uniform = torch.rand(mean.shape, generator=generator, dtype=torch.double, device=mean.device)
    standard = sign * torch.special.ndtri(low + uniform * (high - low))
    inside: Tensor = (mean + deviation * standard.clamp(-1e30, 1e30)).clamp(*interval)
    return inside


def _towards_zero(mean: Tensor, deviation: Tensor, interval: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor]:
    """The interval in deviations from the mean, mirrored where it lies above: the lower tail has more digits."""
    low, high = ((bound - mean.double()) / deviation.double() for bound in interval)
    sign = torch.where(low > 0, -1.0, 1.0).double()
    return torch.where(low > 0, -high, low), torch.where(low > 0, -low, high), sign
