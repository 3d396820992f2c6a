"""Events of a series: rows in alarm and stretches that need no score, each with its channels, its kind and a reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genapps.anomaly import Event, Rules, find_events
from genapps.anomaly.events import Direction
from genapps.metrics.ranges import segments
from genapps_timeseries.detection.cutting import LEAST, SHARED, parts_of
from genapps_timeseries.detection.judging import Judged
from genapps_timeseries.detection.learning import Mask, Normal
from genapps_timeseries.detection.repeats import repeats
from genapps_timeseries.detection.severity import grade, severity, severity_of_stretch
from genapps_timeseries.detection.stretches import Stretch, stretches
from genapps_timeseries.series import Codes

CAUSED = 0.8  # of an event's rows in alarm lie at the stretch that caused it
TURN = 8  # of a window is how long another channel leads where that is another fault
COMPARED = 20_000  # normal rows, the last ones, that an event is compared with
HOLE = 3  # missing rows that are bridged without a trace
NAMED = 0.05  # of the strangeness from which on a channel is named


@dataclass(frozen=True)
class Likeness:
    """The normal stretch that is most like an event: its first and last time, and how far it is, in usual residuals."""

    start: float
    end: float
    distance: float


@dataclass(frozen=True)
class Found:
    """One event.

    id: 1, 2, ... in order of time. series: its name where there are several. start, end, peak: times. first, last:
    rows of the series in order of time. rows: how many, there or missing.
    channels: names and their shares in it, the largest first. p: of its strangest row. by_score: whether a score found
    it, not the clock or values that stood still. clear: whether a row is off what its surroundings tell by itself.
    """

    id: int
    series: str
    start: float
    end: float
    peak: float
    first: int
    last: int
    rows: int
    severity: float
    p: float
    score: float
    direction: Direction
    channels: tuple[tuple[str, float], ...]
    kind: str = "shape"
    by_score: bool = True
    clear: bool = True
    reason: str = ""
    nearest: Likeness | None = None

    @property
    def grade(self) -> str:
        """The severity in words: low, medium, high, critical."""
        return grade(self.severity)

    @property
    def graded(self) -> str:
        """The grade and the severity, cut to a tenth so that it is of that grade."""
        return f"{self.grade} {math.floor(self.severity * 10) / 10:.1f}"


def found_in(judged: Judged, normal: Normal, rules: Rules) -> list[Found]:
    """The events of a judged series, in order of time, as yet without kind and reason where a score found them."""
    rows = np.flatnonzero(judged.strange)  # few, so that nothing as long as the series is copied
    placed = [
        event for part in _faults(rows, judged, rules, normal.window) for event in _events_of(part, judged, rules)
    ]
    made = [_of_rows(event, judged, normal, rules.rate) for event in placed]
    made = [event for event in made if not _is_repeat(event, judged, normal)]
    for stretch in stretches(judged.series, judged.normal, normal):
        if stretch.rows >= rules.rows:
            _join(made, _of_stretch(stretch, judged, normal, rules.rate), normal.window, judged.strange)
    made.sort(key=lambda event: (event.start, event.first))
    return [replace(event, id=number) for number, event in enumerate(made, 1)]


def _events_of(rows: Codes, judged: Judged, rules: Rules) -> list[Event]:
    """The events of some rows in alarm, in rows of the series."""
    found = find_events(judged.p[rows], judged.series.times[rows], replace(rules, rows=1), scores=judged.score[rows])
    return [_placed(event, rows) for event in found]


def _placed(event: Event, rows: Codes) -> Event:
    first, last, peak = (int(rows[k]) for k in (event.first_row, event.last_row, event.peak_row))
    return replace(event, first_row=first, last_row=last, peak_row=peak)


def _faults(rows: Codes, judged: Judged, rules: Rules, window: int) -> list[Codes]:
    """Rows in alarm, those of one fault together."""
    late = np.diff(judged.series.times[rows], prepend=-np.inf) > rules.gap * (1 + 1e-9)
    return parts_of(rows, judged.shares[rows].astype(np.float64), np.cumsum(late), max(window // TURN, LEAST))


def _is_repeat(event: Found, judged: Judged, normal: Normal) -> bool:
    """Whether an event and half a window on either side are a normal stretch once more."""
    first, last = max(event.first - normal.window // 2, 0), event.last + 1 + normal.window // 2
    lead = judged.series.channels.index(event.channels[0][0])
    return repeats(judged.series.values[first:last], normal.values[-COMPARED:], lead)


def _of_rows(event: Event, judged: Judged, normal: Normal, rate: float) -> Found:
    rows = np.arange(event.first_row, event.last_row + 1)
    shares = judged.shares[rows[judged.strange[rows]]].mean(axis=0)
    return Found(
        id=event.id,
        series=judged.series.name,
        start=event.start,
        end=event.end,
        peak=event.peak,
        first=event.first_row,
        last=event.last_row,
        rows=len(rows),
        severity=_severity(event.peak_row, judged, normal, rate),
        p=event.p,
        score=event.score,
        direction=event.direction,
        channels=_named(judged.series.channels, shares),
        kind="",
    )


def narrowed(event: Found, judged: Judged, normal: Normal, rate: float, first: int, last: int) -> Found:
    """The event with rows first..last alone, where one of them is in alarm.

    Its peak, p-value, score and severity are those of the strangest of them; its first channel stays the first.
    """
    rows = np.arange(first, last + 1)
    alarms = rows[judged.strange[rows]]
    if not len(alarms):
        return event
    peak = int(alarms[np.lexsort((-judged.score[alarms], judged.p[alarms]))[0]])  # where p-values tie, by the score
    times = judged.series.times
    channels = _named(judged.series.channels, judged.shares[alarms].mean(axis=0))
    return replace(
        event,
        first=first,
        last=last,
        rows=len(rows),
        start=float(times[first]),
        end=float(times[last]),
        peak=float(times[peak]),
        severity=_severity(peak, judged, normal, rate),
        p=float(judged.p[peak]),
        score=float(judged.score[peak]),
        channels=channels if channels[0][0] == event.channels[0][0] else event.channels,
    )


def _severity(row: int, judged: Judged, normal: Normal, rate: float) -> float:
    p, score, threshold = (float(column[row]) for column in (judged.p, judged.score, judged.threshold))
    return severity(p, score, threshold, normal.reference, rate)


def _of_stretch(stretch: Stretch, judged: Judged, normal: Normal, rate: float) -> Found:
    names = judged.series.channels
    p = min(1 / (len(normal.reference) + 1), rate)
    return Found(
        id=0,
        series=judged.series.name,
        start=stretch.start,
        end=stretch.end,
        peak=stretch.start,
        first=stretch.first,
        last=stretch.last,
        rows=stretch.rows,
        severity=severity_of_stretch(stretch.rows),
        p=p,
        score=float("nan"),
        direction="both",
        channels=tuple((names[c], 1 / len(stretch.channels)) for c in stretch.channels),
        kind=stretch.kind,
        by_score=False,
    )


def _join(made: list[Found], new: Found, window: int, strange: Mask) -> None:
    """Take a stretch in: the events of scores that it caused become it, others stay beside it.

    It caused those in its channels of which most rows in alarm are in it or half a window from it.
    """
    first, last = new.first - window // 2, new.last + window // 2
    its = dict(new.channels)
    near = [e for e in made if e.first <= last and e.last >= first and e.series == new.series]
    same = [
        event
        for event in near
        if event.kind in ("", new.kind)
        and any(share >= SHARED for name, share in event.channels if name in its)
        and strange[max(first, event.first) : min(last, event.last) + 1].sum()
        >= CAUSED * strange[event.first : event.last + 1].sum()
    ]
    for event in same:
        made.remove(event)
    worst = min(same, key=lambda e: e.p, default=None)
    if worst is not None:
        new = replace(new, p=worst.p, score=worst.score, severity=max(new.severity, *(e.severity for e in same)))
    made.append(new)


def without_shadows(events: Sequence[Found], judged: Judged, normal: Normal) -> list[Found]:
    """The events but for those beside missing values: a window that holds some is strange, its other rows are not.

    Nor are the rows of other channels, which are judged together with it; of those a hole longer than any normal one.
    """
    unknown = np.isnan(judged.series.values)
    made = []
    for event in events:
        c = judged.series.channels.index(event.channels[0][0])
        near = unknown[max(event.first - normal.window, 0) : event.last + 1 + normal.window]
        longest = np.array([_longest_run(column) for column in near.T])
        usual = np.maximum(HOLE, np.where(np.arange(len(longest)) == c, 0, normal.longest[1]))
        if event.clear or (longest <= usual).all():
            made.append(event)
    return made


def without_copies(events: Sequence[Found]) -> list[Found]:
    """The events but for those with the rows, kind and first channel of a more severe one: a fault found twice."""
    best: dict[tuple[int, int, str, str], Found] = {}
    for event in events:
        key = event.first, event.last, event.kind, event.channels[0][0]
        if key not in best or event.severity > best[key].severity:
            best[key] = event
    return list(best.values())


def _longest_run(flags: Mask) -> int:
    first, last = segments(flags)
    return int((last - first).max()) + 1 if len(first) else 0


def _named(names: tuple[str, ...], shares: Any) -> tuple[tuple[str, float], ...]:
    """Channels by their share, those left out that hardly count."""
    ranked = sorted(range(len(names)), key=lambda c: -float(shares[c]))
    return tuple((names[c], float(shares[c])) for k, c in enumerate(ranked) if k == 0 or shares[c] >= NAMED)
