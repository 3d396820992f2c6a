"""Images: convolutions down to a vector and back up; black and white, any number of levels, or real numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.errors import InputError, UsageError
from genapps.models.vae.core import Inputs, VariationalNet
from genapps.models.vae.engine import VAEConfig, Variational
from genapps.models.vae.objective import Weights
from genapps.models.vae.views import moved, warped
from genapps.nets.heads import LEAST_DEVIATION, bounded_below, gaussian_log_prob
from genapps.nets.mlp import MLP, fresh
from genapps.nets.scaling import Scaling
from genapps.spaces import Pixels
from genapps.training import Recipe

_STEP = 4  # the image is halved twice
_SURE = 0.95  # the belief from which a class counts as known
_LEAST_LOG_SCALE = -7.0  # of a discretised logistic whose levels span -1 to 1


@dataclass(frozen=True)
class PixelConfig(VAEConfig):
    """The network's shape, and what is told of the images."""

    latent: int = field(default=32, metadata={"help": "latent variables", "least": 1})
    body: Literal["conv", "mlp"] = field(
        default="conv", metadata={"help": "conv: convolutions; mlp: all pixels at once, faster for small images"}
    )
    channels: int = field(default=32, metadata={"help": "channels of the first convolution", "least": 1})
    consistency: float = field(
        default=0.0,
        metadata={
            "help": "where labels are given: weight of the demand that a class survives small changes of the image",
            "least": 0,
        },
    )
    shift: int = field(default=2, metadata={"help": "pixels by which an image may be moved for that", "least": 0})
    summed: float = field(
        default=1.0,
        metadata={
            "help": "share of a step's unlabelled images whose bound is summed over the classes; less is faster",
            "above": 0,
            "most": 1,
        },
    )
    binarize: bool = field(
        default=False,
        metadata={
            "help": "of two levels only: data to learn from are grey values, numbers in 0..1 or bytes, and each pixel "
            "is drawn anew from its grey value at every step"
        },
    )


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


class PixelNet(VariationalNet):
    """An encoder and a decoder of images, and the likelihood of their pixels.

    One output a pixel is the logit of white (2 levels); two are the mean and log-scale of a discretised logistic
    (Salimans et al. 2017, PixelCNN++, section 2.1) or of a Gaussian (real numbers, standardised).
    """

    def __init__(self, space: Pixels, config: PixelConfig, classes: int, generator: torch.Generator) -> None:
        super().__init__(config.latent, classes, config.hidden, generator)
        self.space = space
        self.planes = space.channels * (1 if space.levels == 2 else 2)
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
        self.base = nn.Parameter(torch.zeros(self.planes, space.height, space.width))

    def read(self, inputs: Inputs, generator: torch.Generator | None) -> Tensor:
        values, known = inputs
        images = torch.cat([values * known, known - 1.0], 1)  # the second half is 0 where nothing is missing
        if self.whole:
            return functional.gelu(self.encoder(images.flatten(1), generator))
        down, right = -images.shape[2] % _STEP, -images.shape[3] % _STEP
        return functional.gelu(self.encoder(functional.pad(images, (0, right, 0, down)), generator))

    def outputs(self, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """What the decoder says of each pixel, (B, planes, H, W)."""
        made = self.decoder(codes, generator).float()
        height, width = self.space.height, self.space.width
        if self.whole:
            made = made.view(-1, self.planes, height, width)
        outputs: Tensor = made[:, :, :height, :width] + self.base
        return outputs

    def log_likelihood(self, inputs: Inputs, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        values, known = inputs
        return (self.pixel_log_prob(self.outputs(codes, generator), values) * known).flatten(1).sum(1)

    def pixel_log_prob(self, outputs: Tensor, values: Tensor) -> Tensor:
        """Log-probability (B, C, H, W) of values on the network's scale: 0 and 1, -1 to 1, or standardised."""
        if self.space.levels == 2:
            return -functional.binary_cross_entropy_with_logits(outputs, values, reduction="none")
        mean, raw = outputs.chunk(2, 1)
        if not self.space.levels:
            return gaussian_log_prob(values, mean, bounded_below(raw, math.log(LEAST_DEVIATION)))
        return logistic_log_prob(values, mean, bounded_below(raw, _LEAST_LOG_SCALE), self.space.levels)

    def draw(self, outputs: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        """Values drawn from outputs, on the network's scale."""
        if self.space.levels == 2:
            shares = torch.sigmoid(outputs / temperature)
            return (torch.rand(shares.shape, generator=generator) < shares).float()
        mean, raw = outputs.chunk(2, 1)
        if not self.space.levels:
            deviation = bounded_below(raw, math.log(LEAST_DEVIATION)).exp() * math.sqrt(temperature)
            return mean + deviation * torch.randn(mean.shape, generator=generator)
        uniform = torch.rand(mean.shape, generator=generator).clamp(1e-5, 1 - 1e-5)
        return mean + bounded_below(raw, _LEAST_LOG_SCALE).exp() * math.sqrt(temperature) * torch.logit(uniform)


def logistic_log_prob(values: Tensor, mean: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """Log-probability of values on a grid of `levels` from -1 to 1 under logistics whose tails go to the end levels."""
    half = 1 / (levels - 1)
    above, below = ((values - mean + sign * half) * torch.exp(-log_scale) for sign in (1, -1))
    # log(sigmoid(a) - sigmoid(b)) for a > b, without cancellation
    gap = (above - below).clamp_min(1e-12)
    inside = functional.logsigmoid(above) + functional.logsigmoid(-below) + torch.log(-torch.expm1(-gap))
    low, high = values < -1 + half, values > 1 - half
    return torch.where(low, functional.logsigmoid(above), torch.where(high, functional.logsigmoid(-below), inside))


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
        net = PixelNet(self.space, self.config, classes, generator)
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
        parts = [net.draw(net.outputs(chunk, None), generator, temperature) for chunk in codes.split(1024)]
        values = torch.cat([torch.zeros(0, *self.space.shape), *parts])
        if not levels:
            assert self.scaling is not None
            return self.scaling.restore(values.movedim(1, 3)).movedim(3, 1)
        if levels == 2:
            return values.to(torch.uint8)
        codes = ((values + 1) * ((levels - 1) / 2)).round().clamp(0, levels - 1)
        return codes.to(torch.uint8 if levels <= 256 else torch.int32)

    def mean_image(self, codes: Tensor) -> Tensor:
        """The expected values (B, C, H, W) of codes (B, L + C): probabilities of white, 0 to 1, or data's units."""
        net, levels = self._net(), self.space.levels
        outputs = net.outputs(codes, None)
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
