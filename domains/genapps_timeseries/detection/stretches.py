"""What no score has to find: rows that are missing and values that are stuck for longer than was ever normal, and
counters that are set back although they never were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genapps.metrics.ranges import segments
from genapps_timeseries.detection.learning import Mask, Normal
from genapps_timeseries.series import Codes, Floats, Series

TIMES = 2  # as long as the longest normal one
LEAST_MISSING = 3  # rows
LEAST_STUCK = 10


@dataclass(frozen=True)
class Stretch:
    """Rows first..last of a series that are missing (gap), unknown in some channels (missing), stuck (flatline) or the
    first of a counter that was set back (reset).

    start, end: its times. rows: how many are, or would be, there: of a long gap the series has only some.
    """

    kind: str
    first: int
    last: int
    start: float
    end: float
    rows: int
    channels: tuple[int, ...]


def stretches(series: Series, begin: int, normal: Normal) -> list[Stretch]:
    """The stretches in rows from `begin` on, in order of time."""
    part = series.part(begin, len(series))
    found = [*_missing(part, normal), *_stuck(part, normal), *_set_back(part, normal)]
    moved = [Stretch(s.kind, s.first + begin, s.last + begin, s.start, s.end, s.rows, s.channels) for s in found]
    return sorted(moved, key=lambda s: (s.start, s.first))


def _missing(part: Series, normal: Normal) -> Iterator[Stretch]:
    """Runs of unknown values; a gap where no channel has one."""
    unknown = np.isnan(part.values)
    whole: Mask = np.asarray(unknown.all(axis=1))
    everything = tuple(range(len(part.channels)))
    if part.clock.regular:
        limit = max(LEAST_MISSING, TIMES * int(normal.longest[1].min()))
        yield from (_of("gap", part, *run, everything) for run in _runs(whole) if run[1] - run[0] + 1 > limit)
    for c in everything if len(everything) > 1 else ():
        limit = max(LEAST_MISSING, TIMES * int(normal.longest[1, c]))
        for first, last in _runs(unknown[:, c] & ~whole):
            if last - first + 1 > limit:
                yield _of("missing", part, first, last, (c,))


def _stuck(part: Series, normal: Normal) -> Iterator[Stretch]:
    """Runs of one value in channels that otherwise change."""
    for c, role in enumerate(normal.detector.roles):
        limit = max(LEAST_STUCK, TIMES * int(normal.longest[0, c]))
        if role != "continuous" or normal.longest[0, c] > len(normal.values) // 20:
            continue
        for first, last in _runs(np.diff(part.values[:, c]) == 0):
            if last - first + 2 > limit:
                yield _of("flatline", part, first, last + 1, (c,))


def _set_back(part: Series, normal: Normal) -> Iterator[Stretch]:
    """Rows of counters that go against their direction, where they never did while all was normal."""
    for c, role in enumerate(normal.detector.roles):
        if role != "counter":
            continue
        _, steps = _steps(normal.values[:, c])
        way = np.sign(steps.sum())
        if (steps * way < 0).any():
            continue
        places, steps = _steps(part.values[:, c])
        yield from (_of("reset", part, row, row, (c,)) for row in places[steps * way < 0].tolist())


def _steps(values: Floats) -> tuple[Codes, Floats]:
    """The rows of known values (N,) but the first, and how far each is from the one before."""
    places = np.flatnonzero(np.isfinite(values))
    return places[1:], np.diff(values[places])


def _runs(flags: Mask) -> list[tuple[int, int]]:
    first, last = segments(flags)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def _of(kind: str, part: Series, first: int, last: int, channels: tuple[int, ...]) -> Stretch:
    """A stretch, its times told by the rows beside it: of a long gap only a few rows are in the series."""
    step, times = part.clock.step or 0.0, part.times
    start = float(times[first - 1]) + step if first else float(times[0])
    end = float(times[last + 1]) - step if last + 1 < len(times) else float(times[last])
    rows = last - first + 1
    if kind == "gap" and step > 0:
        rows = max(rows, round((end - start) / step) + 1)
    else:
        start, end = float(times[first]), float(times[last])
    return Stretch(kind, first, last, start, end, rows, channels)
