"""What kind of anomaly an event is, told from the values around it and what was normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genapps_timeseries.examples import nearest
from genapps_timeseries.series import Floats

KINDS = (
    "spike",
    "level shift",
    "trend",
    "noise",
    "frequency",
    "shape",
    "flatline",
    "missing",
    "gap",
    "relation",
)


@dataclass(frozen=True)
class Kind:
    """What an event is, and where: rows first..last of the values given, and how far they are off on average."""

    name: str
    first: int
    last: int
    offset: float = 0.0


def kind_of(values: Floats, start: int, stop: int, normal: Floats, window: int) -> Kind:
    """The kind of an event in rows start..stop - 1 of a channel's values (N,), after its normal values (R,)."""
    length = stop - start
    segment = values[start:stop]
    if np.isnan(segment).mean() > 0.5:
        return Kind("missing", start, stop - 1)
    same = np.diff(segment) == 0
    if length >= 6 and same.mean() > 0.7:
        return Kind("flatline", start, stop - 1)
    usual = counterpart(values, start, stop, normal, window)
    return Kind("shape" if length > 3 else "spike", start, stop - 1, float(np.nanmean(segment - usual)))


def counterpart(values: Floats, start: int, stop: int, normal: Floats, window: int) -> Floats:
    """What rows start..stop - 1 would have been: the normal stretch whose surroundings are most like theirs."""
    first, last = max(start - window, 0), min(stop + window, len(values))
    weight = np.ones(last - first)
    weight[start - first : stop - first] = 0
    place, _ = nearest(normal, values[first:last], weight)
    if place < 0:
        return np.full(stop - start, float(np.nanmedian(normal)))
    return normal[place + start - first : place + stop - first]
