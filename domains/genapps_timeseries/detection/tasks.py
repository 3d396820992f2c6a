"""What does not belong to series, as a task: learnt from a normal part, judged at a promised rate, with reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genapps.anomaly import Promise
from genapps.errors import InputError, UsageError
from genapps_timeseries.detection.accepting import accept, is_accepted
from genapps_timeseries.detection.events import Found, found_in, without_copies, without_shadows
from genapps_timeseries.detection.judging import Judged, judge
from genapps_timeseries.detection.learning import FEWEST, KEPT, Learnt, Normal, extend, learn
from genapps_timeseries.detection.ranking import kept
from genapps_timeseries.detection.rate import Asked, asked_rate
from genapps_timeseries.detection.training_part import Normal as Part
from genapps_timeseries.detection.wishes import Wishes
from genapps_timeseries.detection.words import explained
from genapps_timeseries.reading.clock import moment
from genapps_timeseries.series import Series
from genapps_timeseries.wording import counted, listed

SHARE = 4  # the first quarter of the rows is normal where nothing is said
ENOUGH = 500  # rows of it that are wanted at least, up to a third of all
NEAR = 1.5  # steps after the last known row that a new one may come to go on from it


@dataclass(frozen=True)
class Result:
    """One series: its rows judged, what is normal, what was promised, its events and what is to be said."""

    judged: Judged
    normal: Normal
    asked: Asked
    promise: Promise
    events: tuple[Found, ...]
    notes: tuple[str, ...]
    says: str = ""  # what is taken as normal, in words


@dataclass(frozen=True)
class Detection:
    """All series of an input."""

    results: tuple[Result, ...]

    @property
    def events(self) -> tuple[Found, ...]:
        """The events of all series, numbered through, those of a series in order of time."""
        return tuple(event for result in self.results for event in result.events)

    @property
    def promise(self) -> Promise:
        """What was asked and kept, of all series together."""
        return together([result.promise for result in self.results])

    @property
    def notes(self) -> tuple[str, ...]:
        """What was met and done, each sentence once."""
        return tuple(dict.fromkeys(note for result in self.results for note in result.notes))

    @property
    def normals(self) -> dict[str, Normal]:
        """What is normal of each series, by its name."""
        return {result.judged.series.name: result.normal for result in self.results}


def detect(
    series: Sequence[Series],
    wishes: Wishes | None = None,
    *,
    parts: Sequence[Part] | None = None,
    normals: Mapping[str, Normal] | None = None,
    accepted: Collection[int] = (),
) -> Detection:
    """Judge series.

    parts: what is normal of each, as `training_parts` tells; the first quarter where there is none. normals: what was
    learnt earlier, instead, by the series' names. accepted: numbers of events that were normal: they are remembered
    with what is normal, and neither they nor their like are told. Raises InputError for series that nothing can be told
    of, UsageError for an event that there is none of.
    """
    wishes = wishes or Wishes()
    made = []
    for k, one in enumerate(series):
        if normals is not None:
            made.append(_by_model(one, normals, wishes))
        else:
            part = parts[k] if parts is not None else _first_part(one)
            learnt = learn(part.series, one.values[part.rows :], wishes.detector(one.clock))
            notes = dirt(learnt, part.says)
            made.append(_judged(one, learnt.normal, learnt if part.rows else None, wishes, notes, part.says))
    found = Detection(_numbered(made))
    return accepting(found, set(accepted)) if accepted else found


def accepting(detection: Detection, ids: set[int]) -> Detection:
    """The same without some events, which are remembered with what is normal, and without their like.

    Raises UsageError for an event that there is none of.
    """
    known = {event.id for event in detection.events}
    if lost := sorted(ids - known):
        raise UsageError(f"--accept {lost[0]}: there is no such event; there are {len(known):,}")
    made = []
    for result in detection.results:
        chosen = [event for event in result.events if event.id in ids]
        normal = accept(result.normal, result.judged, chosen)
        left = tuple(event for event in result.events if not is_accepted(event, result.judged, normal))
        more = len(result.events) - len(left) - len(chosen)
        note = f"{counted(len(chosen), 'event')} accepted as normal: {', '.join(str(event.id) for event in chosen)}"
        note += f"; {counted(more, 'event')} like that {'is' if more == 1 else 'are'} not told either" if more else ""
        made.append(replace(result, normal=normal, events=left, notes=(*result.notes, *([note] if chosen else []))))
    return Detection(_numbered(made))


def fit(series: Sequence[Series], wishes: Wishes | None = None) -> dict[str, Learnt]:
    """What is normal of series, by their names, all of whose rows are. Raises InputError as `learn`."""
    wishes = wishes or Wishes()
    return {one.name: learn(one, None, wishes.detector(one.clock)) for one in series}


def extended(normals: Mapping[str, Normal], series: Sequence[Series]) -> dict[str, Normal]:
    """What is normal after more rows that are; series that were not known are learnt.

    The last 100,000 rows of each are kept, so that what is normal rolls on. Raises InputError for series of other
    channels.
    """
    made = dict(normals)
    for one in series:
        known = _known_as(one, normals)
        if known is None:
            settings = next(iter(normals.values())).detector.settings
            made[one.name] = learn(one, None, settings).normal
            continue
        same, _ = aligned(one, known)
        step = known.clock.step or 1.0
        joined = 0 < same.times[0] - known.times[-1] <= NEAR * step
        made[known.name] = extend(known, same.values[-KEPT:], same.times[-KEPT:], joined=joined).normal
    return made


def unseen(normals: Mapping[str, Normal], series: Sequence[Series]) -> tuple[list[Series], tuple[str, ...]]:
    """Series without the rows of a time from which rows are known already, and what is to be said of these.

    Raises InputError where nothing is left.
    """
    made, notes = [], []
    for one in series:
        known = _known_as(one, normals)
        if known is None or one.clock.kind != "time" or not len(known.times):
            made.append(one)
            continue
        new = (one.times < known.times[0]) | (one.times > known.times[-1])
        if new.all():
            made.append(one)
            continue
        until = moment(one.clock, float(known.times[-1]))
        notes.append(f"{counted(int((~new).sum()), 'row')} left out: what is known reaches to {until} already")
        if new.any():
            made.append(replace(one, values=one.values[new], times=one.times[new], rows=one.rows[new]))
    if not made:
        raise InputError(f"{notes[0]}; there is nothing new to learn from")
    return made, tuple(notes)


def aligned(series: Series, normal: Normal) -> tuple[Series, tuple[str, ...]]:
    """The series with the channels of what is normal, by their names, and what is to be said where they differ.

    Raises InputError where no channel is the same.
    """
    if series.channels == normal.channels:
        return series, ()
    notes = []
    lost = [name for name in normal.channels if name not in series.channels]
    more = [name for name in series.channels if name not in normal.channels]
    if len(lost) == len(normal.channels):
        raise InputError(
            f"none of the channels of the model ({listed(lost)}) is in the data, which has {listed(more)}; "
            "give data of the same columns"
        )
    if lost:
        notes.append(
            f"{counted(len(lost), 'channel')} of the model not in the data and taken as unknown: {listed(lost)}"
        )
    if more:
        notes.append(f"{counted(len(more), 'channel')} of the data not in the model and left out: {listed(more)}")
    values = np.full((len(series), len(normal.channels)), np.nan)
    for c, name in enumerate(normal.channels):
        if name in series.channels:
            values[:, c] = series.values[:, series.channels.index(name)]
    return replace(series, values=values, channels=normal.channels), tuple(notes)


def first_part(rows: int) -> int:
    """How many of the first rows are normal where nothing is said: a quarter, more where that is little."""
    return min(max(rows // SHARE, min(ENOUGH, rows // 3), FEWEST), KEPT)


def _first_part(series: Series) -> Part:
    if len(series) < 2 * FEWEST:
        held = (f"{series.name}: " if series.name else "") + counted(len(series), "row")
        raise InputError(f"{held}, and it takes {2 * FEWEST} or more to tell what does not belong")
    rows = first_part(len(series))
    return Part(series.part(0, rows), rows, f"the first {counted(int((series.rows[:rows] >= 0).sum()), 'row')}")


def _by_model(series: Series, normals: Mapping[str, Normal], wishes: Wishes) -> Result:
    known = _known_as(series, normals)
    if known is None:
        raise InputError(
            f"the model knows no series {series.name!r}, but {listed(list(normals))}; fit --update takes new ones in"
        )
    same, notes = aligned(series, known)
    if known.clock.kind == same.clock.kind == "time" and known.clock.step and same.clock.step:
        ratio = same.clock.step / known.clock.step
        if not 0.8 < ratio < 1.25:
            notes = (
                *notes,
                f"rows come {ratio:.3g} times as far apart as those that were learnt; fit to such rows anew",
            )
    return _judged(same, known, None, wishes, notes, f"what was learnt from {counted(len(known.values), 'row')}")


def _known_as(series: Series, normals: Mapping[str, Normal]) -> Normal | None:
    """What is normal of a series; where only one is known and the series has no name, it is that."""
    if series.name in normals:
        return normals[series.name]
    return next(iter(normals.values())) if len(normals) == 1 and not series.name else None


def _judged(
    series: Series, normal: Normal, learnt: Learnt | None, wishes: Wishes, notes: tuple[str, ...], says: str
) -> Result:
    gap = wishes.gap(series.clock, normal.window)
    seconds = series.clock.seconds
    asked = asked_rate(normal.reference, seconds, gap, wishes.false_alarm_rate, wishes.alarms_per_week)
    promised = kept(normal.reference, asked.rate, normal.window, step=seconds, asked=asked.weekly, merge=gap)
    judged = judge(normal, series, asked.rate, None if learnt is None else learnt.scored)
    rules = wishes.rules(asked.rate, series.clock, normal.window)
    found = explained(found_in(judged, normal, rules), judged, normal, asked.rate)
    told = without_copies(without_shadows(found, judged, normal))
    told.sort(key=lambda event: (event.start, event.first))
    told = [event for event in told if event.rows >= rules.rows and wishes.wants(event.direction)]
    events = tuple(event for event in told if not is_accepted(event, judged, normal))
    count = len(told) - len(events)
    silent = (
        (f"{counted(count, 'event')} like accepted ones {'is' if count == 1 else 'are'} not told",) if count else ()
    )
    said = (*series.notes, *notes, *silent, *((asked.note,) if asked.note else ()))
    return Result(judged, normal, asked, promised, events, said, says)


def _numbered(results: Sequence[Result]) -> tuple[Result, ...]:
    made, count = [], 0
    for result in results:
        events = tuple(replace(event, id=count + k) for k, event in enumerate(result.events, 1))
        count += len(events)
        made.append(replace(result, events=events))
    return tuple(made)


def dirt(learnt: Learnt, where: str) -> tuple[str, ...]:
    """What is to be said of a normal part that was not all normal."""
    count = int(learnt.normal.dirty.sum())
    if not count:
        return ()
    share = count / len(learnt.normal.dirty)
    return (f"{where} hold {count:,} ({share:.1%}) that are far from normal; what is normal was learnt without them",)


def together(promises: Sequence[Promise]) -> Promise:
    """The promises of several series as one: what was asked of each, and what all kept on average."""
    first = promises[0]
    if len(promises) == 1:
        return first
    measured = [p for p in promises if p.held is not None]
    rows = sum(p.rows for p in measured)
    held = sum((p.held or 0) * p.rows for p in measured) / rows if rows else None
    least = min(promises, key=lambda p: p.normal / p.needed)
    alarms = sum(p.alarms for p in measured)
    return replace(first, normal=least.normal, needed=least.needed, rows=rows, held=held, alarms=alarms)
