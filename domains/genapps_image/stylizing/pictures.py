"""Photographs and styles as the numbers that are painted with, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps_image.codec import to_channels
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Bytes, Skipped
from genapps_image.showing import fitted
from genapps_image.stylizing.objective import SIDE

LEAST = 2 * SIDE  # pixels of the shorter side


def numbers(pixels: Bytes) -> Tensor:
    """(1, 3, H, W) between -1 and 1; alpha is laid over white."""
    rgb = np.array(to_channels(pixels, 3).transpose(2, 0, 1), order="C")
    return torch.from_numpy(rgb)[None].float() / 127.5 - 1


def pixels_of(image: Tensor) -> Bytes:
    """(H, W, 3) bytes of (1, 3, H, W)."""
    return ((image[0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def alpha_kept(painted: Bytes, photo: Bytes) -> Bytes:
    """What was painted, as transparent as the photograph is."""
    return np.concatenate([painted, photo[:, :, -1:]], 2) if photo.shape[2] in (2, 4) else painted


def read_styles(paths: Sequence[str], size: int) -> list[Tensor]:
    """Each style as (1, 3, h, w). Raises InputError for a file that is no picture, or too small for a patch."""
    found = []
    for path in paths:
        for one in open_pictures(path):
            if isinstance(one, Skipped):
                raise InputError(f"{path}: {one.name}: {one.reason}; a style is a picture, such as a painting")
            pixels = fitted(one.pixels, size)
            if min(pixels.shape[:2]) < LEAST:
                raise InputError(f"{path}: {one.name}: smaller than {LEAST} pixels; a style needs texture to follow")
            found.append(numbers(pixels))
    return found
