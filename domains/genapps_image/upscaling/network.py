"""What adds details: a small residual network on top of bicubic enlargement, and the critic of its adversarial kind."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh
from genapps_image.upscaling.shrinking import bicubic

SLOPE = 0.1


@dataclass(frozen=True)
class Shape:
    """Of a network. factor: 2, 3 or 4. channels: 1 grey, 3 RGB. width: channels within. blocks: pairs of 3 x 3."""

    factor: int
    channels: int
    width: int = 32
    blocks: int = 6

    @property
    def reach(self) -> int:
        """How far, in pixels of the small image, a pixel of the result looks at most."""
        return 2 * self.blocks + 3


class Block(nn.Module):
    """x + outer(f(inner(x))), without normalization (Lim et al. 2017, "Enhanced deep residual networks", 3.1)."""

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.inner = fresh(nn.Conv2d, width, width, 3, padding=1, generator=generator, gain=2**0.5)
        self.outer = fresh(nn.Conv2d, width, width, 3, padding=1, generator=generator, gain=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        out: Tensor = x + self.outer(functional.leaky_relu(self.inner(x), SLOPE))
        return out


class Upscaler(nn.Module):
    """Small images (B, C, H, W) between -0.5 and 0.5 to large ones (B, C, f H, f W).

    Bicubic enlargement, plus what a residual network at the small size finds, whose channels become pixels at the end
    (Shi et al. 2016, "Real-time single image and video super-resolution", section 3.2). Before training it is bicubic.
    """

    def __init__(self, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        self.shape, width = shape, shape.width
        self.enter = fresh(nn.Conv2d, shape.channels, width, 3, padding=1, generator=generator)
        self.blocks = nn.Sequential(*(Block(width, generator) for _ in range(shape.blocks)))
        pixels = shape.channels * shape.factor**2
        self.leave = fresh(nn.Conv2d, width, pixels, 3, padding=1, generator=generator, gain=0.0)

    def forward(self, small: Tensor) -> Tensor:
        """Large images."""
        found = self.leave(functional.leaky_relu(self.blocks(self.enter(small)), SLOPE))
        return bicubic(small, self.shape.factor) + functional.pixel_shuffle(found, self.shape.factor)


class Critic(nn.Module):
    """How real large images (B, C, H, W) look beside their bicubic guide (B, C, H, W): a score a place, (B, places)."""

    def __init__(self, channels: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [(2 * channels, width), (width, 2 * width), (2 * width, 2 * width)]
        self.layers = nn.ModuleList(
            fresh(nn.Conv2d, before, after, 4, stride=2, padding=1, generator=generator, gain=2**0.5)
            for before, after in sizes
        )
        self.leave = fresh(nn.Conv2d, 2 * width, 1, 3, padding=1, bias=False, generator=generator)

    def forward(self, large: Tensor, guide: Tensor) -> Tensor:
        """Scores, higher where an image is taken for real; only differences count."""
        x = torch.cat([4 * (large - guide), guide], 1)  # details are small beside the image
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 2 * SLOPE)
        scores: Tensor = self.leave(x).flatten(1)
        return scores
