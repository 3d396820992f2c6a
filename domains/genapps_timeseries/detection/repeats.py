"""Alarms about nothing: rows that are a normal stretch once more, but for the last digit.

Where a series repeats itself exactly, normal scores are all but the same, and a difference that no sensor could show
makes a row the strangest of all.
"""

from __future__ import annotations

import numpy as np

from genapps_timeseries.scoring.examples import nearest
from genapps_timeseries.series import Floats

FINE = 0.02  # of a channel's range: a larger step between values is one of levels, not of rounding
NOTHING = 1e-9  # of that range, as computers count


def repeats(values: Floats, normal: Floats, lead: int) -> bool:
    """Whether rows (L, C) are a stretch of normal rows (R, C), the one that is nearest by the channel `lead`.

    Each channel by its rounding step; rows with an unknown value repeat nothing.
    """
    place, _ = nearest(normal[:, lead], values[:, lead])
    if place < 0:
        return False
    off = np.abs(values - normal[place : place + len(values)]).max(axis=0)
    span = np.fmax.reduce(normal) - np.fmin.reduce(normal)
    if not (off <= 2 * FINE * span).all():
        return False  # which is quick to tell, and nearly always so
    return bool((off <= np.array([rounding(column) for column in normal.T])).all())


def rounding(values: Floats) -> float:
    """The step that values (R,) are rounded to: what differs by no more is the same."""
    known = np.unique(values[np.isfinite(values)])
    if len(known) < 2:
        return 0.0
    span = float(known[-1] - known[0])
    steps = np.diff(known)
    step = float(steps[steps > NOTHING * span].min())
    return (step if step <= FINE * span else 0.0) * (1 + 1e-6) + NOTHING * span
