"""The degradation that is undone, and the enlargement it is compared with: bicubic, as Pillow does it."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from genapps_image.codec import image_of
from genapps_image.records import Bytes


def cropped(pixels: Bytes, factor: int) -> Bytes:
    """(H, W, C) with sides that the factor divides; the rest is cut off at the bottom and on the right."""
    height, width = (side // factor * factor for side in pixels.shape[:2])
    return pixels[:height, :width]


def shrunk(pixels: Bytes, factor: int) -> Bytes:
    """(H / factor, W / factor, C) by Pillow's bicubic filter, which averages over what it leaves out."""
    return _resized(pixels, pixels.shape[0] // factor, pixels.shape[1] // factor)


def enlarged(pixels: Bytes, factor: int) -> Bytes:
    """(factor H, factor W, C) by Pillow's bicubic filter: the trivial way, beside which all is judged."""
    return _resized(pixels, pixels.shape[0] * factor, pixels.shape[1] * factor)


def bicubic(images: Tensor, factor: int) -> Tensor:
    """The same enlargement of numbers (N, C, H, W), without rounding."""
    return functional.interpolate(images, scale_factor=factor, mode="bicubic", antialias=True, align_corners=False)


def _resized(pixels: Bytes, height: int, width: int) -> Bytes:
    found = np.asarray(image_of(pixels).resize((width, height), Image.Resampling.BICUBIC), np.uint8)
    return found[:, :, None] if found.ndim == 2 else found


def to_tensor(pixels: Bytes) -> Tensor:
    """(C, H, W), bytes."""
    return torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))


def to_pixels(image: Tensor) -> Bytes:
    """(H, W, C) of (C, H, W) bytes."""
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())
