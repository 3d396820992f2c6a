"""Events that somebody said were normal: they are remembered, and they and their like are no events any more.

Nothing is learnt anew. A strange stretch among what is normal would raise the threshold to its own height, and with it
all events would go that are less strange.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from genapps_timeseries.detection.events import Found
from genapps_timeseries.detection.judging import Judged
from genapps_timeseries.detection.learning import Accepted, Normal
from genapps_timeseries.scoring.crossing import steps_of
from genapps_timeseries.scoring.examples import distances
from genapps_timeseries.series import Floats

LIKE = 0.5  # of the distance to what is normal else, within which an event is like an accepted one
TIMES = 2  # as long as an accepted one: rows that are missing or stuck
BESIDE = 2  # rows on either side, at least, that belong to what an event looks like


def accept(normal: Normal, judged: Judged, events: Sequence[Found]) -> Normal:
    """What is normal when events are: their rows are kept, with a window on either side, and their channels."""
    pieces = tuple(Accepted(_around(event, judged, normal.window), _own(event)) for event in events)
    return replace(normal, accepted=(*normal.accepted, *pieces))


def is_accepted(event: Found, judged: Judged, normal: Normal) -> bool:
    """Whether an event is an accepted one, or like one: it is missing or stuck as well, or its rows look alike.

    Only those count whose channels its own are among: faults of other channels may lie on the same rows.
    """
    pieces = [accepted.values for accepted in normal.accepted if {*_own(event)} <= {*accepted.channels}]
    itself = _around(event, judged, normal.window)
    if any(np.array_equal(piece, itself, equal_nan=True) for piece in pieces):
        return True
    like = _looks_like if event.by_score else _lasts_like
    return any(like(event, piece, judged, normal) for piece in pieces)


def _own(event: Found) -> tuple[str, ...]:
    """The channels that an event is in: all where they were missing or stuck, else the first, which is strangest."""
    return tuple(name for name, _ in event.channels[: 1 if event.by_score else None])


def _lasts_like(event: Found, piece: Floats, judged: Judged, normal: Normal) -> bool:
    """Whether the channels of a gap, a flatline, a reset did in an accepted piece what they do in the event."""
    channels = [normal.channels.index(name) for name, _ in event.channels]
    rows = piece[normal.window : len(piece) - normal.window, channels]
    if event.kind == "reset":
        before = piece[normal.window - 1, channels]
        back = judged.series.values[event.first, channels] - judged.series.values[event.first - 1, channels]
        return bool(((rows[0] - before) * back > 0).all())
    alike = np.isnan(rows) if event.kind in ("gap", "missing") else rows == rows[0]
    return bool(alike.all()) and event.rows <= TIMES * len(rows)


def _looks_like(event: Found, piece: Floats, judged: Judged, normal: Normal) -> bool:
    """Whether an event, with some rows beside it, is much nearer to an accepted one than to what is normal else."""
    length, accepted = event.last + 1 - event.first, len(piece) - 2 * normal.window
    beside = max(BESIDE, min(normal.window, length) // 2)
    pattern = _around(event, judged, beside)
    far = _distances(normal.values, pattern, event, normal).min(initial=np.inf)
    shared = (min(length, accepted) + 1) // 2  # rows of both that lie on one another, at least
    first, last = normal.window + shared - length - beside, normal.window + accepted - shared - beside
    near = _distances(piece, pattern, event, normal)[max(first, 0) : last + 1].min(initial=np.inf)
    return bool(near < LIKE**2 * far)


def _distances(values: Floats, pattern: Floats, event: Found, normal: Normal) -> Floats:
    """How far (R - L + 1,) each stretch of values (R, C) is from a pattern (L, C), by the event's channels and shares.

    Mean square in variances of the normal values; counters by their steps.
    """
    total = np.zeros(max(len(values) - len(pattern) + 1, 0))
    for name, share in event.channels if len(total) else ():
        c = normal.channels.index(name)
        tables = (normal.values, values, pattern)
        usual, own, its = (steps_of(t[:, c]) if normal.detector.roles[c] == "counter" else t[:, c] for t in tables)
        if np.isfinite(its).any():
            known = usual[np.isfinite(usual)]
            total += share * distances(own, its) / (known.var() if len(known) and np.ptp(known) else 1.0)
    return total


def _around(event: Found, judged: Judged, rows: int) -> Floats:
    """The values of an event and as many rows on either side, unknown where the series has none."""
    values = judged.series.values
    first, last = event.first - rows, event.last + rows
    made = np.full((last + 1 - first, values.shape[1]), np.nan)
    begin, end = max(first, 0), min(last + 1, len(values))
    made[begin - first : end - first] = values[begin:end]
    return made
