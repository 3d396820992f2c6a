"""The report on a detection: the series with its events, each of the worst ones from near, and what was promised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from markupsafe import Markup

from genapps.report.files import write_files
from genapps.report.page import Block, Facts, Figure, Figures, Page, Section, Table, Terms, render
from genapps.report.text import clip, figure
from genapps_timeseries.detection.charts import HIGH, LOW, NARROW, WIDE, Frame, course, frame_of
from genapps_timeseries.detection.events import Found
from genapps_timeseries.detection.summary import (
    channel_words,
    promise_line,
    roles_of,
    series_line,
    short,
    span_words,
    to_json,
)
from genapps_timeseries.detection.tasks import Detection, Result
from genapps_timeseries.reading.clock import moment
from genapps_timeseries.series import Floats, Series
from genapps_timeseries.wording import counted

SUBJECT = "Anomaly report"
PICTURES = 12  # courses on the page
PANELS = 12  # events from near
LISTED = 300  # events of the table
CONTEXT = 2.0  # lengths of an event, or windows, that are shown around it
PAIR = "display:grid;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:16px 32px"
KIND_WORDS = (
    ("spike", "One to three rows far off."),
    ("level shift", "Another level while it lasts."),
    ("trend", "Drifts away."),
    ("noise", "Much rougher than usual."),
    ("frequency", "The usual swings, faster or slower."),
    ("shape", "Another course than usual, of any other sort."),
    ("flatline", "Stands still for longer than it ever did while all was normal."),
    ("gap", "Rows that should have come and did not."),
    ("reset", "A counter that was never set back is set back."),
    ("missing", "A channel without values while others had some."),
    ("relation", "Each channel is about where it should be, but not together with the others."),
)


def write_report(detection: Detection, target: str | Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps(_finite({"title": title, **to_json(detection)}), ensure_ascii=False, indent=1, default=str)
    write_files(target, render(report_page(detection, title)), figures)


def report_page(detection: Detection, title: str) -> Page:
    """The page of a detection."""
    events = detection.events
    critical = sum(event.grade == "critical" for event in events)
    words = "Nothing stands out" if not events else counted(len(events), "event")
    verdict = f"{critical:,} of them critical. " if critical else ""
    return Page(
        title=clip(title),
        subject=SUBJECT,
        level="good" if not events else "poor" if critical else "usable",
        word=words,
        verdict=f"{verdict}{_sentence(promise_line(detection))}",
        facts=tuple(series_line(result, title) for result in detection.results[:3]),
        headline=(),
        sections=tuple(_sections(detection)),
        footer="The page loads nothing from elsewhere.",
    )


def _sections(detection: Detection) -> Iterator[Section]:
    lead = "Each column of a picture spans the lowest to the highest value of its rows. Events are shaded."
    yield Section("series", "Course", lead, (Figures(tuple(_overviews(detection))),))
    if detection.events:
        yield Section("events", "Events", _events_lead(detection), (_table(detection),))
        near = (
            "The worst events from near, and beside each the normal stretch that is most like it, on the same scale. "
            "The dashed line is the course that was expected, the blue band what a normal one stays in."
        )
        yield Section("near", "From near", near, (Figures(tuple(_panels(detection))), _kinds(detection)))
    yield Section(
        "promise", "Promise", "How often an alarm may be false, and how often it was.", tuple(_promise(detection))
    )
    notes = tuple((str(k), _sentence(note)) for k, note in enumerate(detection.notes, 1))
    yield Section(
        "reading", "What was met", "What was found in the input, and what was done about it.", (Facts(notes),)
    )


def _overviews(detection: Detection) -> Iterator[Figure]:
    """The channels in which most happened."""
    drawn = 0
    for result in sorted(detection.results, key=lambda r: -max((e.severity for e in r.events), default=0.0)):
        for c in _ranked(result):
            if drawn == PICTURES:
                return
            drawn += 1
            series, name = result.judged.series, result.judged.series.channels[c]
            events = [(e.first, e.last) for e in result.events if name in dict(e.channels)]
            values = series.values[:, c]
            frame = frame_of([values], 0, len(series), WIDE, HIGH)
            ends = short(moment(series.clock, series.times[0])), short(moment(series.clock, series.times[-1]))
            label = f"The course of {name} with {counted(len(events), 'event')}"
            title = clip(f"{series.name}: {name}" if series.name else name, 60)
            aside = counted(len(events), "event") if events else ""
            yield Figure(title, course(frame, values, ends=ends, label=label, events=events), aside=aside, wide=True)


def _ranked(result: Result) -> list[int]:
    """The channels by how much of the events they are; those that change without one come after."""
    weight = dict.fromkeys(result.judged.series.channels, 0.0)
    for event in result.events:
        for name, share in event.channels:
            weight[name] += share * max(event.severity, 0.1)
    roles = roles_of(result)
    order = sorted(
        range(len(weight)), key=lambda c: (-weight[result.judged.series.channels[c]], roles[c] == "constant")
    )
    return (
        order
        if len(order) <= 4
        else [c for c in order if weight[result.judged.series.channels[c]] > 0][:8] or order[:4]
    )


def _table(detection: Detection) -> Table:
    several = len(detection.results) > 1
    clocks = {result.judged.series.name: result.judged.series.clock for result in detection.results}
    worst = sorted(sorted(detection.events, key=lambda e: -e.severity)[:LISTED], key=lambda e: e.id)
    rows = []
    for event in worst:
        start, end = span_words(clocks[event.series], event.start, event.end)
        severity = event.graded
        series = (clip(event.series, 30),) if several else ()
        rows.append((str(event.id), *series, start, end, severity, channel_words(event), event.kind, event.reason))
    head = ("Event", *(("Series",) if several else ()), "Start", "End", "Severity", "Channels", "Kind", "Reason")
    return Table("Events in order of time", head, tuple(rows))


def _events_lead(detection: Detection) -> str:
    count = len(detection.events)
    lead = (
        "Severity: below 1 low, below 2 medium, below 3 high, then critical. It counts how much rarer than the "
        "promised rate the strangest row is, and one and a half more for each doubling of the distance beyond "
        "all normal scores."
    )
    return lead if count <= LISTED else f"{lead} The {LISTED} worst of {count:,} are listed."


def _panels(detection: Detection) -> Iterator[Figure]:
    worst = sorted(detection.events, key=lambda event: -event.severity)[:PANELS]
    results = {result.judged.series.name: result for result in detection.results}
    for event in worst:
        result = results[event.series]
        series = result.judged.series
        c = series.channels.index(event.channels[0][0])
        around = _around(event, result)
        first, stop = max(event.first - around, 0), min(event.last + 1 + around, len(series))
        values = series.values[first:stop, c]
        normal = _example(event, result, c, around)
        band, expected = _band(result, c, first, stop)
        frame = frame_of([values, normal, *band], first, stop, NARROW, LOW)
        ends = short(moment(series.clock, series.times[first])), short(moment(series.clock, series.times[stop - 1]))
        drawn = course(
            frame,
            values,
            ends=ends,
            label=f"Event {event.id}: {event.reason}",
            events=[(event.first, event.last)],
            band=band,
            expected=expected,
        )
        beside, below = _beside(event, normal, frame, series)
        pair = Markup('<div style="{0}">{1}{2}</div>').format(PAIR, drawn, beside)
        name = "" if event.kind == "gap" else f"{clip(event.channels[0][0], 40)}: "
        title = f"{event.id}. {name}{event.kind}"
        words = f"{_sentence(event.reason)} {below}"
        yield Figure(title, pair, aside=event.graded, below=words, wide=True)


def _beside(event: Found, normal: Floats, like: Frame, series: Series) -> tuple[Markup, str]:
    """The normal stretch most like an event on the scale of that, and what it is."""
    near = event.nearest
    if near is None or not len(normal):
        return Markup(""), ""
    frame = replace(like, first=0, stop=len(normal))
    when = short(moment(series.clock, near.start))
    drawn = course(frame, normal, ends=("", ""), label=f"The normal stretch at {when}")
    return drawn, f"Beside it the normal stretch of {when}, {figure(near.distance)} usual residuals off."


def _around(event: Found, result: Result) -> int:
    length = event.last + 1 - event.first
    return round(min(max(CONTEXT * length, result.normal.window), 20 * max(length, result.normal.window)))


def _example(event: Found, result: Result, c: int, around: int) -> Floats:
    """The normal stretch most like an event, with as many rows around it."""
    near, normal = event.nearest, result.normal
    if near is None:
        return np.zeros(0)
    place = int(np.searchsorted(normal.times, near.start))
    first = max(place - around, 0)
    return normal.values[first : place + event.last + 1 - event.first + around, c]


def _band(result: Result, c: int, first: int, stop: int) -> tuple[tuple[Floats, Floats], Floats]:
    """The band and the expectation of a channel, where it is the one that the row's figures are about."""
    judged = result.judged
    own = judged.top[first:stop] == c
    low, high, middle = (np.where(own, x[first:stop], np.nan) for x in (judged.lower, judged.upper, judged.expected))
    return (low, high), middle


