"""Series: what does not belong to them, more of them, and how well that was found.

The names below are loaded when first used, so that `genapps timeseries --help` imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genapps.lazy import lazily

if TYPE_CHECKING:
    from genapps_timeseries.detection.model import SeriesModel
    from genapps_timeseries.detection.tasks import Detection, detect, fit
    from genapps_timeseries.detection.training_part import training_part, training_parts
    from genapps_timeseries.reading.files import read_series
    from genapps_timeseries.reading.inputs import Input, in_input_order, stamps
    from genapps_timeseries.series import Clock, Series, series_of

_HOMES = {
    "Clock": "series",
    "Detection": "detection.tasks",
    "Input": "reading.inputs",
    "Series": "series",
    "SeriesModel": "detection.model",
    "detect": "detection.tasks",
    "fit": "detection.tasks",
    "in_input_order": "reading.inputs",
    "read_series": "reading.files",
    "series_of": "series",
    "stamps": "reading.inputs",
    "training_part": "detection.training_part",
    "training_parts": "detection.training_part",
}

__all__ = [
    "Clock",
    "Detection",
    "Input",
    "Series",
    "SeriesModel",
    "detect",
    "fit",
    "in_input_order",
    "read_series",
    "series_of",
    "stamps",
    "training_part",
    "training_parts",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
