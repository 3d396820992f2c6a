"""Results of detect and fit as lines for people and as plain JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from genapps.anomaly import Promise
from genapps.report.text import clip
from genapps_timeseries.detection.events import Found
from genapps_timeseries.detection.leaderboard import leaderboard
from genapps_timeseries.detection.learning import Normal
from genapps_timeseries.detection.model import SeriesModel
from genapps_timeseries.detection.tasks import Detection, Result
from genapps_timeseries.reading.clock import moment, stamped
from genapps_timeseries.series import Clock, Series
from genapps_timeseries.wording import counted, duration

SHOWN = 20  # events of the table
OFTEN = 20  # alarms a week from which on nobody counts by weeks
CHANNELS = 3  # names of an event
DIGITS = 6


def detection_lines(detection: Detection, name: str) -> Iterator[str]:
    """What was read, the worst events in order of time, and the promise."""
    for result in detection.results[:SHOWN]:
        yield series_line(result, name)
    if len(detection.results) > SHOWN:
        yield f"... and {len(detection.results) - SHOWN:,} more series"
    yield ""
    if detection.events:
        yield from event_table(detection)
    else:
        yield "nothing stands out"
    yield ""
    yield promise_line(detection)


def series_line(result: Result, name: str) -> str:
    """A series in one line: how long, how often, since when, and what is normal."""
    series = result.judged.series
    clock, channels = series.clock, len(series.channels)
    named = f"{clip(series.name, 40)}: " if series.name else f"{name}: "
    span = f", {moment(clock, series.times[0])} to {moment(clock, series.times[-1])}" if clock.kind != "rows" else ""
    every = f" every {_step(clock)}" if clock.kind != "rows" and clock.step else ""
    part = result.judged.normal
    normal = f"; the first {part:,} rows are taken as normal" if part else ""
    real = int((series.rows >= 0).sum()) + len(series.copies)
    return f"{named}{real:,} rows{every}{span}, {channels} channel{'' if channels == 1 else 's'}{normal}"


def event_table(detection: Detection) -> Iterator[str]:
    """The worst events, in order of time."""
    events = detection.events
    worst = sorted(sorted(events, key=lambda event: -event.severity)[:SHOWN], key=lambda event: event.id)
    clocks = {result.judged.series.name: result.judged.series.clock for result in detection.results}
    several = len(detection.results) > 1
    head = ["id", *(["series"] if several else []), "start", "end", "severity", "channels", "kind", "reason"]
    rows = [head]
    for event in worst:
        clock = clocks[event.series]
        start, end = span_words(clock, event.start, event.end)
        grade = event.graded
        rows.append(
            [
                str(event.id),
                *([clip(event.series, 20)] if several else []),
                start,
                end,
                grade,
                channel_words(event),
                event.kind,
                event.reason,
            ]
        )
    widths = [max(len(row[k]) for row in rows) for k in range(len(head) - 1)]
    for row in rows:
        cells = [cell.rjust(widths[0]) if k == 0 else cell.ljust(widths[k]) for k, cell in enumerate(row[:-1])]
        yield "  ".join([*cells, row[-1]]).rstrip()
    if len(events) > len(worst):
        yield f"... and {len(events) - len(worst):,} weaker ones"


def promise_line(detection: Detection) -> str:
    """What was asked and kept."""
    each = " (of each series)" if len(detection.results) > 1 else ""
    return f"{promise_words(detection.promise)}{each}"


def promise_words(promise: Promise) -> str:
    """The promise in words: in alarms a week, or in shares of the rows where it would be thousands a week."""
    often = promise.asked is None and (promise.per_week or 0) > OFTEN
    return (replace(promise, step=None) if often else promise).sentence()


def channel_words(event: Found) -> str:
    """The channels of an event, the first few by name."""
    names = [clip(name, 24) for name, _ in event.channels[:CHANNELS]]
    rest = len(event.channels) - len(names)
    return ", ".join(names) + (f" +{rest}" if rest > 0 else "")


def _step(clock: Clock) -> str:
    return duration(clock.step or 0) if clock.kind == "time" else f"{clock.step:.6g}"


def span_words(clock: Clock, start: float, end: float) -> tuple[str, str]:
    """Both ends of an event; the day is not said twice."""
    first, last = short(moment(clock, start)), short(moment(clock, end))
    same = clock.kind == "time" and first[:11] == last[:11] and len(first) > 11 and len(last) > 11
    return first, last[11:] if same else last


def short(stamp: str) -> str:
    """A stamp without seconds where they are nothing."""
    return stamp[:-3] if len(stamp) == 19 and stamp.endswith(":00") else stamp


def to_json(detection: Detection) -> dict[str, Any]:
    """Every figure."""
    clocks = {result.judged.series.name: result.judged.series.clock for result in detection.results}
    return {
        "events": [event_json(event, clocks[event.series]) for event in detection.events],
        "promise": promise_json(detection.promise),
        "series": [_series_json(result) for result in detection.results],
        "notes": list(detection.notes),
    }


def promise_json(promise: Promise) -> dict[str, Any]:
    """What was asked and kept, and whether it can be promised at all."""
    return {
        "rate": promise.rate,
        "per_week": promise.per_week,
        "held": promise.held,
        "held_per_week": promise.held_per_week,
        "held_out_rows": promise.rows,
        "normal_rows": promise.normal,
        "needed_rows": promise.needed,
        "possible": promise.possible,
        "certain": promise.certain,
        "sentence": promise_words(promise),
    }


def event_json(event: Found, clock: Clock) -> dict[str, Any]:
    """One event, times as ISO 8601 has them."""
    near = event.nearest
    return {
        "id": event.id,
        **({"series": event.series} if event.series else {}),
        "start": stamped(clock, event.start),
        "end": stamped(clock, event.end),
        "peak": stamped(clock, event.peak),
        "rows": event.rows,
        "severity": round(event.severity, 3),
        "grade": event.grade,
        "p_value": _rounded(event.p),
        "score": _rounded(event.score),
        "kind": event.kind,
        "direction": event.direction,
        "channels": [{"name": name, "share": round(share, 4)} for name, share in event.channels],
        "nearest_normal": None
        if near is None
        else {
            "start": stamped(clock, near.start),
            "end": stamped(clock, near.end),
            "distance": _rounded(near.distance),
        },
        "reason": whole_reason(event, clock),
    }


def fit_lines(model: SeriesModel) -> Iterator[str]:
    """What was learnt of each series."""
    for normal in list(model.normals.values())[:SHOWN]:
        named = f"{clip(normal.name, 40)}: " if normal.name else ""
        channels = counted(len(normal.channels), "channel")
        yield f"{named}{counted(len(normal.values), 'normal row')} of {channels}, windows of {normal.window} rows"
    if len(model.normals) > SHOWN:
        yield f"... and {len(model.normals) - SHOWN:,} more series"


def fit_json(model: SeriesModel) -> dict[str, Any]:
    """Every figure of what was learnt."""
    series = [
        {
            **({"name": normal.name} if normal.name else {}),
            "rows": len(normal.values),
            "left_out": int(normal.dirty.sum()),
            "channels": dict(zip(normal.channels, map(str, normal.detector.roles), strict=True)),
            "window": normal.window,
            **_families(normal),
        }
        for normal in model.normals.values()
    ]
    return {"series": series, "provenance": model.provenance}


def _series_json(result: Result) -> dict[str, Any]:
    series: Series = result.judged.series
    return {
        **({"name": series.name} if series.name else {}),
        "rows": len(series),
        "normal_rows": result.judged.normal,
        "start": stamped(series.clock, series.times[0]),
        "end": stamped(series.clock, series.times[-1]),
        "clock": series.clock.kind,
        "step": series.clock.step,
        "regular": series.clock.regular,
        "channels": dict(zip(series.channels, roles_of(result), strict=True)),
        "window": result.normal.window,
        "rate": result.asked.rate,
        "alarms_per_week": result.asked.weekly,
        "alarms": int(result.judged.strange.sum()),
        "events": len(result.events),
        **_families(result.normal),
    }


def _families(normal: Normal) -> dict[str, Any]:
    found = leaderboard(normal)
    return {"families": found} if found else {}


def roles_of(result: Result) -> Sequence[str]:
    """The role of each channel."""
    return tuple(map(str, result.normal.detector.roles))


def whole_reason(event: Found, clock: Clock) -> str:
    """The sentence with what the event is most like."""
    if event.nearest is None:
        return event.reason
    return f"{event.reason}; most like the normal stretch at {short(moment(clock, event.nearest.start))}"


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
