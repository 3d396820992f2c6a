"""One likelihood a kind of variable: what a network says of a row, as distributions of its variables.

Given the network's output the variables of a row are independent: a categorical one has a softmax over its codes, a
continuous one a Gaussian. What a network reads of a row is the mirror image: one-hot codes and standardised numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from genapps.models.constraints import Allowances, draw, draw_between, interval_log_prob, resample
from genapps.nets.scaling import Scaling
from genapps.spaces import Categorical, Columns

LEAST_DEVIATION = 0.01  # of a Gaussian, in standard deviations of its column: narrower ones chase single values
_POOL = 8  # candidates for each row wanted under conditions
_LEAST_POOL = 256
_ROUNDS = 8  # of candidates, until enough of them satisfy the conditions
_FARTHEST = 100.0  # deviations from the mean that a network reads


@dataclass(frozen=True)
class _Group:
    """Categorical variables of the same size: their logits are consecutive and shape (B, n, size)."""

    size: int
    variables: Tensor  # (n,)
    start: int

    @property
    def stop(self) -> int:
        return self.start + self.size * len(self.variables)


class Heads:
    """The distributions of a row's variables given a network's output (B, width).

    The output holds the logits of the categorical variables (variables of one size side by side), then the means, then
    the raw log-deviations of the continuous ones, both on the scale of `scaling`. Rows are as in `genapps.spaces`, in
    the units of the data: `scaling` (D,) is applied inside and is the identity for categorical variables.
    """

    def __init__(self, space: Columns, scaling: Scaling | None = None) -> None:
        self.space = space
        self.scaling = scaling or Scaling.none(len(space.variables))
        by_size: dict[int, list[int]] = {}
        for j, size in enumerate(space.sizes):
            if size:
                by_size.setdefault(size, []).append(j)
        self._groups: list[_Group] = []
        self.logits = 0  # how many outputs are logits
        for size, variables in sorted(by_size.items()):
            self._groups.append(_Group(size, torch.tensor(variables), self.logits))
            self.logits = self._groups[-1].stop
        numbers = [j for j, size in enumerate(space.sizes) if not size]
        self._numbers = torch.tensor(numbers, dtype=torch.long)
        order = [j for group in self._groups for j in group.variables.tolist()] + numbers
        self._place = torch.tensor(order).argsort() if order else torch.zeros(0, dtype=torch.long)

    @classmethod
    def fit(cls, space: Columns, data: Tensor) -> Heads:
        """Heads scaled to the known values of the continuous variables of rows (N, D)."""
        scaling = Scaling.none(len(space.variables))
        numbers = [j for j, size in enumerate(space.sizes) if not size]
        if numbers:
            own = Scaling.fit(data[:, numbers])
            scaling.center[numbers], scaling.scale[numbers] = own.center, own.scale
        return cls(space, scaling)

    def to(self, device: torch.device) -> Heads:
        """The same heads for outputs and rows on a device."""
        moved = Heads(self.space, self.scaling.to(device))
        moved._groups = [replace(group, variables=group.variables.to(device)) for group in self._groups]
        moved._numbers, moved._place = self._numbers.to(device), self._place.to(device)
        return moved

    @property
    def width(self) -> int:
        """How many outputs a network has to give."""
        return self.logits + 2 * len(self._numbers)

    @property
    def features(self) -> int:
        """How many numbers `encode` makes of a row: a one-hot code each, or a value and a flag."""
        return self.logits + 2 * len(self._numbers)

    # -- rows to features ----------------------------------------------------------------------------------------

    def encode(self, data: Tensor) -> Tensor:
        """Rows (B, D) as features (B, features), all 0 for an unknown entry.

        One-hot codes in the order of the logits, then standardised numbers, then 1 for each number that is known.
        Numbers farther than `_FARTHEST` deviations out are read as that far: a network fed with millions gives NaN.
        """
        parts = []
        for group in self._groups:
            codes = data[:, group.variables]
            known = codes >= 0  # NaN compares false
            hot = functional.one_hot(torch.where(known, codes, 0).long(), group.size)
            parts.append((hot * known[..., None]).flatten(1).float())
        numbers = self._standard(data)
        known = ~torch.isnan(numbers)
        numbers = torch.where(known, numbers.clamp(-_FARTHEST, _FARTHEST), 0.0)
        return torch.cat([*parts, numbers, known.float()], 1)

    def soft(self, outputs: Tensor, generator: torch.Generator, tau: float = 0.5) -> Tensor:
        """Features (B, features) of rows drawn from outputs, differentiable: for a critic that reads `encode`.

        Categories by the Gumbel-softmax of temperature `tau` (Jang et al. 2017; Maddison et al. 2017), numbers by
        reparametrisation.
        """
        parts = []
        for group in self._groups:
            logits = self._logits(outputs, group)
            uniform = torch.rand(logits.shape, generator=generator, device=logits.device).clamp(1e-9, 1 - 1e-7)
            parts.append(torch.softmax((logits - (-uniform.log()).log()) / tau, 2).flatten(1))
        mean, log_deviation = self._gaussian(outputs)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return torch.cat([*parts, mean + log_deviation.exp() * noise, torch.ones_like(mean)], 1)

    def marginals(self, data: Tensor) -> Tensor:
        """Outputs (width,) that say of every row what holds of all rows (N, D): where training should begin."""
        logits = torch.zeros(self.width)
        for group in self._groups:
            for place, variable in enumerate(group.variables.tolist()):
                codes = data[:, variable]
                counts = torch.bincount(codes[codes >= 0].long(), minlength=group.size).double() + 0.1
                start = group.start + place * group.size
                logits[start : start + group.size] = torch.log(counts / counts.sum()).float()
        return logits

    # -- outputs to distributions --------------------------------------------------------------------------------

    def log_prob(self, outputs: Tensor, data: Tensor) -> Tensor:
        """Log-probabilities (B, D) in nats of rows (B, D), 0 for an unknown entry; densities in the data's units."""
        parts = []
        for group in self._groups:
            codes = data[:, group.variables]
            known = codes >= 0
            logs = self._logits(outputs, group).log_softmax(2)
            chosen = logs.gather(2, torch.where(known, codes, 0).long()[..., None])[..., 0]
            parts.append(chosen * known)
        if len(self._numbers):
            mean, log_deviation = self._gaussian(outputs)
            values = self._standard(data)
            known = ~torch.isnan(values)
            logs = gaussian_log_prob(torch.where(known, values, 0.0), mean, log_deviation)
            parts.append((logs - self.scaling.scale[self._numbers].log().float()) * known)
        return torch.cat(parts, 1)[:, self._place]

    def sample(
        self,
        outputs: Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        given: Allowances | None = None,
    ) -> Tensor:
        """Rows (B, D) drawn from the distributions, inside the relaxed conditions if there are any.

        temperature: below 1 bolder, above 1 more varied (every distribution to the power of its inverse).
        """
        rows = torch.zeros(len(outputs), len(self.space.variables), dtype=torch.double, device=outputs.device)
        for group in self._groups:
            shares = torch.softmax(self._logits(outputs, group).float() / temperature, 2)
            shares = self._allowed(shares, group, given).flatten(0, 1)
            codes = draw(shares, shares.sum(1), generator)
            rows[:, group.variables] = codes.view(len(rows), len(group.variables)).double()
        if self.space.discrete:
            return rows.long()
        mean, deviation = self._tempered(outputs, temperature)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=torch.double)
        rows[:, self._numbers] = mean + deviation * noise
        for variable, interval in (given.intervals if given else {}).items():
            place = self._numbers.tolist().index(variable)
            own = self._scaled(variable, interval)
            rows[:, variable] = draw_between(mean[:, place], deviation[:, place], own, generator)
        return self.scaling.restore(rows)

    def log_allowance(
        self, outputs: Tensor, given: Allowances, temperature: float = 1.0, unknown: Tensor | None = None
    ) -> Tensor:
        """Log-probability (B,) that a row drawn from outputs (B, width) satisfies the relaxed conditions.

        unknown: (B, D), which entries are to be drawn; conditions on the others do not count.
        """
        logs = torch.zeros(len(outputs), dtype=torch.double, device=outputs.device)
        for group in self._groups:
            touched = [place for place, j in enumerate(group.variables.tolist()) if j in given.codes]
            if touched:
                shares = torch.softmax(self._logits(outputs, group)[:, touched].double() / temperature, 2)
                weights = torch.stack([given.codes[int(group.variables[place])] for place in touched])
                found = (shares * weights.to(shares)).sum(2).log()
                logs += (found if unknown is None else found.where(unknown[:, group.variables[touched]], 0.0)).sum(1)
        mean, deviation = self._tempered(outputs, temperature)
        for variable, interval in given.intervals.items():
            place = self._numbers.tolist().index(variable)
            found = interval_log_prob(mean[:, place], deviation[:, place], self._scaled(variable, interval))
            logs += found if unknown is None else found.where(unknown[:, variable], 0.0)
        return logs

    # -- inside --------------------------------------------------------------------------------------------------

    def _logits(self, outputs: Tensor, group: _Group) -> Tensor:
        return outputs[:, group.start : group.stop].reshape(len(outputs), len(group.variables), group.size)

    def _gaussian(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-deviation (B, C) of the continuous variables, standardised; the deviation has its least."""
        mean, raw = outputs[:, self.logits :].chunk(2, 1)
        return mean, bounded_below(raw, math.log(LEAST_DEVIATION))

    def _tempered(self, outputs: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        mean, log_deviation = self._gaussian(outputs)
        return mean.double(), log_deviation.double().exp() * math.sqrt(temperature)

    def _standard(self, data: Tensor) -> Tensor:
        own = Scaling(self.scaling.center[self._numbers], self.scaling.scale[self._numbers])
        return own.standardise(data[:, self._numbers])

    def _scaled(self, variable: int, interval: tuple[float, float]) -> tuple[float, float]:
        center, scale = float(self.scaling.center[variable]), float(self.scaling.scale[variable])
        return (interval[0] - center) / scale, (interval[1] - center) / scale

    def _allowed(self, shares: Tensor, group: _Group, given: Allowances | None) -> Tensor:
        """Shares (B, n, size) times the weights that the conditions leave each code."""
        touched = [j for j in group.variables.tolist() if given is not None and j in given.codes]
        if given is None or not touched:
            return shares
        one = torch.ones(group.size)
        weights = torch.stack([given.codes.get(j, one) for j in group.variables.tolist()]).to(shares)
        weighed = shares * weights
        # A row that gives its condition no probability has no weight either; it only has to stay drawable.
        return torch.where(weighed.sum(2, keepdim=True) > 0, weighed, weights.clamp_min(1e-30))


def draw_rows(
    n: int,
    heads: Heads,
    outputs: Callable[[int], Tensor],
    given: Allowances,
    generator: torch.Generator,
    temperature: float = 1.0,
) -> Tensor:
    """Draw rows (n, D) under conditions from any model that makes outputs of something hidden.

    outputs: (count) -> outputs (count, width) of so many new hidden states. A pool of candidates is weighed by the
    probability they give the conditions and drawn again in proportion (sampling importance resampling, Rubin 1987),
    then each draws its row inside the conditions; the pool grows until enough candidates count, or eight times.
    Raises UsageError when the model gives the conditions no probability.
    """
    if not given.variables or n == 0:
        return heads.sample(outputs(n), generator, temperature)
    pool = max(_POOL * n, _LEAST_POOL)
    found, weights = [], torch.zeros(0, dtype=torch.double)
    for _ in range(_ROUNDS):
        made = outputs(pool)
        logs = heads.log_allowance(made, given, temperature).cpu()
        if given.inexact:
            made = heads.sample(made, generator, temperature, given)
            logs = logs + given.log_correction(made.cpu())
        possible = torch.isfinite(logs)
        found.append(made[possible.to(made.device)])
        weights = torch.cat([weights, logs[possible]])
        if len(weights) and effective(weights) >= 2 * n:
            break
    candidates = torch.cat(found)
    if not len(weights):
        weights = torch.full((1,), -torch.inf)  # resample says that the conditions are impossible
    chosen = candidates[resample(weights, n, generator).to(candidates.device)]
    return chosen if given.inexact else heads.sample(chosen, generator, temperature, given)


def effective(log_weights: Tensor) -> float:
    """How many equally weighted candidates the weights (N,) are worth (Kong 1992)."""
    logs = log_weights.double()
    return float(torch.exp(2 * logs.logsumexp(0) - (2 * logs).logsumexp(0)))


def gaussian_log_prob(values: Tensor, mean: Tensor, log_deviation: Tensor) -> Tensor:
    """Log-density of each value under its own Gaussian, in nats."""
    standard = (values - mean) * torch.exp(-log_deviation)
    return -0.5 * standard.square() - log_deviation - 0.5 * math.log(2 * math.pi)


def bounded_below(raw: Tensor, least: float) -> Tensor:
    """`raw` where it is well above `least`, and never below it; smooth."""
    return least + functional.softplus(raw - least)


def continuous(space: Columns) -> list[int]:
    """The numbers of the continuous variables."""
    return [j for j, variable in enumerate(space.variables) if not isinstance(variable, Categorical)]
