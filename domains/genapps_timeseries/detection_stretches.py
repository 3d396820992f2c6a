"""Stretches that no score has to find: rows that are missing, values that are stuck, longer than was ever normal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genapps.metrics.ranges import segments
from genapps_timeseries.detection_learning import Mask, Normal
from genapps_timeseries.series import Floats, Series

TIMES = 2  # as long as the longest normal one
LEAST_MISSING = 3  # rows
LEAST_STUCK = 10


@dataclass(frozen=True)
class Stretch:
    """Rows first..last of a series that are missing (gap), unknown in some channels (missing) or stuck (flatline).

    A gap without rows of its own lies between two rows: then last = first - 1. start, end: its times. rows: how many
    are, or would be, there.
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
    found = [*_gaps(part, normal), *_missing(part, normal), *_stuck(part, normal)]
    moved = [Stretch(s.kind, s.first + begin, s.last + begin, s.start, s.end, s.rows, s.channels) for s in found]
    return sorted(moved, key=lambda s: (s.start, s.first))


def _gaps(part: Series, normal: Normal) -> Iterator[Stretch]:
    """Steps of the clock that are far too long, in a series whose clock is regular."""
    step = part.clock.step
    everything = tuple(range(len(part.channels)))
    if not part.clock.regular or not step or len(part) < 2:
        return
    limit = max(LEAST_MISSING, TIMES * _longest_gap(normal.times, step))
    steps = np.diff(part.times)
    for row in np.flatnonzero(steps > (limit + 0.5) * step).tolist():
        start, end = float(part.times[row] + step), float(part.times[row + 1] - step)
        yield Stretch("gap", row + 1, row, start, end, round(float(steps[row] / step)) - 1, everything)


def _longest_gap(times: Floats, step: float) -> float:
    return max(float(np.diff(times).max()) / step - 1, 0.0) if len(times) > 1 else 0.0


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


def _runs(flags: Mask) -> list[tuple[int, int]]:
    first, last = segments(flags)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def _of(kind: str, part: Series, first: int, last: int, channels: tuple[int, ...]) -> Stretch:
    return Stretch(kind, first, last, float(part.times[first]), float(part.times[last]), last - first + 1, channels)
