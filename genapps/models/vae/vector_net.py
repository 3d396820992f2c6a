"""Images made from one vector: all pixels at once, or convolutions down to the vector and back up."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.models.vae.core import Inputs
from genapps.models.vae.pixel_net import PixelConfig, PixelNet
from genapps.nets.mlp import MLP, fresh
from genapps.spaces import Pixels

_STEP = 4  # the image is halved twice


class ConvEncoder(nn.Module):
    """Images (B, C, H, W) to (B, hidden): two strided convolutions, each with a residual block, and a last layer."""

    def __init__(self, planes: int, shape: tuple[int, int], config: PixelConfig, generator: torch.Generator) -> None:
        super().__init__()
        c = config.channels
        self.first = fresh(nn.Conv2d, planes, c, 3, stride=2, padding=1, generator=generator, gain=math.sqrt(2))
        self.second = fresh(nn.Conv2d, c, 2 * c, 3, stride=2, padding=1, generator=generator, gain=math.sqrt(2))
        self.block = Block(2 * c, generator)
        self.last = fresh(nn.Linear, 2 * c * shape[0] * shape[1], config.hidden, generator=generator)

    def forward(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        hidden = functional.gelu(self.second(functional.gelu(self.first(images))))
        top: Tensor = self.last(self.block(hidden).flatten(1))
        return top


class ConvDecoder(nn.Module):
    """Codes (B, L) to outputs (B, planes, H, W): a small image, enlarged twice by channels that become pixels.

    Source of the enlargement: Shi et al. 2016, "Real-time single image and video super-resolution", section 3.
    """

    def __init__(
        self, inputs: int, planes: int, shape: tuple[int, int], config: PixelConfig, generator: torch.Generator
    ) -> None:
        super().__init__()
        c, self.shape = config.channels, shape
        self.first = fresh(nn.Linear, inputs, config.hidden, generator=generator)
        self.second = fresh(nn.Linear, config.hidden, 2 * c * shape[0] * shape[1], generator=generator)
        self.block = Block(2 * c, generator)
        self.wider = fresh(nn.Conv2d, 2 * c, 4 * c, 3, padding=1, generator=generator, gain=math.sqrt(2))
        self.last = fresh(nn.Conv2d, c, 4 * planes, 3, padding=1, generator=generator, gain=0.1)

    def forward(self, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        hidden = functional.gelu(self.second(functional.gelu(self.first(codes))))
        hidden = self.block(hidden.view(len(codes), -1, *self.shape))
        hidden = functional.gelu(functional.pixel_shuffle(self.wider(hidden), 2))
        return functional.pixel_shuffle(self.last(hidden), 2)


class Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.into = fresh(nn.Conv2d, channels, channels, 3, padding=1, generator=generator)
        self.back = fresh(nn.Conv2d, channels, channels, 3, padding=1, generator=generator)

    def forward(self, hidden: Tensor) -> Tensor:
        """The same shape (B, channels, H, W)."""
        changed: Tensor = hidden + self.back(functional.gelu(self.into(functional.gelu(self.norm(hidden)))))
        return changed


class VectorNet(PixelNet):
    """An encoder of images to one vector of latents, and its decoder."""

    def __init__(self, space: Pixels, config: PixelConfig, classes: int, generator: torch.Generator) -> None:
        super().__init__(space, config, classes, generator)
        small = (-(-space.height // _STEP), -(-space.width // _STEP))
        self.whole = config.body == "mlp"
        self.encoder: nn.Module
        self.decoder: nn.Module
        if self.whole:
            count = space.channels * space.height * space.width
            shape: dict[str, Any] = {"hidden": config.hidden, "depth": config.depth, "dropout": config.dropout}
            self.encoder = MLP(2 * count, config.hidden, **shape, generator=generator)
            inputs, outputs = config.latent + classes, self.planes * space.height * space.width
            self.decoder = MLP(inputs, outputs, **shape, last=0.1, generator=generator)
        else:
            self.encoder = ConvEncoder(2 * space.channels, small, config, generator)
            self.decoder = ConvDecoder(config.latent + classes, self.planes, small, config, generator)

    def read(self, inputs: Inputs, generator: torch.Generator | None) -> Tensor:
        images = self.images(inputs, 1 if self.whole else _STEP)
        return functional.gelu(self.encoder(images.flatten(1) if self.whole else images, generator))

    def outputs(self, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        made = self.decoder(codes, generator).float()
        if self.whole:
            made = made.view(-1, self.planes, self.space.height, self.space.width)
        return self.with_base(made)
