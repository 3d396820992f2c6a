"""Rows in order of time: sorted, those of one stamp together, and missing ones put in where time goes by steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from genapps.io.room import CHUNK, release, room
from genapps_timeseries.series import Clock, Codes, Floats, Series
from genapps_timeseries.wording import counted, duration

Array = TypeVar("Array", Floats, Codes)

NEAR = 0.25  # of a step that a row may be early or late
REGULAR = 0.9  # of the steps that must be one step long
COARSE = 0.5  # of the rows with the stamp of the one before, above which stamps are coarser than rows
SHORT = 1_000  # rows that are put in for a gap, whatever else holds
LONGEST = 10_000  # and where a gap is cut to a part of a day so that the time of day stays in step
LEAST = 32  # rows that stay of a gap cut short
SAMPLE = 1_000_000  # steps by which the usual one is told
DAY = 86_400.0


@dataclass(frozen=True)
class Raw:
    """What was read, in the order of the input: columns (N,) each, and times (N,), NaN where unknown, or None."""

    columns: tuple[Floats, ...]
    channels: tuple[str, ...]
    times: Floats | None
    clock: Clock


def on_grid(raw: Raw, rows: Codes | None = None, name: str = "") -> Series:
    """The series of these rows of the input (all where None, else rising), in order of time.

    Rows without a time are not part of it. Rows of one stamp become one row, the mean of what is known, unless most
    rows share theirs. Where nearly all rows are one step apart, missing ones are put in as unknown; a long gap is cut
    to the rest of it modulo a day, or to SHORT rows.
    """
    notes: list[str] = []
    times, take = _ordered(raw, rows, notes)
    if raw.clock.kind == "rows":
        clock = raw.clock if len(times) > 1 else replace(raw.clock, step=None)
        return Series(_taken(raw.columns, take), raw.channels, times, take, clock, name, tuple(notes))
    same = _count(times, lambda steps: steps == 0)
    coarse = same > COARSE * (len(times) - 1)
    copies = _NO_COPIES
    if same:
        notes.append(_about_copies(same, coarse))
    if same and not coarse:
        times, take, copies = _without_copies(times, take)
    step, regular = _step(times, raw.clock.kind, coarse, notes)
    if regular and step:
        times, take, copies = _filled(times, take, copies, *_gaps(times, step, raw.clock, notes))
    values = _taken(raw.columns, take)
    _average(values, raw.columns, copies)
    clock = replace(raw.clock, step=step, regular=regular)
    return Series(values, raw.channels, times, take, clock, name, tuple(notes), copies)


_NONE = (np.zeros(0, np.int64), np.zeros(0, np.int64))
_NO_COPIES = np.zeros((0, 2), np.int64)


def _ordered(raw: Raw, rows: Codes | None, notes: list[str]) -> tuple[Floats, Codes]:
    """Times that never fall, and the rows of the input they belong to."""
    if raw.times is None:
        take = _all(len(raw.columns[0])) if rows is None else rows
        return np.arange(len(take), dtype=np.float64), take
    times = raw.times if rows is None else raw.times[rows]
    take = _all(len(times)) if rows is None else rows
    known = _tested(times, np.isfinite)
    if np.count_nonzero(known) < len(times):
        times, take = _kept(times, known), _kept(take, known)
    falls = _count(times, lambda steps: steps < 0)
    if falls:
        order = np.argsort(times, kind="stable")
        notes.append(f"time goes back {counted(falls, 'time')}; rows are sorted by time")
        times, take = _picked(times, order), _picked(take, order)
    return times, take


def _about_copies(same: int, coarse: bool) -> str:
    if coarse:
        return "most rows have the stamp of the row before, so rows are judged in their order, not by time"
    return f"{counted(same, 'row')} with the stamp of another row: each stamp is judged once, by the mean"


def _without_copies(times: Floats, take: Codes) -> tuple[Floats, Codes, Codes]:
    """The first row of each stamp, and (K, 2) the other ones with the places where theirs are."""
    first = np.ones(len(times), np.bool_)
    for start, steps in _steps(times):
        first[start + 1 : start + 1 + len(steps)] = steps != 0
    again = np.flatnonzero(~first)
    copies = np.stack([take[again], again - np.arange(1, len(again) + 1)], 1)
    return _kept(times, first), _kept(take, first), copies


def _average(values: Floats, columns: tuple[Floats, ...], copies: Codes) -> None:
    """Put the mean of what is known into the rows (of `values`) that have copies."""
    places, which = np.unique(copies[:, 1], return_inverse=True)
    for c, column in enumerate(columns if len(copies) else ()):
        first, cells = values[places, c], column[copies[:, 0]]
        known = np.isfinite(cells)
        number = np.bincount(which[known], minlength=len(places)) + np.isfinite(first)
        total = np.bincount(which[known], cells[known], minlength=len(places)) + np.nan_to_num(first)
        values[places, c] = np.where(number > 0, total / np.maximum(number, 1), np.nan)
        release(column)


def _step(times: Floats, kind: str, coarse: bool, notes: list[str]) -> tuple[float | None, bool]:
    """The usual distance of rows, and whether nearly all are that far apart."""
    if len(times) < 2 or times[-1] == times[0]:
        return None, False
    mean = _said(float(times[-1] - times[0]) / (len(times) - 1))
    if coarse:
        return mean, False
    every = max(1, len(times) // SAMPLE)
    starts = np.arange(0, len(times) - 1, every)
    some = times[starts + 1] - times[starts]
    release(times)
    usual = float(np.median(some))
    alike = some[(some >= usual / 2) & (some <= usual * 1.75)]
    for step in (
        usual,
        _said(float(alike.mean())) if len(alike) else usual,
    ):  # the mean where rows are early, late by turns
        near = _count(times, lambda steps, step=step: np.abs(steps - step) <= NEAR * step)  # type: ignore[misc]
        if near >= REGULAR * (len(times) - 1):
            return step, True
    said = (duration(usual), duration(mean)) if kind == "time" else (f"{usual:.6g}", f"{mean:.6g}")
    notes.append(
        f"rows come at irregular times (usually {said[0]} apart, {said[1]} on average), so they are judged in their"
        " order, not by time"
    )
    return mean, False


def _said(mean: float) -> float:
    """An average step as it can be said: 30 min where it is 29 min 59.9 s."""
    return float(f"{mean:.3g}")


def _gaps(times: Floats, step: float, clock: Clock, notes: list[str]) -> tuple[Codes, Codes]:
    """After which rows others are missing, and how many are put in there."""
    where, missing = [], []
    for start, steps in _steps(times):
        lost = np.round(steps / step) - 1
        at = np.flatnonzero((lost >= 1) & (steps > (1 + NEAR) * step))
        where.append(start + at)
        missing.append(lost[at])
    places, lengths = np.concatenate(where), np.concatenate(missing)
    if not len(places):
        return _NONE
    kept = np.minimum(_cut(lengths, step, clock), max(LEAST, len(times) // len(places))).astype(np.int64)
    whole = kept == lengths
    if whole.any():
        rows = int(kept[whole].sum())
        gaps = counted(int(whole.sum()), "gap")
        notes.append(f"{gaps} in time: {counted(rows, 'missing row')} {_be(rows)} judged as unknown")
    for place, lost, left in list(zip(places[~whole], lengths[~whole], kept[~whole], strict=True))[:3]:
        length = duration(lost * step) if clock.kind == "time" else f"{lost * step:.6g}"
        notes.append(
            f"a gap of {length} after {_when(clock, times[place])} is cut short to {counted(int(left), 'row')}"
        )
    if (~whole).sum() > 3:
        notes.append(f"{counted(int((~whole).sum()) - 3, 'more long gap')} cut short likewise")
    return places, kept


def _cut(lengths: Floats, step: float, clock: Clock) -> Floats:
    """How many rows stay of gaps: all of short ones, of long ones what a whole number of days leaves."""
    day = DAY / step
    if clock.kind != "time" or abs(day - round(day)) > 1e-6 or not LEAST <= day <= LONGEST:
        return np.minimum(lengths, SHORT)
    rest = lengths % round(day)
    return np.where(lengths <= SHORT, lengths, np.where(rest < LEAST, rest + round(day), rest))


def _filled(times: Floats, take: Codes, copies: Codes, where: Codes, lengths: Codes) -> tuple[Floats, Codes, Codes]:
    """The same rows with others, -1, put in after the rows `where`."""
    if not len(where):
        return times, take, copies
    before = np.concatenate([[0], np.cumsum(lengths)])
    size = len(times) + int(before[-1])
    out_times, out_rows = room(size), room(size, np.int64)
    for start in range(0, len(times), CHUNK):
        stop = min(start + CHUNK, len(times))
        at = np.arange(start, stop)
        at += before[np.searchsorted(where, at, "left")]
        out_times[at], out_rows[at] = times[start:stop], take[start:stop]
        for used in (times, take, out_times, out_rows):
            release(used)
    number = np.arange(before[-1]) - np.repeat(before[:-1], lengths)  # of a row within its gap
    at = np.repeat(where + before[:-1] + 1, lengths) + number
    share = (number + 1) / np.repeat(lengths + 1, lengths)
    left, right = np.repeat(times[where], lengths), np.repeat(times[where + 1], lengths)
    out_times[at], out_rows[at] = left + share * (right - left), -1
    copies = copies.copy()
    copies[:, 1] += before[np.searchsorted(where, copies[:, 1], "left")]
    return out_times, out_rows, copies


def _taken(columns: tuple[Floats, ...], take: Codes) -> Floats:
    """(n, C) The rows `take` of the columns, unknown where they are -1."""
    values = room((len(columns), len(take)))
    for c, column in enumerate(columns):
        for start in range(0, len(take), CHUNK):
            rows = take[start : start + CHUNK]
            values[c, start : start + CHUNK] = np.where(rows < 0, np.nan, column[rows])
            for used in (column, take, values):
                release(used)
    out: Floats = values.T
    return out


# Passes over arrays that may not fit into memory.


def _all(size: int) -> Codes:
    """0, 1, 2 ..."""
    made = room(size, np.int64)
    for start in range(0, size, CHUNK):
        made[start : start + CHUNK] = np.arange(start, min(start + CHUNK, size))
        release(made)
    return made


def _tested(array: Array, test: Callable[[Array], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """(N,) Which entries pass."""
    passed = np.empty(len(array), np.bool_)
    for start in range(0, len(array), CHUNK):
        passed[start : start + CHUNK] = test(array[start : start + CHUNK])
        release(array)
    return passed


def _kept(array: Array, keep: NDArray[np.bool_]) -> Array:
    """(n,) The entries that are kept."""
    made, done = room(int(np.count_nonzero(keep)), array.dtype), 0
    for start in range(0, len(array), CHUNK):
        part = array[start : start + CHUNK][keep[start : start + CHUNK]]
        made[done : done + len(part)] = part
        done += len(part)
        release(array)
        release(made)
    return made


def _picked(array: Array, order: Codes) -> Array:
    """(n,) The entries in this order."""
    made = room(len(order), array.dtype)
    for start in range(0, len(order), CHUNK):
        made[start : start + CHUNK] = array[order[start : start + CHUNK]]
        release(array)
        release(made)
    return made


def _steps(times: Floats) -> Iterator[tuple[int, Floats]]:
    """Distances of neighbors in pieces: where each starts, and (n,) distances."""
    for start in range(0, max(len(times) - 1, 1), CHUNK):
        yield start, np.diff(times[start : start + CHUNK + 1])
        release(times)


def _count(times: Floats, test: Callable[[Floats], NDArray[np.bool_]]) -> int:
    return sum(int(np.count_nonzero(test(steps))) for _, steps in _steps(times))


def _when(clock: Clock, time: float) -> str:
    from genapps_timeseries.reading.clock import moment

    return moment(clock, float(time))


def _be(count: int) -> str:
    return "is" if count == 1 else "are"
