"""How bad an event is: how much rarer than asked, and how far beyond all that was normal.

How long it lasts says little, since scores of windows make alarms last, and so do p-values beyond the reference, which
are guesses: false alarms are beyond it now and then, but not far.
"""

from __future__ import annotations

import math

import numpy as np

from genapps.anomaly.events import GRADES
from genapps_timeseries.series import Floats

DOUBLED = 1.5  # grades for each time that a score is twice as far from the usual one as the highest normal one


def severity(p: float, score: float, threshold: float, reference: Floats, rate: float) -> float:
    """How bad the strangest row of an event is, at least 0: low below 1, medium below 2, high below 3, then critical.

    One more for ten times rarer than the rate, as far as normal scores (R,) can show that, and DOUBLED for each time
    that its score is twice as far above their median as the highest of them, or as the threshold where that is higher.
    """
    middle, highest = float(np.median(reference)), float(reference.max())
    top = max(highest, threshold) if math.isfinite(threshold) else highest
    shown = max(math.log10(rate / max(p, 1 / (len(reference) + 1))), 0.0)
    times = (score - middle) / (top - middle) if top > middle and math.isfinite(score) else 1.0
    return shown + DOUBLED * math.log2(max(times, 1.0))


def severity_of_stretch(rows: int) -> float:
    """How bad rows are that are missing or stuck for longer than ever: medium, and one more for ten times as many."""
    return 1 + math.log10(max(rows, 1))


def grade(severity: float) -> str:
    """A severity in words: low, medium, high, critical."""
    return GRADES[min(int(severity), len(GRADES) - 1)]
