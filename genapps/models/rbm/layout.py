"""The visible units of an RBM: which variable owns which, how they are encoded, normalised and drawn.

A `Categorical(2)` is one Bernoulli unit, any other categorical one a softmax group of a unit a code, a `Continuous` one
Gaussian unit. Units lie in that order: Bernoulli, softmax, Gaussian. Every conditional distribution of a visible given
the hidden units is in its exponential family, so that one vector of natural parameters (..., U) describes them all.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from genapps.spaces import Columns


class Layout:
    """U visible units of D variables.

    order: (D,) the variable at each place, Bernoulli ones first, Gaussian ones last. place: (U,) the place of each
    unit. first: (S,) the first unit of each softmax group; sizes: (S,) their numbers of codes.
    """

    def __init__(self, space: Columns) -> None:
        sizes = space.sizes
        binary = [j for j, size in enumerate(sizes) if size == 2]
        softmax = [j for j, size in enumerate(sizes) if size not in (0, 2)]
        real = [j for j, size in enumerate(sizes) if size == 0]
        self.order = torch.tensor(binary + softmax + real, dtype=torch.long)
        self.variables = len(sizes)
        self.binary, self.groups, self.real = len(binary), len(softmax), len(real)
        self.sizes = torch.tensor([sizes[j] for j in softmax], dtype=torch.long)
        self.first = self.binary + self.sizes.cumsum(0) - self.sizes
        self.last_discrete = self.binary + int(self.sizes.sum())  # the first Gaussian unit
        self.units = self.last_discrete + self.real
        self.group = torch.repeat_interleave(torch.arange(self.groups), self.sizes)
        self.place = torch.cat(
            [torch.arange(self.binary), self.binary + self.group, self.binary + self.groups + torch.arange(self.real)]
        )
        self.plain = self.order.equal(torch.arange(self.variables))  # variables lie in the order of the table
        self.sizes_in_order = [sizes[j] for j in self.order.tolist()]

    # -- between rows and units ----------------------------------------------------------------------------------

    def encode(self, rows: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor | None]:
        """Units (B, U) of rows (B, D), and which variables are known (B, D) by place; None where all are.

        The units of an unknown entry (-1, or NaN) are 0: it takes no part in the energy.
        """
        if not self.plain:
            rows = rows[:, self.order.to(rows.device)]
        known = None
        if rows.is_floating_point():
            known = ~torch.isnan(rows)
        elif rows.dtype != torch.uint8:
            known = rows >= 0
        everything = known is None or bool(known.all())
        if known is not None and not everything:
            rows = torch.where(known, rows, 0)
        if self.units == self.binary:
            return rows.to(dtype), None if everything else known
        units = torch.zeros(len(rows), self.units, dtype=dtype, device=rows.device)
        units[:, : self.binary] = rows[:, : self.binary]
        codes = rows[:, self.binary : self.binary + self.groups].long() + self.first.to(rows.device)
        units.scatter_(1, codes, 1 if known is None else known[:, self.binary : self.binary + self.groups].to(dtype))
        units[:, self.last_discrete :] = rows[:, self.binary + self.groups :]
        return units, None if everything else known

    def decode(self, units: Tensor) -> Tensor:
        """Rows (B, D) of units (B, U): integers where every variable is categorical, else numbers."""
        softmax = units[:, self.binary : self.last_discrete]
        code = (
            torch.arange(len(self.group), device=units.device) - self.first[self.group].to(units.device) + self.binary
        )
        codes = torch.zeros(len(units), self.groups, dtype=units.dtype, device=units.device)
        codes.index_add_(1, self.group.to(units.device), softmax * code)
        rows = torch.cat([units[:, : self.binary], codes, units[:, self.last_discrete :]], 1)
        placed = torch.empty_like(rows)
        placed[:, self.order.to(rows.device)] = rows
        return placed if self.real else placed.long()

    def spread(self, known: Tensor) -> Tensor:
        """What holds of each variable by place (B, D) as what holds of each unit (B, U)."""
        return known if self.units == self.variables else known[:, self.place.to(known.device)]

    # -- distributions of the visibles ---------------------------------------------------------------------------

    def log_normalizers(self, natural: Tensor, precision: Tensor) -> Tensor:
        """Log of the sum or integral over each variable's values, (..., D) by place.

        natural: (..., U), such that a unit's log-weight is natural * v, less precision * v^2 / 2 for a Gaussian one.
        precision: (..., G) of the Gaussian units.
        """
        parts = [softplus(natural[..., : self.binary])]
        if self.groups:
            softmax = natural[..., self.binary : self.last_discrete]
            top = self._group_tops(softmax)
            group = self.group.to(natural.device)
            sums = torch.zeros_like(top).index_add_(-1, group, torch.exp(softmax - top[..., group]))
            parts.append(sums.log() + top)
        if self.real:
            numbers = natural[..., self.last_discrete :]
            parts.append(0.5 * (numbers.square() / precision + math.log(2 * math.pi) - precision.log()))
        return torch.cat(parts, -1)

    def means(self, natural: Tensor, precision: Tensor) -> Tensor:
        """The expectation of each unit (..., U)."""
        parts = [torch.sigmoid(natural[..., : self.binary])]
        if self.groups:
            group = self.group.to(natural.device)
            softmax = natural[..., self.binary : self.last_discrete]
            shares = torch.exp(softmax - self._group_tops(softmax)[..., group])
            sums = torch.zeros(*shares.shape[:-1], self.groups, dtype=shares.dtype, device=shares.device)
            parts.append(shares / sums.index_add_(-1, group, shares)[..., group])
        if self.real:
            parts.append(natural[..., self.last_discrete :] / precision)
        return torch.cat(parts, -1)

    def draw(self, natural: Tensor, precision: Tensor, generator: torch.Generator) -> Tensor:
        """Units (..., U) drawn from their distributions."""
        units = torch.empty_like(natural)
        if self.binary:
            bernoulli(torch.sigmoid(natural[..., : self.binary]), generator, out=units[..., : self.binary])
        if self.groups:
            softmax = natural[..., self.binary : self.last_discrete]
            units[..., self.binary : self.last_discrete] = self._draw_groups(softmax, generator)
        if self.real:
            numbers = natural[..., self.last_discrete :]
            noise = torch.randn(numbers.shape, dtype=natural.dtype, device=natural.device, generator=generator)
            units[..., self.last_discrete :] = numbers / precision + noise / precision.sqrt()
        return units

    def _draw_groups(self, natural: Tensor, generator: torch.Generator) -> Tensor:
        """One-hot codes (..., units) of the softmax groups: the inverse of all cumulative distributions at once."""
        flat = natural.flatten(0, -2) if natural.ndim > 1 else natural[None]
        group = self.group.to(flat.device)
        reach = torch.exp(flat - self._group_tops(flat)[:, group]).cumsum(1, dtype=torch.double)  # (B, units)
        last = (self.sizes.cumsum(0) - 1).to(flat.device)
        ends = reach[:, last]  # (B, S)
        starts = functional.pad(ends[:, :-1], (1, 0))
        aim = torch.rand(ends.shape, dtype=torch.double, device=flat.device, generator=generator)
        aim = torch.minimum(torch.lerp(starts, ends, aim), torch.nextafter(ends, torch.zeros_like(ends)))
        chosen = torch.maximum(
            torch.minimum(torch.searchsorted(reach, aim, right=True), last), last - self.sizes.to(last) + 1
        )
        return torch.zeros_like(flat).scatter_(1, chosen, 1).view(natural.shape)

    def _group_tops(self, softmax: Tensor) -> Tensor:
        """The largest number (..., S) in each softmax group, which makes exponentials safe."""
        shape = (*softmax.shape[:-1], self.groups)
        tops = torch.full(shape, -math.inf, dtype=softmax.dtype, device=softmax.device)
        return tops.scatter_reduce_(-1, self.group.to(softmax.device).expand_as(softmax), softmax, "amax")


def bernoulli(probability: Tensor, generator: torch.Generator, out: Tensor | None = None) -> Tensor:
    """Ones with these probabilities, as floats of the same shape and type.

    In float32 a probability is met to the nearest 2^-16: a quarter of the random words, which a step spends a tenth of
    its time on.
    """
    if probability.dtype == torch.float32 and probability.device.type == "cpu":
        words = torch.empty((probability.numel() + 3) // 4, dtype=torch.long)
        random = words.random_(-(2**63), None, generator=generator).view(torch.int16)[: probability.numel()]
        level = torch.add(-32768.5, probability, alpha=65536.0)  # halfway between integers: the nearest 2^-16
        noise = random.view(probability.shape).to(torch.float32)
        return torch.lt(noise, level, out=noise if out is None else out)
    noise = torch.rand(probability.shape, dtype=probability.dtype, device=probability.device, generator=generator)
    return torch.lt(noise, probability, out=noise if out is None else out)


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)) to the last digit of float64: cut where exp(-x) is below it."""
    return functional.softplus(x, threshold=40.0)
