"""Maps of the plane that can be followed both ways, so that an image, its mask and its boxes move as one.

Points are (N, 2): x to the right and y down in pixels, (0, 0) the upper left corner of the image, so that the middle of
the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Size = tuple[int, int]  # height, width

STEEPEST = 0.7  # of a field of waves: below 1 it can be followed back, and no part of an image is folded over another
_ROUNDS = 45  # of the iteration that follows waves back: 0.7 ** 45 of a pixel is left


class Map(Protocol):
    """A map of the plane onto itself."""

    def forward(self, points: Points) -> Points:
        """Where points (N, 2) of the old image lie in the new one."""

    def backward(self, points: Points) -> Points:
        """Which points of the old image lie at points (N, 2) of the new one."""


@dataclass(frozen=True)
class Affine:
    """x' = a x + b y + c, y' = d x + e y + f. Raises ValueError where it could not be followed back."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def __post_init__(self) -> None:
        if not abs(self.a * self.e - self.b * self.d) > 1e-9:
            raise ValueError("a map that flattens the image")

    @cached_property
    def inverse(self) -> Affine:
        """The way back."""
        a, b, c, d, e, f = self.a, self.b, self.c, self.d, self.e, self.f
        det = a * e - b * d
        return Affine(e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det)

    def then(self, other: Affine) -> Affine:
        """This map, and the other after it."""
        p, q = other, self
        return Affine(
            p.a * q.a + p.b * q.d, p.a * q.b + p.b * q.e, p.a * q.c + p.b * q.f + p.c,
            p.d * q.a + p.e * q.d, p.d * q.b + p.e * q.e, p.d * q.c + p.e * q.f + p.f,
        )  # fmt: skip

    def about(self, x: float, y: float) -> Affine:
        """The same map with (x, y) for its origin."""
        return Affine(1, 0, -x, 0, 1, -y).then(self).then(Affine(1, 0, x, 0, 1, y))

    def forward(self, points: Points) -> Points:
        """Where points (N, 2) of the old image lie in the new one."""
        x, y = points[:, 0], points[:, 1]
        return np.stack([self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f], 1)

    def backward(self, points: Points) -> Points:
        """Which points of the old image lie at points (N, 2) of the new one."""
        return self.inverse.forward(points)


@dataclass(frozen=True)
class Waves:
    """A smooth field of small shifts: a sum of plane waves, so that it is known at every point and not on a grid only.

    rows: (axis 0 or 1, amplitude in pixels, waves per pixel along x and along y, phase) of each wave. What elastic
    deformation is to digits (Simard, Steinkraus and Platt, 2003), without a grid of random numbers to be kept. Raises
    ValueError for waves so steep that the image could be folded over.
    """

    rows: tuple[tuple[int, float, float, float, float], ...]

    def __post_init__(self) -> None:
        # The field's derivative is a matrix of two rows, one for each axis; its norm is at most the sum of both rows'.
        if steepness(self.rows) > STEEPEST + 1e-6:
            raise ValueError("waves that are steeper than can be followed back")

    def shift(self, points: Points) -> Points:
        """The shift (N, 2) at each point."""
        moved = np.zeros_like(points)
        for axis, amplitude, fx, fy, phase in self.rows:
            moved[:, axis] += amplitude * np.sin(2 * np.pi * (fx * points[:, 0] + fy * points[:, 1]) + phase)
        return moved

    def backward(self, points: Points) -> Points:
        """Which points of the old image lie at points (N, 2) of the new one."""
        return points + self.shift(points)

    def forward(self, points: Points) -> Points:
        """Where points (N, 2) of the old image lie in the new one: the fixed point of new = old - shift(new)."""
        found = points
        for _ in range(_ROUNDS):
            found = points - self.shift(found)
        return found


def steepness(rows: tuple[tuple[int, float, float, float, float], ...]) -> float:
    """How much a field of waves may stretch distances: below 1 it folds nothing."""
    return sum(abs(amplitude) * 2 * np.pi * math.hypot(fx, fy) for _, amplitude, fx, fy, _ in rows)


@dataclass(frozen=True)
class Warp:
    """Maps one after the other, and the size of the new image."""

    maps: tuple[Map, ...]
    size: Size

    @cached_property
    def merged(self) -> tuple[Map, ...]:
        """The same with neighboring affine maps as one."""
        found: list[Map] = []
        for one in self.maps:
            last = found[-1] if found else None
            if isinstance(one, Affine) and isinstance(last, Affine):
                found[-1] = last.then(one)
            else:
                found.append(one)
        return tuple(found)

    def forward(self, points: Points) -> Points:
        """Where points (N, 2) of the old image lie in the new one."""
        for one in self.merged:
            points = one.forward(points)
        return points

    def grid(self, first: int, last: int) -> Points:
        """The points of the old image that the new one's pixels show, in rows `first` to before `last`, row by row."""
        width = self.size[1]
        xs, ys = np.arange(width) + 0.5, np.arange(first, last) + 0.5
        points: Points = np.stack([np.tile(xs, len(ys)), np.repeat(ys, width)], 1)
        for one in reversed(self.merged):
            points = one.backward(points)
        return points

    def bounds(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """The smallest upright box around what a box of the old image became; it may reach beyond the new image."""
        straight = all(isinstance(one, Affine) for one in self.merged)
        # The border of what a box becomes is what its border becomes: of straight lines the corners are enough.
        xs = np.linspace(x0, x1, 2 if straight else 2 + math.ceil(x1 - x0))
        ys = np.linspace(y0, y1, 2 if straight else 2 + math.ceil(y1 - y0))
        sides = [np.stack([xs, np.full_like(xs, y)], 1) for y in (y0, y1)]
        sides += [np.stack([np.full_like(ys, x), ys], 1) for x in (x0, x1)]
        found = self.forward(np.concatenate(sides))
        low, high = found.min(0), found.max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])
