"""Where to fill: a box, or what is white in a mask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from genapps.errors import UsageError
from genapps_image.codec import to_channels
from genapps_image.generation.restoring import Mask
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Picture, Skipped

Box = tuple[int, int, int, int]  # x, y of the upper left corner, width, height, in pixels of the image
_WHITE = 128  # from this grey on a mask says: fill


def hole_of(mask: str | None, box: Box | None) -> Callable[[Picture], Mask | str]:
    """What gives the hole (H, W) of a picture, true where to fill, or says why there is none.

    Raises UsageError unless one of the two is given, or for a mask that is none.
    """
    if (mask is None) == (box is None):
        raise UsageError("say where to fill: --box x,y,width,height, or --mask FILE (white where to fill); one of them")
    if box is not None:
        return lambda picture: _boxed(picture, box)
    masks = open_pictures(str(mask))
    by_name = {Path(name).stem: k for k, name in enumerate(masks.names)} if Path(str(mask)).is_dir() else None

    def masked(picture: Picture) -> Mask | str:
        number = 0 if by_name is None else by_name.get(Path(picture.name).stem)
        if number is None:
            return f"no mask of that name in {mask}"
        one = masks.one(number)
        if isinstance(one, Skipped):
            return f"its mask {one.name}: {one.reason}"
        if one.pixels.shape[:2] != picture.pixels.shape[:2]:
            sizes = [f"{height} x {width}" for height, width in (one.pixels.shape[:2], picture.pixels.shape[:2])]
            return f"its mask is {sizes[0]} pixels, the image {sizes[1]}"
        return _checked(to_channels(one.pixels, 1)[:, :, 0] >= _WHITE, f"its mask {one.name}")

    return masked


def _boxed(picture: Picture, box: Box) -> Mask | str:
    x, y, width, height = box
    rows, columns = picture.pixels.shape[:2]
    if x >= columns or y >= rows:
        return f"the box begins outside of its {columns} x {rows} pixels (width x height)"
    hole = np.zeros((rows, columns), np.bool_)
    hole[y : y + height, x : x + width] = True
    return _checked(hole, "the box")


def _checked(hole: Mask, what: str) -> Mask | str:
    if not hole.any():
        return f"{what} has nothing white, which says where to fill"
    if hole.all():
        return f"{what} is all of it, and nothing is known to go by; `genapps image sample` makes whole images"
    return hole
