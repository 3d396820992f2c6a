"""Images patch by patch in raster order, and pixel by pixel within a patch: exact likelihoods at a transformer's speed.

The probability of an image is the product over patches of that of each one's pixels given the patches before it
(van den Oord et al. 2016, on larger steps); `genapps.nets.patches` says what a pixel may see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models.autoregressive.learning import NetworkEngine
from genapps.models.autoregressive.pixel_values import PixelValues
from genapps.nets.patches import PatchNet, to_images, to_patches
from genapps.nets.scaling import Scaling
from genapps.spaces import Constraint, Pixels
from genapps.training import Recipe
from genapps.training.device import products

_CHUNK = 250  # images handled at once outside of training


@dataclass(frozen=True)
class PixelConfig:
    """The network's shape."""

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


class PixelModel(NetworkEngine):
    """Patch autoregressive model of images of two levels, of many, or of real numbers; classes by `labels`."""

    Config: ClassVar[type] = PixelConfig
    RECIPE: ClassVar[Recipe] = Recipe(
        epochs=20, max_steps=20_000, batch_size=32, learning_rate=3e-3, warmup_steps=100, beta2=0.95, ema=0.99, clip=1e3
    )
    network: PatchNet

    def __init__(self, space: Pixels, config: PixelConfig) -> None:
        if config.hidden % (2 * config.heads):
            raise UsageError(f"hidden ({config.hidden}) must be a multiple of 2 x heads ({config.heads})")
        if config.binarize and space.levels != 2:
            raise UsageError(f"binarize is for images of 2 levels, not {space.levels}; give space=Pixels(C, H, W, 2)")
        super().__init__(space, config)
        self.values = PixelValues(space.levels, config.components)
        self.patch = config.patch or _fitting(space)
        inside = torch.ones(1, *space.shape)
        self.inside = to_patches(inside, self.patch)[0]  # (T, K): 1 where a pixel is, 0 where the image is filled up

    def grey(self, data: Tensor) -> Tensor:
        """Grey values as probabilities (N, C, H, W), for `binarize`. Raises InputError for numbers beyond 0..1."""
        grey = data.float() / 255 if data.dtype == torch.uint8 else data.float()
        if grey.ndim == 2 and grey.shape[1] == self.inside.sum():
            grey = grey.view(-1, *self.space.shape)
        if grey.shape[1:] != self.space.shape:
            raise InputError(f"images of shape {tuple(grey.shape[1:])} where {self.space.shape} is expected")
        if not bool(((grey >= 0) & (grey <= 1)).all()):
            raise InputError("binarize takes grey values as numbers from 0 to 1, or as bytes")
        return grey

    # -- learning ------------------------------------------------------------------------------------------------------

    def measure(self, data: Tensor) -> dict[str, Tensor]:
        """The scale of each channel, where pixels are real numbers."""
        if self.space.levels:
            return {}
        return Scaling.fit(data.transpose(0, 1).flatten(1).T).to_tensors()

    def new_network(self, classes: int, generator: torch.Generator) -> PatchNet:
        """An untrained network, told the scale of the data."""
        config, (patches, pixels) = self.config, self.inside.shape
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

    def as_learnt(self, data: Tensor, generator: torch.Generator) -> Tensor:
        """Held-out images; of grey values one draw."""
        return torch.bernoulli(data, generator=generator) if self.config.binarize else data

    def loss(
        self, data: Tensor, labels: Tensor, draws: torch.Generator, recipe: Recipe, device: torch.device
    ) -> Tensor:
        """Mean negative log-likelihood of images (B, C, H, W); grey values are drawn here, anew at every step."""
        if self.config.binarize:
            data = (torch.rand(data.shape, generator=draws) < data).to(torch.uint8)
        read = self._read(data).to(device)
        dropout = draws if device.type == "cpu" else torch.Generator(device).manual_seed(draws.initial_seed())
        with products(recipe.precision, device):
            outputs = self.network(read, labels.to(device), dropout)
        return -self._log_prob(outputs.float(), read).sum(1).mean()

    def _read(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) as patches (N, T, K) that the network reads; zero where the image is filled up."""
        if not self.space.levels:
            scaling = Scaling.from_tensors(self.facts)
            images = scaling.standardise(images.movedim(1, -1)).movedim(-1, 1)
        return to_patches(self.values.read(images), self.patch)

    def _log_prob(self, outputs: Tensor, read: Tensor) -> Tensor:
        """Log-probability of each patch (N, T), on the scale of the patches as read."""
        return (self.values.log_prob(outputs, read) * self.inside.to(read.device)).sum(-1)

    # -- using ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def row_log_prob(self, data: Tensor, labels: Tensor) -> Tensor:
        """Log-probability (N,), float64, of images of classes (N,). Raises InputError where a pixel is unknown."""
        if bool((torch.isnan(data) if data.is_floating_point() else data < 0).any()):
            raise InputError("images with unknown pixels have no exact likelihood here; fill them in with impute first")
        parts = [torch.zeros(0, dtype=torch.double)]
        device = self.network.place.device
        for images, classes in zip(data.split(_CHUNK), labels.split(_CHUNK), strict=True):
            read = self._read(images).to(device)
            parts.append(self._log_prob(self.network(read, classes.to(device)), read).double().sum(1).cpu())
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
        empty = torch.zeros(1, *self.inside.shape)
        parts = []
        for part in classes.split(_CHUNK):
            read = empty.expand(len(part), -1, -1).clone()
            unknown = self.inside.bool().expand_as(read)
            self._complete(read, unknown, part, temperature, generator)
            parts.append(self._images(read))
        return torch.cat(parts)

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill in unknown pixels (NaN, or -1), each drawn given the pixels before it in the order of patches.

        Exact where all that is unknown comes after all that is known, as when the top rows of whole patches are known.
        What is known further on is only followed with `particles` above 1: so many candidates an image are carried
        along, and chosen anew after every patch by the probability they give its known pixels (sequential importance
        resampling, Doucet and Johansen 2011, section 3.4).
        """
        if given:
            raise UsageError("images take no conditions on variables; give known pixels to impute")
        numbers = data.is_floating_point()
        filled = data.clone()
        unknown = torch.isnan(data) if numbers else data < 0
        rows = unknown.flatten(1).any(1).nonzero()[:, 0]
        several = int((self.shares > 0).sum())
        count = max(self.config.particles, 2 * several if several > 1 else 1)  # the class must be guessed, too
        for part in rows.split(max(_CHUNK // count, 1)):
            holes = to_patches(unknown[part].float(), self.patch).bool()
            read = torch.where(holes, 0.0, self._read(torch.where(unknown[part], 0, data[part])))
            read, holes = read.repeat_interleave(count, 0), holes.repeat_interleave(count, 0)
            self._complete(read, holes, self.classes_for(len(read), None, generator), 1.0, generator, count)
            drawn = self._images(read[::count]).to(filled.dtype)
            filled[part] = torch.where(unknown[part], drawn, filled[part])
        return filled

    def _complete(
        self,
        read: Tensor,
        unknown: Tensor,
        classes: Tensor,
        temperature: float,
        generator: torch.Generator,
        particles: int = 1,
    ) -> None:
        """Fill the unknown entries of patches as read (B, T, K) in place; `particles` candidates of each image."""
        if not bool(unknown.any()):
            return
        network, pixels = self.network, read.shape[2]
        cache = network.trunk.cache(len(read), len(self.inside))
        steps = len(self.inside) if particles > 1 else 1 + int(unknown.any(0).any(1).nonzero().max())
        for t in range(steps):
            context = network.step(read, t, classes, cache)
            weights = torch.zeros(len(read))
            for k in range(pixels) if bool(unknown[:, t].any()) else ():
                if not bool(self.inside[t, k]):
                    continue
                outputs = network.head.pixel(context, read[:, t], k)
                drawn = self.values.draw(outputs, temperature, generator)
                if particles > 1:
                    weights += torch.where(unknown[:, t, k], 0.0, self.values.log_prob(outputs, read[:, t, k]))
                read[:, t, k] = torch.where(unknown[:, t, k], drawn, read[:, t, k])
            if particles > 1:
                if not bool(unknown[:, t].any()):
                    known = self.values.log_prob(network.head(context, read[:, t]), read[:, t])
                    weights = (known * self.inside[t]).sum(1)
                kept = _survivors(weights, particles, generator)
                read.copy_(read[kept])
                cache, classes = cache.take(kept), classes[kept]

    def _images(self, read: Tensor) -> Tensor:
        """Patches as read (N, T, K) as images of the space (N, C, H, W)."""
        images = to_images(self.values.codes(read), self.patch, self.space.shape)
        if self.space.levels:
            return images.to(torch.uint8)
        scaling = Scaling.from_tensors(self.facts)
        return scaling.restore(images.movedim(1, -1)).movedim(-1, 1).contiguous()


def _fitting(space: Pixels) -> int:
    """The largest patch side from 4 to 8 that fills the image up the least."""
    return min(
        range(8, 3, -1), key=lambda side: (-space.height % side + space.height) * (-space.width % side + space.width)
    )


def _survivors(log_weights: Tensor, particles: int, generator: torch.Generator) -> Tensor:
    """Row numbers (B,): within each group of `particles` consecutive rows drawn by their weights, in random order.

    Systematic resampling (Kitagawa 1996), for all groups at once.
    """
    reach = log_weights.view(-1, particles).double().softmax(1).cumsum(1)  # (groups, particles)
    groups = len(reach)
    aims = (torch.arange(particles) + torch.rand(groups, 1, generator=generator, dtype=torch.double)) / particles
    chosen = torch.searchsorted(reach, aims).clamp_max(particles - 1)
    chosen = chosen.gather(1, torch.rand(groups, particles, generator=generator).argsort(1))
    return (chosen + particles * torch.arange(groups)[:, None]).flatten()
