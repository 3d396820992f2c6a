"""From scores of any model to alarms that keep a promise, for every domain alike.

score → p-value with a promised rate (`calibration`, several members through `combining`) → events (`events`), and what
was promised beside what was kept (`promises`). Scores come in order of time; higher is stranger.
"""

from genapps.anomaly.calibration import Calibrated, Calibration, Calibrator, calibrate
from genapps.anomaly.combining import Panel, Panelled, normal_ranks, pooled, robust_scale
from genapps.anomaly.conformal import conformal_p, exact_length, needed_length
from genapps.anomaly.events import Change, Event, EventTracker, Rules, find_events, severity
from genapps.anomaly.promises import Promise, alarms_for, promise, rate_for, rows_per_alarm

__all__ = [
    "Calibrated",
    "Calibration",
    "Calibrator",
    "Change",
    "Event",
    "EventTracker",
    "Panel",
    "Panelled",
    "Promise",
    "Rules",
    "alarms_for",
    "calibrate",
    "conformal_p",
    "exact_length",
    "find_events",
    "needed_length",
    "normal_ranks",
    "pooled",
    "promise",
    "rate_for",
    "robust_scale",
    "rows_per_alarm",
    "severity",
]
