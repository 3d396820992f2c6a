"""Machines whose hidden states are summed over one by one: the partition function, its exact gradient, exact draws.

Either there are few hidden units, or exactly one of them is on: a softmax unit, as exponential family harmoniums have
it (Welling, Rosen-Zvi and Hinton 2004). Visible units have two values.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from genapps.models.constraints import draw
from genapps.models.rbm.energy import Parameters
from genapps.models.rbm.layout import Layout, bernoulli, softplus

MOST = 10  # hidden units that are each on or off: 1,024 states
_FARTHEST = {torch.float32: 20.0, torch.float64: 150.0}  # log-odds are kept within, so that products of terms fit


class Choice(Parameters):
    """A machine of whose hidden units exactly one is on; `hidden` are the logits of which."""

    def free_energy(self, units: Tensor, inputs: Tensor | None = None) -> Tensor:
        """-log sum over the states of exp(-E), (...): lower is likelier."""
        return -self.bias_terms(units) - (self.inputs(units) if inputs is None else inputs).logsumexp(-1)


def two_valued(layout: Layout) -> bool:
    """Whether all visible units are of two values."""
    return layout.units == layout.binary


def log_partitions(model: Parameters) -> Tensor:
    """The log partition function (B,) of machines with biases of each row; differentiable."""
    terms, patterns = _states(model)
    most = _FARTHEST[model.visible.dtype]
    found: Tensor = _LogPartition.apply(  # type: ignore[no-untyped-call]
        model.visible.clamp(-most, most), terms, patterns.clamp(-most, most)
    )
    return found


def drawn(model: Parameters, known: Tensor | None, units: Tensor, generator: torch.Generator) -> Tensor:
    """Visible units (B, U) of machines with biases of each row; where `known` (B, U) they are as in `units`."""
    terms, patterns = _states(model)
    free = torch.ones_like(units) if known is None else (~known).float()
    held = units * (1 - free)
    for unit in range(units.shape[1]):
        odds = model.visible[:, unit, None] + patterns[:, unit]
        terms = terms + free[:, unit, None] * softplus(odds) + held[:, unit, None] * odds
    shares = terms.softmax(1)
    state = draw(shares, shares.sum(1), generator)
    found = bernoulli(torch.sigmoid(model.visible + patterns[state]), generator)
    return torch.where(free.bool(), found, units)


def _states(model: Parameters) -> tuple[Tensor, Tensor]:
    """Of each hidden state: its bias (B, S), and what it adds to the log-odds of visible units (S, U)."""
    if isinstance(model, Choice):
        return model.hidden, model.weights.T
    values = torch.tensor([0.0, 1.0], dtype=model.weights.dtype, device=model.weights.device)
    states = torch.cartesian_prod(*[values] * model.weights.shape[1]).view(-1, model.weights.shape[1])
    return model.hidden @ states.T, states @ model.weights.T


class _LogPartition(torch.autograd.Function):
    """log sum over states of exp(term) times the product over units of (1 + exp(a + w)).

    Products cost less than logarithms, and little is kept for the gradient.
    """

    @staticmethod
    def forward(ctx: Any, visible: Tensor, terms: Tensor, patterns: Tensor) -> Tensor:
        """visible (B, U), terms (B, S), patterns (S, U) -> (B,)."""
        own, joint, total = visible.exp(), patterns.exp(), terms.clone()
        for unit in range(0, own.shape[1], 2):
            product = torch.outer(own[:, unit], joint[:, unit]).add_(1.0)
            if unit + 1 < own.shape[1]:
                product.mul_(torch.outer(own[:, unit + 1], joint[:, unit + 1]).add_(1.0))
            total += product.log_()
        ctx.save_for_backward(own, joint, total.softmax(1))
        return total.logsumexp(1)

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> tuple[Tensor, Tensor, Tensor]:
        """The expected values of visible units, of states, and of their products."""
        own, joint, shares = ctx.saved_tensors
        shares = shares * outer[0][:, None]
        visible, moved = torch.empty_like(own), torch.empty_like(joint)
        for unit in range(own.shape[1]):
            on = torch.outer(own[:, unit], joint[:, unit])
            on.div_(on + 1.0).mul_(shares)
            visible[:, unit], moved[:, unit] = on.sum(1), on.sum(0)
        return visible, shares, moved
