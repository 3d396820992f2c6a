"""The partition function of an RBM: exact for small machines, from both sides by annealing for the others.

Annealed importance sampling (Neal 2001; Salakhutdinov and Murray 2008) starts at independent units and tends to find
too little: its estimate of the likelihood is too high where it fails. Annealing back from the data's side (Burda,
Grosse and Salakhutdinov 2015, "reverse AIS estimator") errs to the other side. Where both agree, the figure can be
trusted. All of it is done in float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from genapps.models.rbm.energy import Parameters, Path, draw_hidden
from genapps.models.rbm.layout import softplus

EXACT_BITS = 20  # machines with at most 2^20 states on one side are enumerated
_CHUNK = 4096


@dataclass(frozen=True)
class Partition:
    """log_z: the log of the partition function in nats; `error`: its standard error, 0 where it is exact.

    ess: the effective number of annealing runs. reverse: the estimate from the other side, and its standard error; the
    truth is expected between the two, since the first tends to be too low and the reverse one too high.
    """

    log_z: float
    error: float
    kind: Literal["exact", "estimate"]
    ess: float = math.nan
    reverse: float = math.nan
    reverse_error: float = math.nan

    def with_reverse(self, estimates: Tensor) -> Partition:
        """The same with estimates (B,) from the other side."""
        error = float(estimates.std()) / math.sqrt(len(estimates)) if len(estimates) > 1 else math.nan
        return replace(self, reverse=float(estimates.mean()), reverse_error=error)


def exact_bits(model: Parameters) -> float:
    """Log2 of the number of states that have to be enumerated."""
    layout = model.layout
    hidden = float(model.weights.shape[1])
    if layout.real:
        return hidden
    return min(hidden, layout.binary + sum(math.log2(size) for size in layout.sizes.tolist()))


def enumerate_log_z(model: Parameters) -> float:
    """The log partition function by summing over all states of the hidden units, or of the visible ones if fewer.

    model: in float64. The other side is summed, and Gaussian units are integrated, in closed form.
    """
    layout, count = model.layout, model.weights.shape[1]
    if not layout.real and exact_bits(model) < count:
        logs = [
            -model.free_energy(layout.encode(rows, torch.double)[0])
            for rows in _every_row(layout.sizes_in_order, model)
        ]
    else:
        logs = [hidden_log_weights(model, states) for states in every_hidden(count)]
    return float(torch.logsumexp(torch.cat(logs), 0))


def hidden_log_weights(model: Parameters, hidden: Tensor) -> Tensor:
    """Log of the unnormalised probability (B,) of hidden units (B, H), the visible ones summed out."""
    visibles = model.layout.log_normalizers(model.natural(hidden), model.precision)
    return visibles.sum(-1) + hidden @ model.hidden


def every_hidden(count: int) -> Iterator[Tensor]:
    """All 2^count states of hidden units in chunks (B, count), float64."""
    bits = torch.arange(count)
    for first in range(0, 2**count, _CHUNK):
        numbers = torch.arange(first, min(first + _CHUNK, 2**count))
        yield (numbers[:, None] >> bits & 1).double()


def log_marginals(model: Parameters, units: Tensor, known: Tensor) -> Tensor:
    """Exact log of the unnormalised probability (N,) of what is known, all else summed out; for few hidden units.

    units: (N, U) with 0 for unknown ones. known: (N, D) by place. All states of the hidden units are enumerated: given
    them, each unknown variable contributes its normaliser and each known one its own term.
    """
    inputs, bias = model.inputs(units), model.bias_terms(units)
    unknown = (~known).double()
    totals = []
    for hidden in every_hidden(model.weights.shape[1]):
        normalizers = model.layout.log_normalizers(model.natural(hidden), model.precision)  # (B, D)
        totals.append(torch.logsumexp(inputs @ hidden.T + unknown @ normalizers.T, 1))
    return bias + torch.logsumexp(torch.stack(totals), 0)


def anneal(
    path: Path, units: Tensor, steps: int, generator: torch.Generator, known: Tensor | None = None, back: bool = False
) -> Tensor:
    """Log-weights (B,) of annealing runs that start at units (B, U), against the base's partition function.

    Forwards the units are drawn from the base, and exp(weight) is unbiased for Z / Z_base. Back they come from the
    target, and exp(-weight) is unbiased for Z_base / Z. known: (B, U), units that stay as they are.
    """
    betas = torch.linspace(1, 0, steps + 1, dtype=torch.double)
    betas = betas if back else betas.flip(0)
    total = torch.zeros(len(units), dtype=torch.double)
    inputs = path.target.inputs(units)
    for here, there in itertools.pairwise(betas.tolist()):
        if back:  # a step that leaves the present temperature's distribution as it is, then cooler
            units, inputs = _step(path, units, inputs, here, known, generator)
            total += path.log_weight(units, inputs, here) - path.log_weight(units, inputs, there)
        else:
            total += path.log_weight(units, inputs, there) - path.log_weight(units, inputs, here)
            units, inputs = _step(path, units, inputs, there, known, generator)
    return total


def _step(
    path: Path, units: Tensor, inputs: Tensor, beta: float, known: Tensor | None, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    hidden = draw_hidden(path.odds(inputs, beta), generator)
    drawn = path.target.layout.draw(path.natural(hidden, beta), path.precisions(beta), generator)
    units = drawn if known is None else torch.where(known, units, drawn)
    return units, path.target.inputs(units)


def estimate_log_z(path: Path, steps: int, chains: int, generator: torch.Generator) -> Partition:
    """Annealed importance sampling from independent units: `steps` temperatures, `chains` runs."""
    start = path.visible.expand(chains, -1)
    units = path.target.layout.draw(start, path.precision.expand(chains, -1), generator)
    weights = anneal(path, units, steps, generator)
    log_z, error, ess = _log_mean(weights)
    return Partition(log_z + float(path.log_base()), error, "estimate", ess)


def reverse_log_z(path: Path, units: Tensor, steps: int, chains: int, generator: torch.Generator) -> Tensor:
    """The reverse estimate of log Z (B,) at each of the rows' units (B, U), `chains` runs each.

    At rows of data, minus free energy minus this is the conservative estimate of their log-likelihood by Burda et al.;
    at draws from the machine it is an upper estimate of log Z.
    """
    weights = anneal(path, units.repeat_interleave(chains, 0), steps, generator, back=True).view(-1, chains)
    return float(path.log_base()) - (torch.logsumexp(-weights, 1) - math.log(chains))


def estimate_marginals(
    path: Path, units: Tensor, known: Tensor, steps: int, chains: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Log of the unnormalised probability (N,) of what is known in each row, by annealing the rest; its errors (N,).

    units: (N, U) with 0 where unknown. known: (N, D) by place.
    """
    held, base = clamped(path, units, known)
    held = held.repeated(chains)
    known, units = (tensor.repeat_interleave(chains, 0) for tensor in (path.target.layout.spread(known), units))
    units = torch.where(known, units, path.target.layout.draw(held.visible, held.precision, generator))
    weights = anneal(held, units, steps, generator, known).view(-1, chains)
    shares = torch.exp(weights - weights.max(1, keepdim=True).values)
    error = shares.std(1) / shares.mean(1) / math.sqrt(chains) if chains > 1 else torch.full_like(base, math.nan)
    return base + torch.logsumexp(weights, 1) - math.log(chains), error


