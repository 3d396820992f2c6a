"""Series: what does not belong to them, more of them, and how well that was found.

The names below are loaded when first used, so that `genapps timeseries --help` imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genapps_timeseries.inputs import Input, in_input_order, stamps
    from genapps_timeseries.reading import read_series
    from genapps_timeseries.series import Clock, Series, series_of
    from genapps_timeseries.training_part import training_part, training_parts

# A name that people import -> its module. One comes in here together with what it names.
_HOMES = {
    "Clock": "series",
    "Input": "inputs",
    "Series": "series",
    "in_input_order": "inputs",
    "read_series": "reading",
    "series_of": "series",
    "stamps": "inputs",
    "training_part": "training_part",
    "training_parts": "training_part",
}

__all__ = [
    "Clock",
    "Input",
    "Series",
    "in_input_order",
    "read_series",
    "series_of",
    "stamps",
    "training_part",
    "training_parts",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
