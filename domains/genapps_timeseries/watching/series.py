"""One series that is watched: its warm-up, its detector, its events, and the lines that tell of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genapps.anomaly import Change, Event, EventTracker, Rules, needed_length, rate_for
from genapps.anomaly.events import Direction
from genapps.errors import UsageError
from genapps_timeseries.detection.severity import grade, severity_of_stretch
from genapps_timeseries.reading.clock import stamped
from genapps_timeseries.series import Clock, Floats
from genapps_timeseries.watching.counters import Counters
from genapps_timeseries.watching.limits import Limiter
from genapps_timeseries.watching.records import Record
from genapps_timeseries.watching.streaming import DEFAULT, Details, Stream, part
from genapps_timeseries.wording import duration, listed

NAMED = 5  # channels that an event names
SET_BACK = 20  # records behind one another and behind the last one that are taken for a clock that was set back
WIDE = 10  # a pause of so many steps, and of three times the longest of the warm-up, is a gap


@dataclass(frozen=True)
class Asked:
    """What was asked of a watch. per_week: alarms a week instead of a rate. merge: rows apart that are one event."""

    family: str = DEFAULT
    rate: float = 0.001
    per_week: float | None = None
    warm_up: int = 500
    min_length: int = 1
    merge: int = 12
    direction: Direction = "both"
    most: int = 12


class Watch:
    """One series, a record at a time. channels: names. clock: how its times are told, without a step."""

    def __init__(self, name: str, channels: tuple[str, ...], clock: Clock, asked: Asked, limiter: Limiter) -> None:
        self.name, self.channels, self.asked, self.limiter = name, channels, asked, limiter
        self.clock = clock
        self.records = 0  # records taken
        self.behind = 0  # records that were left out since time went backwards
        self.set_back = 0  # times the clock was set back
        self.events = 0
        self.stream: Stream | None = None
        self.tracker = EventTracker()
        self.counters = Counters(len(channels))
        self._warm: tuple[list[float], list[list[float]]] = ([], [])
        self._last = self._last_back = math.nan
        self._back = 0  # records one after another that lie behind the last one
        self._widest = math.inf  # a longer pause is a gap
        self._muted = False  # the open event is kept back
        self._told: dict[str, Any] = {}  # of the open event: what its strangest row looked like

    def take(self, record: Record) -> list[dict[str, Any]]:
        """The lines that a record brings."""
        time = record.time if record.time == record.time else float(self.records)
        if time < self._last and not self._is_set_back(time):
            self.behind += 1
            return []
        self._back = 0
        pause, self._last = time - self._last, time
        self.records += 1
        if self.stream is None:
            self._warm_up(time, record.values)
            return []
        lines = self._gap(time, pause) if pause > self._widest else []
        values = self.counters.step(record.values)
        p = self.stream.step(time if self.clock.kind == "time" else math.nan, values)
        if p > self.stream.rate or p != p:
            return lines + self._tell(self.tracker.step(time, p))
        details = self.stream.details()
        self.limiter.tick(time)
        rare = p <= self.stream.rate * self.limiter.factor or self.tracker.open() is not None
        changes = self.tracker.step(
            time, p if rare else 1.0, self.stream.surprise, sign=details.sign, contributions=details.shares
        )
        closed = [change for change in changes if change.kind == "close"]
        lines += self._tell(closed)
        self._remember(time, p, details)
        return lines + self._tell(changes[len(closed) :])

    def finish(self) -> list[dict[str, Any]]:
        """The end of the input: what is open is closed."""
        return self._tell(self.tracker.finish())

    @property
    def warm(self) -> bool:
        """Whether the warm-up is over."""
        return self.stream is not None

    @property
    def open(self) -> bool:
        """Whether an event is open that was told."""
        return self.tracker.open() is not None and not self._muted

    def _is_set_back(self, time: float) -> bool:
        """Whether so many records go on behind the last one that the clock itself must have been set back."""
        self._back = self._back + 1 if time >= self._last_back else 1
        self._last_back = time
        if self._back < SET_BACK:
            return False
        self.set_back += 1
        self._last = math.nan
        return True

    def _warm_up(self, time: float, values: list[float]) -> None:
        times, rows = self._warm
        times.append(time)
        rows.append(values)
        if len(times) >= self.asked.warm_up:
            self.begin(times, rows)

    def begin(self, times: list[float], rows: list[list[float]]) -> None:
        """Learn the warm-up and judge from the next record on. Raises UsageError for a rate that cannot be asked."""
        pauses = np.diff(np.asarray(times, np.float64))
        pauses = pauses[pauses > 0]
        step = float(np.median(pauses)) if len(pauses) else 1.0
        self.clock = replace(self.clock, step=step)
        if self.clock.kind != "rows" and len(pauses):
            self._widest = max(WIDE * step, 3 * float(pauses.max()))
        self._prepare()
        assert self.stream is not None
        calendar = self.clock.kind == "time"
        table = self.counters.begin(np.asarray(rows, np.float64))
        self.stream.begin(times if calendar else [math.nan] * len(times), table)
        left = [self.channels[c] for c in range(len(self.channels)) if c not in self.stream.used]
        if left:
            who = f"{self.name}: " if self.name else ""
            self.limiter.notes.append(f"{who}no values in the warm-up, so not watched: {listed(left)}")
        needed, held = needed_length(self.stream.rate), self.stream.settings.length
        if needed > held:
            self.limiter.notes.append(
                f"one false alarm in {1 / self.stream.rate:,.0f} records cannot be promised: it takes {needed:,} "
                f"normal ones, {held:,} are held; beyond that the tail is extrapolated"
            )
        self._warm = ([], [])
        self._last = times[-1]

    def learn(self, times: list[float], rows: list[list[float]]) -> None:
        """Learn records of another file instead of a warm-up; their times do not go before those to come."""
        self.begin(times, rows)
        self.counters.interrupt()
        self._last = math.nan

    def _prepare(self) -> None:
        asked, step = self.asked, self.clock.step or 1.0
        rate = asked.rate
        if asked.per_week is not None:
            if self.clock.kind != "time":
                raise UsageError("--alarms-per-week needs a time column with a calendar; give --false-alarm-rate")
            rate = rate_for(asked.per_week, step)
        self.stream = Stream(len(self.channels), asked.family, rate)
        rules = Rules(rate, gap=asked.merge * step, rows=asked.min_length, direction=asked.direction)
        self.tracker = EventTracker(rules)

    def _remember(self, time: float, p: float, details: Details) -> None:
        """What the strangest row of the event looks like, so far."""
        told = self._told
        if told and time - told["time"] > self.tracker.rules.gap * (1 + 1e-9):
            told = {}
        if not told or p < told["p"]:
            channel = self.channels[details.channel]
            channel = f"steps of {channel}" if details.channel in self.counters else channel
            expected = details.expected if details.expected == details.expected else None
            value = details.value if details.value == details.value else None
            told = {"p": p, "channel": channel, "kind": details.kind, "value": value, "expected": expected}
        self._told = {**told, "time": time}

    def _tell(self, changes: list[Change]) -> list[dict[str, Any]]:
        lines = []
        for change in changes:
            if change.kind == "open":
                self._muted = not self.limiter.admits(self._last)
                self.events += not self._muted
            if not self._muted:
                lines.append(self._line(change.kind, change.event))
            if change.kind == "close":
                self._muted, self._told = False, {}
        return lines

    def _line(self, state: str, event: Event) -> dict[str, Any]:
        told = self._told
        stream = self.stream
        assert stream is not None
        shifted = state == "close" and stream.accepted and told["kind"] not in ("flatline", "missing")
        kind = "level shift" if shifted else told["kind"]
        if state == "open":
            stream.accepted = False
        ranked = event.channels()[:NAMED]
        channels = [{"channel": self.channels[c], "share": round(event.contributions[c], 4)} for c in ranked]
        return {
            **self._head(state, kind, event.start, event.end),
            "peak": self._moment(event.peak),
            "severity": event.grade,
            "p_value": event.p,
            "alarms": event.alarms,
            "direction": event.direction,
            "channels": channels,
            "value": told["value"],
            "expected": told["expected"],
            "reason": _sentence(told, kind, event, stream.rate),
        }

    def _head(self, state: str, kind: str, start: float, end: float) -> dict[str, Any]:
        number = f"{self.name}:{self.events}" if self.name else str(self.events)
        line = {"event": number, "state": state, "kind": kind, "start": self._moment(start), "end": self._moment(end)}
        if self.name:
            line["series"] = self.name
        if state == "open" and self.limiter.kept_back:
            line["kept_back"] = self.limiter.kept_back
            self.limiter.kept_back = 0
        return {**line, "record": self.records, "causal": True}

    def _gap(self, time: float, pause: float) -> list[dict[str, Any]]:
        """A pause in the records is known when it is over."""
        closed = self._tell(self.tracker.finish())
        if not self.limiter.admits(time):
            return closed
        self.events += 1
        step = self.clock.step or 1.0
        reason = f"no record for {self._span(pause)}, usually one comes every {self._span(step)}"
        told = {"severity": grade(severity_of_stretch(round(pause / step) - 1)), "reason": reason}
        return closed + [{**self._head(s, "gap", time - pause, time), **told} for s in ("open", "close")]

    def _moment(self, time: float) -> str | float | int:
        if self.clock.kind == "time":
            return stamped(self.clock, time)
        return int(time) if float(time).is_integer() else time

    def _span(self, length: float) -> str:
        return duration(length) if self.clock.kind == "time" else f"{length:g}"

    def state(self) -> tuple[dict[str, Floats], dict[str, Any]]:
        """Everything: plain arrays, and what JSON holds."""
        arrays = {f"tracker.{name}": array for name, array in self.tracker.state().items()}
        if self.stream is not None:
            arrays |= {f"stream.{name}": array for name, array in self.stream.state().items()}
        times, rows = self._warm
        arrays["times"] = np.asarray(times, np.float64)
        arrays["rows"] = np.asarray(rows, np.float64).reshape(len(times), len(self.channels))
        arrays["counters"] = self.counters.state()
        arrays["numbers"] = np.asarray([getattr(self, name) for name in _NUMBERS], np.float64)
        return arrays, {"step": self.clock.step, "warm": self.warm, "told": self._told}

    def restore(self, arrays: Mapping[str, Floats], kept: dict[str, Any]) -> None:
        """Go on where `state` was taken from a series of the same name and settings."""
        if kept["warm"]:
            self.clock = replace(self.clock, step=kept["step"])
            self._prepare()
            assert self.stream is not None
            self.stream.restore(part(arrays, "stream."))
        self.tracker = EventTracker.restore(part(arrays, "tracker."), self.tracker.rules)
        self.counters.restore(arrays["counters"])
        self._warm = (arrays["times"].tolist(), arrays["rows"].tolist())
        for name, number in zip(_NUMBERS, arrays["numbers"].tolist(), strict=True):
            setattr(self, name, type(getattr(self, name))(number))
        self._told = kept["told"]


_NUMBERS = ("records", "behind", "set_back", "events", "_last", "_last_back", "_back", "_widest", "_muted")


def _sentence(told: dict[str, Any], kind: str, event: Event, rate: float) -> str:
    value, expected = told["value"], told["expected"]
    rare = f"as rare as 1 in {1 / max(event.p, 1e-12):,.0f} records"
    if value is None:
        return f"{told['channel']}: no value where there always was one, {rare}"
    instead = "" if expected is None else f" instead of about {expected:.5g}"
    return f"{told['channel']}: {value:.6g}{instead}, {kind}, {rare}"
