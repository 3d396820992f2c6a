"""Images made from noise: residual convolutions, the relativistic game, and DiffAugment where images are few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.gan.adversary import GAME, AdversarialConfig, Adversary, Pair
from genapps.models.gan.convolutions import GridCritic, GridGenerator
from genapps.models.gan.diffaugment import CHANGES, augment
from genapps.models.gan.search import Search, nearness, search
from genapps.spaces import Constraint, Pixels
from genapps.training import Recipe

_AT_ONCE = 64  # rows that are searched for together
_BANK = 16_000_000  # numbers of the images that a search begins from
_FEW = 5000  # images below which the critic sees changed ones unless told otherwise


@dataclass(frozen=True)
class PixelsConfig(AdversarialConfig):
    """The networks' shapes."""

    channels: int = field(default=32, metadata={"help": "channels of the larger grid; twice that of the smaller"})
    depth: int = field(default=1, metadata={"help": "residual blocks at each size of both networks", "least": 0})
    augment: str = field(
        default="auto",
        metadata={
            "help": "changes to what the critic sees: any of colour, translation, cutout with commas, none, or auto: "
            f"translation and cutout with fewer than {_FEW} images"
        },
    )

    def __post_init__(self) -> None:
        unknown = [name for name in self.augment.split(",") if name not in (*CHANGES, "auto", "none")]
        if unknown:
            raise ValueError(f"augment: {unknown[0]!r} is none of {', '.join(CHANGES)}, auto, none")


class PixelsGAN(Adversary):
    """A GAN of images; those with levels are made between -1 and 1 and rounded to the nearest level."""

    Config: ClassVar[type] = PixelsConfig
    RECIPE: ClassVar[Recipe] = replace(GAME, max_steps=6000, check_steps=500)

    def __init__(self, space: Pixels, config: PixelsConfig) -> None:
        super().__init__(space, config)
        self.center = torch.zeros(space.channels, dtype=torch.double)
        self.scale = torch.ones(space.channels, dtype=torch.double)
        self.changes: tuple[str, ...] = ()

    def _prepare(self, data: Tensor) -> None:
        names = self.config.augment.split(",")
        auto = ("translation", "cutout") if len(data) < _FEW else ()
        self.changes = auto if "auto" in names else tuple(name for name in names if name != "none")
        if self.space.levels:
            half = (self.space.levels - 1) / 2
            self.center.fill_(half)
            self.scale.fill_(half)
            return
        values = data.double()
        self.center = values.mean((0, 2, 3))
        deviation = (values - self.center.view(-1, 1, 1)).square().mean((0, 2, 3)).sqrt()
        noise = values.abs().amax((0, 2, 3)) * (1e-6 if data.dtype == torch.float32 else 1e-12)
        self.scale = torch.where(deviation > noise, deviation, 1.0)

    def _new_pair(self, classes: int, generator: torch.Generator) -> Pair:
        c, sides = self.config, (self.space.height, self.space.width)
        offset = torch.zeros(self.space.channels)
        return Pair(
            GridGenerator(c.latent, sides, c.channels, c.depth, offset, classes, generator),
            GridCritic(self.space.channels, sides, c.channels, c.depth, classes, generator),
        )

    def _points(self, data: Tensor) -> Tensor:
        return ((data.double() - self.center.view(-1, 1, 1)) / self.scale.view(-1, 1, 1)).float()

    def _shapes(self, n: int) -> Tensor:
        return torch.zeros(n, 0)

    def _dressed(self, outputs: Tensor, like: Tensor, draws: torch.Generator) -> Tensor:
        return torch.tanh(outputs) if self.space.levels else outputs

    def _changed(self, points: Tensor, draws: torch.Generator) -> Tensor:
        return augment(points, self.changes, draws)

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw images (n, C, H, W): whole numbers where there are levels, else float32.

        labels: (n,) classes. temperature: variance of the noise; below 1 more usual images.
        """
        if given:
            raise UsageError("a GAN of images takes no conditions; ask for a class with labels")
        return self._values(self._drawn(n, generator, labels, temperature, None))

    def _values(self, points: Tensor) -> Tensor:
        """Images of points, in the space's own values."""
        values = points.double() * self.scale.view(-1, 1, 1) + self.center.view(-1, 1, 1)
        if not self.space.levels:
            return values.float()
        return (
            values.round().clamp(0, self.space.levels - 1).to(torch.uint8 if self.space.levels <= 256 else torch.int32)
        )

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill the unknown pixels of images (N, C, H, W) by what the generator makes that is like the known ones.

        A search in its noise (`genapps.models.gan.search`), from another pool of made images with each generator: so
        answers differ, but they are no draws from a conditional distribution, which a GAN has none of.
        """
        if given:
            raise UsageError("a GAN of images takes no conditions; say what is known by the pixels")
        if not len(data):
            return data
        how = Search()
        known = data >= 0 if self.space.levels else ~torch.isnan(data)
        count = min(how.pool, max(how.starts, _BANK // data[0].numel()))
        filled = []
        for rows in torch.arange(len(data)).split(_AT_ONCE):
            there = known[rows]
            points = self._points(torch.where(there, data[rows], 0))
            weights = nearness(there.all(1, keepdim=True)).expand_as(points) * there
            noise = self._noise(count, 1.0, generator)
            classes = self._some_classes(count, generator, torch.device("cpu"))
            filled.append(search(points, weights, noise, classes, self._make, self._doubt, how))
        return torch.where(known, data, self._values(torch.cat(filled)).to(data.dtype))

    def _make(self, noise: Tensor, classes: Tensor | None) -> Tensor:
        outputs = self._outputs(noise, classes, None)
        return torch.tanh(outputs) if self.space.levels else outputs

    def _doubt(self, points: Tensor, classes: Tensor | None) -> Tensor:
        """The critic's doubt (B,), 0 where it is that of a usual training image, in units of how it spreads there."""
        center, width = self.usual[1].tolist()
        doubt: Tensor = (-self._scores(points, classes) - center) / width
        return doubt

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        tensors, settings = super().state()
        return {**tensors, "center": self.center, "scale": self.scale}, settings

    def _restore_statistics(self, tensors: Mapping[str, Tensor]) -> None:
        self.center, self.scale = tensors["center"].double(), tensors["scale"].double()
