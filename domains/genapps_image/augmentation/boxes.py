"""A box around something in a picture: whether it lies in it, and what a transform makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from genapps_image.augmentation.geometry import Size, Warp

SLACK = 1.0  # pixels by which tools of annotation overshoot: cut off rather than refused
SMALLEST = 1.0  # pixels of a side below which a box is of no use


@dataclass(frozen=True)
class Box:
    """label: what is in it. x0, y0, x1, y1: left, upper, right and lower border in pixels. row: where it was read."""

    label: str
    x0: float
    y0: float
    x1: float
    y1: float
    row: str = ""

    @property
    def area(self) -> float:
        """Square pixels."""
        return max(self.x1 - self.x0, 0.0) * max(self.y1 - self.y0, 0.0)


@dataclass(frozen=True)
class Refused:
    """A box, or a row of a file of boxes, that cannot be used, and why."""

    row: str
    reason: str


def within(box: Box, size: Size) -> Box | Refused:
    """The box, cut at the image's border where it overshoots by a pixel at most, or why it is none of this image."""
    height, width = size
    sides = (box.x0, box.y0, box.x1, box.y1)
    if not all(math.isfinite(side) for side in sides):
        return Refused(box.row, "a side of the box is no number")
    if box.x1 <= box.x0 or box.y1 <= box.y0:
        return Refused(box.row, f"the box has no area: {_said(box)}")
    if box.x0 < -SLACK or box.y0 < -SLACK or box.x1 > width + SLACK or box.y1 > height + SLACK:
        apart = box.x1 <= 0 or box.y1 <= 0 or box.x0 >= width or box.y0 >= height
        where = "outside" if apart else "partly outside"
        return Refused(box.row, f"the box lies {where} the image of {width} x {height}: {_said(box)}")
    cut = _cut(box, size)
    return cut if cut.area > 0 else Refused(box.row, f"the box has no area: {_said(box)}")


def moved(box: Box, warp: Warp, visible: float) -> Box | None:
    """The box around what the box became, cut at the border; None where less than that share of it is left."""
    x0, y0, x1, y1 = warp.bounds(box.x0, box.y0, box.x1, box.y1)
    whole = replace(box, x0=x0, y0=y0, x1=x1, y1=y1)
    cut = _cut(whole, warp.size)
    if cut.x1 - cut.x0 < SMALLEST or cut.y1 - cut.y0 < SMALLEST or cut.area < visible * whole.area:
        return None
    return cut


def uncovered(box: Box, x0: float, y0: float, x1: float, y1: float) -> float:
    """The share of a box that a rectangle laid over the image leaves to be seen."""
    across = max(min(box.x1, x1) - max(box.x0, x0), 0.0)
    down = max(min(box.y1, y1) - max(box.y0, y0), 0.0)
    return 1 - across * down / box.area


def _cut(box: Box, size: Size) -> Box:
    height, width = size
    return replace(
        box, x0=max(box.x0, 0.0), y0=max(box.y0, 0.0), x1=min(box.x1, float(width)), y1=min(box.y1, float(height))
    )


def _said(box: Box) -> str:
    return f"x {box.x0:g} to {box.x1:g}, y {box.y0:g} to {box.y1:g}"
