"""Scores of a series as p-values: borderline rows are learnt at once, rows far beyond all that is normal are not.

Scores of windows make alarms last: left out of what is learnt, as a stream does, they would let the level creep up. So
every row is learnt here but those that are certainly strange; these have their p-value from the first reference, hide
nothing that follows, and are learnt in the end where they last for many windows: then the series has changed. Several
faults soon after one another are no change: rows are counted for each channel by itself, less those in which it is
calm.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.anomaly import Calibration, Calibrator, Promise, promise, rows_per_alarm
from genapps.anomaly.conformal import extrapolated, fit_tail, ordered_reference
from genapps_timeseries.detection.cutting import SHARED
from genapps_timeseries.series import Floats

SURE = 0.001  # of the rate: rarer rows are certainly strange
BEYOND = 1.0  # so are those beyond the highest normal score by as much as that is above the median, or more
TURNS, LASTING = 5, 100  # windows, and rows at least, for which they may last in a channel


class Ranking:
    """P-values of scores in order of time, block by block, after scores (R,) of normal rows."""

    def __init__(self, reference: Floats, rate: float, window: int, channels: int = 1) -> None:
        self._ordered = ordered_reference(reference).tolist()
        self._tail = fit_tail(self._ordered)
        self._calibrator = Calibrator(reference, Calibration(rate, patience=0))
        enough = self._tail is not None and self._tail.share > SURE * rate
        top, middle = self._ordered[-1], self._ordered[len(self._ordered) // 2]
        self._cut = top + BEYOND * (top - middle) if top > middle else np.inf
        if self._tail and enough:
            self._cut = min(max(self._tail.quantile(SURE * rate), top), self._cut)
        self._patience = max(TURNS * window, LASTING)
        self._lasted = np.zeros(channels)  # rows that each channel has been certainly strange for, less calm ones
        self._last = self._row = 0  # the row after the last one that was certainly strange, and the next one

    def run(self, scores: Floats, shares: NDArray[Any] | None = None) -> tuple[Floats, Floats]:
        """P-values (N,) and thresholds (N,) of the next scores (N,), NaN where unknown; shares: (N, C) of channels."""
        sure = self._sure(scores, np.ones((len(scores), 1)) if shares is None else shares)
        found = self._calibrator.run(np.where(sure, np.nan, scores))
        p = found.p.copy()
        for row in np.flatnonzero(sure).tolist():
            p[row] = extrapolated(self._ordered, self._tail, float(scores[row]))[0]
        return p, found.threshold

    @property
    def threshold(self) -> float:
        """A row whose score is higher is in alarm now."""
        return self._calibrator.threshold()

    def _sure(self, scores: Floats, shares: NDArray[Any]) -> NDArray[np.bool_]:
        sure = np.asarray(np.nan_to_num(scores, nan=-np.inf) > self._cut)
        for row in np.flatnonzero(sure).tolist():
            now = self._row + row
            strange = shares[row] >= min(SHARED, shares[row].max())
            self._lasted = np.maximum(self._lasted - (now - self._last), 0)
            self._lasted = np.where(strange, self._lasted + 1, np.maximum(self._lasted - 1, 0))
            self._last = now + 1
            sure[row] = self._lasted.max() <= self._patience
        self._row += len(scores)
        return sure


def kept(
    reference: Floats, rate: float, window: int, *, step: float | None, asked: float | None, merge: int
) -> Promise:
    """What can be promised after scores (R,) of normal rows, and how it is kept on their second half."""
    made = promise(reference, Calibration(rate, patience=0), step=step, asked=asked, merge=merge)
    if made.held is None:
        return made
    half = len(reference) // 2
    flags = Ranking(reference[:half], rate, window).run(reference[half:])[0] <= rate
    alarms = round(float(flags.sum()) / rows_per_alarm(flags, merge))
    return replace(made, rows=len(flags), held=float(flags.mean()), alarms=alarms)
