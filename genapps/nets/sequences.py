"""One step after the other: what is to be known of each step of a sequence, given its class and the steps before it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from genapps.nets.gru import GRU, State
from genapps.nets.mlp import fresh
from genapps.nets.transformer import Cache, Transformer, drop


class SequenceNet(nn.Module):
    """A causal network over steps that `read` turns into vectors (B, T, C); `outputs` numbers about each next step.

    classes: how many; class 0 stands for an unknown one. The outputs begin at the bias of `tell`, whatever the steps.
    """

    def __init__(
        self,
        read: nn.Module,
        outputs: int,
        *,
        architecture: Literal["gru", "transformer"],
        width: int,
        layers: int,
        heads: int,
        dropout: float,
        classes: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.read, self.dropout = read, dropout
        self.begin = nn.Parameter(torch.randn(width, generator=generator))
        self.classes = nn.Parameter(torch.randn(classes, width, generator=generator) * 0.5)
        self.trunk: Transformer | GRU
        if architecture == "gru":
            self.trunk = GRU(width, layers, dropout=dropout, generator=generator)
        else:
            self.trunk = Transformer(width, layers, heads, dropout=dropout, generator=generator)
        self.tell = fresh(nn.Linear, width, outputs, generator=generator, gain=0.0)

    def forward(
        self,
        steps: Tensor,
        labels: Tensor,
        cache: Cache | State | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Outputs about the first step, then about the one after each of the T steps: (B, T + 1, outputs).

        steps: (B, T, ...) as `read` takes them; labels: (B,) classes. With a cache they are the next T steps; unless it
        is empty, what is next after each of them is told, (B, T, outputs), and it grows by them. `generator` draws the
        dropout masks; None for none.
        """
        return self.tell(self.hidden(steps, labels, cache, generator))  # type: ignore[no-any-return]

    def hidden(
        self,
        steps: Tensor,
        labels: Tensor,
        cache: Cache | State | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """What the outputs are made of: (B, T + 1, C), or (B, T, C) going on from a cache."""
        x = self.read(steps)
        if cache is None or cache.length == 0:
            x = torch.cat([self.begin.expand(len(x), 1, -1), x], 1)
        x = drop(x + self.classes[labels][:, None], self.dropout, generator)
        return self.trunk(x, cache, generator)  # type: ignore[no-any-return]
