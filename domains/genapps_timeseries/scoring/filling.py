"""Holes in a channel: members see lines instead, and long holes get no score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.ranges import segments
from genapps_timeseries.series import Floats


class Filled(NamedTuple):
    """values: (N,) without NaN. judged: (N,) true where a score means something."""

    values: Floats
    judged: NDArray[np.bool_]


def fill(values: Floats, longest: int) -> Filled:
    """Bridge holes of points (N,) along straight lines, and hold the first and the last known value.

    A hole of more than `longest` points is bridged too, so that windows beside it can be taken, but is not judged. What
    is infinite counts as unknown; where nothing is known all points are 0 and none is judged.
    """
    known = np.isfinite(values)
    if known.all():
        return Filled(np.asarray(values, np.float64), known)
    if not known.any():
        return Filled(np.zeros(len(values)), known)
    rows = np.arange(len(values))
    bridged = np.interp(rows, rows[known], values[known])
    judged = np.ones(len(values), bool)
    for first, last in zip(*segments(~known), strict=True):
        judged[first : last + 1] = last - first < longest
    return Filled(bridged, judged)
