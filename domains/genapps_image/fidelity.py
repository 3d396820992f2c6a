"""How close one image is to another of the same scene: signal, structure, contrast as it is seen, and sharpness.

All take pixels (H, W, C) of the same shape, bytes or numbers between 0 and 255, with C = 1 (grey) or 3 (RGB).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

Array = np.ndarray[Any, np.dtype[Any]]

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_BAND_FLOOR, _LAST_FLOOR = 0.17, 4.86  # Laparra et al. 2016, section 2: contrast below which nothing is seen


def psnr(image: Array, truth: Array) -> float:
    """Peak signal-to-noise ratio in dB over all channels, peak 255; infinite for equal images."""
    _same(image, truth)
    error = float(np.mean(np.square(np.asarray(image, np.float64) - np.asarray(truth, np.float64))))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(image: Array, truth: Array) -> float:
    """Structural similarity of the luminance, 1 for equal images (Wang et al. 2004, "Image quality assessment").

    Their section III.C: windows of 11 x 11 weighted by a Gaussian of deviation 1.5, K1 = 0.01, K2 = 0.03; the mean over
    all windows that lie within the image. Smaller images have one window, as large as they are.
    """
    _same(image, truth)
    x, y = luminance(image), luminance(truth)
    across, down = _gaussian(min(11, x.shape[-1]), 1.5), _gaussian(min(11, x.shape[-2]), 1.5)

    def mean(values: Tensor) -> Tensor:
        return functional.conv2d(functional.conv2d(values, across.view(1, 1, 1, -1)), down.view(1, 1, -1, 1))

    mu_x, mu_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mu_x * mu_x, mean(y * y) - mu_y * mu_y
    both = mean(x * y) - mu_x * mu_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ratio = (2 * mu_x * mu_y + c1) * (2 * both + c2) / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2))
    return float(ratio.mean())


def perceptual(image: Array, truth: Array, levels: int = 6) -> float:
    """Distance between normalized Laplacian pyramids of the luminance, 0 for equal images; needs no learnt network.

    Laparra et al. 2016, "Perceptual image quality assessment using a normalized Laplacian pyramid": each band is
    divided by the local amplitude around it, as contrast is seen; root mean squares of the bands' differences, then
    their mean. The local amplitude is a Gaussian mean over 5 x 5 here, where they fitted weights to people's answers.
    """
    _same(image, truth)
    pairs = zip(_normalized(luminance(image), levels), _normalized(luminance(truth), levels), strict=True)
    return float(torch.stack([(a - b).square().mean().sqrt() for a, b in pairs]).mean())


def sharpness(image: Array, truth: Array) -> float:
    """Mean size of the luminance's slopes beside the truth's: 1 as sharp, below 1 blurred, above 1 harsher."""
    _same(image, truth)
    mine, theirs = _slope(luminance(image)), _slope(luminance(truth))
    return mine / theirs if theirs > 0 else 1.0


def luminance(pixels: Array) -> Tensor:
    """(1, 1, H, W), float64 between 0 and 255."""
    values = torch.from_numpy(np.ascontiguousarray(pixels, np.float64))
    if values.shape[2] == 1:
        return values.permute(2, 0, 1)[None]
    return (values @ torch.tensor(_LUMA, dtype=torch.double))[None, None]


def _same(image: Array, truth: Array) -> None:
    if image.shape != truth.shape or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ValueError(f"two images (H, W, 1 or 3) of one shape are compared, not {image.shape} and {truth.shape}")


def _gaussian(length: int, deviation: float) -> Tensor:
    places = torch.arange(length, dtype=torch.double) - (length - 1) / 2
    weights = torch.exp(-places.square() / (2 * deviation**2))
    return weights / weights.sum()


def _slope(x: Tensor) -> float:
    down, across = x.diff(dim=-2), x.diff(dim=-1)
    return float(sum(part.abs().mean() for part in (down, across) if part.numel()))


def _normalized(x: Tensor, levels: int) -> list[Tensor]:
    """Bands of a Laplacian pyramid, each divided by the amplitude around it; fewer of a small image."""
    x = (x / 255).clamp_min(0) ** (1 / 2.6)  # the eye's response to light, as in the paper's front end
    bands: list[Tensor] = []
    while len(bands) < levels - 1 and min(x.shape[-2:]) >= 8:
        low = _smoothed(x)[..., ::2, ::2]
        high = functional.interpolate(low, size=x.shape[-2:], mode="bilinear", align_corners=False)
        bands.append(_divided(x - high, _BAND_FLOOR))
        x = low
    return [*bands, _divided(x, _LAST_FLOOR)]


def _divided(band: Tensor, floor: float) -> Tensor:
    return band / (floor + _smoothed(band.abs()))


def _smoothed(x: Tensor) -> Tensor:
    weights = torch.tensor([1, 4, 6, 4, 1], dtype=x.dtype) / 16  # Burt and Adelson 1983
    padded = functional.pad(x, (2, 2, 2, 2), mode="replicate")
    return functional.conv2d(functional.conv2d(padded, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))
