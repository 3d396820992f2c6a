"""New images out of old ones by the points that their pixels show: smooth for pictures, nearest for masks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from genapps_image.augmentation.geometry import Points, Warp
from genapps_image.records import Bytes

Kind = TypeVar("Kind", bound=np.generic)
_AT_ONCE = 1 << 18  # pixels


def resample(pixels: Bytes, warp: Warp) -> Bytes:
    """Pixels (h, w, C) of a picture (H, W, C), between neighbors by distance; beyond its border the border goes on."""
    height, width = warp.size
    found = np.empty((height, width, pixels.shape[2]), np.uint8)
    for rows in _strips(warp):
        values = _between(pixels, warp.grid(rows.start, rows.stop))
        found[rows] = np.clip(values + 0.5, 0, 255).reshape(-1, width, pixels.shape[2])
    return found


def resample_mask(mask: NDArray[Kind], warp: Warp) -> NDArray[Kind]:
    """A mask (H, W) or (H, W, C) of any kind of values: each pixel has the old one's that lies there, or 0 beyond."""
    height, width = mask.shape[:2]
    found = np.zeros((*warp.size, *mask.shape[2:]), mask.dtype)
    for rows in _strips(warp):
        points = np.floor(warp.grid(rows.start, rows.stop))
        x, y = points[:, 0], points[:, 1]
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        part = found[rows].reshape(-1, *mask.shape[2:])  # a view
        part[inside] = mask[y[inside].astype(np.int64), x[inside].astype(np.int64)]
    return found


def _strips(warp: Warp) -> Iterator[slice]:
    """Rows of the new image, so many at once that what they need stays small beside the image."""
    height, width = warp.size
    step = max(1, _AT_ONCE // width)
    return (slice(first, min(first + step, height)) for first in range(0, height, step))


def _between(pixels: Bytes, points: Points) -> NDArray[np.float32]:
    """(N, C) at points (N, 2) of an image (H, W, C)."""
    height, width, channels = pixels.shape
    x = np.clip(points[:, 0] - 0.5, 0, width - 1)
    y = np.clip(points[:, 1] - 0.5, 0, height - 1)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, low = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left).astype(np.float32)[:, None], (y - top).astype(np.float32)[:, None]
    flat = pixels.reshape(-1, channels)

    def at(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        values: NDArray[np.float32] = flat[rows * width + columns].astype(np.float32)
        if channels in (2, 4):  # what is transparent has no color that could bleed into what is not
            values[:, :-1] *= values[:, -1:] / 255
        return values

    above = at(top, left) * (1 - across) + at(top, right) * across
    below = at(low, left) * (1 - across) + at(low, right) * across
    found = np.asarray(above * (1 - down) + below * down, np.float32)
    if channels in (2, 4):
        found[:, :-1] *= 255 / np.maximum(found[:, -1:], 1e-3)
    return found
