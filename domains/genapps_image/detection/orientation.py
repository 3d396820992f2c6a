"""Histograms of the directions in which an image changes: what a shape looks like, whatever its shade.

Dalal and Triggs, "Histograms of oriented gradients for human detection", 2005: signed directions, cells that overlap
by half, and the strength of a cell beside that of its neighbors.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

DIRECTIONS = 8
CELL = 4  # pixels
_FLAT = 1e-3  # of the range of grey, likewise
_QUIET = 0.1  # of an image's mean strength, below which a cell counts as flat


def histograms(images: Tensor, *, compared: bool = True, cell: int = CELL) -> Tensor:
    """(N, 8, h, w) of grey images (N, 1, H, W) in 0..1, a cell every 4 pixels.

    compared: whether a cell's strength is taken beside that of the 3 x 3 cells around it.
    """
    around = F.pad(images, (1, 1, 1, 1), mode="replicate")
    across = (around[:, :, 1:-1, 2:] - around[:, :, 1:-1, :-2]) / 2
    down = (around[:, :, 2:, 1:-1] - around[:, :, :-2, 1:-1]) / 2
    strength = (across**2 + down**2 + 1e-12).sqrt()
    place = torch.atan2(down, across).remainder(2 * math.pi) * (DIRECTIONS / (2 * math.pi))
    first = place.floor()
    share = place - first
    bins = first.long() % DIRECTIONS
    spread = torch.zeros(len(images), DIRECTIONS, *images.shape[2:])
    spread.scatter_add_(1, bins, strength * (1 - share)).scatter_add_(1, (bins + 1) % DIRECTIONS, strength * share)
    pooled = _pooled(spread, cell)
    if not compared:
        return pooled
    energy = F.avg_pool2d((pooled**2).sum(1, keepdim=True), 3, 1, 1, count_include_pad=False).sqrt()
    return (pooled / (energy + _QUIET * energy.mean((1, 2, 3), keepdim=True) + _FLAT)).clamp(max=1.0)


def _pooled(maps: Tensor, cell: int) -> Tensor:
    """Weighted means over windows of two cells, which fall off to their edges, a cell apart."""
    steps = torch.arange(2 * cell) + 0.5
    rise = 1 - (steps - cell).abs() / cell
    kernel = torch.outer(rise, rise)
    count, channels, height, width = maps.shape
    margin = cell // 2
    padded = F.pad(maps.reshape(count * channels, 1, height, width), (margin,) * 4)
    found = F.conv2d(padded, (kernel / kernel.sum())[None, None], stride=cell)
    return found.reshape(count, channels, *found.shape[2:])
