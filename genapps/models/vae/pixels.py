"""Images: black and white, any number of levels, or real numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from genapps.errors import InputError, UsageError
from genapps.models.vae.core import Inputs, VariationalNet
from genapps.models.vae.engine import Variational
from genapps.models.vae.objective import Weights
from genapps.models.vae.pixel_net import PixelConfig, PixelNet
from genapps.models.vae.vector_net import VectorNet
from genapps.models.vae.views import moved, warped
from genapps.nets.scaling import Scaling
from genapps.spaces import Pixels
from genapps.training import Recipe

_SURE = 0.95  # the belief from which a class counts as known


class PixelVAE(Variational):
    """Images with or without levels; unknown pixels are left out of the bound."""

    Config: ClassVar[type] = PixelConfig
    RECIPE: ClassVar[Recipe] = Recipe(
        learning_rate=1.5e-3, epochs=40, min_steps=1000, max_steps=20_000, batch_size=128, validation_share=0.05
    )

    def __init__(self, space: Pixels, config: PixelConfig) -> None:
        if config.binarize and space.levels != 2:
            raise UsageError(f"binarize is for images of 2 levels, not {space.levels}; give space=Pixels(C, H, W, 2)")
        super().__init__(space, config)

    def grey(self, data: Tensor) -> Tensor:
        """Grey values (N, C, H, W) as probabilities, for `binarize`. Raises InputError for what are none."""
        grey = data.float() / 255 if data.dtype == torch.uint8 else data.float()
        grey = grey.view(len(grey), *self.space.shape) if grey[0].numel() == math.prod(self.space.shape) else grey
        if grey.shape[1:] != self.space.shape:
            raise InputError(f"images of shape {tuple(grey.shape[1:])} where {self.space.shape} is expected")
        if not bool(((grey >= 0) & (grey <= 1)).all()):
            raise InputError("binarize takes grey values as numbers from 0 to 1, or as bytes")
        return grey

    def _scaled(self, data: Tensor) -> Scaling | None:
        if self.space.levels:
            return None
        return Scaling.fit(data.transpose(0, 1).flatten(1).T)  # one centre and scale a channel

    def _network(self, data: Tensor | None, classes: int, generator: torch.Generator) -> PixelNet:
        net = self._new_net(classes, generator)
        if data is not None and self.space.levels:
            values, known = self._inputs(data[:10_000])
            count = known.sum(0)
            mean = (values * known).sum(0) / count.clamp_min(1)
            if self.space.levels == 2:
                net.base.data.copy_(torch.logit(((mean * count + 0.5) / (count + 1)).clamp(1e-3, 1 - 1e-3)))
            else:
                net.base.data[: self.space.channels] = mean
                net.base.data[self.space.channels :] = -1.5
        return net

    def _new_net(self, classes: int, generator: torch.Generator) -> PixelNet:
        return VectorNet(self.space, self.config, classes, generator)

    def _inputs(self, batch: Tensor) -> Inputs:
        """Values on the network's scale, and 1 where they are known, 0 elsewhere."""
        levels = self.space.levels
        if not levels:
            assert self.scaling is not None
            values = self.scaling.standardise(batch.movedim(1, 3)).movedim(3, 1)
            known = ~torch.isnan(values)
            return torch.nan_to_num(values), known.float()
        known = batch >= 0
        values = batch.float() if levels == 2 else batch.float() * (2 / (levels - 1)) - 1
        return values * known, known.float()

    def _hidden(self, inputs: Inputs, generator: torch.Generator) -> Inputs:
        """Grey values as bits drawn afresh."""
        values, known = inputs
        return (torch.bernoulli(values, generator=generator), known) if self.config.binarize else inputs

    def _weights(self, annealed: float = 1.0) -> Weights:
        return replace(super()._weights(annealed), summed=self.config.summed)

    def _further_loss(
        self, net: VariationalNet, inputs: Inputs, labels: Tensor, generator: torch.Generator
    ) -> Tensor | float:
        """The cross-entropy of classes told from strongly changed images; their labels where they have one, else what
        the classifier is sure of for the image slightly moved (`genapps.models.vae.views`)."""
        if not net.classes or not self.config.consistency:
            return 0.0
        values, known = inputs
        with torch.no_grad():
            sure, named = net.class_log_prob(net.read((self._view(values, moved, generator), known), None)).max(1)
            named = torch.where(labels >= 0, labels, named)
            counted = (labels >= 0) | (sure > math.log(_SURE))
        said = net.class_log_prob(net.read((self._view(values, warped, generator), known), generator))
        missed = functional.nll_loss(said, named, reduction="none")
        further: Tensor = self.config.consistency * (missed * counted).mean()
        return further

    def _view(
        self, values: Tensor, change: Callable[[Tensor, int, torch.Generator], Tensor], generator: torch.Generator
    ) -> Tensor:
        blank = 0.0 if self.space.levels in (0, 2) else -1.0
        return change(values - blank, self.config.shift, generator) + blank

    def _held_rows(self, data: Tensor, generator: torch.Generator) -> Tensor:
        return torch.bernoulli(data, generator=generator) if self.config.binarize else data

    def _numbers_a_row(self, batch: Tensor) -> int:
        c, size = self.config, self.space.height * self.space.width
        return int(8 * c.hidden + (0 if c.body == "mlp" else 2 * c.channels * size) + 8 * self.space.channels * size)

    def _density_shift(self, inputs: Inputs) -> Tensor:
        """What densities of standardised values are too high by, (B,): the log-scale of each known value."""
        if self.scaling is None:
            return torch.zeros(len(inputs[0]))
        return inputs[1].sum((2, 3)) @ self.scaling.scale.log().float()

    def _net(self) -> PixelNet:
        net = self._fitted()
        assert isinstance(net, PixelNet)
        return net

    def _draw(self, codes: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        net, levels = self._net(), self.space.levels
        parts = [
            net.draw(net.outputs(net.complete(chunk, generator, temperature), None), generator, temperature)
            for chunk in codes.split(self._at_once(codes))
        ]
        values = torch.cat([torch.zeros(0, *self.space.shape), *parts])
        if not levels:
            assert self.scaling is not None
            return self.scaling.restore(values.movedim(1, 3)).movedim(3, 1)
        if levels == 2:
            return values.to(torch.uint8)
        codes = ((values + 1) * ((levels - 1) / 2)).round().clamp(0, levels - 1)
        return codes.to(torch.uint8 if levels <= 256 else torch.int32)

    def mean_image(self, codes: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        """The expected values (B, C, H, W) of codes (B, L + C): probabilities of white, 0 to 1, or data's units.

        What a hierarchy has beneath the codes is drawn.
        """
        net = self._net()
        chunks = codes.split(self._at_once(codes))
        parts = [net.outputs(net.complete(chunk, generator, temperature), None) for chunk in chunks]
        return self._expected(torch.cat(parts))

    def _expected(self, outputs: Tensor) -> Tensor:
        levels = self.space.levels
        if levels == 2:
            return torch.sigmoid(outputs)
        mean = outputs.chunk(2, 1)[0]
        if levels:
            return ((mean + 1) / 2).clamp(0, 1)
        assert self.scaling is not None
        return self.scaling.restore(mean.movedim(1, 3)).movedim(3, 1)

    def _fill(self, data: Tensor, codes: Tensor, generator: torch.Generator) -> Tensor:
        unknown = data < 0 if self.space.levels else torch.isnan(data)
        return torch.where(unknown, self._draw(codes, generator, 1.0).to(data.dtype), data)
