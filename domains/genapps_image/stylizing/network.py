"""A small network that paints at once, for one mixture of styles."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh
from genapps_image.stylizing.palette import LEVELS, ROUNDS, Palette
from genapps_image.upscaling.network import SLOPE, Block

STEP = 4  # pixels that its coarsest grid is of
BLOCKS = 4
REACH = 48  # how far a pixel of the result looks at most, rounded up to whole steps
_SEEN = 7  # numbers of a pixel: the photograph, itself in the style's colors, and noise


class Stylizer(nn.Module):
    """Photographs (B, 3, H, W) between -1 and 1 in the colors of its palette, plus what a residual network paints.

    The network sees both and noise (B, 1, H, W), of which it makes texture where the photograph has none. Squares of
    2 x 2 pixels are its finest grid and channels become pixels at the end, which takes half the time; residual blocks
    at the coarser one (Johnson et al. 2016, "Perceptual losses for real-time style transfer", without its
    normalization, so that pieces of a large image come out as the whole does). Linear filters of what is seen stand
    beside it: they learn a style's sharpness and grain within a few steps.
    """

    bases: Tensor
    levels: Tensor

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.width = width
        self.enter = fresh(nn.Conv2d, 4 * _SEEN, 2 * width, 3, padding=1, generator=generator)
        self.halve = fresh(nn.Conv2d, 2 * width, 3 * width, 4, stride=2, padding=1, generator=generator, gain=2**0.5)
        self.blocks = nn.Sequential(*(Block(3 * width, generator) for _ in range(BLOCKS)))
        self.grow = fresh(nn.Conv2d, 3 * width, 2 * width, 3, padding=1, generator=generator, gain=2**0.5)
        self.leave = fresh(nn.Conv2d, 2 * width, 12, 3, padding=1, generator=generator, gain=0.1)
        self.filters = fresh(nn.Conv2d, _SEEN, 3, 5, padding=2, bias=False, generator=generator, gain=0.0)
        self.register_buffer("bases", torch.eye(3).repeat(ROUNDS, 1, 1))
        self.register_buffer("levels", torch.linspace(-1, 1, LEVELS).repeat(ROUNDS, 3, 1))

    @property
    def palette(self) -> Palette:
        """The colors of its styles."""
        return Palette(self.bases, self.levels)

    @palette.setter
    def palette(self, palette: Palette) -> None:
        self.bases.copy_(palette.bases)
        self.levels.copy_(palette.levels)

    def forward(self, photos: Tensor, colored: Tensor, noise: Tensor) -> Tensor:
        """Painted images, of photographs and of what the palette's transfer made of them."""
        height, width = photos.shape[-2:]
        seen = torch.cat([photos, colored, noise], 1)
        seen = functional.pad(seen, (0, -width % STEP, 0, -height % STEP), mode="replicate")
        fine = functional.leaky_relu(self.enter(functional.pixel_unshuffle(seen, 2)), SLOPE)
        coarse = self.blocks(functional.leaky_relu(self.halve(fine), SLOPE))
        fine = fine + self.grow(functional.interpolate(functional.leaky_relu(coarse, SLOPE), scale_factor=2))
        painted = functional.pixel_shuffle(self.leave(functional.leaky_relu(fine, SLOPE)), 2) + self.filters(seen)
        made: Tensor = colored + painted[..., :height, :width]
        return made
