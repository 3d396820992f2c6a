"""Small images of one kind, such as digits or icons: each as a whole beside good ones.

Five members judge, each with its own idea of what is usual: the nearest good images and a Gaussian of low rank, over
histograms of directions of two kinds (strengths beside those around them, and as they are), and the nearest good
images by their pixels. A member's score is put on one scale by what good images score that it had not learnt; asinh
keeps one that goes far from drowning the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps.anomaly import robust_scale
from genapps.errors import InputError
from genapps_image.detection.gaussian import Gaussian
from genapps_image.detection.judging import Judged, Link, Source, Watch, folds
from genapps_image.detection.neighbors import nearest
from genapps_image.detection.orientation import CELL, histograms
from genapps_image.detection.places import blurred

KEPT = 20_000  # good images that others are compared with, at most
NEAR = 3  # of them that count
MEMBERS = ("nearest by shape", "nearest by strokes", "nearest by pixels", "Gaussian of shape", "Gaussian of strokes")
_BATCH = 256
_LUMA = (0.299, 0.587, 0.114)
_SMOOTH = 1.0  # pixels, of the heat


@dataclass(frozen=True)
class Views:
    """What members see of N images: shape (N, 8, h, w), strokes (N, 8, h, w), pixels (N, C, H, W), all in 0..1."""

    shape: Tensor
    strokes: Tensor
    pixels: Tensor

    @classmethod
    def of(cls, images: Tensor) -> Views:
        """Of bytes (N, C, H, W), C = 1 or 3."""
        values = images.float() / 255
        grey = values if values.shape[1] == 1 else torch.einsum("c,nchw->nhw", torch.tensor(_LUMA), values)[:, None]
        soft = F.avg_pool2d(F.pad(values, (1, 1, 1, 1), mode="replicate"), 3, 1)
        return cls(histograms(grey), histograms(grey, compared=False), soft)

    def rows(self) -> tuple[Tensor, Tensor, Tensor]:
        """Each as rows (N, D)."""
        return self.shape.flatten(1), self.strokes.flatten(1), self.pixels.flatten(1)


@dataclass(frozen=True)
class Panel:
    """The members, as they learnt good images: views of those as rows (B, D), and Gaussians of the first two."""

    shape: Tensor
    strokes: Tensor
    pixels: Tensor
    shape_law: Gaussian
    strokes_law: Gaussian

    @classmethod
    def learn(cls, images: Tensor) -> Panel:
        """Of bytes (N, C, H, W)."""
        parts = [Views.of(part).rows() for part in images.split(_BATCH)]
        shape, strokes, pixels = (torch.cat(rows) for rows in zip(*parts, strict=True))
        return cls(shape, strokes, pixels, Gaussian.learn(shape), Gaussian.learn(strokes))

    def raw(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Each member's score (N, 5) of bytes (N, C, H, W), and the number of the good image of the nearest shape."""
        found, near = [], []
        for part in images.split(_BATCH):
            shape, strokes, pixels = Views.of(part).rows()
            by_shape, which = nearest(shape, self.shape, NEAR)
            columns = [by_shape, nearest(strokes, self.strokes, NEAR)[0], nearest(pixels, self.pixels, NEAR)[0]]
            laws = [self.shape_law.distance(shape), self.strokes_law.distance(strokes)]
            found.append(torch.stack([*(column.mean(1) for column in columns), *laws], 1))
            near.append(which[:, 0])
        return torch.cat(found), torch.cat(near)


