"""The same random changes to real and made images, so that a small set does not let the critic learn it by heart.

DiffAugment (Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training"): colour, translation and
cutout, each differentiable, all randomness from a generator.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def colour(images: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness shifted by up to half, saturation and contrast scaled, each image (N, C, H, W) in its own way.

    Saturation (towards or away from the mean of the channels) is scaled by 0..2, contrast by 0.5..1.5.
    """
    bright, saturated, contrast = _uniform(images, 3, generator)
    images = images + (bright - 0.5)
    if images.shape[1] > 1:
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * (2 * saturated)
    middle = images.mean((1, 2, 3), keepdim=True)
    changed: Tensor = middle + (images - middle) * (0.5 + contrast)
    return changed


def translation(images: Tensor, generator: torch.Generator, *, share: float = 0.125) -> Tensor:
    """Images (N, C, H, W) shifted by up to `share` of their sides, zeros where nothing was."""
    n, _, height, width = images.shape
    moved = images
    for side, axis in ((height, 2), (width, 3)):
        most = int(side * share + 0.5)
        shift = torch.randint(-most, most + 1, (n, 1), generator=generator).to(images.device)
        source = torch.arange(side, device=images.device) - shift  # (N, side)
        inside = ((source >= 0) & (source < side)).to(images.dtype)
        source = source.clamp(0, side - 1)
        shape = (n, 1, side, 1) if axis == 2 else (n, 1, 1, side)
        moved = moved.gather(axis, source.view(shape).expand_as(moved)) * inside.view(shape)
    return moved


def cutout(images: Tensor, generator: torch.Generator, *, share: float = 0.5) -> Tensor:
    """A box of `share` of each side set to zero, at a place of its own in each image (N, C, H, W); it may stand out."""
    n, _, height, width = images.shape
    covered = torch.ones(n, 1, height, width, dtype=torch.bool, device=images.device)
    for side, shape in ((height, (n, 1, height, 1)), (width, (n, 1, 1, width))):
        size = int(side * share + 0.5)
        start = torch.randint(0, side + (1 - size % 2), (n, 1), generator=generator).to(images.device) - size // 2
        place = torch.arange(side, device=images.device)
        covered = covered & ((place >= start) & (place < start + size)).view(shape)
    return images * (~covered).to(images.dtype)


CHANGES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
}


def augment(images: Tensor, names: tuple[str, ...], generator: torch.Generator) -> Tensor:
    """The named changes one after the other to images (N, C, H, W)."""
    for name in names:
        images = CHANGES[name](images, generator)
    return images


def _uniform(images: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Numbers (count, N, 1, 1, 1) in 0..1."""
    return torch.rand(count, len(images), 1, 1, 1, generator=generator).to(images.device, images.dtype)
