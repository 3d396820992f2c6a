"""What every network of images has: its settings, and the likelihood of pixels."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.models.vae.core import Inputs, VariationalNet
from genapps.models.vae.engine import VAEConfig
from genapps.nets.heads import LEAST_DEVIATION, bounded_below, gaussian_log_prob
from genapps.spaces import Pixels

_LEAST_LOG_SCALE = -7.0  # of a discretised logistic whose levels span -1 to 1


@dataclass(frozen=True)
class PixelConfig(VAEConfig):
    """The network's shape, and what is told of the images."""

    latent: int = field(default=32, metadata={"help": "latent variables", "least": 1})
    body: Literal["conv", "mlp", "ladder"] = field(
        default="conv",
        metadata={
            "help": "conv: convolutions; mlp: all pixels at once, faster for small images; ladder: groups of latents "
            "from the whole image down to its parts, for a GPU or patience"
        },
    )
    channels: int = field(default=32, metadata={"help": "channels of the first convolution", "least": 1})
    groups: int = field(default=2, metadata={"help": "of a ladder: groups of latents at each resolution", "least": 1})
    planes: int = field(default=4, metadata={"help": "of a ladder: latents of a group at each place", "least": 1})
    stride: int = field(
        default=2, metadata={"help": "of a ladder: pixels a side that its finest place has", "least": 1}
    )
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


class PixelNet(VariationalNet):
    """The likelihood of pixels given an output or two for each; subclasses make the outputs.

    One output a pixel is the logit of white (2 levels); two are the mean and log-scale of a discretised logistic
    (Salimans et al. 2017, PixelCNN++, section 2.1) or of a Gaussian (real numbers, standardised).
    """

    def __init__(self, space: Pixels, config: PixelConfig, classes: int, generator: torch.Generator) -> None:
        super().__init__(config.latent, classes, config.hidden, generator)
        self.space = space
        self.planes = space.channels * (1 if space.levels == 2 else 2)
        self.base = nn.Parameter(torch.zeros(self.planes, space.height, space.width))

    @abstractmethod
    def outputs(self, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """What codes (B, L + C) say of each pixel, (B, planes, H, W)."""

    def with_base(self, made: Tensor) -> Tensor:
        """Outputs (B, planes, at least H, at least W), cut to the image and added to what each begins at."""
        return made[:, :, : self.space.height, : self.space.width] + self.base

    def images(self, inputs: Inputs, multiple: int = 1) -> Tensor:
        """Values beside what is unknown of them, (B, 2 C, H, W), zeros added up to sides of a multiple."""
        values, known = inputs
        images = torch.cat([values * known, known - 1.0], 1)  # the second half is 0 where nothing is missing
        down, right = -images.shape[2] % multiple, -images.shape[3] % multiple
        return functional.pad(images, (0, right, 0, down)) if down or right else images

    def complete(self, codes: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        """Codes with what a hierarchy has beneath them drawn, where it is missing."""
        return codes

    def log_likelihood(self, inputs: Inputs, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.pixels_log_prob(inputs, self.outputs(codes, generator))

    def pixels_log_prob(self, inputs: Inputs, outputs: Tensor) -> Tensor:
        """Log-probability (B,) of what is known of each image, given outputs (B, planes, H, W)."""
        values, known = inputs
        return (self.pixel_log_prob(outputs, values) * known).flatten(1).sum(1)

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
