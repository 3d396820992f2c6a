"""What --train means: so many first rows, a share of them, all until a time, or another file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from genapps.errors import InputError, UsageError
from genapps_timeseries.reading.clock import moment, recognize
from genapps_timeseries.reading.files import Options, read
from genapps_timeseries.reading.inputs import Input
from genapps_timeseries.series import Series
from genapps_timeseries.wording import counted, listed

LEAST = 2  # rows to learn from, and to judge


@dataclass(frozen=True)
class Normal:
    """What a series is compared with. rows: how many first rows of the series itself it is, 0 where it is another
    file's; says: the same in words."""

    series: Series
    rows: int
    says: str


def training_part(series: Series, spec: str | int) -> Normal:
    """The first part of a series: `spec` rows (1000 or "1000"), a share of them ("30%"), or all before a time.

    Rows are those of the input that have a place in the series. Raises UsageError for what is none of these, or leaves
    fewer than two rows to learn from or to judge.
    """
    text = str(spec).strip().replace("_", "")
    total = int((series.rows >= 0).sum())
    if re.fullmatch(r"\d+", text):
        rows, says = int(text), f"the first {counted(int(text), 'row')}"
    elif share := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text):
        rows, says = round(float(share[1]) / 100 * total), f"the first {share[1]} % of the rows"
    else:
        until = _time(series, text)
        stop = int(np.searchsorted(series.times, until))
        rows, says = int((series.rows[:stop] >= 0).sum()), f"the rows before {moment(series.clock, until)}"
    if not LEAST <= rows <= total - LEAST:
        name = f" of {series.name!r}" if series.name else ""
        raise UsageError(
            f"--train {spec}: {counted(rows, 'row')} of the {total:,}{name} would be normal; leave at least {LEAST} to"
            " learn from and as many to judge"
        )
    stop = int(np.flatnonzero(series.rows >= 0)[rows - 1]) + 1
    return Normal(series.part(0, stop), stop, says)


def training_parts(
    series: Sequence[Series], spec: Any, options: Options | None = None, *, encoding: str | None = None
) -> tuple[Normal, ...]:
    """The normal part for each of the series; `spec` may also be another table, of the same channels.

    Options are those that the series were read with: the other table is read alike. Raises InputError naming the
    channels or series that it lacks.
    """
    if not isinstance(spec, (str, int)) or (isinstance(spec, str) and is_file(spec)):
        others = _of_file(series, spec, options or Options(), encoding)
        return tuple(Normal(other, 0, f"the {len(other):,} rows of {name}") for other, name in others)
    return tuple(training_part(one, spec) for one in series)


def is_file(spec: str) -> bool:
    """Whether --train names a file rather than rows, a share or a time."""
    return spec == "-" or Path(spec).exists()


def _of_file(series: Sequence[Series], source: Any, options: Options, encoding: str | None) -> list[tuple[Series, str]]:
    """For each series the one that the other table has for it, with the table's name."""
    channels = series[0].channels
    with Input(source, encoding=encoding) as given:
        names = given.columns()
        if lost := [name for name in channels if name not in names]:
            raise InputError(
                f"{given.name}: lacks {listed(lost)}, which the series to be judged has; give normal rows of the same"
                " columns"
            )
        grouped = options.group_by if options.group_by in names else None
        time = options.time if options.time in names else None
        ignore = tuple(name for name in options.ignore if name in names)
        found = read(given, replace(options, time=time, group_by=grouped, ignore=ignore, channels=channels))
    for other in found.series:
        if lost := [name for name in channels if name not in other.channels]:
            raise InputError(f"{given.name}: {listed(lost)} holds no number; give normal rows of every channel")
    if grouped is None:
        return [(found.series[0], given.name)] * len(series)
    of = {other.name: other for other in found.series}
    if lost := [one.name for one in series if one.name not in of]:
        raise InputError(f"{given.name}: has no rows of {listed(lost)}; give normal rows of every series")
    return [(of[one.name], given.name) for one in series]


def _time(series: Series, text: str) -> float:
    """A time as it was typed; in a series without a calendar a number of its clock."""
    calendar = series.clock.kind == "time"
    cell = pa.chunked_array([pa.array([text], pa.string())])
    stamps = recognize(cell, "time", forced=True)
    if stamps is None or (stamps.calendar and not calendar and stamps.how != "epoch"):
        kinds = "a time such as 2024-01-31 10:15" if calendar else "a number of the time column"
        raise UsageError(f"--train {text}: no such file, and no number of rows, no share such as 30%, and not {kinds}")
    scale = stamps.scale if not calendar else 1.0  # such a number is one of the clock
    return float(stamps.read(cell)[0]) * scale
