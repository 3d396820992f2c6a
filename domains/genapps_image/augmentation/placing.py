"""Transforms that move things: each draws its numbers, and from these and an image's size makes a map of the plane.

Lengths are shares of the image's sides, so that what is drawn means the same to a thumbnail and to a photograph.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from genapps_image.augmentation.geometry import STEEPEST, Affine, Map, Size, Waves, steepness

Values = dict[str, Any]
DIGITS = 5  # of what is drawn, so that a manifest says it exactly
_WAVES = 3  # along each axis
_FASTEST = 2.0  # waves across the image


@dataclass(frozen=True)
class Placing:
    """draw: numbers for an amount that grows with how far things are moved. build: the map for an image's size.

    turns: whether the new image has the old one's height for its width.
    """

    draw: Callable[[np.random.Generator, float], Values]
    build: Callable[[Values, Size], Map]
    turns: Callable[[Values], bool] = lambda _: False


def _within(rng: np.random.Generator, amount: float) -> float:
    return round(float(rng.uniform(-amount, amount)), DIGITS)


def factor_of(rng: np.random.Generator, amount: float) -> float:
    """As likely 1 + amount as its inverse."""
    return round(math.exp(rng.uniform(-1, 1) * math.log1p(amount)), DIGITS)


def _flip(_: Values, size: Size) -> Map:
    return Affine(-1, 0, size[1], 0, 1, 0)


def _flip_vertical(_: Values, size: Size) -> Map:
    return Affine(1, 0, 0, 0, -1, size[0])


def _turn(values: Values, size: Size) -> Map:
    height, width = size
    return {
        1: Affine(0, -1, height, 1, 0, 0),
        2: Affine(-1, 0, width, 0, -1, height),
        3: Affine(0, 1, 0, -1, 0, width),
    }[values["quarters"]]


def _shift(values: Values, size: Size) -> Map:
    return Affine(1, 0, values["x"] * size[1], 0, 1, values["y"] * size[0])


def _rotate(values: Values, size: Size) -> Map:
    angle = math.radians(values["degrees"])
    c, s = math.cos(angle), math.sin(angle)
    return _middle(Affine(c, -s, 0, s, c, 0), size)


def _scale(values: Values, size: Size) -> Map:
    return _middle(Affine(values["x"], 0, 0, 0, values["y"], 0), size)


def _shear(values: Values, size: Size) -> Map:
    # One after the other: both at once would flatten the image where their product is 1.
    return _middle(Affine(1, values["x"], 0, 0, 1, 0).then(Affine(1, 0, 0, values["y"], 1, 0)), size)


def _crop(values: Values, size: Size) -> Map:
    height, width = size
    across, down = 1 / values["width"], 1 / values["height"]
    return Affine(across, 0, -values["x"] * width * across, 0, down, -values["y"] * height * down)


def _elastic(values: Values, size: Size) -> Map:
    height, width = size
    rows = tuple(
        (int(axis), amount * (width, height)[int(axis)], fx / width, fy / height, phase)
        for axis, amount, fx, fy, phase in values["waves"]
    )
    # A long narrow image has steeper waves than a square one: as flat as can be followed back.
    much = min(1.0, STEEPEST / max(steepness(rows), 1e-12))
    return Waves(tuple((axis, amplitude * much, fx, fy, phase) for axis, amplitude, fx, fy, phase in rows))


def _middle(map_: Affine, size: Size) -> Affine:
    return map_.about(size[1] / 2, size[0] / 2)


def _draw_scale(rng: np.random.Generator, amount: float) -> Values:
    """One factor for both sides, and a quarter of the amount to stretch it."""
    both, apart = factor_of(rng, amount), factor_of(rng, amount / 4)
    return {"x": round(both * apart, DIGITS), "y": round(both / apart, DIGITS)}


def _draw_crop(rng: np.random.Generator, amount: float) -> Values:
    """A part of the image of at least 1 - amount of each side."""
    across, down = (round(1 - float(rng.uniform(0, amount)), DIGITS) for _ in range(2))
    x, y = (round(float(rng.uniform(0, 1 - side)), DIGITS) for side in (across, down))
    return {"x": x, "y": y, "width": across, "height": down}


def _draw_elastic(rng: np.random.Generator, amount: float) -> Values:
    """Waves whose shifts add up to the amount at most, as a share of the side."""
    waves = []
    for axis in (0, 1):
        heights = rng.dirichlet(np.ones(_WAVES)) * amount
        for height in heights:
            fx, fy = rng.uniform(-_FASTEST, _FASTEST, 2)
            phase = rng.uniform(0, 2 * math.pi)
            waves.append([axis, *(round(float(value), DIGITS) for value in (height, fx, fy, phase))])
    return {"waves": waves}


PLACINGS: dict[str, Placing] = {
    "flip": Placing(lambda rng, amount: {}, _flip),
    "flip_vertical": Placing(lambda rng, amount: {}, _flip_vertical),
    "turn": Placing(
        lambda rng, amount: {"quarters": int(rng.integers(1, 4))}, _turn, lambda values: values["quarters"] != 2
    ),
    "shift": Placing(lambda rng, amount: {"x": _within(rng, amount), "y": _within(rng, amount)}, _shift),
    "rotate": Placing(lambda rng, amount: {"degrees": _within(rng, amount)}, _rotate),
    "scale": Placing(_draw_scale, _scale),
    "shear": Placing(lambda rng, amount: {"x": _within(rng, amount), "y": _within(rng, amount)}, _shear),
    "crop": Placing(_draw_crop, _crop),
    "elastic": Placing(_draw_elastic, _elastic),
}
