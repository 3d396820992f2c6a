"""Transforms that change how pixels look and move nothing: light, color, noise, sharpness, and what is hidden."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFilter

from genapps_image.augmentation.placing import DIGITS, Values, factor_of
from genapps_image.codec import image_of
from genapps_image.records import Bytes

Floats = NDArray[np.float32]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Toning:
    """draw: numbers for an amount that grows with how much is changed. apply: pixels (H, W, C) and those, to pixels."""

    draw: Callable[[np.random.Generator, float], Values]
    apply: Callable[[Bytes, Values], Bytes]


def hidden(values: Values, height: int, width: int) -> tuple[int, int, int, int]:
    """Left, upper, right and lower border in whole pixels of what a cutout hides."""
    x0, y0 = round(values["x"] * width), round(values["y"] * height)
    return x0, y0, min(width, x0 + round(values["width"] * width)), min(height, y0 + round(values["height"] * height))


def _on_color(change: Callable[[Floats, Values], Floats]) -> Callable[[Bytes, Values], Bytes]:
    """A change of colors as numbers (H, W, 1 or 3) that leaves alpha as it is."""

    def apply(pixels: Bytes, values: Values) -> Bytes:
        colors = 3 if pixels.shape[2] >= 3 else 1
        changed = change(pixels[:, :, :colors].astype(np.float32), values)
        found = np.clip(changed + 0.5, 0, 255).astype(np.uint8)
        return found if colors == pixels.shape[2] else np.concatenate([found, pixels[:, :, colors:]], 2)

    return apply


def _floats(values: Any) -> Floats:
    found: Floats = np.asarray(values, np.float32)
    return found


def _contrast(colors: Floats, values: Values) -> Floats:
    mean = colors.mean(dtype=np.float64)
    return _floats((colors - mean) * values["factor"] + mean)


def _saturation(colors: Floats, values: Values) -> Floats:
    if colors.shape[2] == 1:
        return colors
    grey = (colors @ _LUMA)[:, :, None]
    return _floats(grey + (colors - grey) * values["factor"])


def _gamma(colors: Floats, values: Values) -> Floats:
    return _floats(255 * (colors / 255) ** values["power"])


def _noise(colors: Floats, values: Values) -> Floats:
    drawn = np.random.default_rng(values["seed"]).standard_normal(colors.shape, np.float32)
    return _floats(colors + drawn * (values["deviation"] * 255))


def _blur(pixels: Bytes, values: Values) -> Bytes:
    radius = values["radius"] * math.sqrt(pixels.shape[0] * pixels.shape[1])
    planes = [
        np.asarray(image_of(pixels[:, :, k : k + 1]).filter(ImageFilter.GaussianBlur(radius)))
        for k in range(pixels.shape[2])
    ]
    return np.stack(planes, 2)


def _cutout(colors: Floats, values: Values) -> Floats:
    x0, y0, x1, y1 = hidden(values, *colors.shape[:2])
    colors[y0:y1, x0:x1] = colors.mean((0, 1), dtype=np.float64)
    return colors


def _draw_noise(rng: np.random.Generator, amount: float) -> Values:
    return {"deviation": round(float(rng.uniform(0, amount)), DIGITS), "seed": int(rng.integers(2**32))}


def _draw_cutout(rng: np.random.Generator, amount: float) -> Values:
    """A part of half the amount to the whole of it of each side, anywhere inside (DeVries and Taylor, 2017)."""
    across, down = (round(float(rng.uniform(amount / 2, amount)), DIGITS) for _ in range(2))
    x, y = (round(float(rng.uniform(0, 1 - side)), DIGITS) for side in (across, down))
    return {"x": x, "y": y, "width": across, "height": down}


TONINGS: dict[str, Toning] = {
    "brightness": Toning(
        lambda rng, amount: {"factor": factor_of(rng, amount)},
        _on_color(lambda colors, values: _floats(colors * values["factor"])),
    ),
    "contrast": Toning(lambda rng, amount: {"factor": factor_of(rng, amount)}, _on_color(_contrast)),
    "saturation": Toning(lambda rng, amount: {"factor": factor_of(rng, amount)}, _on_color(_saturation)),
    "gamma": Toning(lambda rng, amount: {"power": factor_of(rng, amount)}, _on_color(_gamma)),
    "noise": Toning(_draw_noise, _on_color(_noise)),
    "blur": Toning(lambda rng, amount: {"radius": round(float(rng.uniform(0, amount)), DIGITS)}, _blur),
    "cutout": Toning(_draw_cutout, _on_color(_cutout)),
}
