"""Columns that belong together: a day with its time of day, and stamps with what tells several series apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genapps_timeseries.reading.clock import Stamps, find_clock, is_named_as_time, recognize
from genapps_timeseries.reading.grid import DAY
from genapps_timeseries.series import Floats

HOURS = r"^\s*\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?\s*$"
ENOUGH = 0.95  # of the cells that must be times of day
ROWS = 16  # of each series, at least
OFTEN = 1.5  # rows of a stamp, on average, from which on stamps repeat


def find_time(table: pa.Table, wanted: str | None, candidates: Sequence[str]) -> tuple[str, str, Stamps] | None:
    """As `find_clock`, with the column of the time of day between where another one has only days; "" for none.

    wanted: the column that was asked for, of either. Raises InputError as `find_clock`.
    """
    hours = [name for name in candidates if _holds_hours(table[name])]
    others = [name for name in candidates if name not in hours]
    found = find_clock(table, None if wanted in hours else wanted, others)
    if found is None:
        return None if wanted is None else _alone(find_clock(table, wanted, candidates))
    name, stamps = found
    if not hours or not stamps.calendar or not _is_days(stamps.read(table[name])):
        return _alone(found)
    beside = wanted if wanted in hours else min(hours, key=lambda one: not is_named_as_time(one))
    both = recognize(cells_of(table, name, beside), name, forced=True)
    return (name, beside, both) if both is not None else _alone(found)


def cells_of(table: pa.Table, column: str, hours: str = "") -> pa.ChunkedArray:
    """The cells of the time: of one column, or the text of a day and its time of day."""
    if not hours:
        return table[column]
    day, time = (table[name].cast(pa.string()) for name in (column, hours))
    return pc.binary_join_element_wise(day, time, " ")


def named(table: pa.Table) -> pa.Table:
    """The table with a name for each column: what has none is the index, if it is the first, else told by its place."""
    names = table.column_names
    if "" not in names:
        return table
    first = "column 1" if "index" in names else "index"
    return table.rename_columns([name or (f"column {k}" if k > 1 else first) for k, name in enumerate(names, 1)])


def tells_apart(table: pa.Table, times: Floats, names: Sequence[str]) -> str | None:
    """The one of some columns that tells series apart, by the times of rows (N,): they repeat, once for each value."""
    known = np.isfinite(times)
    stamps = np.unique(times[known], return_inverse=True)[1]
    if len(stamps) < OFTEN * (stamps.max(initial=-1) + 1) or not len(stamps):
        return None
    for name in names:
        coded = table[name].cast(pa.string()).combine_chunks().dictionary_encode()
        codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)[known].astype(np.int64)
        count = int(codes.max()) + 1
        if 2 <= count <= len(codes) // ROWS and len(np.unique(stamps * count + codes)) == len(codes):
            return name
    return None


def _alone(found: tuple[str, Stamps] | None) -> tuple[str, str, Stamps] | None:
    return None if found is None else (found[0], "", found[1])


def _holds_hours(column: pa.ChunkedArray) -> bool:
    if pa.types.is_time(column.type):
        return True
    if not pa.types.is_string(column.type):
        return False
    cells = column.drop_null()
    return len(cells) > 0 and pc.sum(pc.match_substring_regex(cells, HOURS)).as_py() >= ENOUGH * len(cells)


def _is_days(times: Floats) -> bool:
    return bool((times[np.isfinite(times)] % DAY == 0).all())
