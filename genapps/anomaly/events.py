"""From rows in alarm to events: one alarm however long it lasts, with a start, an end, a severity and a cause.

`find_events` takes all rows at once, `EventTracker` one at a time; both give the same events.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.metrics.distributions import Codes, Floats, Mask

Direction = Literal["up", "down", "both"]
GRADES = ("low", "medium", "high", "critical")
_SMALLEST = 1e-12  # p-values below count as this: nothing is known of anything rarer


@dataclass(frozen=True)
class Rules:
    """When rows in alarm are an event.

    rate: a row is in alarm where p <= rate. gap: rows in alarm at most so far apart, in the unit of the times, are of
    one event. rows: an event is at least so many rows long, from its first row in alarm to its last. m, n: at least m
    of some n consecutive rows of it are in alarm. direction: only rows above (`up`) or below (`down`) what was expected
    count.
    """

    rate: float = 0.001
    gap: float = 1.0
    rows: int = 1
    m: int = 1
    n: int = 1
    direction: Direction = "both"

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1 or not self.gap >= 0 or self.rows < 1:
            raise UsageError("rate must be above 0 and at most 1, gap 0 or more, rows 1 or more")
        if not 1 <= self.m <= self.n:
            raise UsageError(f"{self.m} of {self.n} rows: give m from 1 to n")
        if self.direction not in ("up", "down", "both"):
            raise UsageError(f"direction {self.direction!r}: give up, down or both")

    def linked(self, time: float, row: int, last_time: float, last_row: int) -> bool:
        """Whether a row in alarm belongs to the event whose last row in alarm is given."""
        return time - last_time <= self.gap * (1 + 1e-9) or row - last_row < self.n


@dataclass(frozen=True)
class Event:
    """A stretch of rows that is one alarm.

    id: 1, 2, ... in order of time. start, end, peak: times of the first, the last and the strangest row in alarm.
    first_row, last_row, peak_row: their numbers from 0. alarms: rows in alarm. p: the smallest p-value of its rows: how
    rare its strangest row would be on a normal day. score: the score of that row. direction: where most of its rows in
    alarm were, beside what was expected; "both" where that is unknown or even. contributions: (C,) each channel's share
    of the rows in alarm, summing to 1; empty without channels.
    """

    id: int
    start: float
    end: float
    peak: float
    first_row: int
    last_row: int
    peak_row: int
    alarms: int
    p: float
    score: float
    direction: Direction
    severity: float
    contributions: tuple[float, ...] = ()

    @property
    def grade(self) -> str:
        """The severity in words: low below 1, medium below 2, high below 3, critical from there."""
        return GRADES[min(int(self.severity), len(GRADES) - 1)]

    def channels(self) -> list[int]:
        """The channels by their contribution, the largest first; ties in their own order."""
        return sorted(range(len(self.contributions)), key=lambda channel: -self.contributions[channel])


@dataclass(frozen=True)
class Change:
    """What became of an event with a row: it opened, grew worse by a grade, or closed."""

    kind: Literal["open", "update", "close"]
    event: Event


def severity(p: float, alarms: int, rate: float) -> float:
    """How bad an event is: log10(rate / p) + log10(alarms), at least 0; it never falls while an event goes on.

    One more for a strangest row ten times rarer than the rate, and one more for ten times as many rows in alarm. So 0
    is a single row that just reaches the threshold, 3 one in a thousand of those.
    """
    return max(math.log10(rate / max(p, _SMALLEST)), 0.0) + math.log10(alarms)


class EventTracker:
    """Rows in, changes of events out, one row at a time; memory does not grow with the length of an event.

    An event opens when the rules are met, is updated only when its grade rises (three times at most) and closes with
    the first row that is too far from its last row in alarm. `finish` closes what is open.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self._row = -1
        self._count = 0  # events opened so far
        self._recent: deque[int] = deque(maxlen=self.rules.m)  # the last rows in alarm
        self._event: Event | None = None  # what goes on, opened or not yet
        self._opened = False
        self._dense = False  # m of n was met
        self._ups = 0  # rows above what was expected less rows below
        self._sums: list[float] = []

    def step(
        self,
        time: float,
        p: float,
        score: float = math.nan,
        *,
        sign: float = 0.0,
        contributions: Sequence[float] = (),
    ) -> list[Change]:
        """Take one row: its time, p-value and score; sign: of value less expectation; contributions: (C,) of channels.

        A p-value of NaN is no alarm. Raises InputError where the number of channels changes within an event.
        """
        self._row += 1
        time, p, score = float(time), float(p), float(score)
        alarm = p <= self.rules.rate and _counts(sign, self.rules.direction)
        changes = []
        if self._event is not None and not self._joins(time):
            changes = self._close()
        if not alarm:
            return changes
        if self._event is None:
            self._begin(time, p, score, contributions)
        else:
            self._extend(self._event, time, p, score, contributions)
        self._ups += int(sign > 0) - int(sign < 0)
        self._recent.append(self._row)
        full = len(self._recent) == self.rules.m
        self._dense = self._dense or (full and self._row - self._recent[0] < self.rules.n)
        return changes + self._tell()

    def finish(self) -> list[Change]:
        """The end of the rows: close what is open."""
        return self._close()

    def open(self) -> Event | None:
        """The event that is open now, with its present end and severity."""
        return self._finished() if self._opened else None

    def _joins(self, time: float) -> bool:
        event = self._event
        return event is not None and self.rules.linked(time, self._row, event.end, event.last_row)

    def _begin(self, time: float, p: float, score: float, contributions: Sequence[float]) -> None:
        row, grade = self._row, severity(p, 1, self.rules.rate)
        self._event = Event(0, time, time, time, row, row, row, 1, p, score, "both", grade)
        self._opened = self._dense = False
        self._ups = 0
        self._sums = [float(share) for share in contributions]
        self._recent.clear()

    def _extend(self, event: Event, time: float, p: float, score: float, contributions: Sequence[float]) -> None:
        if len(contributions) != len(self._sums):
            raise InputError(f"row {self._row + 1}: {len(contributions)} channels after {len(self._sums)}")
        self._sums = [total + float(share) for total, share in zip(self._sums, contributions, strict=True)]
        if p < event.p:
            event = replace(event, peak=time, peak_row=self._row, p=p, score=score)
        self._event = replace(event, end=time, last_row=self._row, alarms=event.alarms + 1)

    def _tell(self) -> list[Change]:
        event = self._event
        assert event is not None
        before = event.grade
        worse = severity(event.p, event.alarms, self.rules.rate)
        self._event = replace(event, severity=worse)
        if not self._opened:
            if not self._dense or event.last_row - event.first_row + 1 < self.rules.rows:
                return []
            self._opened = True
            self._count += 1
            self._event = replace(self._event, id=self._count)
            return [Change("open", self._finished())]
        return [Change("update", self._finished())] if self._event.grade != before else []

    def _close(self) -> list[Change]:
        changes = [Change("close", self._finished())] if self._opened else []
        self._event, self._opened = None, False
        return changes

    def _finished(self) -> Event:
        assert self._event is not None
        return replace(self._event, direction=_direction(self._ups), contributions=_shares(self._sums))

    def state(self) -> dict[str, Floats]:
        """All that is known, as plain arrays: `restore` goes on with no event lost or told twice."""
        kept = self._event
        event = [] if kept is None else [float(getattr(kept, name)) for name in _NUMBERS]
        counters = [self._row, self._count, self._opened, self._dense, self._ups]
        return {
            "event": np.asarray(event, np.float64),
            "counters": np.asarray(counters, np.float64),
            "recent": np.asarray(self._recent, np.float64),
            "sums": np.asarray(self._sums, np.float64),
        }

    @classmethod
    def restore(cls, state: dict[str, Floats], rules: Rules) -> EventTracker:
        """The tracker that `state` was taken from, with its rules. Raises InputError for arrays that are none."""
        if {"event", "counters", "recent", "sums"} - state.keys() or len(state["counters"]) != 5:
            raise InputError("saved events without their counters: save them again")
        made = cls(rules)
        made._row, made._count, opened, dense, made._ups = (int(number) for number in state["counters"])
        made._opened, made._dense = bool(opened), bool(dense)
        made._recent.extend(int(row) for row in state["recent"])
        made._sums = [float(total) for total in state["sums"]]
        if len(state["event"]):
            number, start, end, peak, first, last, worst, alarms, p, score, bad = map(float, state["event"])
            whole = int(first), int(last), int(worst), int(alarms)
            made._event = Event(int(number), start, end, peak, *whole, p, score, "both", bad)
        return made


