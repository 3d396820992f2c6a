"""What every extractor offers, and images as its networks want them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

_PIXELS = 2**21  # of a batch, as a network sees it


class Extractor(ABC):
    """Images (N, C, H, W) of bytes, C = 1, 3 or 4, as features.

    name: what figures made with it are called by, such as "lite0" in FD-lite0; figures of different names, or of
    different settings below, do not compare.
    """

    name: str

    def features(self, images: Tensor) -> Tensor:
        """(N, D) float32, one row an image; batch by batch, so that memory holds one batch's work and the rows."""
        with torch.inference_mode():
            found = [self._features(part) for part in self._batches(images)]
        return torch.cat(found).clone()

    def maps(self, images: Tensor) -> list[Tensor]:
        """Features of places, at two depths: (N, C1, H1, W1) of fine ones and (N, C2, H2, W2) of coarse ones, float32.

        Images are taken at their own size, so that places keep their scale.
        """
        with torch.inference_mode():
            found = [self._maps(part) for part in self._batches(images)]
        return [torch.cat(depth).clone() for depth in zip(*found, strict=True)]

    @property
    def distances(self) -> tuple[str, str]:
        """What the Fréchet and the kernel distance of these features are called."""
        return f"FD-{self.name}", f"KD-{self.name}"

    def settings(self) -> dict[str, int | float | str]:
        """What figures depend on besides the name."""
        return {}

    def state(self) -> dict[str, Tensor]:
        """What was learnt here, for a model file; `genapps_image.features.revive` makes the extractor of it anew."""
        return {}

    @abstractmethod
    def _features(self, images: Tensor) -> Tensor: ...

    @abstractmethod
    def _maps(self, images: Tensor) -> list[Tensor]: ...

    def _seen_pixels(self, height: int, width: int) -> int:
        """Pixels of an image as it is looked at, which is what a batch is bounded by."""
        return height * width

    def _batches(self, images: Tensor) -> tuple[Tensor, ...]:
        height, width = images.shape[2:]
        parts: tuple[Tensor, ...] = images.split(max(1, min(256, _PIXELS // self._seen_pixels(height, width))))
        return parts


def to_rgb(images: Tensor) -> Tensor:
    """(N, 3, H, W) floats in 0..255 of bytes (N, C, H, W); alpha is laid over white."""
    values = images.float()
    if values.shape[1] == 4:
        alpha = values[:, 3:] / 255
        values = values[:, :3] * alpha + 255 * (1 - alpha)
    return values.expand(-1, 3, -1, -1)


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Images (N, C, H, W) of floats at another size, each pixel the mean of those below it where they shrink."""
    if images.shape[2:] == (height, width):
        return images
    return F.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False)


def within(height: int, width: int, least: int, most: int) -> tuple[int, int]:
    """The size at which the shorter side lies in least..most, the longer in proportion, but at most thrice as long."""
    side = min(max(min(height, width), least), most)
    scale = side / min(height, width)
    return min(round(height * scale), 3 * side), min(round(width * scale), 3 * side)
