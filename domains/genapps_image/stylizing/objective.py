"""What a stylized image should be: patches distributed as the style's, structure as the photograph's.

Images are (N, C, H, W) between -1 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from genapps_image.stylizing.color import luminance, pooled, quantiles

SIDE = 7  # of a patch
DIRECTIONS = 48  # a step
_FLOOR = 0.06  # contrast that does not count as structure


def directions(count: int, channels: int, generator: torch.Generator, side: int = SIDE) -> Tensor:
    """(count, channels, side, side) of length 1; every second one sums to 0 and so sees texture, not color."""
    found = torch.randn(count, channels, side, side, generator=generator)
    found[1::2] -= found[1::2].mean((2, 3), keepdim=True)
    length: Tensor = found.flatten(1).norm(dim=1)
    return found / length.view(-1, 1, 1, 1)


def along(images: Tensor, filters: Tensor, stride: int = 1, offset: tuple[int, int] = (0, 0)) -> Tensor:
    """(K, N): every patch, or every `stride`-th from the offset on, along each of K directions."""
    seen = images[..., offset[0] :, offset[1] :]
    return functional.conv2d(seen, filters, stride=stride).transpose(0, 1).reshape(len(filters), -1)


def targets(styles: Sequence[Tensor], filters: Tensor, stride: int = 1, offset: tuple[int, int] = (0, 0)) -> Tensor:
    """(K, N): the styles' patches along each direction, sorted, each style with the same say."""
    return pooled([along(style, filters, stride, offset) for style in styles])


def patch_distance(values: Tensor, target: Tensor) -> Tensor:
    """The sliced Wasserstein distance: mean over directions of that between values (K, N) and sorted target (K, M).

    Elnekave and Weiss 2022, "Generating natural images with direct patch distributions matching", equation 4: along one
    direction the distance is that of the sorted values.
    """
    return (values.sort(1).values - quantiles(target, values.shape[1])).abs().mean()


def structure(images: Tensor, reach: int = 4) -> Tensor:
    """(N, 1, H, W): luminance less its mean around, over its contrast around; what stays where colors change.

    Around: within `reach` pixels (local contrast normalization, Jarrett et al. 2009, section 2.1, over a square).
    """
    light = luminance(images)
    side = 2 * reach + 1

    def around(x: Tensor) -> Tensor:
        padded = functional.pad(x, (reach, reach, reach, reach), mode="replicate")
        return functional.avg_pool2d(padded, side, stride=1)

    centered = light - around(light)
    return centered / (around(centered.square()) + _FLOOR**2).sqrt()


def structure_distance(images: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared difference of the images' structure and the one wanted, (N, 1, H, W)."""
    return (structure(images) - wanted).square().mean()


def structure_kept(image: Tensor, photo: Tensor) -> float:
    """The correlation of the two structures: 1 where the photograph's is whole, 0 where nothing is left of it."""
    mine, theirs = structure(image).flatten().double(), structure(photo).flatten().double()
    size = float(mine.norm() * theirs.norm())
    return float(mine @ theirs) / size if size > 0 else 0.0


def style_distance(image: Tensor, styles: Sequence[Tensor], seed: int = 0, count: int = 128) -> float:
    """The patch distance at three scales, along directions of its own: those that were followed are not judged by."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    total, scales = 0.0, 0
    for scale in (1, 2, 4):
        seen, theirs = shrunk(image, scale), [shrunk(style, scale) for style in styles]
        if min(min(part.shape[-2:]) for part in (seen, *theirs)) < SIDE:
            break
        filters = directions(count, image.shape[1], generator)
        total += float(patch_distance(along(seen, filters, 2), targets(theirs, filters, 2)))
        scales += 1
    return total / max(scales, 1)


def shrunk(images: Tensor, scale: float) -> Tensor:
    """Images `scale` times smaller."""
    return images if scale == 1 else resized(images, *(max(1, round(side / scale)) for side in images.shape[-2:]))


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Images of another size, by a bicubic filter that averages where it shrinks."""
    if images.shape[-2:] == (height, width):
        return images
    return functional.interpolate(images, size=(height, width), mode="bicubic", antialias=True).clamp(-1, 1)
