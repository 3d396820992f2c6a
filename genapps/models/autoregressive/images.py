"""What the two networks of images share: what they learn from, exact likelihoods, drawing, filling in.

An engine says in which order its network takes the numbers of an image, and how they are drawn one after the other.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models.autoregressive.learning import NetworkEngine
from genapps.models.autoregressive.pixel_values import PixelValues
from genapps.nets.scaling import Scaling
from genapps.spaces import Constraint, Pixels
from genapps.training import Recipe
from genapps.training.device import products

CHUNK = 250  # images handled at once outside of training, at most


@dataclass(frozen=True)
class PixelConfig:
    """The shape of either network."""

    hidden: int = field(default=128, metadata={"help": "width of the transformer; a multiple of 2 x heads", "least": 2})
    layers: int = field(default=3, metadata={"help": "layers of the transformer", "least": 0})
    heads: int = field(default=4, metadata={"help": "heads of its attention", "least": 1})
    patch: int = field(
        default=0,
        metadata={"help": "pixels along a side of a patch; 0: from 4 to 8, as fits the sides best", "least": 0},
    )
    head: int = field(default=768, metadata={"help": "hidden units of the masked network within a patch", "least": 1})
    components: int = field(
        default=8, metadata={"help": "logistics in the mixture for a pixel of many levels, or a real one", "least": 1}
    )
    dropout: float = field(
        default=0.0, metadata={"help": "share of entries switched off in training", "least": 0, "below": 1}
    )
    binarize: bool = field(
        default=False,
        metadata={
            "help": "of two levels only: data to learn from are grey values, numbers in 0..1 or bytes, and each pixel "
            "is drawn anew from its grey value at every step"
        },
    )
    particles: int = field(
        default=1,
        metadata={
            "help": "candidates an image when filling in; more follow better what is known further on",
            "least": 1,
        },
    )
    network: Literal["patches", "convolutions"] = field(
        default="patches",
        metadata={
            "help": "patches: a transformer over patches; convolutions: gated ones pixel by pixel, which know neither "
            "hidden, layers, heads, patch nor head"
        },
    )
    channels: int = field(default=32, metadata={"help": "channels of a convolution", "least": 1})
    blocks: int = field(default=6, metadata={"help": "gated convolutions on top of the first", "least": 0})


class ImageEngine(NetworkEngine):
    """Images of two levels, of many, or of real numbers, each number given those before it; classes by `labels`."""

    Config: ClassVar[type] = PixelConfig

    def __init__(self, space: Pixels, config: PixelConfig) -> None:
        if config.binarize and space.levels != 2:
            raise UsageError(f"binarize is for images of 2 levels, not {space.levels}; give space=Pixels(C, H, W, 2)")
        super().__init__(space, config)
        self.values = PixelValues(space.levels, config.components)

    # -- what an engine says of its network ----------------------------------------------------------------------------

    @abstractmethod
    def laid(self, images: Tensor) -> Tensor:
        """Numbers of images (N, C, H, W) as the network takes them (N, ...); zeros where that has more places."""

    @abstractmethod
    def lifted(self, laid: Tensor) -> Tensor:
        """The inverse of `laid`."""

    @abstractmethod
    def complete(
        self,
        read: Tensor,
        unknown: Tensor,
        classes: Tensor,
        temperature: float,
        generator: torch.Generator,
        particles: int = 1,
    ) -> None:
        """Fill the unknown entries of images as read (B, ...) of classes (B,), in place, in the network's order.

        particles: so many candidates of each image, in consecutive rows, which are chosen anew by the probability they
        give to what is known.
        """

    @property
    def at_once(self) -> int:
        """Images handled at once outside of training."""
        return CHUNK

    # -- learning ------------------------------------------------------------------------------------------------------

    def grey(self, data: Tensor) -> Tensor:
        """Grey values as probabilities (N, C, H, W), for `binarize`. Raises InputError for numbers beyond 0..1."""
        grey = data.float() / 255 if data.dtype == torch.uint8 else data.float()
        if grey.ndim == 2 and grey.shape[1] == self.space.channels * self.space.height * self.space.width:
            grey = grey.view(-1, *self.space.shape)
        if grey.shape[1:] != self.space.shape:
            raise InputError(f"images of shape {tuple(grey.shape[1:])} where {self.space.shape} is expected")
        if not bool(((grey >= 0) & (grey <= 1)).all()):
            raise InputError("binarize takes grey values as numbers from 0 to 1, or as bytes")
        return grey

    def measure(self, data: Tensor) -> dict[str, Tensor]:
        """The scale of each channel, where pixels are real numbers."""
        if self.space.levels:
            return {}
        return Scaling.fit(data.transpose(0, 1).flatten(1).T).to_tensors()

    def as_learnt(self, data: Tensor, generator: torch.Generator) -> Tensor:
        """Held-out images; of grey values one draw."""
        return torch.bernoulli(data, generator=generator) if self.config.binarize else data

    def loss(
        self, data: Tensor, labels: Tensor, draws: torch.Generator, recipe: Recipe, device: torch.device
    ) -> Tensor:
        """Mean negative log-likelihood of images (B, C, H, W); grey values are drawn here, anew at every step."""
        if self.config.binarize:
            data = (torch.rand(data.shape, generator=draws) < data).to(torch.uint8)
        read = self.read(data).to(device)
        dropout = draws if device.type == "cpu" else torch.Generator(device).manual_seed(draws.initial_seed())
        with products(recipe.precision, device):
            outputs = self.network(read, labels.to(device), dropout)
        return -self._log_prob(outputs.float(), read).mean()

    def read(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) as the network reads them (N, ...)."""
        if not self.space.levels:
            scaling = Scaling.from_tensors(self.facts)
            images = scaling.standardise(images.movedim(1, -1)).movedim(-1, 1)
        return self.laid(self.values.read(images))

    def _log_prob(self, outputs: Tensor, read: Tensor) -> Tensor:
        """Log-probability of each image (N,), on the scale of the images as read."""
        return (self.values.log_prob(outputs, read) * self.places.to(read.device)).flatten(1).sum(1)

    @cached_property
    def places(self) -> Tensor:
        """1 where the network's numbers are an image's, 0 where there is none: as `laid` has them, less its N."""
        return self.laid(torch.ones(1, *self.space.shape))[0]

    # -- using ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def row_log_prob(self, data: Tensor, labels: Tensor) -> Tensor:
        """Log-probability (N,), float64, of images of classes (N,). Raises InputError where a pixel is unknown."""
        if bool((torch.isnan(data) if data.is_floating_point() else data < 0).any()):
            raise InputError("images with unknown pixels have no exact likelihood here; fill them in with impute first")
        parts = [torch.zeros(0, dtype=torch.double)]
        device = next(self.network.parameters()).device
        for images, classes in zip(data.split(self.at_once), labels.split(self.at_once), strict=True):
            read = self.read(images).to(device)
            parts.append(self._log_prob(self.network(read, classes.to(device)), read).double().cpu())
        stretched = 0.0
        if not self.space.levels:
            stretched = Scaling.from_tensors(self.facts).log_scale_sum * self.space.height * self.space.width
        return torch.cat(parts) - stretched

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw images (n, C, H, W). Raises UsageError for `given`: known pixels go to `impute`."""
        if given:
            raise UsageError("images take no conditions on variables; give known pixels to impute")
        classes = self.classes_for(n, labels, generator)
        parts = []
        for part in classes.split(self.at_once):
            unknown = self.places.bool().expand(len(part), *self.places.shape)
            read = torch.zeros(unknown.shape)
            self.complete(read, unknown, part, temperature, generator)
            parts.append(self.images(read))
        return torch.cat(parts)

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill in unknown pixels (NaN, or -1), each drawn given the pixels before it in the network's order.

        Exact where all that is unknown comes after all that is known, as when the top rows (of whole patches) are
        known. What is known further on is only followed with `particles` above 1: so many candidates an image are
        carried along, and chosen anew by the probability they give its known pixels (sequential importance resampling,
        Doucet and Johansen 2011, section 3.4).
        """
        if given:
            raise UsageError("images take no conditions on variables; give known pixels to impute")
        numbers = data.is_floating_point()
        filled = data.clone()
        unknown = torch.isnan(data) if numbers else data < 0
        rows = unknown.flatten(1).any(1).nonzero()[:, 0]
        several = int((self.shares > 0).sum())
        count = max(self.config.particles, 2 * several if several > 1 else 1)  # the class must be guessed, too
        for part in rows.split(max(self.at_once // count, 1)):
            holes = self.laid(unknown[part].float()).bool()
            read = torch.where(holes, 0.0, self.read(torch.where(unknown[part], 0, data[part])))
            read, holes = read.repeat_interleave(count, 0), holes.repeat_interleave(count, 0)
            self.complete(read, holes, self.classes_for(len(read), None, generator), 1.0, generator, count)
            drawn = self.images(read[::count]).to(filled.dtype)
            filled[part] = torch.where(unknown[part], drawn, filled[part])
        return filled

    def images(self, read: Tensor) -> Tensor:
        """Images of the space (N, C, H, W) of what the network reads: the inverse of `read`."""
        images = self.lifted(self.values.codes(read))
        if self.space.levels:
            return images.to(torch.uint8)
        scaling = Scaling.from_tensors(self.facts)
        return scaling.restore(images.movedim(1, -1)).movedim(-1, 1).contiguous()


def survivors(log_weights: Tensor, particles: int, generator: torch.Generator) -> Tensor:
    """Row numbers (B,): within each group of `particles` consecutive rows drawn by their weights, in random order.

    Systematic resampling (Kitagawa 1996), for all groups at once.
    """
    reach = log_weights.view(-1, particles).double().softmax(1).cumsum(1)  # (groups, particles)
    groups = len(reach)
    aims = (torch.arange(particles) + torch.rand(groups, 1, generator=generator, dtype=torch.double)) / particles
    chosen = torch.searchsorted(reach, aims).clamp_max(particles - 1)
    chosen = chosen.gather(1, torch.rand(groups, particles, generator=generator).argsort(1))
    return (chosen + particles * torch.arange(groups)[:, None]).flatten()
