"""Images patch by patch in raster order, and pixel by pixel within a patch: exact likelihoods at a transformer's speed.

The probability of an image is the product over patches of that of each one's pixels given the patches before it
(van den Oord et al. 2016, on larger steps); `genapps.nets.patches` says what a pixel may see.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.autoregressive.images import ImageEngine, PixelConfig, survivors
from genapps.nets.patches import PatchNet, to_images, to_patches
from genapps.spaces import Pixels
from genapps.training import Recipe


class PixelModel(ImageEngine):
    """Patch autoregressive model; images are read as patches (N, T, K)."""

    RECIPE: ClassVar[Recipe] = Recipe(
        epochs=20, max_steps=20_000, batch_size=32, learning_rate=3e-3, warmup_steps=100, beta2=0.95, ema=0.99, clip=1e3
    )
    network: PatchNet

    def __init__(self, space: Pixels, config: PixelConfig) -> None:
        if config.hidden % (2 * config.heads):
            raise UsageError(f"hidden ({config.hidden}) must be a multiple of 2 x heads ({config.heads})")
        super().__init__(space, config)
        self.patch = config.patch or _fitting(space)

    def laid(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) as patches (N, T, K); zeros where they fill an image up."""
        return to_patches(images, self.patch)

    def lifted(self, laid: Tensor) -> Tensor:
        """The inverse."""
        return to_images(laid, self.patch, self.space.shape)

    def new_network(self, classes: int, generator: torch.Generator) -> PatchNet:
        """An untrained network, told the scale of the data."""
        config, (patches, pixels) = self.config, self.places.shape
        return PatchNet(
            patches,
            -(-self.space.width // self.patch),
            pixels,
            self.values.outputs,
            width=config.hidden,
            layers=config.layers,
            heads=config.heads,
            head=config.head,
            dropout=config.dropout,
            classes=classes,
            generator=generator,
        )

    def complete(
        self,
        read: Tensor,
        unknown: Tensor,
        classes: Tensor,
        temperature: float,
        generator: torch.Generator,
        particles: int = 1,
    ) -> None:
        """Fill the unknown entries of patches as read (B, T, K) in place; candidates are chosen anew a patch."""
        if not bool(unknown.any()):
            return
        network, places, pixels = self.network, self.places.bool(), read.shape[2]
        cache = network.trunk.cache(len(read), len(places))
        steps = len(places) if particles > 1 else 1 + int(unknown.any(0).any(1).nonzero().max())
        for t in range(steps):
            context = network.step(read, t, classes, cache)
            weights = torch.zeros(len(read))
            for k in range(pixels) if bool(unknown[:, t].any()) else ():
                if not bool(places[t, k]):
                    continue
                outputs = network.head.pixel(context, read[:, t], k)
                drawn = self.values.draw(outputs, temperature, generator)
                if particles > 1:
                    weights += torch.where(unknown[:, t, k], 0.0, self.values.log_prob(outputs, read[:, t, k]))
                read[:, t, k] = torch.where(unknown[:, t, k], drawn, read[:, t, k])
            if particles > 1:
                if not bool(unknown[:, t].any()):
                    known = self.values.log_prob(network.head(context, read[:, t]), read[:, t])
                    weights = (known * places[t]).sum(1)
                kept = survivors(weights, particles, generator)
                read.copy_(read[kept])
                cache, classes = cache.take(kept), classes[kept]


def _fitting(space: Pixels) -> int:
    """The largest patch side from 4 to 8 that fills the image up the least."""
    return min(
        range(8, 3, -1), key=lambda side: (-space.height % side + space.height) * (-space.width % side + space.width)
    )


__all__ = ["PixelConfig", "PixelModel"]
