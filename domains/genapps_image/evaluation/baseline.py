"""The least that a model has to beat: every pixel drawn by itself."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_pixels(images: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(count, C, H, W) bytes, each pixel from the normal distribution that it has in images (N, C, H, W)."""
    total = torch.zeros(images.shape[1:], dtype=torch.double)
    squares = torch.zeros_like(total)
    for part in images.split(256):
        total += part.double().sum(0)
        squares += part.double().square().sum(0)
    mean = total / len(images)
    spread = (squares / len(images) - mean.square()).clamp_min(0).sqrt()
    drawn = [
        (mean + spread * torch.randn((n, *mean.shape), generator=generator, dtype=torch.double))
        .round()
        .clamp(0, 255)
        .to(torch.uint8)
        for n in _parts(count)
    ]
    return torch.cat(drawn)


def _parts(count: int, size: int = 256) -> list[int]:
    return [min(size, count - start) for start in range(0, count, size)]
