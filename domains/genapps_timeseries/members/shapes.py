"""How far the nearest windows are when each is brought to mean 0 and deviation 1: only the shape counts."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.nearest import Nearest
from genapps_timeseries.members.search import shrunk
from genapps_timeseries.series import Floats

DETAIL = 64  # columns of a window
FLAT = 0.02  # of the channel's spread, added to a window's own: noise on a flat stretch is no shape
SHORTEST = 8  # points that make a shape


class Shapes(Nearest):
    """The distance to the nearest shape of the normal part."""

    name: ClassVar[str] = "shapes"
    rank: ClassVar[int] = 1
    whole: ClassVar[bool] = False
    most: ClassVar[int] = 3000

    def _length(self, window: int) -> int:
        return max(window, SHORTEST)

    def _features(self, rows: Floats) -> NDArray[np.float32]:
        centered = rows - rows.mean(1, keepdims=True)
        centered /= rows.std(1, keepdims=True) + FLAT
        return shrunk(centered, DETAIL)


class Discords(Shapes):
    """The distance to the nearest shape anywhere else: the z-normalized matrix profile (Yeh et al., 2016)."""

    name: ClassVar[str] = "discords"
    whole: ClassVar[bool] = True
    most: ClassVar[int] = 8000
