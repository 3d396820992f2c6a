"""Images pixel by pixel in raster order by gated convolutions; `genapps.nets.gated` says what a pixel may see."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from genapps.models.autoregressive.images import CHUNK, ImageEngine, survivors
from genapps.nets.gated import GatedNet
from genapps.training import Recipe

_NUMBERS = 1 << 24  # in the largest intermediate outside of training: 64 MB


class ConvolutionModel(ImageEngine):
    """Gated PixelCNN (van den Oord et al. 2016); images are read as they lie (N, C, H, W)."""

    RECIPE: ClassVar[Recipe] = Recipe(
        epochs=20, max_steps=20_000, batch_size=16, learning_rate=3e-3, warmup_steps=100, beta2=0.95, ema=0.99, clip=1e3
    )
    network: GatedNet

    @property
    def at_once(self) -> int:
        """Images handled at once outside of training: fewer of large ones."""
        largest: int = 4 * self.config.channels * self.space.channels * self.space.height * self.space.width
        return max(1, min(CHUNK, _NUMBERS // largest))

    def laid(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) as they are."""
        return images

    def lifted(self, laid: Tensor) -> Tensor:
        """Images (N, C, H, W) as they are."""
        return laid

    def new_network(self, classes: int, generator: torch.Generator) -> GatedNet:
        """An untrained network."""
        config = self.config
        return GatedNet(
            self.space.shape,
            self.values.outputs,
            channels=config.channels,
            blocks=config.blocks,
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
        """Fill the unknown entries of images as read (B, C, H, W) in place.

        What is known before the first unknown pixel of a row, and after its last, is looked at in one go. Candidates
        are chosen anew where fewer than half of them count (Doucet and Johansen 2011, section 3.5).
        """
        if not bool(unknown.any()):
            return
        network, follow = self.network, particles > 1
        memory, weights = network.memory(read), torch.zeros(len(read))
        holes = unknown.any(0).any(0)  # (H, W)
        for row in range(len(holes) if follow else 1 + int(holes.any(1).nonzero().max())):
            network.begin_row(read, row, classes, memory)
            for begin, end in _stretches(holes[row], follow):
                context = network.step(read, row, (begin, end), memory)
                pixels, open_ = read[:, :, row, begin:end].movedim(1, -1), unknown[:, :, row, begin:end].movedim(1, -1)
                if bool(holes[row, begin]):
                    weights += self._draw(context[:, 0], pixels[:, 0], open_[:, 0], temperature, generator)
                else:
                    weights += self.values.log_prob(network.head(context, pixels), pixels).flatten(1).sum(1)
                if not follow:
                    continue
                kept = _chosen(weights, particles, generator, row == len(holes) - 1 and end == holes.shape[1])
                if kept is not None:
                    read.copy_(read[kept])
                    memory, classes = memory.take(kept), classes[kept]

    def _draw(
        self, context: Tensor, pixels: Tensor, unknown: Tensor, temperature: float, generator: torch.Generator
    ) -> Tensor:
        """Fill unknown entries of one pixel (B, C) an image in place: the log-probability (B,) of the known ones."""
        told = torch.zeros(len(pixels))
        for k in range(pixels.shape[1]):
            outputs = self.network.head.pixel(context, pixels, k)
            told += torch.where(unknown[:, k], 0.0, self.values.log_prob(outputs, pixels[:, k]))
            drawn = self.values.draw(outputs, temperature, generator)
            pixels[:, k] = torch.where(unknown[:, k], drawn, pixels[:, k])
        return told


def _stretches(holes: Tensor, follow: bool) -> list[tuple[int, int]]:
    """Columns (from, to) of a row that are looked at together: those in and between holes (W,) one by one.

    follow: also what comes after the last hole.
    """
    width, places = len(holes), holes.nonzero()[:, 0].tolist()
    first, last = (places[0], places[-1] + 1) if places else (width, width)
    found = [(0, first), *((place, place + 1) for place in range(first, last)), (last, width)]
    if not follow:
        found = found[:-1] if places else []
    return [(begin, end) for begin, end in found if begin < end]


def _chosen(weights: Tensor, particles: int, generator: torch.Generator, last: bool) -> Tensor | None:
    """Row numbers (B,) of the candidates to go on with, where those of some image count for too little; else None.

    The log-weights (B,) of the images whose candidates were chosen anew begin at zero again, in place.
    """
    shares = weights.view(-1, particles).double().softmax(1)
    poor = (shares.square().sum(1) > 2 / particles) | last
    if not bool(poor.any()):
        return None
    anew = poor.repeat_interleave(particles)
    kept = torch.where(anew, survivors(weights, particles, generator), torch.arange(len(weights)))
    weights.masked_fill_(anew, 0.0)
    return kept
