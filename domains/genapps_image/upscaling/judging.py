"""How good it is: held-out images made small and large again, by what was learnt and by the bicubic filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from genapps_image.fidelity import perceptual, psnr, sharpness, ssim
from genapps_image.records import Bytes
from genapps_image.upscaling.model import UpscaleModel
from genapps_image.upscaling.shrinking import enlarged, shrunk

MOST_PIXELS = 2_000_000  # judged in all; of larger images the middle


@dataclass(frozen=True)
class Closeness:
    """To the original: PSNR in dB, SSIM, perceptual distance (0: none), sharpness (1: as the original)."""

    psnr: float
    ssim: float
    perceptual: float
    sharpness: float


@dataclass(frozen=True)
class Judged:
    """One held-out image, by name, or the mean of several."""

    name: str
    bicubic: Closeness
    learnt: Closeness

    @property
    def gain(self) -> float:
        """Decibels over bicubic."""
        return self.learnt.psnr - self.bicubic.psnr

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        return {**asdict(self), "gain_db": self.gain}


def closeness(image: Bytes, truth: Bytes) -> Closeness:
    """All four measures of pixels (H, W, C)."""
    return Closeness(psnr(image, truth), ssim(image, truth), perceptual(image, truth), sharpness(image, truth))


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
        learnt = model.upscale(small, ensemble=ensemble, tile=tile)
        found.append(Judged(name, closeness(enlarged(small, model.factor), truth), closeness(learnt, truth)))
        if progress is not None:
            progress(done, len(images))
    return found


def mean(rows: Sequence[Judged]) -> Judged:
    """The mean of each figure over images."""

    def over(parts: Sequence[Closeness]) -> Closeness:
        return Closeness(*(fmean(getattr(part, name) for part in parts) for name in Closeness.__dataclass_fields__))

    return Judged(f"mean of {len(rows)}", over([row.bicubic for row in rows]), over([row.learnt for row in rows]))


def _middle(pixels: Bytes, most: int, factor: int) -> Bytes:
    height, width = pixels.shape[:2]
    side = max(int(most**0.5), 96) // factor * factor
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    return pixels[top : top + side, left : left + side] if height * width > most else pixels
