"""The colors of one image given to another, and luminance apart from color."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_TIE = 1e-3  # below a byte's step, 2 / 255


def quantiles(values: Tensor, count: int) -> Tensor:
    """(K, count) of sorted values (K, N): the same distribution in so many steps."""
    if values.shape[1] == count:
        return values
    return functional.interpolate(values[None], size=count, mode="linear", align_corners=True)[0]


def pooled(parts: Sequence[Tensor]) -> Tensor:
    """Sorted values (K, N) of several samples (K, N_i), each with the same say."""
    most = max(part.shape[1] for part in parts)
    evened = [quantiles(part.sort(1).values, most) for part in parts]
    return evened[0] if len(evened) == 1 else torch.cat(evened, 1).sort(1).values


def recolored(image: Tensor, styles: Sequence[Tensor], generator: torch.Generator, rounds: int = 12) -> Tensor:
    """The image (1, C, H, W) with the joint distribution of the styles' colors (1, C, h, w).

    Pitié, Kokaram and Dahyot 2007, "Automated colour grading using colour distribution transfer": distributions along
    the axes are matched one after another, in bases that are turned at random.
    """
    channels = image.shape[1]
    colors = image.reshape(channels, -1).clone()
    theirs = [style.reshape(channels, -1) for style in styles]
    for _ in range(rounds if channels > 1 else 1):
        basis, _ = torch.linalg.qr(torch.randn(channels, channels, generator=generator))
        along = basis.T @ colors
        target = quantiles(pooled([basis.T @ part for part in theirs]), along.shape[1])
        ties = _TIE * torch.randn(along.shape, generator=generator)  # else flat places become stripes
        places = (along + ties).argsort(1)
        colors = basis @ torch.empty_like(along).scatter_(1, places, target)
    return colors.reshape(image.shape)


def luminance(images: Tensor) -> Tensor:
    """(N, 1, H, W) of images (N, C, H, W)."""
    if images.shape[1] == 1:
        return images
    return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def with_light(image: Tensor, light: Tensor) -> Tensor:
    """The image (1, 3, H, W) with that luminance (1, 1, H, W); differences of its channels stay."""
    return image + (light - luminance(image))


def like(image: Tensor, other: Tensor) -> Tensor:
    """The image with the other's mean and contrast."""
    spread = image.std().clamp_min(1e-4)
    return (image - image.mean()) / spread * other.std() + other.mean()
