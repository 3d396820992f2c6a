"""How far from the truth holes are filled: in images of which all is known, beside fills that need no model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.report.text import grid
from genapps_image.generation.restoring import Holed, Mask, around, holed, means_around, restored, scaled, smoothed
from genapps_image.model import ImageModel
from genapps_image.reading.pictures import Pictures
from genapps_image.records import Bytes, Picture, Skipped

MOST = 24  # images
DRAWS = 8  # of each, of which the mean is taken as well
FEWEST = 3
_ENOUGH = 2**27  # bytes of images that are held at once

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class FillError:
    """Of one way to fill: the mean absolute error in the hole, of 255, and the PSNR there in dB; means over images."""

    name: str
    error: float
    psnr: float


@dataclass(frozen=True)
class Checked:
    """Errors of each way to fill, the model's draws and their mean first, of n images and so many draws each."""

    n: int
    draws: int
    where: str
    errors: tuple[FillError, ...]

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person."""
        rows = [(one.name, f"{one.error:.1f}", f"{one.psnr:.1f}") for one in self.errors]
        head = (f"in the hole, {self.n:,} whole images of {self.where}", "mean error, of 255", "PSNR, dB")
        said = list(grid([head, *rows]))
        if self.better_without:
            said.append(f"nearer to the truth than this model: {self.better_without}, which needs none")
        return said

    @property
    def better_without(self) -> str:
        """The way without a model that comes nearer than the mean of the model's draws, "" where none does."""
        own = self.errors[1]
        best = min(self.errors[2:], key=lambda one: one.error)
        return best.name if best.error < own.error else ""


def check(
    model: ImageModel,
    whole: Pictures,
    holes: Sequence[Mask],
    label: str | None,
    seed: int,
    progress: Progress = lambda what, done, total: None,
) -> Checked:
    """Put holes of these shapes into whole images, fill them, and compare with the truth at the images' own size.

    Images that the model has learnt flatter it. Raises InputError for fewer than 3 images that can be used.
    """
    generator = torch.Generator().manual_seed(seed)
    found, reason = _some(model, whole, holes, generator)
    if len(found) < FEWEST:
        raise InputError(f"{whole.where}: {len(found)} images to check by, at least {FEWEST} are needed{reason}")
    seen, unknown = torch.stack([one.seen for one in found]), torch.stack([one.unknown for one in found])
    truths = torch.stack([torch.from_numpy(model.codec.encode(one.picture)) for one in found])
    mean = torch.zeros(seen.shape)
    drawn: list[list[tuple[float, float]]] = []
    for draw in range(DRAWS):
        progress("checking", draw, DRAWS)
        made = model.impute(seen, unknown, label, generator=generator)
        mean += made / DRAWS
        drawn.append(_apart(found, made))
    means = nearest_means(truths, seen, unknown, [one.picture.label for one in found])
    ways = {
        "draws": [pair for row in drawn for pair in row],
        f"mean of {DRAWS} draws": _apart(found, mean),
        "border carried inwards": [_error(one, smoothed(one.picture.pixels, one.hole)) for one in found],
        "mean of what is around": [_error(one, _around(one)) for one in found],
        "mean of other images": _apart(found, torch.where(unknown[:, None], means, seen)),
    }
    return Checked(len(found), DRAWS, whole.where, tuple(_told(name, pairs) for name, pairs in ways.items()))


def nearest_means(truths: Tensor, seen: Tensor, unknown: Tensor, labels: Sequence[str | None]) -> Tensor:
    """For each image (N, C, H, W) the mean of the others, of the class whose mean is nearest to what is known of it."""
    values, known = truths.float(), (~unknown)[:, None].float()
    names = sorted({str(label) for label in labels})
    best = torch.full((len(values),), torch.inf)
    found = torch.zeros_like(values)
    for name in names:
        own = torch.tensor([str(label) == name for label in labels])
        others = own.sum() - own.float()  # of this class, without the image itself
        mean = (values[own].sum(0) - values * own.view(-1, 1, 1, 1)) / others.clamp_min(1).view(-1, 1, 1, 1)
        apart = ((mean - seen).square() * known).flatten(1).sum(1)
        better = (others > 0) & (apart < best)
        best = torch.where(better, apart, best)
        found = torch.where(better.view(-1, 1, 1, 1), mean, found)
    return found


def _some(
    model: ImageModel, whole: Pictures, holes: Sequence[Mask], generator: torch.Generator
) -> tuple[list[Holed], str]:
    """Images drawn at random, with the holes in turn, and why the last one could not be used."""
    found: list[Holed] = []
    reason = ""
    for i in torch.randperm(len(whole), generator=generator).tolist():
        if len(found) == MOST or sum(one.picture.pixels.nbytes for one in found) > _ENOUGH:
            break
        one = whole.one(i)
        ready = one if isinstance(one, Skipped) else _with_hole(one, holes[len(found) % len(holes)], model)
        if isinstance(ready, Holed):
            found.append(ready)
        else:
            reason = f"; {ready.name}: {ready.reason}"
    return found, reason


def _with_hole(picture: Picture, hole: Mask, model: ImageModel) -> Holed | Skipped:
    own = scaled(hole, picture.pixels.shape[:2])
    return holed(picture, own, model.codec) if own.any() else Skipped(picture.name, "too small for the hole")


def _apart(found: Iterable[Holed], made: Tensor) -> list[tuple[float, float]]:
    return [_error(one, restored(one, content)) for one, content in zip(found, made, strict=True)]


def _error(one: Holed, result: Bytes) -> tuple[float, float]:
    """The mean absolute and the mean squared error in the hole, in grey or color."""
    colors = one.picture.pixels.shape[2] - (one.picture.pixels.shape[2] + 1) % 2  # without alpha
    apart = (result[one.hole].astype(np.float64) - one.picture.pixels[one.hole])[:, :colors]
    return float(np.abs(apart).mean()), float(np.square(apart).mean())


def _around(one: Holed) -> Bytes:
    """The mean of what is known within a pixel of the model's of the hole, one shade."""
    step = max(1, round(one.window.height / one.seen.shape[1]))
    near = around(one.hole, step)
    gap, pixels = one.hole[near], one.picture.pixels.copy()
    ring = (means_around(torch.from_numpy(gap).float()[None], step)[0].numpy() > 0) & ~gap
    pixels[near][gap] = np.round(pixels[near][ring].mean(0)).astype(np.uint8)
    return pixels


def _told(name: str, pairs: Sequence[tuple[float, float]]) -> FillError:
    squared = sum(square for _, square in pairs) / len(pairs)
    return FillError(name, sum(error for error, _ in pairs) / len(pairs), 10 * math.log10(255**2 / max(squared, 1e-3)))
