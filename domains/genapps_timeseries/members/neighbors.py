"""How far the nearest windows are, in the channel's own unit: amplitude counts."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.nearest import Nearest
from genapps_timeseries.members.search import shrunk
from genapps_timeseries.series import Floats

DETAIL = 96  # columns of a window


class Neighbors(Nearest):
    """The distance to the fifth occurrence, in the normal part and in what is judged: what is strange may recur."""

    name: ClassVar[str] = "neighbors"
    rank: ClassVar[int] = 5
    recurrent: ClassVar[int] = 10**9  # short windows have many like them by chance
    whole: ClassVar[bool] = True
    most: ClassVar[int] = 6000

    def _features(self, rows: Floats) -> NDArray[np.float32]:
        return shrunk(rows, DETAIL)
