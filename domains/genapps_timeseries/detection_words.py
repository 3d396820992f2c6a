"""Events explained: which kind, in which values, most like which normal stretch, in one sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genapps_timeseries.detection_events import Found, Likeness
from genapps_timeseries.detection_judging import Judged
from genapps_timeseries.detection_learning import Normal
from genapps_timeseries.examples import nearest
from genapps_timeseries.kinds import kind_of
from genapps_timeseries.reasons import sentence
from genapps_timeseries.series import Floats

AROUND = 4  # windows on either side that the kind is told by


def explained(event: Found, judged: Judged, normal: Normal) -> Found:
    """The event with its kind, its nearest normal example and its sentence."""
    name = event.channels[0][0]
    c = judged.series.channels.index(name)
    begin = max(event.first - AROUND * normal.window, 0)
    end = min(event.last + 1 + AROUND * normal.window, len(judged.series))
    values, usual = judged.series.values[begin:end, c], normal.values[:, c]
    kind, first, last = event.kind, event.first, event.last
    if not kind:
        told = kind_of(values, first - begin, last + 1 - begin, usual, normal.window)
        kind, first, last = told.name, told.first + begin, told.last + begin
    segment = judged.series.values[first : max(last, first) + 1, c]
    low, high = _ends(segment)
    words = sentence(kind, name, low, high, _usual(usual), event.rows, len(event.channels) - 1)
    near = None if event.kind in ("gap", "missing") else likeness(event, judged, normal, c)
    return replace(event, kind=kind, reason=words, nearest=near)


def likeness(event: Found, judged: Judged, normal: Normal, c: int) -> Likeness | None:
    """The normal stretch that is most like the rows of an event and a few around them."""
    length = max(event.last + 1 - event.first, 3)
    around = max(2, min(normal.window, length) // 2)
    begin = max(event.first - around, 0)
    pattern = judged.series.values[begin : event.last + 1 + around, c][: max(len(normal.values) // 2, 1)]
    place, distance = nearest(normal.values[:, c], pattern)
    if place < 0:
        return None
    last = min(place + len(pattern), len(normal.times)) - 1
    low, high = _usual(normal.values[:, c])
    return Likeness(float(normal.times[place]), float(normal.times[last]), distance / ((high - low) or 1.0))


def _ends(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else (float("nan"), float("nan"))


def _usual(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.005, 0.995])
    return float(low), float(high)
