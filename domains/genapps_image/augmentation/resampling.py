"""New images out of old ones by the points that their pixels show: smooth for pictures, nearest for masks."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from genapps_image.augmentation.geometry import Points, Warp
from genapps_image.records import Bytes

Kind = TypeVar("Kind", bound=np.generic)


def resample(pixels: Bytes, warp: Warp) -> Bytes:
    """Pixels (h, w, C) of a picture (H, W, C), between neighbors by distance; beyond its border the border goes on."""
    if pixels.shape[2] in (2, 4):  # what is transparent has no color that could bleed into what is not
        return _with_alpha(pixels, warp)
    return _rounded(_between(pixels.astype(np.float32), warp.grid()), warp)


def resample_mask(mask: NDArray[Kind], warp: Warp) -> NDArray[Kind]:
    """A mask (H, W) or (H, W, C) of any kind of values: each pixel has the old one's that lies there, or 0 beyond."""
    height, width = mask.shape[:2]
    points = np.floor(warp.grid())
    x, y = points[:, 0], points[:, 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    found = np.zeros((len(points), *mask.shape[2:]), mask.dtype)
    found[inside] = mask[y[inside].astype(np.int64), x[inside].astype(np.int64)]
    return found.reshape(*warp.size, *mask.shape[2:])


def _with_alpha(pixels: Bytes, warp: Warp) -> Bytes:
    values = pixels.astype(np.float32)
    values[:, :, :-1] *= values[:, :, -1:] / 255
    found = _between(values, warp.grid())
    found[:, :-1] *= 255 / np.maximum(found[:, -1:], 1e-3)
    return _rounded(found, warp)


def _between(values: NDArray[np.float32], points: Points) -> NDArray[np.float32]:
    """(N, C) at points (N, 2) of an image (H, W, C)."""
    height, width, channels = values.shape
    x = np.clip(points[:, 0] - 0.5, 0, width - 1)
    y = np.clip(points[:, 1] - 0.5, 0, height - 1)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, low = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left).astype(np.float32)[:, None], (y - top).astype(np.float32)[:, None]
    flat = values.reshape(-1, channels)
    above = flat[top * width + left] * (1 - across) + flat[top * width + right] * across
    below = flat[low * width + left] * (1 - across) + flat[low * width + right] * across
    found: NDArray[np.float32] = above * (1 - down) + below * down
    return found


def _rounded(values: NDArray[np.float32], warp: Warp) -> Bytes:
    found: Bytes = np.clip(values + 0.5, 0, 255).astype(np.uint8).reshape(*warp.size, -1)
    return found
