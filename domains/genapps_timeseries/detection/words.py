"""Events explained: which kind, from when to when, most like which normal stretch, in one sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genapps.anomaly.events import Direction
from genapps_timeseries.detection.events import COMPARED, Found, Likeness, narrowed
from genapps_timeseries.detection.extent import OFF, extent
from genapps_timeseries.detection.judging import Judged
from genapps_timeseries.detection.kinds import Kind, crossings, kind_of, roughness, usual_residual
from genapps_timeseries.detection.learning import Normal
from genapps_timeseries.detection.reasons import Course, sentence
from genapps_timeseries.scoring.crossing import steps_of
from genapps_timeseries.scoring.examples import nearest
from genapps_timeseries.series import Clock, Floats
from genapps_timeseries.wording import counted, duration

AROUND = 4  # windows on either side that the kind is told by


def explained(event: Found, judged: Judged, normal: Normal, rate: float) -> Found:
    """The event with its kind, its nearest normal example and its sentence, narrowed to the rows that are strange."""
    series = judged.series
    c = series.channels.index(event.channels[0][0])
    role = str(normal.detector.roles[c])
    steps = role == "counter" and not event.kind  # a counter is judged by its steps
    usual = normal.values[-COMPARED:, c]
    usual = steps_of(usual) if steps else usual
    begin = max(event.first - AROUND * normal.window, 0)
    end = min(event.last + 1 + AROUND * normal.window, len(series))
    values = steps_of(series.values[begin:end, c]) if steps else series.values[begin:end, c]
    unit = usual_residual(usual, normal.window)
    if event.kind:
        blank = np.full(event.last + 1 - event.first, np.nan)
        told = Kind(event.kind, event.first - begin, event.last - begin, blank)
    else:
        rows = event.first - begin, event.last + 1 - begin
        told = _told(values, *rows, usual, normal.window, role)
    first, last = told.first + begin, told.last + begin
    segment = values[told.first : told.last + 1]
    if told.name in ("shape", "level shift") and _is_relation(event, segment, told.usual, unit, role):
        told = replace(told, name="relation")
    if told.name == "relation":
        first, last = _of_alarms(event, judged)
    if not event.kind:
        event = narrowed(event, judged, normal, rate, first, last)
    clear = bool(event.kind) or role != "continuous" or _is_clear(segment, told.usual, unit)
    course = Course(
        name=f"steps of {series.channels[c]}" if steps else series.channels[c],
        values=segment,
        usual=told.usual,
        unit=unit,
        lasted=_lasted(series.clock, event.rows),
        role=role,
        constant=float(usual[np.isfinite(usual)][0]) if role == "constant" else None,
        swings=(crossings(segment), crossings(told.usual)),
        rougher=roughness(segment) / (roughness(usual) or 1.0),
    )
    words = sentence(told.name, course, len(event.channels) - 1 if told.name != "gap" else 0)
    near = None if told.name in ("gap", "missing") else likeness(event, judged, normal, c, unit)
    off = float(np.nan_to_num(segment - told.usual).sum())
    direction: Direction = "both" if event.kind or not off else "up" if off > 0 else "down"
    return replace(event, kind=told.name, reason=words, nearest=near, direction=direction, clear=clear)


def _of_alarms(event: Found, judged: Judged) -> tuple[int, int]:
    """Where most rows of an event are in alarm: what can be told of a relation, whose values are all as usual."""
    strange = judged.strange[event.first : event.last + 1]
    first, last = extent(np.where(strange, OFF, 0.0), 1.0)
    return event.first + first, event.first + last


def _told(values: Floats, start: int, stop: int, normal: Floats, window: int, role: str) -> Kind:
    """The kind of an event in a channel of that role."""
    if role in ("continuous", "counter", "unknown"):
        return kind_of(values, start, stop, normal, window)
    known = normal[np.isfinite(normal)]
    middle = float(np.median(known)) if len(known) else float("nan")
    never = np.flatnonzero(np.isfinite(values[start:stop]) & ~np.isin(values[start:stop], known))
    if len(never):  # the score of a window is wider than what it is about
        start, stop = start + int(never[0]), start + int(never[-1]) + 1
    usual = np.full(stop - start, middle)
    return Kind("level shift" if role == "constant" else "shape", start, stop - 1, usual)


def _is_relation(event: Found, segment: Floats, usual: Floats, unit: float, role: str) -> bool:
    """Whether an event of several channels is one although the first is about where it should be."""
    if len(event.channels) < 2 or role != "continuous":
        return False
    return not _is_clear(segment, usual, unit)


def _is_clear(segment: Floats, usual: Floats, unit: float) -> bool:
    """Whether a row is off by more than normal ones are."""
    return bool(np.nan_to_num(np.abs(segment - usual)).max() >= OFF * unit)


def likeness(event: Found, judged: Judged, normal: Normal, c: int, unit: float) -> Likeness | None:
    """The normal stretch that is most like the rows of an event and a few around them."""
    length = max(event.last + 1 - event.first, 3)
    around = max(2, min(normal.window, length) // 2)
    begin = max(event.first - around, 0)
    usual, times = normal.values[-COMPARED:, c], normal.times[-COMPARED:]
    pattern = judged.series.values[begin : event.last + 1 + around, c][: max(len(usual) // 2, 1)]
    place, distance = nearest(usual, pattern)
    if place < 0:
        return None
    start = min(place + event.first - begin, len(times) - 1)
    last = min(place + len(pattern), len(times)) - 1
    return Likeness(float(times[start]), float(times[max(last - around, start)]), distance / (unit or 1.0))


def _lasted(clock: Clock, rows: int) -> str:
    """How long so many rows took."""
    return duration(rows * clock.seconds) if clock.seconds else counted(rows, "row")
