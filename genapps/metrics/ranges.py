"""How well scores or alarms find events: stretches of a series that are labelled abnormal.

`vus_pr` is the measure to compare detectors by: it needs no threshold, forgives labels that are a little off and gives
chance what chance deserves. `event_scores`, `delays` and `alarms_per_week` say what a person on duty would meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from genapps.errors import InputError
from genapps.metrics.distributions import Codes, Floats, Mask

THRESHOLDS = 250  # of the public definition
WEEK = 7 * 24 * 3600.0  # seconds
_FAR = 2**40  # rows: farther than any window reaches


def segments(flags: Any) -> tuple[Codes, Codes]:
    """The runs of true values in flags (N,): first rows (K,) and last rows (K,), both inside the run."""
    steps = np.diff(np.asarray(flags, bool).astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1


def vus_pr(labels: Any, scores: Any, window: int, *, thresholds: int = THRESHOLDS) -> float:
    """Volume under the precision-recall surface of scores (N,), higher is stranger, against labels (N,) of 0 and 1.

    window: the longest buffer around an event, in rows; a property of the series (`natural_window`), never of a model.
    The mean over buffers w = 0..window of the area under the range-based precision-recall curve (Paparrizos et al.,
    "Volume under the surface", 2022, section 4, in the form of the TSB-AD benchmark, `RangeAUC_volume_opt`): labels
    fall off as sqrt(1 - d/w) up to w//2 rows from an event, recall counts the share of events that are met at all, and
    thresholds are `thresholds` ranks spread evenly. Time O(N log N + window^2 * thresholds), memory O(N).
    Raises InputError for no event, lengths that differ, scores that are not finite, a window below 0.
    """
    truth, values = _checked(labels, scores)
    if window < 0 or thresholds < 2:
        raise InputError(f"a window of {window} rows and {thresholds} thresholds: give 0 or more, and 2 or more")
    ranks = np.linspace(0, len(values) - 1, thresholds).astype(np.int64)
    # The bucket of a row is the first threshold that it reaches: all counts below are by bucket, then summed up.
    buckets = np.searchsorted(np.sort(-values)[ranks], -values)
    flagged = np.bincount(buckets, minlength=thresholds).cumsum()
    found = np.bincount(buckets[truth], minlength=thresholds).cumsum()
    ramps, meetings = _Ramps(truth, buckets, window // 2, thresholds), _Meetings(truth, buckets, thresholds)
    areas = np.empty(window + 1)
    for width in range(window + 1):
        if width % 2 == 0:
            ramps.widen()
            meetings.widen()
        near = ramps.mass(width).cumsum()
        recall = np.minimum((found + near) / (truth.sum() + near / 2), 1) * meetings.share()
        areas[width] = np.diff(recall, prepend=0.0) @ ((found + near) / flagged)
    return float(areas.mean())


def auc_pr(labels: Any, scores: Any) -> float:
    """Area under the precision-recall curve of single rows: average precision, rows of equal score taken together.

    labels, scores: (N,). Raises InputError as `vus_pr`.
    """
    truth, values = _checked(labels, scores)
    order = np.argsort(-values, kind="stable")
    last = np.flatnonzero(np.diff(values[order], append=np.nan) != 0)  # of each group of equal scores
    found = truth[order].cumsum()[last]
    return float(np.diff(found / truth.sum(), prepend=0.0) @ (found / (last + 1)))


@dataclass(frozen=True)
class EventScores:
    """Events met and alarms raised, both counted as runs of rows, however long.

    found and missed: true events with and without an alarm in them. false: alarms that touch no event. An undefined
    quotient (no alarm, no event) is 0.
    """

    found: int
    missed: int
    true_alarms: int
    false_alarms: int

    @property
    def precision(self) -> float:
        """The share of the alarms that touch an event."""
        return _ratio(self.true_alarms, self.true_alarms + self.false_alarms)

    @property
    def recall(self) -> float:
        """The share of the events in which there was an alarm."""
        return _ratio(self.found, self.found + self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall)


def event_scores(labels: Any, alarms: Any) -> EventScores:
    """Count events and alarms that overlap: labels (N,) and alarms (N,), true where there is one.

    One alarm over everything would find every event with full precision: read it beside the share of rows in alarm.
    Raises InputError for lengths that differ.
    """
    truth, raised = _flags(labels, alarms)
    found = _touched(truth, raised)
    true = _touched(raised, truth)
    return EventScores(int(found.sum()), int((~found).sum()), int(true.sum()), int((~true).sum()))


def delays(labels: Any, alarms: Any, times: Any = None) -> Floats:
    """How long after the start of each event (K,) its first row in alarm comes; NaN for an event that was missed.

    labels, alarms: (N,). times: (N,) seconds or datetime64, the result is in seconds; without, it is in rows.
    Raises InputError for lengths that differ.
    """
    truth, raised = _flags(labels, alarms)
    clock = _seconds(times, len(truth))
    first, last = segments(truth)
    hits = np.flatnonzero(raised)
    where = np.searchsorted(hits, first)
    met = np.minimum(where, max(len(hits) - 1, 0))
    row = hits[met] if len(hits) else np.full(len(first), -1)
    return np.where((where < len(hits)) & (row <= last), clock[row] - clock[first], np.nan)


def alarms_per_week(alarms: Any, times: Any, *, normal: Any = None) -> float:
    """Alarms, each a run of rows, per week of recorded time.

    alarms: (N,). times: (N,) seconds or datetime64, in order. normal: (N,) rows that count; the rest, and alarms that
    touch it, are left out of both numbers: so these are false alarms. A row stands for one step, the median one, so
    gaps in the recording are no quiet time. Raises InputError where no step can be told.
    """
    raised = np.asarray(alarms, bool)
    clock = _seconds(times, len(raised))
    steps = np.diff(clock)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    if step <= 0:
        raise InputError("alarms a week need times that go on: two rows at least, at different times")
    counted = np.ones(len(raised), bool) if normal is None else np.asarray(normal, bool)
    weeks = counted.sum() * step / WEEK
    if not weeks:
        raise InputError("alarms a week need normal rows: none are left")
    return float((~_touched(raised, ~counted)).sum() / weeks)


def point_adjusted_f1(labels: Any, alarms: Any) -> float:
    """F1 of single rows after every row of an event counts as found where one of them is in alarm. Misleading.

    One lucky row turns a long event into hundreds of right answers while a false alarm costs one: random scores reach
    what papers report as state of the art (Kim et al., "Towards a rigorous evaluation of time-series anomaly
    detection", 2022). It is here to compare with such papers, and for nothing else. labels, alarms: (N,).
    """
    truth, raised = _flags(labels, alarms)
    first, last = segments(truth)
    met = _touched(truth, raised)
    right = int((last - first + 1)[met].sum())
    wrong = int((raised & ~truth).sum())
    return _ratio(2 * right, right + wrong + int(truth.sum()))


def natural_window(values: Any) -> int:
    """The longest buffer for `vus_pr` that goes with a series (N,): its period in rows, 125 where there is none.

    As the TSB-AD benchmark has it (`find_length_rank`), so that figures compare: the highest local maximum of the
    autocorrelation of the first 20,000 values between lags 3 and 400, the bounds 3 and 300 held against the lag less 3.
    """
    start, fallback, least, most = 3, 125, 3, 300
    series = np.asarray(values, np.float64)[:20_000]
    series = series - series.mean()
    spectrum = np.fft.rfft(series, 2 * len(series))
    echo = np.fft.irfft(spectrum * spectrum.conj())[: min(400, len(series) - 1) + 1][start:]
    peaks = np.flatnonzero((echo[1:-1] > echo[:-2]) & (echo[1:-1] > echo[2:])) + 1
    if not len(peaks):
        return fallback
    best = int(peaks[echo[peaks].argmax()])
    return best + start if least <= best <= most else fallback


class _Ramps:
    """What rows beside events weigh, by bucket, for a radius that grows row by row.

    A row weighs sqrt(1 - d/w) for each event that is d <= w//2 rows away, at most 1; since each term is at least
    sqrt(1/2), two of them always make 1. So only the distances to the nearest and second nearest edge matter.
    """

    def __init__(self, truth: Mask, buckets: Codes, radius: int, count: int) -> None:
        rows = np.flatnonzero(~truth)
        nearest, second = _edges(truth, rows)
        keep = nearest <= radius
        self._nearest, self._second = nearest[keep], second[keep]
        self._bucket = buckets[rows][keep]
        self._by_second = _grouped(self._second, radius)
        self._by_nearest = _grouped(self._nearest, radius)
        self._single = np.zeros((radius + 1, count))  # rows with one edge in reach, by distance
        self._double = np.zeros(count)
        self._radius = -1

    def widen(self) -> None:
        """One row more on each side of every event."""
        self._radius += 1
        new, met = self._by_nearest[self._radius], self._by_second[self._radius]
        np.add.at(self._single, (self._nearest[new], self._bucket[new]), 1)
        np.add.at(self._single, (self._nearest[met], self._bucket[met]), -1)
        np.add.at(self._double, self._bucket[met], 1)

    def mass(self, width: int) -> Floats:
        """The weights of all rows beside events, summed by bucket, for a buffer of this width."""
        reach = np.arange(1, self._radius + 1)
        weights: Floats = np.sqrt(1 - reach / max(width, 1)) @ self._single[1 : self._radius + 1] + self._double
        return weights


class _Meetings:
    """The share of events that are met at each threshold, events within each other's radius being one."""

    def __init__(self, truth: Mask, buckets: Codes, count: int) -> None:
        self._first, self._last = segments(truth)
        self._buckets, self._count, self._radius = buckets, count, -1
        inside = np.minimum.reduceat(np.where(truth, buckets, count), self._first)
        self._best = inside  # the lowest bucket within the radius of each event

    def widen(self) -> None:
        """One row more on each side of every event."""
        self._radius += 1
        before = np.maximum(self._first - self._radius, 0)
        after = np.minimum(self._last + self._radius, len(self._buckets) - 1)
        self._best = np.minimum(self._best, np.minimum(self._buckets[before], self._buckets[after]))

    def share(self) -> Floats:
        """(thresholds,) share of the events with a flagged row."""
        apart = self._first[1:] - self._last[:-1] > 2 * self._radius
        best = np.minimum.reduceat(self._best, np.r_[0, np.flatnonzero(apart) + 1])
        shares: Floats = np.bincount(best, minlength=self._count).cumsum() / len(best)
        return shares


def _edges(truth: Mask, rows: Codes) -> tuple[Codes, Codes]:
    """Distances of rows outside events to the nearest and the second nearest edge; ends look left, starts right."""
    first, last = segments(truth)
    ends, starts = np.r_[-_FAR, -_FAR, last], np.r_[first, _FAR, _FAR]
    behind = np.searchsorted(last, rows)  # events that are over
    gaps = np.stack([rows - ends[behind + 1], rows - ends[behind], starts[behind] - rows, starts[behind + 1] - rows])
    gaps.sort(axis=0)
    return gaps[0], gaps[1]


def _grouped(keys: Codes, most: int) -> list[Codes]:
    """The positions of each key 0..most."""
    order = np.argsort(keys, kind="stable")
    bounds = np.searchsorted(keys[order], np.arange(most + 2))
    return np.split(order, bounds)[1:-1]


def _checked(labels: Any, scores: Any) -> tuple[Mask, Floats]:
    truth, values = np.asarray(labels) > 0, np.asarray(scores, np.float64)
    if truth.shape != values.shape or truth.ndim != 1:
        raise InputError(f"labels of shape {truth.shape} beside scores of shape {values.shape}: one of each a row")
    if not np.isfinite(values).all():
        raise InputError(f"row {int(np.flatnonzero(~np.isfinite(values))[0]) + 1}: the score is not a finite number")
    if not truth.any():
        raise InputError("no row is labelled abnormal, so there is nothing to find: precision and recall are undefined")
    return truth, values


def _flags(labels: Any, alarms: Any) -> tuple[Mask, Mask]:
    truth, raised = np.asarray(labels) > 0, np.asarray(alarms) > 0
    if truth.shape != raised.shape or truth.ndim != 1:
        raise InputError(f"labels of shape {truth.shape} beside alarms of shape {raised.shape}: one of each a row")
    return truth, raised


def _touched(runs: Mask, by: Mask) -> Mask:
    """For each run (K,) of true values in `runs`, whether `by` is true somewhere in it."""
    first, last = segments(runs)
    count = np.r_[0, by.cumsum()]
    touched: Mask = count[last + 1] > count[first]
    return touched


def _seconds(times: Any, rows: int) -> Floats:
    if times is None:
        return np.arange(rows, dtype=np.float64)
    clock = np.asarray(times)
    if len(clock) != rows:
        raise InputError(f"{len(clock)} times beside {rows} rows")
    if np.issubdtype(clock.dtype, np.datetime64):
        return (clock - clock[0]).astype("timedelta64[ns]").astype(np.float64) / 1e9 if rows else np.zeros(0)
    return clock.astype(np.float64)


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below else 0.0