def _kinds(detection: Detection) -> Terms:
    there = {event.kind for event in detection.events}
    return Terms("Kinds of events", tuple((name, words) for name, words in KIND_WORDS if name in there))


def _promise(detection: Detection) -> Iterator[Block]:
    promise = detection.promise
    facts = [
        ("Asked", f"{promise.rate:.3g} of the normal rows" + _weekly(promise.per_week)),
        (
            "Kept on held-out normal rows",
            "not measured" if promise.held is None else f"{promise.held:.3g}" + _weekly(promise.held_per_week),
        ),
        ("Held-out rows", f"{promise.rows:,}"),
        ("Normal rows", f"{promise.normal:,}, at least {promise.needed:,} are needed"),
    ]
    yield Facts(tuple(facts))
    rows = []
    for result in detection.results[:LISTED]:
        series = result.judged.series
        roles = roles_of(result)
        counts = ", ".join(f"{roles.count(role)} {role}" for role in dict.fromkeys(roles))
        rows.append(
            (
                clip(series.name or "the series", 40),
                clip(result.says, 80),
                counts,
                f"{result.normal.window:,}",
                f"{len(result.events):,}",
            )
        )
    yield Table(
        "What is normal", ("Series", "Learnt from", "Channels", "Window (rows)", "Events"), tuple(rows), numbers=2
    )


def _weekly(value: float | None) -> str:
    return "" if value is None else f", {value:.2g} alarms a week"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
