"""Pixels as features: small, centered, and of equal weight in each direction in which images vary. Needs no network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps_image.features.base import Extractor, resized

_MOST = 64  # directions
_SIDE = 16  # pixels of the shrunken image


class Pixels(Extractor):
    """Up to 64 principal components of images shrunken to 16 x 16 pixels, each divided by its standard deviation.

    A direction that hardly varies is not blown up: the mean variance of those kept is added to each. `maps` are the
    neighborhoods of 3 x 3 pixels of the image at a half and at a quarter of its size.
    """

    name = "pixels"

    def __init__(self, mean: Tensor, directions: Tensor) -> None:
        self._mean, self._directions = mean, directions  # (P,), (P, D)

    @classmethod
    def learn(cls, images: Tensor) -> Pixels:
        """From images (N, C, H, W) of bytes."""
        rows = _flat(images)
        mean = rows.mean(0)
        _, spread, basis = torch.linalg.svd(rows - mean, full_matrices=False)
        variance = (spread.square() / max(1, len(rows) - 1))[:_MOST]
        kept = basis[:_MOST].T / (variance + variance.mean()).sqrt().clamp_min(1e-6)
        return cls(mean, kept.contiguous())

    def state(self) -> dict[str, Tensor]:
        """Mean and directions."""
        return {"mean": self._mean, "directions": self._directions}

    def _features(self, images: Tensor) -> Tensor:
        return (_flat(images) - self._mean) @ self._directions

    def _maps(self, images: Tensor) -> list[Tensor]:
        values = images.float() / 255
        return [_neighborhoods(F.avg_pool2d(values, step, ceil_mode=True)) for step in (2, 4)]


def _flat(images: Tensor) -> Tensor:
    height, width = (min(_SIDE, side) for side in images.shape[2:])
    return resized(images.float() / 255, height, width).flatten(1)


def _neighborhoods(values: Tensor) -> Tensor:
    """(N, 9 C, H, W)."""
    padded = F.pad(values, (1, 1, 1, 1), mode="replicate")
    around: Tensor = F.unfold(padded, 3).unflatten(2, values.shape[2:])
    return around
