"""Scores, alarms and labels out of the files that hold them, row by row or as windows of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.errors import InputError, UsageError
from genapps.io.tables import read_table
from genapps.suggest import did_you_mean
from genapps_timeseries.reading.clock import find_clock, is_named_as_time, recognize
from genapps_timeseries.reading.numerals import PLAIN, recognize_numeral
from genapps_timeseries.series import Codes, Floats

Mask = NDArray[np.bool_]

SCORES = ("score", "anomaly_score")
EVENT = "event_id"  # as `detect` numbers its events
ALARMS = (EVENT, "is_anomaly", "alarm")
LABELS = ("is_anomaly", "label", "labels", "anomaly", "is_anomalous")
STARTS, ENDS = ("start", "from", "begin"), ("end", "to", "stop", "until")
KIND, SERIES = "anomaly_kind", "series"
YES = frozenset({"1", "1.0", "true", "yes", "t", "y", "anomaly", "abnormal", "anomalous"})
NO = frozenset({"0", "0.0", "false", "no", "f", "n", "normal", "-", ""})


@dataclass(frozen=True)
class Judged:
    """What is judged and by what: arrays (N,), None where there is none of it.

    alarms: yes and no, or numbers of events, 0 where there is none. times: seconds where `calendar`, else the unit of
    the column. values: the series itself, where a file has it.
    """

    labels: Mask
    scores: Floats | None
    alarms: Mask | Codes | None
    times: Floats | None
    calendar: bool
    kinds: NDArray[np.str_] | None
    values: Floats | None
    notes: tuple[str, ...] = ()


def read_judged(
    source: str | Path,
    labels: str,
    *,
    score_column: str | None = None,
    alarm_column: str | None = None,
    time: str | None = None,
) -> Judged:
    """Scores and alarms of `source`, and labels: a column of it, a file of as many rows, or a file of windows.

    Windows have a start and an end, in the time of `source` (the last row counts), or as row numbers from 1 where it
    has none; one that lies in a gap is that of the row after it, which `detect` gives the gap's number. Raises
    UsageError for columns and files that are not there, InputError for lengths that differ, for cells that are no
    number, truth value or time, and where there is neither a score nor an alarm.
    """
    table = read_table(source)
    name = Path(source).name
    own = labels if labels in table.column_names else None
    score = _column(table, name, score_column, SCORES)
    alarm = _column(table, name, alarm_column, [a for a in ALARMS if a != own])
    if score is None and alarm is None:
        names = ", ".join(table.column_names[:12])
        raise UsageError(
            f"{name}: no column {SCORES[0]!r} and none {ALARMS[1]!r}; name one with --score-column: {names}"
        )
    clock = _column(table, name, time, [])
    if clock is None:
        others = [column for column in table.column_names if column not in (own, score, alarm)]
        clock = found[0] if (found := find_clock(table, None, others)) else None
    times, calendar = (None, False) if clock is None else times_of(table[clock], name, clock)
    if own is not None:
        truth, kinds, values = truths(table[own], name, own), _kinds(table), None
    else:
        truth, kinds, values = _from_file(labels, name, times, calendar, table.num_rows)
    judged = Judged(
        labels=truth,
        scores=None if score is None else numbers(table[score], name, score),
        alarms=None if alarm is None else _alarms(table[alarm], name, alarm),
        times=times,
        calendar=calendar,
        kinds=kinds,
        values=values,
    )
    return judged if SERIES not in table.column_names else _by_series(judged, table[SERIES])


def _by_series(judged: Judged, names: pa.ChunkedArray) -> Judged:
    """The rows of each series together: where those of several alternate, an event is no run of rows."""
    codes = np.unique([str(name) for name in names.to_pylist()], return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    parts = {"scores": judged.scores, "alarms": judged.alarms, "times": judged.times, "kinds": judged.kinds}
    there: dict[str, Any] = {name: part[order] for name, part in parts.items() if part is not None}
    return replace(judged, labels=judged.labels[order], **there)


def _from_file(
    labels: str, name: str, times: Floats | None, calendar: bool, rows: int
) -> tuple[Mask, NDArray[np.str_] | None, Floats | None]:
    """Truth, kinds and the series from another file."""
    if not Path(labels).exists():
        raise UsageError(f"--labels {labels}: no such column in {name}, and no such file")
    table, file = read_table(labels), Path(labels).name
    start, end = _column(table, file, None, STARTS), _column(table, file, None, ENDS)
    if start is not None and end is not None:
        kinds = next((n for n in ("kind", KIND) if n in table.column_names), None)
        return (*_windows(table, file, (start, end), kinds, times, calendar, rows), None)
    label = _column(table, file, None, LABELS)
    if label is None and table.num_columns == 1:
        label = table.column_names[0]
    if label is None:
        raise InputError(
            f"{file}: no labels in it: neither a column {' or '.join(map(repr, LABELS[:2]))} nor windows with 'start' "
            f"and 'end'; there are: {', '.join(table.column_names[:12])}"
        )
    if table.num_rows != rows:
        counts = f"{file} has {table.num_rows:,} rows and {name} {rows:,}"
        raise InputError(f"{counts}: there must be a label for each row, or columns start and end")
    return truths(table[label], file, label), _kinds(table), _series(table, label)


def _windows(
    table: pa.Table,
    file: str,
    columns: tuple[str, str],
    kind: str | None,
    times: Floats | None,
    calendar: bool,
    rows: int,
) -> tuple[Mask, NDArray[np.str_] | None]:
    """Rows from each window's start to its end, both included; where it holds none, the first one after it."""
    clock = np.arange(1, rows + 1, dtype=np.float64) if times is None else times
    (first, dated), (last, _) = (times_of(table[column], file, column) for column in columns)
    if dated != calendar:
        has = "dates" if dated else "numbers"
        raise InputError(f"{file}: its windows are {has}, unlike the time of the rows; name that column with --time")
    truth, kinds = np.zeros(rows, bool), np.full(rows, "", dtype=object)
    named = table[kind].to_pylist() if kind is not None else [""] * len(first)
    for row, (a, b) in enumerate(zip(first, last, strict=True)):
        if not a <= b:
            raise InputError(f"{file}: row {row + 1}: the window ends before it starts")
        inside = (clock >= a) & (clock <= b)
        if not inside.any() and clock.min() < a and clock.max() > b:
            inside = clock == clock[clock > b].min()  # of a gap, as `detect` tells it
        if not inside.any():
            raise InputError(f"{file}: row {row + 1}: no row of the scores lies in this window; is it the same clock?")
        truth |= inside
        kinds[inside] = str(named[row] or "")
    return truth, kinds.astype(np.str_) if kind is not None else None