def find_events(
    p: Any,
    times: Any = None,
    rules: Rules | None = None,
    *,
    scores: Any = None,
    signs: Any = None,
    contributions: Any = None,
) -> list[Event]:
    """The events of rows, as `EventTracker` finds them; the work grows with the rows in alarm, not with all.

    p: (N,) p-values, NaN is no alarm. times: (N,) numbers in order, row numbers without. scores: (N,). signs: (N,) of
    value less expectation. contributions: (N, C). Raises InputError for lengths that differ.
    """
    rules = rules or Rules()
    values = np.asarray(p, np.float64)
    count = len(values)
    clock = _column(times, np.arange(count, dtype=np.float64), count, "times")
    strange = _column(scores, np.full(count, math.nan), count, "scores")
    sides = _column(signs, np.zeros(count), count, "signs")
    shares = None if contributions is None else np.asarray(contributions, np.float64)
    if shares is not None and (shares.ndim != 2 or len(shares) != count):
        raise InputError(f"contributions of shape {shares.shape} beside {count} rows: a row a time, a column a channel")
    rows = np.flatnonzero((values <= rules.rate) & _counted(sides, rules.direction))
    apart = (np.diff(clock[rows]) > rules.gap * (1 + 1e-9)) & (np.diff(rows) >= rules.n)
    found: list[Event] = []
    for chain in np.split(rows, np.flatnonzero(apart) + 1):
        if not _meets(chain, rules):
            continue
        peak = int(chain[values[chain].argmin()])
        sums = [] if shares is None else np.cumsum(shares[chain], axis=0)[-1].tolist()
        first, last, low = int(chain[0]), int(chain[-1]), float(values[peak])
        found.append(
            Event(
                id=len(found) + 1,
                start=float(clock[first]),
                end=float(clock[last]),
                peak=float(clock[peak]),
                first_row=first,
                last_row=last,
                peak_row=peak,
                alarms=len(chain),
                p=low,
                score=float(strange[peak]),
                direction=_direction(int((sides[chain] > 0).sum() - (sides[chain] < 0).sum())),
                severity=severity(low, len(chain), rules.rate),
                contributions=_shares(sums),
            )
        )
    return found


