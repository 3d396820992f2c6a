"""Normal records that are at hand before a watch begins: from a file that detect reads, or from what fit saved."""

from __future__ import annotations

from typing import NamedTuple

from genapps.errors import UsageError
from genapps.suggest import did_you_mean
from genapps_timeseries.reading.files import Options, read
from genapps_timeseries.reading.inputs import Input
from genapps_timeseries.series import Series
from genapps_timeseries.watching.records import Layout
from genapps_timeseries.watching.streaming import LONGEST

FEWEST = 50  # records of a series, as a warm-up has at least


class Normal(NamedTuple):
    """The last normal records of a series: times (N,) in order, as a record has them, and values (N, C)."""

    series: str
    times: list[float]
    rows: list[list[float]]


def of_file(train: str, layout: Layout, encoding: str | None) -> tuple[list[Normal], tuple[str, ...]]:
    """What a file holds of each series, and what was met in it.

    Raises what `read` does, UsageError for a column that it lacks.
    """
    with Input(train, encoding=encoding) as given:
        names = given.columns()
        for name in filter(None, (layout.time, layout.group, *layout.channels)):
            if name not in names:
                raise UsageError(f"{train}: has no column {name!r}, which is watched.{did_you_mean(name, names)}")
        ignored = () if layout.time else tuple(name for name in names if name not in layout.channels)
        found = read(given, Options(layout.time or None, layout.group or None, ignored, layout.channels, FEWEST))
        return [_kept(one) for one in found.series], found.series[0].notes


def _kept(series: Series) -> Normal:
    """Its records; rows that were put in where the file has a gap are none."""
    own = series.rows >= 0
    return Normal(series.name, series.times[own][-LONGEST:].tolist(), series.values[own][-LONGEST:].tolist())


def of_model(model: str, layout: Layout) -> list[Normal]:
    """What `fit` held to be normal. Raises UsageError for a channel that it does not know."""
    from genapps_timeseries.detection.model import SeriesModel

    found = []
    for name, normal in SeriesModel.load(model).normals.items():
        missing = [channel for channel in layout.channels if channel not in normal.channels]
        if missing:
            raise UsageError(f"{model}: knows no channel {missing[0]!r}; leave it out with --ignore-column")
        places = [normal.channels.index(channel) for channel in layout.channels]
        values = normal.values[-LONGEST:, places]
        found.append(Normal(name if layout.group else "", normal.times[-LONGEST:].tolist(), values.tolist()))
    return found