def _column(table: pa.Table, file: str, given: str | None, usual: Sequence[str]) -> str | None:
    """The column that is named, which must be there, or the first of the usual names that is."""
    names = table.column_names
    if given is not None:
        if given not in names:
            raise UsageError(f"{file}: no column {given!r}.{did_you_mean(given, names)}")
        return given
    lower = {name.lower(): name for name in reversed(names)}
    return next((lower[word] for word in usual if word in lower), None)


def numbers(column: pa.ChunkedArray, file: str, name: str) -> Floats:
    """A column as numbers (N,), NaN where nothing is written. Raises InputError that names a cell that is none."""
    if not pa.types.is_string(column.type):
        return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
    values, lost, cell = (recognize_numeral(column) or PLAIN).read(column)
    if lost:
        row = column.to_pylist().index(cell)
        raise InputError(f"{file}: row {row + 1:,}, column {name!r}: {str(cell)[:40]!r} is no number")
    return values


def _alarms(column: pa.ChunkedArray, file: str, name: str) -> Mask | Codes:
    """Events by their numbers or names, or yes and no."""
    if name.lower() != EVENT:
        return truths(column, file, name)
    cells = [str(cell).strip() if cell is not None else "" for cell in column.to_pylist()]
    numbers_of = {cell: number for number, cell in enumerate(dict.fromkeys(c for c in cells if c not in ("", "0")), 1)}
    return np.array([numbers_of.get(cell, 0) for cell in cells], np.int64)


def truths(column: pa.ChunkedArray, file: str, name: str) -> Mask:
    """A column as truth values: numbers above 0, true, yes, anomaly; an empty cell is false. Raises InputError."""
    if pa.types.is_boolean(column.type):
        return np.asarray(column.fill_null(False).to_numpy(), bool)
    if not pa.types.is_string(column.type):
        return np.nan_to_num(numbers(column, file, name)) > 0
    cells = [(cell or "").strip().lower() for cell in column.to_pylist()]
    meant = {word: _truth(word) for word in set(cells)}
    for row, cell in enumerate(cells):
        if meant[cell] is None:
            raise InputError(
                f"{file}: row {row + 1:,}, column {name!r}: {cell[:40]!r} is neither 0 or 1 nor a truth value"
            )
    return np.array([bool(meant[cell]) for cell in cells])


def _truth(word: str) -> bool | None:
    if word in YES or word in NO:
        return word in YES
    try:
        return float(word) > 0
    except ValueError:
        return None


def times_of(column: pa.ChunkedArray, file: str, name: str) -> tuple[Floats, bool]:
    """A column as times (N,), and whether they are of a calendar: then seconds since 1970. Raises InputError."""
    stamps = recognize(column, name, forced=True)
    times = np.full(len(column), np.nan) if stamps is None else stamps.read(column)
    if stamps is None or np.isnan(times).any():
        row = int(np.isnan(times).argmax())
        cell = str(column[row].as_py())[:40]
        raise InputError(f"{file}: row {row + 1:,}, column {name!r}: {cell!r} is no time; name another one with --time")
    return times, stamps.calendar


def _kinds(table: pa.Table) -> NDArray[np.str_] | None:
    if KIND not in table.column_names:
        return None
    return np.array([str(cell or "") for cell in table[KIND].to_pylist()], dtype=np.str_)


def _series(table: pa.Table, label: str) -> Floats | None:
    """The first column of numbers that is neither label nor time: what the natural window is taken from."""
    for name in table.column_names:
        if name == label or is_named_as_time(name) or name.startswith("anomaly_"):
            continue
        try:
            values = numbers(table[name], "", name)
        except InputError:
            continue
        if not np.isnan(values).any() and np.ptp(values) > 0:
            return values
    return None
