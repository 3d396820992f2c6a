"""Table rows as points that a critic can differentiate, and a generator's outputs as such points.

A point has the one-hot codes and the standardised numbers of `genapps.nets.heads`, and a flag for each variable that
has unknown values; an unknown value is zero in its place. A generator's output is that of the heads, and two numbers
more for each ordered variable, which shift and widen its codes together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby

import torch
from torch import Tensor, nn

from genapps.nets.heads import LEAST_DEVIATION, Heads, bounded_below
from genapps.nets.scaling import Scaling
from genapps.spaces import Columns

_FIRST_DEVIATION = -3.0  # logarithm of a number's own noise at first, in deviations of its column


class Layout(nn.Module):
    """Where the variables of a `Columns` space lie in a point, and the statistics that put them there.

    Buffers: centre and scale (D,) of the numbers; log_shares and scores (R,), of each code the logarithm of its
    frequency and the normal score of its rank (0 where codes have no order); flagged (D,): which variables have unknown
    values; gate (D,): the categorical variable whose code says that a number has no value (-1: none), and opens (C, R):
    the codes that say it has one.
    """

    center: Tensor
    scale: Tensor
    log_shares: Tensor
    scores: Tensor
    flagged: Tensor
    gate: Tensor
    opens: Tensor
    order: Tensor
    segment: Tensor

    def __init__(self, space: Columns) -> None:
        super().__init__()
        self.space, self.count = space, len(space.variables)
        self.heads = Heads(space)
        sizes = space.sizes
        self.codes = sorted((j for j in range(self.count) if sizes[j]), key=lambda j: (sizes[j], j))
        self.numbers = [j for j in range(self.count) if not sizes[j]]
        self.ordered = [k for k, j in enumerate(self.codes) if getattr(space.variables[j], "ordered", False)]
        own = [sizes[j] for j in self.codes]
        self.groups = [(size, list(found)) for size, found in groupby(self.codes, key=lambda j: sizes[j])]
        self.starts = dict(zip(self.codes, torch.tensor([0, *own]).cumsum(0).tolist(), strict=False))
        segment = torch.repeat_interleave(torch.arange(len(own)), torch.tensor(own, dtype=torch.long))
        total, count = self.heads.logits, self.count
        self.register_buffer("segment", segment, persistent=False)  # (R,): the place in `codes` of each code's variable
        order = torch.tensor([*self.codes, *self.numbers], dtype=torch.long)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("center", torch.zeros(count, dtype=torch.double))
        self.register_buffer("scale", torch.ones(count, dtype=torch.double))
        self.register_buffer("log_shares", torch.zeros(total))
        self.register_buffer("scores", torch.zeros(total))
        self.register_buffer("flagged", torch.zeros(count, dtype=torch.bool))
        self.register_buffer("gate", torch.full((count,), -1))
        self.register_buffer("opens", torch.zeros(len(self.numbers), total))

    @property
    def width(self) -> int:
        """W, numbers in a point."""
        return self.heads.logits + len(self.numbers) + int(self.flagged.sum())

    @property
    def orders(self) -> Tensor:
        """The scores of the codes of each ordered variable (ordered, R), 0 for those of the others."""
        own = torch.tensor(self.ordered, device=self.segment.device)[:, None] == self.segment
        return own * self.scores

    @property
    def places(self) -> slice:
        """Where the numbers are in a point."""
        return slice(self.heads.logits, self.heads.logits + len(self.numbers))

    @property
    def offset(self) -> Tensor:
        """The outputs (heads' width + 2 a variable with order) at which every column has its own distribution."""
        numbers = torch.zeros(2, len(self.numbers))
        numbers[1] = _FIRST_DEVIATION
        return torch.cat([self.log_shares, numbers.flatten(), torch.zeros(2 * len(self.ordered))])

    def part(self, variable: int) -> slice:
        """The place of a categorical variable's codes in a point."""
        return slice(self.starts[variable], self.starts[variable] + self.space.sizes[variable])

    # -- the statistics --------------------------------------------------------------------------------------------

    def learn(self, data: Tensor) -> None:
        """Take the statistics of rows (N, D)."""
        self.heads = Heads.fit(self.space, data)
        self.center.copy_(self.heads.scaling.center)
        self.scale.copy_(self.heads.scaling.scale)
        self.log_shares.copy_(self.heads.marginals(data)[: self.heads.logits])
        self.flagged.copy_(~_known(data).all(0))
        for k in self.ordered:
            part = self.part(self.codes[k])
            share = self.log_shares[part].double().exp()
            middle = (share.cumsum(0) - share / 2).clamp(0.005, 0.995)
            self.scores[part] = torch.special.ndtri(middle).float()
        for k, j in enumerate(self.numbers):
            if self.flagged[j]:
                self._find_gate(k, j, data)

    def _find_gate(self, k: int, j: int, data: Tensor) -> None:
        """The categorical variable, if any, whose code says in every row whether number j has a value."""
        known = ~torch.isnan(data[:, j])
        for i in sorted((i for i in self.codes if i < j and not self.flagged[i]), reverse=True):
            codes, size = data[:, i].long(), self.space.sizes[i]
            there, absent = (torch.bincount(codes[side], minlength=size) > 0 for side in (known, ~known))
            if bool(there.any()) and not bool((there & absent).any()):
                self.gate[j], self.flagged[j] = i, False
                self.opens[k, self.part(i)] = there.float()
                return

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the statistics from the buffers of a layout of the same space."""
        self.load_state_dict(dict(tensors))
        self.heads = Heads(self.space, Scaling(self.center, self.scale))

    # -- rows to points --------------------------------------------------------------------------------------------

    def point(self, data: Tensor) -> Tensor:
        """Rows (B, D) as points (B, W)."""
        features = self.heads.encode(data)[:, : self.heads.logits + len(self.numbers)]
        return torch.cat([features, _known(data)[:, self.flagged.cpu()].float()], 1)

    def like(self, made: Tensor, points: Tensor) -> Tensor:
        """Made points (B, R + C) with the gaps of `points` (B, W), and their flags: after Li et al. 2019, "MisGAN".

        A critic that compares rows with the same gaps teaches a generator of rows without gaps.
        """
        flags = points[:, self.heads.logits + len(self.numbers) :]
        if not flags.shape[1]:
            return made
        place = (self.flagged.long().cumsum(0) - 1).clamp_min(0)
        known = torch.where(self.flagged, flags[:, place], 1.0)  # (B, D)
        codes, numbers = known[:, self.order].split([len(self.codes), len(self.numbers)], 1)
        return torch.cat([made * torch.cat([codes[:, self.segment], numbers], 1), flags], 1)

    # -- outputs to points and rows --------------------------------------------------------------------------------

    def plain(self, outputs: Tensor) -> Tensor:
        """A generator's outputs as those of the heads (B, heads' width)."""
        if not self.ordered:
            return outputs
        outputs, tilt = outputs.split([self.heads.width, 2 * len(self.ordered)], 1)
        shift = tilt @ torch.cat([self.orders, self.orders.square()])
        logits, numbers = outputs.split([self.heads.logits, 2 * len(self.numbers)], 1)
        return torch.cat([logits + shift, numbers], 1)

    def made(self, outputs: Tensor, draws: torch.Generator, sharpness: float) -> Tensor:
        """Points (B, R + C) drawn from outputs (B, heads' width), differentiable.

        Codes by the straight-through Gumbel softmax (Jang, Gu and Poole 2017, section 2.2; `sharpness` is the inverse
        of its temperature), numbers with noise of their own; a number that its gate says has no value is zero.
        """
        logits, numbers = outputs.split([self.heads.logits, 2 * len(self.numbers)], 1)
        codes = self._codes(logits, draws, sharpness) if self.codes else logits
        if not self.numbers:
            return codes
        mean, raw = numbers.chunk(2, 1)
        log_deviation = bounded_below(raw, math.log(LEAST_DEVIATION))
        noise = torch.randn(mean.shape, generator=draws).to(mean.device)
        values = mean + log_deviation.exp() * noise
        if bool((self.gate >= 0).any()):
            gated = self.gate[self.numbers] >= 0
            values = torch.where(gated, values * (codes @ self.opens.T), values)
        return torch.cat([codes, values], 1)

    def _codes(self, logits: Tensor, draws: torch.Generator, sharpness: float) -> Tensor:
        uniform = torch.rand(logits.shape, generator=draws).clamp_(1e-7, 1 - 1e-7).to(logits.device)
        raised = (logits - (-uniform.log()).log()) * sharpness
        parts = []
        for size, variables in self.groups:
            one = raised.narrow(1, self.starts[variables[0]], size * len(variables)).view(len(raised), -1, size)
            soft = torch.softmax(one, 2)
            hard = (one.detach() == one.detach().amax(2, keepdim=True)).to(soft.dtype)
            parts.append((soft + (hard - soft).detach()).flatten(1))
        return torch.cat(parts, 1)

    def rows(self, points: Tensor) -> Tensor:
        """Rows (B, D) of made points (B, R + C): int64 codes, or floats."""
        rows = torch.zeros(len(points), self.count, dtype=torch.double)
        for j in self.codes:
            rows[:, j] = points[:, self.part(j)].argmax(1).double()
        if self.space.discrete:
            return rows.long()
        rows[:, self.numbers] = points[:, self.heads.logits : self.heads.logits + len(self.numbers)].double()
        return self.shut(self.heads.scaling.restore(rows))

    def shut(self, rows: Tensor) -> Tensor:
        """Rows (B, D) with those numbers unknown that the codes say have no value."""
        rows = rows.clone()
        for k, j in enumerate(self.numbers):
            if self.gate[j] >= 0:
                i = int(self.gate[j])
                there = self.opens[k, self.part(i)][rows[:, i].long()] > 0
                rows[~there, j] = torch.nan
        return rows


def _known(data: Tensor) -> Tensor:
    """Which entries (N, D) have a value."""
    return ~torch.isnan(data) if data.is_floating_point() else data >= 0
