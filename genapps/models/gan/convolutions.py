"""Generators and critics of images and of sequences: residual convolutions on a grid that grows, or shrinks, by four.

`sides` are the sides of the grid: (H, W) of an image, (T,) of a sequence. The axis order is (B, channels, *sides).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.models.gan.networks import SLOPE
from genapps.nets.mlp import fresh

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d}
_GROWING = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}


class ResidualConvolution(nn.Module):
    """x + outer(f(inner(f(x)))), the identity at first."""

    def __init__(self, dims: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        kind = _CONVOLUTIONS[dims]
        self.inner = fresh(kind, width, width, 3, padding=1, generator=generator, gain=2**0.5)
        self.outer = fresh(kind, width, width, 3, padding=1, generator=generator, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, *sides) to the same."""
        out: Tensor = x + self.outer(functional.leaky_relu(self.inner(functional.leaky_relu(x, SLOPE)), SLOPE))
        return out


class GridGenerator(nn.Module):
    """Noise (B, Z), and classes (B,) where there are any, to outputs (B, outputs, *sides).

    The noise becomes a small grid, which is doubled twice; `guide` (B, guides, *sides), where there are any, is read
    at each size. offset (outputs,) is where the outputs begin.
    """

    def __init__(
        self,
        latent: int,
        sides: tuple[int, ...],
        channels: int,
        depth: int,
        offset: Tensor,
        classes: int,
        generator: torch.Generator,
        guides: int = 0,
    ) -> None:
        super().__init__()
        dims = len(sides)
        self.sides, self.small = sides, tuple(-(-side // 4) for side in sides)
        self.wide = 2 * channels
        cells = int(torch.tensor(self.small).prod())
        self.enter = fresh(nn.Linear, latent, self.wide * cells, generator=generator)
        size = self.wide**0.5  # a class counts as much as the noise
        self.named = fresh(nn.Embedding, classes, self.wide, generator=generator, gain=size) if classes else None
        options: Any = {"stride": 2, "padding": 1, "generator": generator, "gain": 2**0.5 * 2 ** (dims / 2)}
        self.low = nn.Sequential(*(ResidualConvolution(dims, self.wide, generator) for _ in range(depth)))
        self.grow = fresh(_GROWING[dims], self.wide + guides, channels, 4, **options)
        self.high = nn.Sequential(*(ResidualConvolution(dims, channels, generator) for _ in range(depth)))
        self.leave = fresh(_GROWING[dims], channels + guides, len(offset), 4, **{**options, "gain": 2 ** (dims / 2)})
        with torch.no_grad():
            self.leave.bias.copy_(offset)  # type: ignore[union-attr]

    def forward(self, noise: Tensor, classes: Tensor | None, guide: Tensor | None = None) -> Tensor:
        """Outputs (B, outputs, *sides)."""
        x = self.enter(noise).view(len(noise), self.wide, *self.small)
        if self.named is not None and classes is not None:
            x = x + self.named(classes).view(len(noise), self.wide, *[1] * len(self.sides))
        x = functional.leaky_relu(self.low(x), SLOPE)
        x = self.high(self.grow(_beside(x, guide)))
        x = self.leave(_beside(functional.leaky_relu(x, SLOPE), guide))
        out: Tensor = x[(..., *(slice(side) for side in self.sides))]
        return out


class GridCritic(nn.Module):
    """Points (B, inputs, *sides), and classes, to scores (B,); classes enter by projection (Miyato and Koyama 2018)."""

    def __init__(
        self, inputs: int, sides: tuple[int, ...], channels: int, depth: int, classes: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        dims = len(sides)
        self.padding = [p for side in reversed(sides) for p in (0, -side % 4)]
        cells = int(torch.tensor([-(-side // 4) for side in sides]).prod())
        options: Any = {"stride": 2, "padding": 1, "generator": generator}
        self.enter = fresh(_CONVOLUTIONS[dims], inputs, channels, 4, **options)
        self.high = nn.Sequential(*(ResidualConvolution(dims, channels, generator) for _ in range(depth)))
        self.shrink = fresh(_CONVOLUTIONS[dims], channels, 2 * channels, 4, gain=2**0.5, **options)
        self.low = nn.Sequential(*(ResidualConvolution(dims, 2 * channels, generator) for _ in range(depth)))
        self.join = fresh(nn.Linear, 2 * channels * cells, 4 * channels, generator=generator, gain=2**0.5)
        self.leave = fresh(nn.Linear, 4 * channels, 1, bias=False, generator=generator)  # only differences count
        self.named = fresh(nn.Embedding, classes, 4 * channels, generator=generator) if classes else None

    def forward(self, points: Tensor, classes: Tensor | None) -> Tensor:
        """Scores (B,)."""
        x = self.high(self.enter(functional.pad(points, self.padding)))
        x = self.low(self.shrink(functional.leaky_relu(x, SLOPE)))
        x = functional.leaky_relu(self.join(functional.leaky_relu(x, SLOPE).flatten(1)), SLOPE)
        scores: Tensor = self.leave(x)[:, 0]
        if self.named is not None and classes is not None:
            scores = scores + (x * self.named(classes)).sum(1)
        return scores


def _beside(x: Tensor, guide: Tensor | None) -> Tensor:
    """The grid x with the guide, at its size, as further channels."""
    if guide is None:
        return x
    sides = x.shape[2:]
    pool: Any = functional.adaptive_avg_pool1d if len(sides) == 1 else functional.adaptive_avg_pool2d
    return torch.cat([x, pool(guide, tuple(sides))], 1)
