"""One row of results for each row of the input, in the input's order, in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.io.room import room
from genapps_timeseries.detection.events import Found
from genapps_timeseries.detection.tasks import Detection, Result
from genapps_timeseries.series import Codes, Floats

DIGITS = 7  # significant ones of a figure
ROW = "row"  # the name of the first column where the input has no time
CONTRIBUTION = "contribution_"


def row_tables(detection: Detection, column: str, stamps: Iterable[Sequence[str]], count: int) -> Iterator[pa.Table]:
    """Results for each of `count` rows of the input, in its order, a table a batch of stamps.

    column, stamps: the time as the input has it. Rows that are in no series, since their time could not be read, have
    empty results. Rows of one stamp share theirs.
    """
    results = detection.results
    channels = tuple(dict.fromkeys(name for result in results for name in result.judged.series.channels))
    owner, place = _places(results, count)
    events = [_event_ids(result) for result in results]
    names = pa.array([result.judged.series.name for result in results], pa.string())
    start = 0
    for texts in stamps:
        own, where = owner[start : start + len(texts)], place[start : start + len(texts)]
        block = _Block(len(texts), channels)
        for k, result in enumerate(results):
            mine = np.flatnonzero(own == k)
            if len(mine):
                block.take(result, mine, where[mine], events[k])
        first = {column or ROW: pa.array(texts, pa.string())}
        if len(results) > 1:
            first["series"] = names.take(pa.array(own, mask=own < 0))
        yield pa.table({**first, **block.columns()})
        start += len(texts)


def _places(results: Sequence[Result], count: int) -> tuple[NDArray[np.int32], Codes]:
    """For each row of the input which series it is in, -1 for none, and which row of that it is."""
    owner, place = room(count, np.int32), room(count, np.int64)
    owner[:] = -1
    for k, result in enumerate(results):
        series = result.judged.series
        real = np.flatnonzero(series.rows >= 0)
        owner[series.rows[real]], place[series.rows[real]] = k, real
        owner[series.copies[:, 0]], place[series.copies[:, 0]] = k, series.copies[:, 1]
    return owner, place


def _event_ids(result: Result) -> NDArray[np.int32]:
    """The event (N,) that each row of a series is in, 0 for none; of overlapping ones the shortest, so all show."""
    ids: NDArray[np.int32] = room(len(result.judged.series), np.int32)
    spans = [(_shown(event, result.judged.series.rows), event) for event in result.events]
    for (first, last), event in sorted(spans, key=lambda one: (one[0][0] - one[0][1], one[1].severity)):
        ids[first : last + 1] = event.id
    return ids


def _shown(event: Found, rows: Codes) -> tuple[int, int]:
    """The first and last row (of `rows`, -1 for those that the input lacks) that have an event's number.

    Of an event of missing rows alone, a gap, it is the first row after them: the one that comes late.
    """
    if (rows[event.first : event.last + 1] >= 0).any():
        return event.first, event.last
    late = event.last + 1 + int((rows[event.last + 1 :] >= 0).argmax())
    return late, late


class _Block:
    """The columns of some rows, filled series by series."""

    def __init__(self, rows: int, channels: tuple[str, ...]) -> None:
        self.floats = {
            name: np.full(rows, np.nan) for name in ("score", "p_value", "threshold", "expected", "lower", "upper")
        }
        self.alarm, self.event = np.zeros(rows, bool), np.zeros(rows, np.int32)
        self.top: NDArray[np.int32] = np.full(rows, -1, np.int32)
        self.channels = channels
        self.shares = np.full((rows, len(channels)), np.nan)

    def take(self, result: Result, mine: Codes, place: Codes, events: NDArray[np.int32]) -> None:
        judged = result.judged
        where = np.array([self.channels.index(name) for name in judged.series.channels])
        floats = (judged.score, judged.p, judged.threshold, judged.expected, judged.lower, judged.upper)
        for name, values in zip(self.floats, floats, strict=True):
            self.floats[name][mine] = values[place]
        known = np.isfinite(judged.score[place])
        self.event[mine] = events[place]
        self.alarm[mine] = events[place] > 0
        self.top[mine] = np.where(known, where[judged.top[place]], -1)
        self.shares[np.ix_(mine, where)] = np.where(known[:, None], judged.shares[place], np.nan)

    def columns(self) -> dict[str, pa.Array]:
        score, p, threshold, expected, lower, upper = (_figures(values) for values in self.floats.values())
        names = pa.array(self.channels, pa.string())
        return {
            "score": score,
            "p_value": p,
            "threshold": threshold,
            "is_anomaly": pa.array(self.alarm),
            "event_id": pa.array(self.event, mask=self.event == 0),
            "expected": expected,
            "lower": lower,
            "upper": upper,
            "top_channel": names.take(pa.array(self.top, mask=self.top < 0)),
            **{CONTRIBUTION + name: _figures(self.shares[:, c], 4) for c, name in enumerate(self.channels)},
        }


def _figures(values: Floats, digits: int = DIGITS) -> pa.Array:
    """Numbers to so many significant digits, empty where there is none."""
    known = np.isfinite(values)
    safe = np.where(known & (values != 0), np.abs(values), 1.0)
    unit = 10.0 ** np.clip(digits - 1 - np.floor(np.log10(safe)), -300, 300)
    return pa.array(np.where(known, np.rint(np.where(known, values, 0) * unit) / unit, np.nan), mask=~known)
