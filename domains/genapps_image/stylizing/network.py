"""A small network that paints at once, for one mixture of styles."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh
from genapps_image.upscaling.network import SLOPE, Block

STEP = 4  # pixels that its coarsest grid is of
BLOCKS = 4
REACH = 72  # how far a pixel of the result looks at most, rounded up to whole steps


class Stylizer(nn.Module):
    """Images (B, 3, H, W) between -1 and 1 to the same: themselves, recolored by a matrix, plus what is painted.

    Two halvings, residual blocks, two doublings by nearest neighbors (Johnson et al. 2016, "Perceptual losses for
    real-time style transfer", without its normalization, so that pieces of a large image come out as the whole does).
    """

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        options = {"stride": 2, "padding": 1}
        self.width = width
        self.enter = fresh(nn.Conv2d, 3, width, 5, padding=2, generator=generator)
        self.halve = fresh(nn.Conv2d, width, 2 * width, 4, generator=generator, gain=2**0.5, **options)
        self.again = fresh(nn.Conv2d, 2 * width, 3 * width, 4, generator=generator, gain=2**0.5, **options)
        self.blocks = nn.Sequential(*(Block(3 * width, generator) for _ in range(BLOCKS)))
        self.grow = fresh(nn.Conv2d, 3 * width, 2 * width, 3, padding=1, generator=generator, gain=2**0.5)
        self.back = fresh(nn.Conv2d, 2 * width, width, 3, padding=1, generator=generator, gain=2**0.5)
        self.leave = fresh(nn.Conv2d, width, 3, 5, padding=2, generator=generator, gain=0.1)
        self.color = nn.Parameter(torch.eye(3))

    def forward(self, images: Tensor) -> Tensor:
        """Painted images."""
        height, width = images.shape[-2:]
        x = functional.pad(images, (0, -width % STEP, 0, -height % STEP), mode="replicate")
        fine = functional.leaky_relu(self.enter(x), SLOPE)
        middle = functional.leaky_relu(self.halve(fine), SLOPE)
        coarse = self.blocks(functional.leaky_relu(self.again(middle), SLOPE))
        middle = middle + self.grow(functional.interpolate(functional.leaky_relu(coarse, SLOPE), scale_factor=2))
        fine = fine + self.back(functional.interpolate(functional.leaky_relu(middle, SLOPE), scale_factor=2))
        painted: Tensor = self.leave(functional.leaky_relu(fine, SLOPE))[..., :height, :width]
        own = (images.permute(0, 2, 3, 1) @ self.color).permute(0, 3, 1, 2)
        return painted + own
