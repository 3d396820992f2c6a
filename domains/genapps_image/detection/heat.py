"""Heat of pixels as a picture over the image, and the part of it that is meant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from genapps_image.records import Bytes

_COARSE = 256  # pixels of the longest side on which a region grows
# From nothing to hot: transparent, yellow, red.
_TONES = np.array([[255, 205, 40], [255, 130, 20], [226, 20, 40]], np.float64)


@dataclass(frozen=True)
class Region:
    """A box in pixels: its left upper corner and its size."""

    left: int
    top: int
    width: int
    height: int

    def words(self, height: int, width: int) -> str:
        """Where that is in an image of this size."""
        across, down = (self.left + self.width / 2) / width, (self.top + self.height / 2) / height
        row = "top" if down < 1 / 3 else "bottom" if down > 2 / 3 else ""
        column = "left" if across < 1 / 3 else "right" if across > 2 / 3 else ""
        return " ".join(word for word in (row, column) if word) or "middle"


def region(heat: Tensor, level: float) -> Region:
    """The box around what is hotter than `level` and joined to the hottest pixel of heat (H, W)."""
    height, width = heat.shape
    step = max(1, -(-max(height, width) // _COARSE))
    coarse = F.max_pool2d(heat[None, None], step, ceil_mode=True)
    above = coarse >= min(level, float(coarse.max()))
    grown = coarse == coarse.max()
    while True:
        wider = (F.max_pool2d(grown.float(), 3, 1, 1) > 0) & above
        if bool((wider == grown).all()):
            break
        grown = wider
    rows, columns = torch.nonzero(grown[0, 0], as_tuple=True)
    top, left = int(rows.min()) * step, int(columns.min()) * step
    bottom, right = min((int(rows.max()) + 1) * step, height), min((int(columns.max()) + 1) * step, width)
    return Region(left, top, right - left, bottom - top)


def overlay(image: Tensor, heat: Tensor, low: float, high: float) -> Bytes:
    """(H, W, 3): the image (C, H, W) of bytes, in grey, below its heat (H, W), which shows from low to high."""
    values = image.double().mean(0).numpy()
    strength = np.clip((heat.double().numpy() - low) / max(high - low, 1e-12), 0, 1)
    place = strength * (len(_TONES) - 1)
    first = np.minimum(place.astype(int), len(_TONES) - 2)
    share = (place - first)[:, :, None]
    tone = _TONES[first] * (1 - share) + _TONES[first + 1] * share
    cover = 0.75 * np.sqrt(strength)[:, :, None]
    mixed: Bytes = np.round(values[:, :, None] * (1 - cover) + tone * cover).astype(np.uint8)
    return mixed
