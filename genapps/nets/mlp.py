"""A plain residual network for rows of features, and layers that begin from a generator of one's own."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.columns import dropout_mask

Module = TypeVar("Module", bound=nn.Module)


def blank(kind: type[Module], *sizes: int, **options: Any) -> Module:
    """A layer whose weights are yet to be written.

    As `torch.nn.utils.skip_init` makes it, whose way from no device to one imports sympy: a second or more in each
    command that only reads a network from its file.
    """
    module = kind(*sizes, device="meta", **options)
    made: Module = module._apply(lambda weight: torch.empty(weight.shape, dtype=weight.dtype))  # type: ignore[no-untyped-call]
    return made


def fresh(kind: type[Module], *sizes: int, generator: torch.Generator, gain: float = 1.0, **options: Any) -> Module:
    """A layer whose weights are drawn from `generator`: normal, with variance gain² / inputs; biases 0, norms 1.

    The global seed is neither used nor changed.
    """
    module = blank(kind, *sizes, **options)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim > 1:
                inputs = weight[0].numel() if not isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d) else 0
                inputs = inputs or weight.numel() // weight.shape[1]
                weight.normal_(0, gain / math.sqrt(inputs), generator=generator)
            else:
                weight.fill_(0.0 if "bias" in name else 1.0)
    return module


class MLP(nn.Module):
    """Features (B, inputs) to (B, outputs): a first layer, `depth` residual blocks, a last layer.

    A block is norm, linear, GELU, dropout, linear, added to what came in (pre-activation residuals, He et al. 2016).
    Dropout masks come from the generator that `forward` is given; None for none. last: gain of the last layer's first
    weights, small where training should begin at its bias. straight: a linear map of the features is added.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        hidden: int,
        depth: int,
        dropout: float = 0.0,
        last: float = 1.0,
        straight: bool = False,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.first = fresh(nn.Linear, max(inputs, 1), hidden, generator=generator)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(depth + 1))
        self.into = nn.ModuleList(fresh(nn.Linear, hidden, hidden, generator=generator) for _ in range(depth))
        self.back = nn.ModuleList(
            fresh(nn.Linear, hidden, hidden, generator=generator, gain=1 / math.sqrt(depth)) for _ in range(depth)
        )
        self.last = fresh(nn.Linear, hidden, outputs, generator=generator, gain=last)
        self.straight = (
            fresh(nn.Linear, max(inputs, 1), outputs, generator=generator, gain=last, bias=False) if straight else None
        )

    def forward(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Outputs (B, outputs); `generator` draws the dropout masks."""
        hidden = self.first(features)
        for norm, into, back in zip(self.norms, self.into, self.back, strict=False):
            hidden = hidden + back(self.drop(functional.gelu(into(norm(hidden))), generator))
        top: Tensor = self.last(self.drop(functional.gelu(self.norms[-1](hidden)), generator))
        return top if self.straight is None else top + self.straight(features)

    def drop(self, hidden: Tensor, generator: torch.Generator | None) -> Tensor:
        """Some units switched off, the others made up for it."""
        if generator is None or self.dropout == 0:
            return hidden
        return hidden * dropout_mask(hidden, self.dropout, generator)
