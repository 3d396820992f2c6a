"""What does not belong to series, as a task: learnt from a normal part, judged at a promised rate, with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from genapps.anomaly import Calibration, Promise, Rules, promise
from genapps.anomaly.events import Direction
from genapps.errors import InputError, UsageError
from genapps_timeseries.detection_events import Found, found_in
from genapps_timeseries.detection_judging import Judged, judge
from genapps_timeseries.detection_learning import FEWEST, KEPT, Learnt, Normal, learn
from genapps_timeseries.detection_rate import Asked, asked_rate
from genapps_timeseries.detection_words import explained
from genapps_timeseries.detector import DetectorSettings
from genapps_timeseries.series import Clock, Series

SHARE = 4  # the first quarter of the rows is normal where nothing is said
ENOUGH = 500  # rows of it that are wanted at least, up to a third of all


@dataclass(frozen=True)
class Span:
    """A length of time: rows, or seconds of the clock."""

    rows: float = 0.0
    seconds: float | None = None

    def of(self, clock: Clock) -> int:
        """Rows, at least one. Raises UsageError for a time where rows have none."""
        if self.seconds is None:
            return max(1, round(self.rows))
        if clock.seconds is None:
            raise UsageError(f"{self.seconds:g} seconds: the rows have no date and time here; give a number of rows")
        return max(1, round(self.seconds / clock.seconds))


@dataclass(frozen=True)
class Wishes:
    """What a person asks of alarms.

    rate: the share of normal rows in alarm, or weekly: false alarms a week. shortest: an event is at least so long.
    merge: alarms at most so far apart are one event; half a period where nothing is said. direction: only values above
    (up) or below (down) what was expected. season: the period; found where it is None.
    """

    rate: float | None = None
    weekly: float | None = None
    shortest: Span = Span(1)
    merge: Span | None = None
    direction: Direction = "both"
    season: Span | None = None
    family: str = "ensemble"
    seed: int = 0

    def detector(self, clock: Clock) -> DetectorSettings:
        """The settings of the detector of a series."""
        return DetectorSettings(self.family, 0 if self.season is None else max(2, self.season.of(clock)), self.seed)

    def rules(self, rate: float, clock: Clock, window: int) -> Rules:
        """When rows in alarm are an event."""
        gap = self.gap(clock, window) * (clock.step or 1.0)
        return Rules(rate, gap, rows=self.shortest.of(clock), direction=self.direction)

    def gap(self, clock: Clock, window: int) -> int:
        """Rows that are merged over."""
        return max(3, window // 2) if self.merge is None else self.merge.of(clock)


@dataclass(frozen=True)
class Result:
    """One series: its rows judged, what is normal, what was promised, its events and what is to be said."""

    judged: Judged
    normal: Normal
    asked: Asked
    promise: Promise
    events: tuple[Found, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Detection:
    """All series of an input."""

    results: tuple[Result, ...]

    @property
    def events(self) -> tuple[Found, ...]:
        """The events of all series, in order of time, numbered through."""
        return tuple(event for result in self.results for event in result.events)

    @property
    def promise(self) -> Promise:
        """What was asked and kept, of all series together."""
        return together([result.promise for result in self.results])

    @property
    def notes(self) -> tuple[str, ...]:
        """What was met and done, each sentence once."""
        return tuple(dict.fromkeys(note for result in self.results for note in result.notes))


def detect(
    series: Sequence[Series],
    wishes: Wishes | None = None,
    *,
    train: Mapping[str, Series | int] | None = None,
    normals: Mapping[str, Normal] | None = None,
) -> Detection:
    """Judge series.

    train: by name of the series what is normal: another series, or how many of its own first rows; the first quarter
    where there is none. normals: what was learnt earlier, instead. Raises InputError for series that nothing can be
    told of.
    """
    wishes = wishes or Wishes()
    made: list[Result] = []
    count = 0
    for one in series:
        known = (normals or {}).get(one.name)
        part = (train or {}).get(one.name, first_part(len(one)))
        result = _judged_by(one, known, None, wishes) if known is not None else _learnt_from(one, part, wishes)
        events = tuple(replace(event, id=count + event.id) for event in result.events)
        count += len(events)
        made.append(replace(result, events=events))
    return Detection(tuple(made))


def first_part(rows: int) -> int:
    """How many of the first rows are normal where nothing is said: a quarter, more where that is little."""
    if rows < 2 * FEWEST:
        held = "1 row" if rows == 1 else f"{rows} rows"
        raise InputError(f"a series of {held}: it takes {2 * FEWEST} or more to tell what does not belong")
    return min(max(rows // SHARE, min(ENOUGH, rows // 3), FEWEST), KEPT)


def _learnt_from(series: Series, part: Series | int, wishes: Wishes) -> Result:
    settings = wishes.detector(series.clock)
    if isinstance(part, Series):
        learnt = learn(part, series.values, settings)
        return _judged_by(series, learnt.normal, None, wishes, _dirt(learnt, "the training data"))
    learnt = learn(series.part(0, part), series.values[part:], settings)
    return _judged_by(series, learnt.normal, learnt, wishes, _dirt(learnt, f"the first {part:,} rows"))


def _judged_by(
    series: Series, normal: Normal, learnt: Learnt | None, wishes: Wishes, notes: tuple[str, ...] = ()
) -> Result:
    gap = wishes.gap(series.clock, normal.window)
    asked = asked_rate(normal.reference, series.clock.seconds, gap, wishes.rate, wishes.weekly)
    kept = promise(normal.reference, Calibration(asked.rate), step=series.clock.seconds, asked=asked.weekly, merge=gap)
    judged = judge(normal, series, asked.rate, None if learnt is None else learnt.scored)
    rules = wishes.rules(asked.rate, series.clock, normal.window)
    events = tuple(explained(event, judged, normal) for event in found_in(judged, normal, rules))
    said = (*series.notes, *notes, *((asked.note,) if asked.note else ()))
    return Result(judged, normal, asked, kept, events, said)


def _dirt(learnt: Learnt, where: str) -> tuple[str, ...]:
    """What is to be said of a normal part that was not all normal."""
    count = int(learnt.normal.dirty.sum())
    if not count:
        return ()
    share = count / len(learnt.normal.dirty)
    return (
        f"{where} hold {count:,} rows ({share:.1%}) that are far from normal: they were left out of what is normal",
    )


def together(promises: Sequence[Promise]) -> Promise:
    """The promises of several series as one: what was asked of each, and what all kept on average."""
    first = promises[0]
    if len(promises) == 1:
        return first
    measured = [p for p in promises if p.held is not None]
    rows = sum(p.rows for p in measured)
    held = sum((p.held or 0) * p.rows for p in measured) / rows if rows else None
    least = min(promises, key=lambda p: p.normal / p.needed)
    return replace(first, normal=least.normal, needed=least.needed, rows=rows, held=held,
                   alarms=sum(p.alarms for p in measured))  # fmt: skip
