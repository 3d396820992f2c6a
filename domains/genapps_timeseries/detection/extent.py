"""Where in an alarm the rows themselves are strange: scores of windows are wider than what they are about."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from genapps_timeseries.series import Floats

OFF = 4.0  # usual residuals that a row is off
COST = 4.0  # squared usual residuals that a row takes from a stretch, and most of a single one that it gives to it
MOST = 25.0
AROUND = 3  # rows on either side of which the middle one is told apart
SHORT = 3  # rows of a spike


def extent(residual: Floats, unit: float) -> tuple[int, int]:
    """The first and the last row of the stretch of residuals (L,) that is most off, NaN for what is unknown.

    The stretch with the highest sum of squared residuals, in usual ones, less what each row costs: the scan statistic
    of a change in normal noise (Kulldorff, 1997), in one pass (Bentley, 1984). Where no row is clearly off, all that is
    off by half as much as the worst.
    """
    off = np.abs(np.nan_to_num(residual))
    squared = (off / (unit or 1.0)) ** 2
    if squared.max() < OFF**2:
        rows = np.flatnonzero(off >= off.max() / 2)
        return int(rows[0]), int(rows[-1])
    total = np.concatenate([[0.0], np.cumsum(np.minimum(squared, MOST) - COST)])
    lowest = np.minimum.accumulate(total[:-1])
    last = int((total[1:] - lowest).argmax())
    return int(total[: last + 1].argmin()), last


def lone(values: Floats, start: int, stop: int, normal: Floats, squared: Floats) -> tuple[int, int] | None:
    """A spike among rows start..stop - 1 of values (N,), where it is all that is strange of them: its rows.

    Its rows are farther from their neighbors than normal values (R,) ever were, and a third of the squared residuals
    (stop - start,), in usual ones, that are more than usual is theirs.
    """
    apart, usual = contrast(values)[start:stop], contrast(normal)
    apart, usual = np.nan_to_num(apart), usual[np.isfinite(usual)]
    rows = np.flatnonzero(apart > (usual.max() if len(usual) else np.inf))
    if not len(rows) or rows[-1] - rows[0] >= SHORT:
        return None
    excess = np.maximum(np.nan_to_num(squared) - COST, 0)
    inside = excess[rows[0] : rows[-1] + 1].sum()
    return (start + int(rows[0]), start + int(rows[-1])) if inside > excess.sum() / 3 else None


def contrast(values: Floats) -> Floats:
    """How far values (N,) are from the median of the rows around them (N,)."""
    padded = np.pad(values, AROUND, mode="edge")
    result: Floats = np.abs(values - np.median(sliding_window_view(padded, 2 * AROUND + 1), axis=1))
    return result
