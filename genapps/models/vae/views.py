"""Images moved and turned a little: what a class does not change by, for classes learnt from few labels.

Source: Sohn et al. 2020, "FixMatch: simplifying semi-supervised learning with consistency and confidence": where the
classifier is sure of a slightly moved image, it has to say the same of a strongly changed one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

_TURN, _SIZE, _SHEAR = math.radians(25), 0.2, 0.25  # the strongest changes: angle, share of the size, slant
_HOLE = 0.35  # the largest side of the square that is blanked, as a share of the image


def moved(images: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """Images (B, C, H, W), each shifted by up to so many whole pixels; what comes in is blank (0)."""
    height, width = images.shape[2:]
    padded = functional.pad(images, (steps,) * 4)
    draws = torch.randint(0, 2 * steps + 1, (2, len(images), 1), generator=generator, device=generator.device)
    shifts = draws.to(images.device)
    down = torch.arange(height, device=images.device) + shifts[0]  # (B, H)
    right = torch.arange(width, device=images.device) + shifts[1]
    rows = torch.arange(len(images), device=images.device)[:, None, None]
    return padded[rows, :, down[:, :, None], right[:, None, :]].movedim(3, 1)


def warped(images: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """Images (B, C, H, W), each turned, scaled, slanted and shifted at random, with a square of it blanked."""
    count, _, height, width = images.shape
    draws = (2 * torch.rand(7, count, generator=generator, device=generator.device) - 1).to(images.device)
    angle, scale, slant = _TURN * draws[0], 1 + _SIZE * draws[1], _SHEAR * draws[2]
    cos, sin = angle.cos() / scale, angle.sin() / scale
    across, down = 2 * steps * draws[3] / width, 2 * steps * draws[4] / height
    matrix = torch.stack(
        [torch.stack([cos, slant * cos - sin, across], 1), torch.stack([sin, slant * sin + cos, down], 1)], 1
    )  # (B, 2, 3)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    changed = functional.grid_sample(images, grid, align_corners=False)
    x = torch.linspace(-1, 1, width, device=images.device)
    y = torch.linspace(-1, 1, height, device=images.device)
    beside = ((x - draws[5, :, None]).abs() > _HOLE)[:, None, None, :]
    above = ((y - draws[6, :, None]).abs() > _HOLE)[:, None, :, None]
    return changed * (beside | above)
