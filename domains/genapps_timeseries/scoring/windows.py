"""Windows of a channel, and scores of windows brought back to its points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.ranges import natural_window
from genapps_timeseries.series import Floats


def window_of(normal: Floats, longest: int = 300) -> int:
    """Points of one period of a channel, 4..longest, from its normal part (R,); shorter where the part is short."""
    return int(np.clip(natural_window(normal), 4, max(4, min(longest, len(normal) // 4))))


def windows(values: Floats, length: int) -> Floats:
    """All windows (N - length + 1, length) of points (N,), a view; values shorter than that hold their last one."""
    if len(values) < length:
        values = np.pad(values, (0, length - len(values)), mode="edge")
    view: Floats = np.lib.stride_tricks.sliding_window_view(values, length)
    return view


def spread(scores: Floats, count: int, length: int) -> Floats:
    """Scores of all windows as scores of points (count,): the mean of the windows that cover a point."""
    return spread_some(scores, np.arange(len(scores)), count, length)


def spread_some(scores: Floats, starts: NDArray[np.int64], count: int, length: int) -> Floats:
    """The same of windows that begin at `starts` (K,), in order; the first and the last window hold for the ends.

    Starts may be at most `length` apart, so that each point between them is covered.
    """
    total = np.concatenate([[0.0], np.cumsum(scores)])
    point = np.arange(count)
    last = np.clip(np.searchsorted(starts, point, side="right"), 1, len(starts))
    first = np.clip(np.searchsorted(starts, point - length, side="right"), 0, last - 1)
    means: Floats = (total[last] - total[first]) / (last - first)
    return means


def running_mean(values: Floats, width: int, *, partial: bool = False) -> Floats:
    """Means (N,) over `width` points around each point; at both ends that of the first and the last `width`.

    Fewer points vary more, and a part of a period is elsewhere than all of it: ends would be strange for being ends.
    `partial`: means of fewer points all the same, for whoever asks how far such means can lie apart.
    """
    count = len(values)
    total, first = np.concatenate([[0.0], np.cumsum(values)]), np.arange(count) - (width - 1) // 2
    if partial:
        first, last = np.maximum(first, 0), np.minimum(first + width, count)
    else:
        width = max(1, min(width, count))
        first = np.clip(np.arange(count) - (width - 1) // 2, 0, count - width)
        last = first + width
    means: Floats = (total[last] - total[first]) / (last - first)
    return means


def running_max(values: Floats, width: int) -> Floats:
    """The highest (N,) of `width` points around each point, of fewer at the ends."""
    before, after = (width - 1) // 2, width // 2
    best = np.pad(np.asarray(values, np.float64), (before, after), constant_values=-np.inf)
    reach = 1  # how many points from its own on each entry has seen
    while reach < width:
        step = min(reach, width - reach)
        best = np.maximum(best[: len(best) - step], best[step:])
        reach += step
    return best


def covering(known: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Which of all windows (N - length + 1,) hold known points (N,) only."""
    total = np.concatenate([[0], np.cumsum(known)])
    if len(known) < length:
        return np.asarray([bool(known.all())])
    return np.asarray(total[length:] - total[:-length] == length)


def reach_of(window: int) -> int:
    """How far around a point its own score falls off: half a period, at most 50 points."""
    return max(2, min(window, 100) // 2)


def tent(scores: Floats, reach: int) -> Floats:
    """Scores (N,) of single points as scores of their surroundings, falling off to nothing `reach` points away.

    A point's anomaly is rarely labelled, or felt, to the very point; without this it would count for less than one
    that windows saw.
    """
    best: Floats = np.array(scores, np.float64)
    for step in range(1, min(reach, len(scores))):
        share = 1 - step / reach
        np.maximum(best[step:], scores[:-step] * share, out=best[step:])
        np.maximum(best[:-step], scores[step:] * share, out=best[:-step])
    return best
