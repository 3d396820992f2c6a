"""How good it is: held-out images made small and large again, by what was learnt and by the bicubic filter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import torch
from torch.nn import functional

from genapps_image.features import Extractor
from genapps_image.features.lite0 import Lite0, installed
from genapps_image.fidelity import perceptual, psnr, sharpness, ssim
from genapps_image.records import Bytes
from genapps_image.showing import richest
from genapps_image.upscaling.model import UpscaleModel
from genapps_image.upscaling.shrinking import enlarged, shrunk, to_tensor

MOST_PIXELS = 2_000_000  # judged in all; of larger images the middle
SHOWN = 96  # pixels of a side of the piece of each image that is kept to be shown


@dataclass(frozen=True)
class Closeness:
    """To the original: PSNR in dB, SSIM, perceptual distance (0: none), sharpness (1: as the original).

    features: the distance of features of EfficientNet-Lite0, where its weights are installed; else None.
    """

    psnr: float
    ssim: float
    perceptual: float
    sharpness: float
    features: float | None = None


@dataclass(frozen=True)
class Pieces:
    """The same place of an image three times, (h, w, C): where it has most to show."""

    bicubic: Bytes
    learnt: Bytes
    truth: Bytes


@dataclass(frozen=True)
class Judged:
    """One held-out image, by name, or the mean of several, which has no pieces."""

    name: str
    bicubic: Closeness
    learnt: Closeness
    pieces: Pieces | None = None

    @property
    def gain(self) -> float:
        """Decibels over bicubic; 0 where both are without error."""
        return 0.0 if self.learnt.psnr == self.bicubic.psnr else self.learnt.psnr - self.bicubic.psnr

    def to_json(self) -> dict[str, Any]:
        """All figures; None for a PSNR without bound."""
        figures = {name: {key: _finite(value) for key, value in asdict(of).items()} for name, of in (
            ("bicubic", self.bicubic), ("learnt", self.learnt))}  # fmt: skip
        return {"name": self.name, **figures, "gain_db": _finite(self.gain)}


def closeness(image: Bytes, truth: Bytes) -> Closeness:
    """All measures of pixels (H, W, C)."""
    deep = feature_distance(Lite0(), image, truth) if installed() is not None else None
    return Closeness(psnr(image, truth), ssim(image, truth), perceptual(image, truth), sharpness(image, truth), deep)


def feature_distance(extractor: Extractor, image: Bytes, truth: Bytes) -> float:
    """Mean squared difference of features of length 1 at each place, over two depths; 0 for equal images.

    Zhang et al. 2018, "The unreasonable effectiveness of deep features as a perceptual metric", equation 1, with all
    channels weighing the same. Figures of different networks do not compare.
    """
    both = extractor.maps(torch.stack([to_tensor(image), to_tensor(truth)]))
    depths = [functional.normalize(found, dim=1) for found in both]
    return fmean(float((found[0] - found[1]).square().sum(0).mean()) for found in depths)


def judge(
    model: UpscaleModel,
    images: Sequence[Bytes],
    names: Sequence[str],
    *,
    ensemble: bool = True,
    tile: int = 192,
    most: int = MOST_PIXELS,
    progress: Callable[[int, int], None] | None = None,
) -> list[Judged]:
    """Each of the images (H, W, C), whose sides the factor divides, made small by Pillow's bicubic filter and back."""
    found = []
    for done, (pixels, name) in enumerate(zip(images, names, strict=True), 1):
        truth = _middle(pixels, most // max(len(images), 1), model.factor)
        small = shrunk(truth, model.factor)
        plain, learnt = enlarged(small, model.factor), model.upscale(small, ensemble=ensemble, tile=tile)
        top, left = richest(truth, SHOWN)
        piece = slice(top, top + SHOWN), slice(left, left + SHOWN)
        pieces = Pieces(plain[piece].copy(), learnt[piece].copy(), truth[piece].copy())
        found.append(Judged(name, closeness(plain, truth), closeness(learnt, truth), pieces))
        if progress is not None:
            progress(done, len(images))
    return found


def mean(rows: Sequence[Judged]) -> Judged:
    """The mean of each figure over images."""

    def over(parts: Sequence[Closeness]) -> Closeness:
        columns = ([getattr(part, name) for part in parts] for name in Closeness.__dataclass_fields__)
        return Closeness(*(None if None in column else fmean(column) for column in columns))  # type: ignore[arg-type]

    return Judged(f"mean of {len(rows)}", over([row.bicubic for row in rows]), over([row.learnt for row in rows]))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _middle(pixels: Bytes, most: int, factor: int) -> Bytes:
    height, width = pixels.shape[:2]
    side = max(int(most**0.5), 96) // factor * factor
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    return pixels[top : top + side, left : left + side] if height * width > most else pixels
