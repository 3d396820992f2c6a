"""Windows of a channel, and scores of windows brought back to its points."""

from __future__ import annotations

import numpy as np

from genapps.metrics.ranges import natural_window
from genapps_timeseries.series import Floats


def window_of(normal: Floats, longest: int = 300) -> int:
    """Points of one period of a channel, 4..longest, from its normal part (R,); shorter where the part is short."""
    return int(np.clip(natural_window(normal), 4, max(4, min(longest, len(normal) // 4))))


def windows(values: Floats, length: int) -> Floats:
    """All windows (N - length + 1, length) of points (N,), a view."""
    view: Floats = np.lib.stride_tricks.sliding_window_view(values, length)
    return view


def spread(scores: Floats, count: int, length: int) -> Floats:
    """Scores of all windows as scores of points (count,): the mean of the windows that cover a point."""
    total = np.concatenate([[0.0], np.cumsum(scores)])
    point = np.arange(count)
    last = np.minimum(point, len(scores) - 1) + 1
    first = np.minimum(np.maximum(point - length + 1, 0), len(scores) - 1)
    means: Floats = (total[last] - total[first]) / (last - first)
    return means
