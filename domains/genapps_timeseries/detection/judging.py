"""Rows of a series judged: a score, a p-value, a threshold, and what was expected of the channel that stands out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.io.room import release, room
from genapps_timeseries.detection.learning import Mask, Normal, score_blocks
from genapps_timeseries.detection.ranking import Ranking
from genapps_timeseries.scoring.detector import Scored
from genapps_timeseries.series import Floats, Series


@dataclass(frozen=True)
class Judged:
    """The rows of a series (N,), in order of time.

    normal: how many of the first rows are the normal part; they are ranked among each other and raise no alarm, unless
    they were found to be strange. score, p, threshold: (N,). strange: (N,) rows in alarm, p <= rate. top: (N,) the
    channel that stands out most. expected, lower, upper: (N,) of that channel. shares: (N, C) of each channel.
    """

    series: Series
    normal: int
    score: Floats
    p: Floats
    threshold: Floats
    strange: Mask
    top: NDArray[np.int32]
    expected: Floats
    lower: Floats
    upper: Floats
    shares: NDArray[np.float32]


def judge(normal: Normal, series: Series, rate: float, own: Scored | None = None) -> Judged:
    """Judge a series by what is normal. own: scores of its first rows, where these are what that was learnt from."""
    first = 0 if own is None else len(own.scores)
    blank = _blank(series, first)
    low, high = normal.band(rate)
    if own is not None:
        _fill(blank, 0, own, normal, low, high)
        _rank_own(blank, own, normal, rate)
    ranking = Ranking(normal.reference, rate, normal.window, series.values.shape[1])
    for start, scored in score_blocks(normal.detector, series.values[first:], normal.window):
        _fill(blank, first + start, scored, normal, low, high)
        rows = slice(first + start, first + start + len(scored.scores))
        blank.p[rows], blank.threshold[rows] = ranking.run(scored.scores, blank.shares[rows])
        blank.strange[rows] = blank.p[rows] <= rate
        for column in (series.values, blank.score, blank.p, blank.threshold, blank.expected, blank.shares):
            release(column)
    return blank


def _blank(series: Series, normal: int) -> Judged:
    count, channels = series.values.shape
    floats = [room(count) for _ in range(6)]
    for column in floats:
        column[:] = np.nan
    score, p, threshold, expected, lower, upper = floats
    shares, top, strange = room((count, channels), np.float32), room(count, np.int32), room(count, np.bool_)
    return Judged(series, normal, score, p, threshold, strange, top, expected, lower, upper, shares)


def _fill(blank: Judged, start: int, scored: Scored, normal: Normal, low: Floats, high: Floats) -> None:
    rows = slice(start, start + len(scored.scores))
    shares = normal.shares(scored.channels)
    top = shares.argmax(axis=1)
    expected = np.take_along_axis(scored.expected, top[:, None], axis=1)[:, 0]
    blank.score[rows], blank.shares[rows], blank.top[rows] = scored.scores, shares, top
    blank.expected[rows], blank.lower[rows], blank.upper[rows] = expected, expected + low[top], expected + high[top]


def _rank_own(blank: Judged, own: Scored, normal: Normal, rate: float) -> None:
    """The normal part's rows among each other; dirty ones as rows that are judged."""
    known, dirty = np.isfinite(own.scores), normal.dirty[: len(own.scores)]
    usable, strange = np.flatnonzero(known & ~dirty), np.flatnonzero(known & dirty)
    blank.p[usable] = normal.own_p(own.scores[usable])
    ranking = Ranking(normal.reference, rate, normal.window, blank.shares.shape[1])
    blank.threshold[: len(own.scores)] = ranking.threshold
    blank.p[strange], _ = ranking.run(own.scores[strange], blank.shares[strange])
    blank.strange[strange] = blank.p[strange] <= rate
