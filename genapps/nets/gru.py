"""Residual layers of torch's gated recurrent unit (Cho et al. 2014); the state after a step is all its memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh
from genapps.nets.transformer import drop


class State:
    """What every layer remembers after `length` steps: (B, C) each.

    worth: the share of rows that may be left when a copy of these alone saves more than it costs.
    """

    worth = 0.9

    def __init__(self, layers: list[Tensor], length: int = 0) -> None:
        self.layers, self.length = layers, length

    def take(self, rows: Tensor) -> State:
        """The state of those rows (M,), in that order."""
        return State([layer[rows] for layer in self.layers], self.length)


class GRU(nn.Module):
    """(B, T, C) to (B, T, C); step t sees the steps up to t."""

    def __init__(self, width: int, layers: int, *, dropout: float = 0.0, generator: torch.Generator) -> None:
        super().__init__()
        self.dropout = dropout
        self.layers = nn.ModuleList(
            fresh(nn.GRU, width, width, batch_first=True, generator=generator) for _ in range(layers)
        )

    def cache(self, rows: int, longest: int) -> State:
        """The state before the first step; as large however long the sequences are."""
        like = next(self.parameters())
        return State([like.new_zeros(rows, like.shape[1]) for _ in self.layers])

    def forward(self, x: Tensor, cache: State | None = None, generator: torch.Generator | None = None) -> Tensor:
        """x: (B, T, C) inputs; with a cache they are the next T steps, and it changes to what is known after them.

        `generator` draws the dropout masks; None for none.
        """
        for number, layer in enumerate(self.layers):
            before = None if cache is None else cache.layers[number][None].contiguous()
            update, after = layer(functional.rms_norm(x, x.shape[-1:]), before)
            if cache is not None:
                cache.layers[number] = after[0]
            x = x + drop(update, self.dropout, generator)
        if cache is not None:
            cache.length += x.shape[1]
        return functional.rms_norm(x, x.shape[-1:])
