"""What a family is shown of images, and images of what it draws: bytes, bits, or real numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.spaces import Pixels
from genapps_image.codec import Codec

LEVELS = (0, 2, 256)  # real numbers, bits, bytes


@dataclass(frozen=True)
class View:
    """How images (N, C, H, W) of bytes look to a family.

    levels: 256 bytes as they are; 2 bits, white with the probability of the grey value; 0 real numbers from 0 to 1,
    each byte at a random place within its own 256th (uniform dequantization: Theis et al. 2016, "A note on the
    evaluation of generative models", section 3.1), so that a density over them bounds a probability of bytes.
    grey: the family draws the bits itself, anew at every step, so it learns from the bytes.
    """

    levels: int
    grey: bool = False

    def space(self, codec: Codec) -> Pixels:
        """The space of what is shown."""
        return Pixels(codec.channels, codec.height, codec.width, self.levels)

    def learnt(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """What `fit` is handed."""
        return images if self.grey else self.shown(images, generator)

    def shown(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """What is scored or filled in."""
        if self.levels == 256:
            return images
        noise = torch.rand(images.shape, generator=generator)
        if self.levels == 2:
            return (noise < images.float() / 255).to(torch.uint8)
        return (images.float() + noise) / 256

    def with_holes(self, images: Tensor, holes: Tensor, generator: torch.Generator) -> Tensor:
        """The same with what is in holes (N, C, H, W) unknown."""
        shown = self.shown(images, generator)
        return shown.masked_fill(holes, math.nan) if not self.levels else shown.short().masked_fill(holes, -1)

    def pictured(self, drawn: Tensor) -> Tensor:
        """Bytes of what was drawn."""
        if self.levels == 256:
            return drawn.to(torch.uint8)
        if self.levels == 2:
            return drawn.to(torch.uint8) * 255
        return (drawn.float() * 256).floor().clamp(0, 255).to(torch.uint8)

    def log_unit(self, codec: Codec) -> float:
        """What is added to a log-density of what is shown to make it a log-probability of bytes, in nats an image."""
        return 0.0 if self.levels else -codec.channels * codec.height * codec.width * math.log(256)