_NUMBERS = ("id", "start", "end", "peak", "first_row", "last_row", "peak_row", "alarms", "p", "score", "severity")


def _meets(chain: Codes, rules: Rules) -> bool:
    if not len(chain) or chain[-1] - chain[0] + 1 < rules.rows or len(chain) < rules.m:
        return False
    return bool((chain[rules.m - 1 :] - chain[: len(chain) - rules.m + 1] < rules.n).any())


def _counts(sign: float, direction: Direction) -> bool:
    return direction == "both" or (sign > 0 if direction == "up" else sign < 0)


def _counted(signs: Floats, direction: Direction) -> Mask:
    return np.ones(len(signs), bool) if direction == "both" else signs > 0 if direction == "up" else signs < 0


def _direction(ups: int) -> Direction:
    return "up" if ups > 0 else "down" if ups < 0 else "both"


def _shares(sums: Sequence[float]) -> tuple[float, ...]:
    total = math.fsum(sums)
    return tuple(part / total if total > 0 else 1 / len(sums) for part in sums)


def _column(values: Any, otherwise: Floats, count: int, name: str) -> Floats:
    if values is None:
        return otherwise
    column = np.asarray(values, np.float64)
    if column.shape != (count,):
        raise InputError(f"{name} of shape {column.shape} beside {count} rows: one a row")
    return column