def enumerate_each(model: Parameters) -> Tensor:
    """The log partition function (B,) of machines with biases of each row, by summing over few hidden units' states."""
    count = model.weights.shape[1]
    logs = []
    for state in torch.cat(list(every_hidden(count))):
        visibles = model.layout.log_normalizers(model.visible + model.weights @ state, model.precision)
        logs.append(visibles.sum(1) + model.hidden @ state)
    return torch.logsumexp(torch.stack(logs), 0)


def estimate_each(path: Path, steps: int, chains: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The log partition function (B,) of machines with biases of each row, by annealing; standard errors (B,)."""
    wide = path.repeated(chains)
    units = path.target.layout.draw(wide.visible, wide.precision, generator)
    weights = anneal(wide, units, steps, generator).view(-1, chains)
    shares = torch.exp(weights - weights.max(1, keepdim=True).values)
    error = shares.std(1) / shares.mean(1) / math.sqrt(chains)
    return path.log_base() + torch.logsumexp(weights, 1) - math.log(chains), error


def clamped(path: Path, units: Tensor, known: Tensor) -> tuple[Path, Tensor]:
    """The path on which each row's known units stay, and the log of its total weight (N,) at beta 0.

    units: (N, U) with 0 where unknown. known: (N, D) by place.
    """
    target, layout = path.target, path.target.layout
    each = layout.spread(known)
    visible = torch.where(each, target.visible, path.visible)
    precision = torch.where(each[:, layout.last_discrete :], target.precision, path.precision)
    mean = layout.means(path.visible, path.precision)
    held = Path(target, visible, target.inputs(torch.where(each, units, mean)), precision)
    unknown = (layout.log_normalizers(visible, precision) * ~known).sum(1)
    return held, target.bias_terms(units) + softplus(held.hidden).sum(1) + unknown


def _log_mean(log_weights: Tensor) -> tuple[float, float, float]:
    """Log of the mean of exp(log_weights) (B,), its standard error, the effective number."""
    top = log_weights.max()
    weights = torch.exp(log_weights - top)
    mean = weights.mean()
    error = float(weights.std() / mean) / math.sqrt(len(weights)) if len(weights) > 1 else math.nan
    return float(top + mean.log()), error, float(weights.sum().square() / weights.square().sum())


def _every_row(sizes: list[int], model: Parameters) -> Iterator[Tensor]:
    total = math.prod(sizes)
    order = model.layout.order
    for first in range(0, total, _CHUNK):
        number = torch.arange(first, min(first + _CHUNK, total))
        rows = torch.empty(len(number), len(sizes), dtype=torch.long)
        for place, size in enumerate(sizes):
            rows[:, order[place]] = number % size
            number = number // size
        yield rows


def pseudo_log_likelihood(model: Parameters, units: Tensor, known: Tensor | None) -> Tensor:
    """Sum (B,) over known categorical variables of log p(variable | all others), exactly.

    units: (B, U). known: (B, D) by place, None where all are.
    """
    layout, inputs = model.layout, model.inputs(units)
    total = torch.zeros(len(units), dtype=units.dtype)
    for place in range(layout.binary + layout.groups):
        own = (layout.place == place).nonzero()[:, 0]
        without = inputs - units[:, own] @ model.weights[own]
        logs = [model.visible[unit] + softplus(without + model.weights[unit]).sum(1) for unit in own.tolist()]
        if len(own) == 1 and place < layout.binary:
            logs.append(softplus(without).sum(1))
        own_units = torch.cat([units[:, own], 1 - units[:, own]], 1) if place < layout.binary else units[:, own]
        shares = torch.stack(logs, 1).log_softmax(1)
        term = (shares * own_units).sum(1)
        total += term if known is None else torch.where(known[:, place], term, 0)
    return total
