"""The partition function of machines of few hidden units by summing over their states, with its exact gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from genapps.models.rbm.energy import Parameters
from genapps.models.rbm.layout import Layout

MOST = 10  # hidden units: 1,024 states
_FARTHEST = 20.0  # log-odds are kept within this, so that products of two units' terms fit into float32


def fits(layout: Layout, hidden: int) -> bool:
    """Whether the machine can be learnt so: visible units of two values, few hidden ones."""
    return layout.units == layout.binary and hidden <= MOST


def log_partitions(model: Parameters) -> Tensor:
    """The log partition function (B,) of machines with biases of each row; differentiable."""
    found: Tensor = _LogPartition.apply(  # type: ignore[no-untyped-call]
        model.visible.clamp(-_FARTHEST, _FARTHEST), model.hidden, model.weights
    )
    return found


class _LogPartition(torch.autograd.Function):
    """log sum over h of exp(b h) prod over v of (1 + exp(a_v + W_v h)): products cost less than logarithms."""

    @staticmethod
    def forward(ctx: Any, visible: Tensor, hidden: Tensor, weights: Tensor) -> Tensor:
        """visible (B, U), hidden (B, H), weights (U, H) -> (B,)."""
        values = torch.tensor([0.0, 1.0], dtype=weights.dtype)
        states = torch.cartesian_prod(*[values] * weights.shape[1]).view(-1, weights.shape[1])
        own, joint = visible.exp(), (states @ weights.T).clamp(-_FARTHEST, _FARTHEST).exp()
        terms = hidden @ states.T
        for unit in range(0, weights.shape[0], 2):
            product = torch.outer(own[:, unit], joint[:, unit]).add_(1.0)
            if unit + 1 < weights.shape[0]:
                product.mul_(torch.outer(own[:, unit + 1], joint[:, unit + 1]).add_(1.0))
            terms += product.log_()
        ctx.save_for_backward(own, joint, terms.softmax(1), states)
        return terms.logsumexp(1)

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> tuple[Tensor, Tensor, Tensor]:
        """The expected values of visible units, of hidden ones, and of their products."""
        own, joint, shares, states = ctx.saved_tensors
        shares = shares * outer[0][:, None]
        visible, moved = torch.empty_like(own), torch.empty_like(joint)
        for unit in range(own.shape[1]):
            on = torch.outer(own[:, unit], joint[:, unit])
            on.div_(on + 1.0).mul_(shares)
            visible[:, unit], moved[:, unit] = on.sum(1), on.sum(0)
        return visible, shares @ states, moved.T @ states