class Whole:
    """The judge of small images. middle, spread: (5,) of the members' scores of good images they had not learnt.

    numbers: (B,) which good images those are that the panel keeps. size: channels, height, width.
    """

    kind: ClassVar[str] = "whole"

    def __init__(
        self, panel: Panel, numbers: Tensor, middle: Tensor, spread: Tensor, size: tuple[int, int, int]
    ) -> None:
        self.panel, self.numbers, self.middle, self.spread, self.size = panel, numbers, middle, spread, size

    @classmethod
    def learn(
        cls, good: Source, seed: int = 0, *, links: Sequence[Link] = (), watch: Watch | None = None
    ) -> tuple[Whole, Tensor]:
        """The judge of good images of one size, and the scores (n,) of those judged by what had not learnt them.

        links: pairs of images that are never learnt and judged beside one another.
        """
        count = len(good)
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(count, generator=generator)[:KEPT].sort().values
        images = torch.stack([good[i] for i in chosen.tolist()])
        raw = []
        near = list(links) if len(chosen) == count else []  # numbers stay what they were
        parts = folds(len(images), seed, near) if len(images) > 1 else []
        for k, fold in enumerate(parts):
            partial = Panel.learn(images[fold.learnt])
            raw.append(partial.raw(images[fold.held])[0])
            if watch is not None:
                watch("judging good images by others", k + 1, len(parts))
        held = torch.cat(raw) if raw else torch.zeros(0, len(MEMBERS))
        scale = robust_scale(held.numpy()) if len(held) else None
        middle = torch.zeros(len(MEMBERS)) if scale is None else torch.from_numpy(scale.middle).float()
        spread = torch.ones(len(MEMBERS)) if scale is None else torch.from_numpy(scale.spread).float()
        spread = spread.clamp(min=1e-6).maximum(1e-4 * middle.abs())  # where all images are the same
        channels, height, width = images.shape[1:]
        made = cls(Panel.learn(images), chosen, middle, spread, (channels, height, width))
        return made, made.combined(held)

    @classmethod
    def neighbors(cls, images: Tensor, numbers: Tensor) -> Whole:
        """What only tells heat and the nearest good image (N, C, H, W), of these numbers; its scores mean nothing."""
        channels, height, width = images.shape[1:]
        none = torch.zeros(len(MEMBERS))
        return cls(Panel.learn(images), numbers, none, none + 1, (channels, height, width))

    def combined(self, raw: Tensor) -> Tensor:
        """Members' scores (N, 5) as one (N,)."""
        return torch.asinh((raw - self.middle) / self.spread).mean(1).round(decimals=4)  # no digits of rounding errors

    def scores(self, images: Source) -> Tensor:
        """(N,)."""
        stacked = images if isinstance(images, Tensor) else torch.stack([images[i] for i in range(len(images))])
        return self.combined(self.panel.raw(stacked)[0])

    def judge(self, image: Tensor) -> Judged:
        """Heat is what differs from the good image of the nearest shape, in the directions and in the pixels."""
        raw, near = self.panel.raw(image[None])
        number = int(near[0])
        views = Views.of(image[None])
        height, width = image.shape[1:]
        cells = (views.shape - self.panel.shape[number].reshape(views.shape.shape)).square().sum(1, keepdim=True)
        wide = F.interpolate(cells, (cells.shape[2] * CELL, cells.shape[3] * CELL), mode="bilinear")
        shape = F.pad(wide, (0, max(width - wide.shape[3], 0), 0, max(height - wide.shape[2], 0)), mode="replicate")
        pixels = (views.pixels - self.panel.pixels[number].reshape(views.pixels.shape)).square().sum(1, keepdim=True)
        # Where shapes differ and pixels do: either alone is blurred, or blind to where strokes merely moved.
        heat = blurred((shape[:, :, :height, :width] * pixels.sqrt()).sqrt(), _SMOOTH)[0, 0]
        return Judged(float(self.combined(raw)[0]), heat, int(self.numbers[number]))

    def words(self) -> str:
        """What it looks at."""
        return (
            f"whole images of {self.size[1]} x {self.size[2]} pixels beside {len(self.panel.shape):,} good ones: "
            f"{len(MEMBERS)} members over shapes, strokes and pixels"
        )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """For a model file."""
        panel = self.panel
        kept = {"shape": panel.shape, "strokes": panel.strokes, "pixels": panel.pixels}
        laws = {
            f"{name}_law/{key}": value
            for name, law in (("shape", panel.shape_law), ("strokes", panel.strokes_law))
            for key, value in law.state().items()
        }
        return {
            **kept,
            **laws,
            "numbers": self.numbers,
            "middle": self.middle,
            "spread": self.spread,
        }, {"size": list(self.size)}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor], settings: dict[str, Any]) -> Whole:
        """The inverse of `state`. Raises InputError where something is missing."""

        def law(name: str) -> Gaussian:
            prefix = f"{name}_law/"
            return Gaussian.restore({k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)})

        try:
            panel = Panel(arrays["shape"], arrays["strokes"], arrays["pixels"], law("shape"), law("strokes"))
            channels, height, width = settings["size"]
            return cls(panel, arrays["numbers"], arrays["middle"], arrays["spread"], (channels, height, width))
        except KeyError as missing:
            raise InputError(f"a model without its {missing}: save it again") from None
