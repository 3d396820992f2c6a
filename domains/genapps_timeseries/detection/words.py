"""Events explained: which kind, from when to when, most like which normal stretch, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from genapps.anomaly.events import Direction
from genapps_timeseries.detection.cutting import SHARED
from genapps_timeseries.detection.events import COMPARED, Found, Likeness, narrowed
from genapps_timeseries.detection.extent import OFF, extent
from genapps_timeseries.detection.judging import Judged
from genapps_timeseries.detection.kinds import Kind, crossings, kind_of, roughness, usual_residual
from genapps_timeseries.detection.learning import Normal
from genapps_timeseries.detection.reasons import Course, is_usual, sentence
from genapps_timeseries.scoring.crossing import steps_of
from genapps_timeseries.scoring.examples import nearest
from genapps_timeseries.series import Clock, Floats
from genapps_timeseries.wording import counted, duration

AROUND = 4  # windows on either side that the kind is told by
SAME = 2 / 3  # of the rows of the shorter of two channels' faults: where they share as many they are one


@dataclass(frozen=True)
class _Channel:
    """A channel that events are told of. usual: (R,) its normal values, or steps. unit: the usual residual of these."""

    index: int
    name: str
    role: str
    steps: bool
    usual: Floats
    unit: float

    @classmethod
    def of(cls, normal: Normal, index: int, stretch: bool) -> Self:
        """stretch: whether the event needs no score; those that do are of the steps of a counter, which are judged."""
        role, usual, name = str(normal.detector.roles[index]), normal.values[-COMPARED:, index], normal.channels[index]
        steps = role == "counter" and not stretch
        usual = steps_of(usual) if steps else usual
        named = f"steps of {name}" if steps else name
        return cls(index, named, role, steps, usual, usual_residual(usual, normal.window))


def explained(events: Sequence[Found], judged: Judged, normal: Normal, rate: float) -> list[Found]:
    """Events with their kind, nearest normal example and sentence, narrowed to the rows that are strange."""
    known: dict[tuple[int, bool], _Channel] = {}
    made = []
    for event in events:
        key = normal.channels.index(event.channels[0][0]), bool(event.kind)
        if key not in known:
            known[key] = _Channel.of(normal, *key)
        told = _explained(event, known[key], judged, normal, rate)
        made += [told, *_beside(event, told, known, judged, normal, rate)]
    return made


def _beside(
    event: Found, told: Found, known: dict[tuple[int, bool], _Channel], judged: Judged, normal: Normal, rate: float
) -> list[Found]:
    """Faults of other channels that an event hides: scores of windows cannot tell two that run into each other.

    A channel has one of its own where it stands out by its values, and its rows and those of the event are mostly not
    the same.
    """
    made: list[Found] = []
    for name, share in event.channels[1:]:
        c = normal.channels.index(name)
        if event.kind or not told.clear or share < SHARED or normal.detector.roles[c] != "continuous":
            continue
        if (c, False) not in known:
            known[c, False] = _Channel.of(normal, c, stretch=False)
        first_of_all = (name, share), *(pair for pair in event.channels if pair[0] != name)
        other = _explained(replace(event, channels=first_of_all), known[c, False], judged, normal, rate)
        if other.clear and other.kind != "relation" and all(_apart(one, other) for one in (told, *made)):
            made.append(other)
    return made


def _apart(one: Found, other: Found) -> bool:
    """Whether two events share less than SAME of the rows of the shorter."""
    shared = min(one.last, other.last) - max(one.first, other.first) + 1
    return shared < SAME * min(one.rows, other.rows)


def _explained(event: Found, channel: _Channel, judged: Judged, normal: Normal, rate: float) -> Found:
    stretch = bool(event.kind)
    told, values, begin = _kind(event, channel, judged, normal)
    segment = values[told.first : told.last + 1]
    clear = stretch or channel.role != "continuous" or _is_clear(segment, told.usual, channel.unit)
    if told.name in ("spike", "trend") and is_usual(segment, told.usual, channel.unit):
        told = replace(told, name="shape")  # values that are as usual jump and drift nowhere
    if told.name in ("shape", "level shift") and len(event.channels) > 1 and not clear:
        told = replace(told, name="relation")
    if not stretch:
        rows = _of_alarms(event, judged) if told.name == "relation" else (told.first + begin, told.last + begin)
        event = narrowed(event, judged, normal, rate, *rows)
    course = _course(event, channel, segment, told.usual, judged.series.clock)
    words = sentence(told.name, course, len(event.channels) - 1 if told.name != "gap" else 0)
    near = None if told.name in ("gap", "missing") else likeness(event, judged, normal, channel.index, channel.unit)
    off = float(np.nan_to_num(segment - told.usual).sum())
    direction: Direction = "both" if stretch or not off else "up" if off > 0 else "down"
    return replace(event, kind=told.name, reason=words, nearest=near, direction=direction, clear=clear)


def _kind(event: Found, channel: _Channel, judged: Judged, normal: Normal) -> tuple[Kind, Floats, int]:
    """The kind of an event, the channel's values around it, and the row that these begin with."""
    series, around = judged.series, AROUND * normal.window
    begin = max(event.first - around, 0)
    values = series.values[begin : event.last + 1 + around, channel.index]
    if event.kind:
        blank = np.full(event.last + 1 - event.first, np.nan)
        return Kind(event.kind, event.first - begin, event.last - begin, blank), values, begin
    values = steps_of(values) if channel.steps else values
    return _told(values, event.first - begin, event.last + 1 - begin, channel, normal.window), values, begin


def _course(event: Found, channel: _Channel, segment: Floats, usual: Floats, clock: Clock) -> Course:
    known = channel.usual[np.isfinite(channel.usual)]
    return Course(
        name=channel.name,
        values=segment,
        usual=usual,
        unit=channel.unit,
        lasted=_lasted(clock, event.rows),
        role=channel.role,
        constant=float(known[0]) if channel.role == "constant" else None,
        swings=(crossings(segment), crossings(usual)),
        rougher=roughness(segment) / (roughness(channel.usual) or 1.0),
    )


def _of_alarms(event: Found, judged: Judged) -> tuple[int, int]:
    """Where most rows of an event are in alarm: what can be told of a relation, whose values are all as usual."""
    strange = judged.strange[event.first : event.last + 1]
    first, last = extent(np.where(strange, OFF, 0.0), 1.0)
    return event.first + first, event.first + last


def _told(values: Floats, start: int, stop: int, channel: _Channel, window: int) -> Kind:
    """The kind of an event in a channel by its role."""
    if channel.role in ("continuous", "counter", "unknown"):
        return kind_of(values, start, stop, channel.usual, window, channel.unit)
    known = channel.usual[np.isfinite(channel.usual)]
    middle = float(np.median(known)) if len(known) else float("nan")
    never = np.flatnonzero(np.isfinite(values[start:stop]) & ~np.isin(values[start:stop], known))
    if len(never):  # the score of a window is wider than what it is about
        start, stop = start + int(never[0]), start + int(never[-1]) + 1
    usual = np.full(stop - start, middle)
    return Kind("level shift" if channel.role == "constant" else "shape", start, stop - 1, usual)


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
