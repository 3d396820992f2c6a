"""A table becomes series: which column is the time, which are channels, what was met and what was done about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from genapps.errors import InputError, UsageError
from genapps.io.room import LIMIT, Growing
from genapps.suggest import did_you_mean
from genapps_timeseries.reading.clock import Stamps, floats_of
from genapps_timeseries.reading.columns import cells_of, find_time, tells_apart
from genapps_timeseries.reading.grid import Raw, on_grid
from genapps_timeseries.reading.inputs import Input, Progress
from genapps_timeseries.reading.numerals import Numeral, recognize_numeral
from genapps_timeseries.series import Clock, Codes, Floats, Series
from genapps_timeseries.wording import counted, duration, listed

SHORTEST = 2  # rows of a series
SELDOM = 0.01  # of the rows of a channel of two values: it has one but for a few rows
MOST_SERIES = 10_000
LABELS = re.compile(
    r"(?i)(is[_ ]?)?(label|anomal(y|ous|ies)|outlier|change[_ ]?points?|ground[_ ]?truth)s?(_?(label|flag))?"
)
IDENTIFIERS = re.compile(r"(?i)(.*[_ -])?(id|uuid|guid|serial|row|nr|no)\.?|Unnamed: 0|index")


@dataclass(frozen=True)
class Options:
    """What a person said about the columns; see `read_series`."""

    time: str | None = None
    group_by: str | None = None
    ignore: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    shortest: int = SHORTEST


@dataclass(frozen=True)
class Reading:
    """The series of a table, in the order in which they begin in it; how many rows the table has; which columns are no
    part of them, and why; where the time is read."""

    series: tuple[Series, ...]
    rows: int
    left_out: dict[str, str]
    clock: Clock


def read_series(
    source: Any,
    *,
    time: str | None = None,
    group_by: str | None = None,
    ignore: Sequence[str] = (),
    channels: Sequence[str] = (),
    encoding: str | None = None,
    shortest: int = SHORTEST,
    progress: Progress | None = None,
) -> tuple[Series, ...]:
    """The series of a table: one, or one for each value of the column `group_by`, in the order of their first rows.

    source: an `Input`, or what one takes: a path (CSV, TSV, JSON lines, JSON, Parquet; .gz but for the last), "-", a
    pandas, polars or pyarrow table, numbers (N,) or (N, C). time: the column of the time; found if not given.
    ignore: columns to leave out. channels: the only ones to take, be they labels. shortest: rows a series must have.

    Notes say what was met and done; those of the table as a whole stand with the first series. Text, identifiers,
    labels of 0 and 1 and columns without a number are left out; yes, no, on, off and the like are 1 and 0; infinite
    values and cells that are no numbers are unknown. Large series lie in temporary files (genapps.io.room).
    Raises UsageError for a column that is not there, InputError for what no series can be made of.
    """
    options = Options(time, group_by, tuple(ignore), tuple(channels), shortest)
    with ExitStack() as stack:
        given = source if isinstance(source, Input) else stack.enter_context(Input(source, encoding=encoding))
        return read(given, options, progress).series


def read(given: Input, options: Options, progress: Progress | None = None) -> Reading:
    """The same with what is known of the table as a whole; `given` may be read again afterwards."""
    known: dict[str, Any] = {}
    while True:
        table = _Table(given, options, known)
        try:
            table.fill(progress)
            return table.reading()
        except _Otherwise as found:  # a later row shows that a column is to be read in another way
            known[found.column] = found.reading
        finally:
            table.close()


class _Otherwise(Exception):
    """A column is written otherwise than its first rows let think."""

    def __init__(self, column: str, reading: Any) -> None:
        super().__init__(column)
        self.column, self.reading = column, reading


@dataclass
class _Channel:
    """A column on its way to be a channel: its numbers so far, and what was met."""

    name: str
    numeral: Numeral | None  # of text
    numbers: Growing
    unknown: int = 0
    infinite: int = 0
    lost: int = 0
    example: str = ""
    counts: dict[float, int] = field(default_factory=dict)  # of each value, while there are two at most

    def says(self) -> str:
        """What is to be said of a channel of one or two values."""
        if len(self.counts) != 2:
            return "constant" if len(self.counts) == 1 else ""
        few, told = min(self.counts.values()), sum(self.counts.values())
        return "binary" if few > SELDOM * told else f"constant but for {counted(few, 'row')}"

    def add(self, column: pa.ChunkedArray) -> int:
        """Take the cells of a batch; how many of them are no numbers."""
        numbers, lost, example = self.numeral.read(column) if self.numeral else (floats_of(column), 0, "")
        infinite = np.isinf(numbers)
        if infinite.any():
            self.infinite += int(infinite.sum())
            numbers[infinite] = np.nan
        self.unknown += int(np.isnan(numbers).sum())
        self.lost += lost
        self.example = self.example or example
        if len(self.counts) <= 2:
            values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
            for value, count in list(zip(values.tolist(), counts.tolist(), strict=True))[:3]:
                self.counts[value] = self.counts.get(value, 0) + count
        self.numbers.append(numbers)
        return lost


class _Table:
    """One pass over a table under one reading of its columns."""

    def __init__(self, given: Input, options: Options, known: dict[str, Any]) -> None:
        self.given, self.options, self.known = given, options, known
        self.rows = 0
        self.left_out: dict[str, str] = {}
        self.time, self.hours = "", ""
        self.series_by: str | None = None  # a column that seems to tell series apart
        self.stamps: Stamps | None = None
        self.times = Growing()
        self.timeless, self.first_timeless = 0, 0  # how many rows, and which one from 1 on
        self.groups: dict[str | None, int] = {}
        self.codes = Growing(np.int64)
        self.channels: list[_Channel] = []

    def fill(self, progress: Progress | None) -> None:
        """Read everything."""
        for table in self.given.tables(progress):
            if self.rows == 0:
                self._plan(table)
            self._add(table)
            self.rows += table.num_rows

    def close(self) -> None:
        """Let go of what was read and is not part of the series."""
        for column in (self.times, self.codes, *(channel.numbers for channel in self.channels)):
            column.close()

    def _plan(self, table: pa.Table) -> None:
        """Decide by the first rows what each column is."""
        options, names = self.options, table.column_names
        asked = [("--time", options.time), ("--group-by", options.group_by)]
        asked += [("--ignore-column", name) for name in options.ignore]
        for option, name in asked:
            if name is not None:
                _there(option, name, names)
        free = [name for name in names if name not in {*options.ignore, *options.channels, options.group_by}]
        found = find_time(table, options.time, free)
        if found is not None:
            self.time, self.hours, self.stamps = found
            self.stamps = self.known.get(self.time, self.stamps)
        taken = {self.time, self.hours, options.group_by, *options.ignore}
        for name in options.channels:
            if name not in names:
                _there("--channel", name, [one for one in names if one not in taken and self._counts(table[one])])
        for name in options.channels or names:
            if name not in taken:
                self._plan_channel(name, table[name])
        if self.stamps is not None and options.group_by is None:
            times = self.stamps.read(cells_of(table, self.time, self.hours))
            self.series_by = tells_apart(table, times, list(self.left_out))
        commas = [one.numeral for one in self.channels if one.numeral and one.numeral.point == ","]
        for one in self.channels if commas else []:  # in one file a comma is one thing
            if one.numeral and one.numeral.thousands == "," and one.name not in self.known:
                raise _Otherwise(one.name, commas[0])

    def _counts(self, column: pa.ChunkedArray) -> bool:
        """Whether a column holds numbers."""
        if pa.types.is_string(column.type):
            return self._recognize(column) is not None
        return not pa.types.is_null(column.type) and not pa.types.is_temporal(column.type)

    def _plan_channel(self, name: str, column: pa.ChunkedArray) -> None:
        kind, asked = column.type, name in self.options.channels
        numeral = None
        if IDENTIFIERS.fullmatch(name) and not asked:
            self.left_out[name] = "numbers rows or things"
            return
        if pa.types.is_string(kind):
            numeral = self.known.get(name) or self._recognize(column)
            if numeral is None:
                self._refuse(name, "is text")
                return
        elif pa.types.is_null(kind) or (pa.types.is_temporal(kind) and not pa.types.is_duration(kind)):
            self._refuse(name, "is empty" if pa.types.is_null(kind) else "is a time")
            return
        self.channels.append(_Channel(name, numeral, Growing(limit=max(LIMIT // 8, 2**16))))

    def _recognize(self, column: pa.ChunkedArray) -> Numeral | None:
        return recognize_numeral(column, decimal_comma=self.given.decimal_comma)

    def _refuse(self, name: str, why: str) -> None:
        if name in self.options.channels:
            raise InputError(f"{self.given.name}: column {name!r} {why}, so it can be no channel")
        self.left_out[name] = why

    def _add(self, table: pa.Table) -> None:
        if self.stamps is not None:
            self._add_times(cells_of(table, self.time, self.hours))
        if self.options.group_by is not None:
            self._add_groups(table[self.options.group_by])
        for channel in self.channels:
            column = table[channel.name]
            if channel.add(column) and channel.numeral and channel.name not in self.known:
                other = self._recognize(column)
                if other is not None and other != channel.numeral and other.read(column)[1] < channel.lost:
                    raise _Otherwise(channel.name, other)

    def _add_times(self, column: pa.ChunkedArray) -> None:
        stamps = self.stamps
        assert stamps is not None
        times = stamps.read(column)
        if stamps.other is not None:
            others = stamps.other.read(column)
            if np.isfinite(others).sum() > np.isfinite(times).sum():
                says = stamps.other.says
                raise _Otherwise(self.time, replace(stamps.other, says=says))
        timeless = np.flatnonzero(~np.isfinite(times))
        if len(timeless) and not self.timeless:
            self.first_timeless = self.rows + int(timeless[0]) + 1
        self.timeless += len(timeless)
        self.times.append(times)

    def _add_groups(self, column: pa.ChunkedArray) -> None:
        text = column if pa.types.is_string(column.type) else column.cast(pa.string())
        coded = text.combine_chunks().dictionary_encode()
        names = coded.dictionary.to_pylist()
        for name in names:
            self.groups.setdefault(name, len(self.groups))
        if len(self.groups) > MOST_SERIES:
            raise InputError(
                f"{self.given.name}: --group-by {self.options.group_by}: more than {MOST_SERIES:,} different values;"
                " choose a column that tells series apart"
            )
        own = np.array([*(self.groups[name] for name in names), -1], np.int64)
        self.codes.append(own[coded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)])

    # What was read becomes series.

    def reading(self) -> Reading:
        """Sort out the columns, and put the rows of each series in order."""
        columns, channels, notes = self._columns()
        stamps = self.stamps
        kind = "rows" if stamps is None else "time" if stamps.calendar else "number"
        clock = Clock(kind, self.time, hours=self.hours)  # type: ignore[arg-type]
        times = self.times.array() if stamps is not None else None
        if times is not None and not np.isfinite(times).any():
            raise InputError(f"{self.given.name}: column {self.time!r} holds no time in any row")
        raw = Raw(columns, channels, times, clock)
        series = tuple(self._series(raw, notes))
        if not series:
            group = self.options.group_by
            which = "a series needs" if group is None else f"each series of {group!r} needs"
            raise InputError(
                f"{self.given.name}: {counted(self.rows, 'row')}, but {which} at least {self.options.shortest} with a"
                " time; give more rows"
            )
        first = series[0]
        head = self._first_words(first.clock) + tuple(notes)
        series = (replace(first, notes=head + first.notes), *series[1:])
        return Reading(series, self.rows, self.left_out, first.clock)

    def _series(self, raw: Raw, notes: list[str]) -> Iterator[Series]:
        if self.options.group_by is None:
            series = on_grid(raw)
            if len(series) >= self.options.shortest:
                yield series
            return
        codes: Codes = self.codes.array()
        order = np.argsort(codes, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(codes + 1, minlength=len(self.groups) + 1))])
        nameless, short = int(bounds[1]), []
        for name, code in self.groups.items():
            rows = order[bounds[code + 1] : bounds[code + 2]]
            one = on_grid(raw, rows, str(name)) if len(rows) >= self.options.shortest else None
            if one is None or len(one) < self.options.shortest:
                short.append(str(name))
            else:
                yield one
        if nameless:
            notes.append(f"{counted(nameless, 'row')} without a value of {self.options.group_by!r}: left out")
        if short:
            least = self.options.shortest
            notes.append(f"{counted(len(short), 'group')} of fewer than {least} rows left out: {listed(short)}")

    def _columns(self) -> tuple[tuple[Floats, ...], tuple[str, ...], list[str]]:
        """The columns that are channels after all, and what is to be said about all of them."""
        kept = []
        for one in self.channels:
            told, asked = self.rows - one.unknown, one.name in self.options.channels
            if one.lost > told:
                self._refuse(one.name, "is text")
            elif not told:
                self.left_out[one.name] = "holds no number"
            elif not asked and LABELS.fullmatch(one.name) and one.counts.keys() <= {0.0, 1.0}:
                self.left_out[one.name] = "holds labels"
            else:
                kept.append(one)
        if not kept:
            why = "; ".join(f"{name!r} {reason}" for name, reason in list(self.left_out.items())[:5])
            raise InputError(
                f"{self.given.name}: no column of numbers that could be a series ({why or 'only the time'});"
                " name one with --channel"
            )
        return tuple(one.numbers.array() for one in kept), tuple(one.name for one in kept), self._notes(kept)

    def _notes(self, kept: list[_Channel]) -> list[str]:
        notes = []
        if self.timeless:
            where = (
                f"row {self.first_timeless:,}" if self.timeless == 1 else f"the first is row {self.first_timeless:,}"
            )
            notes.append(f"{counted(self.timeless, 'row')} left out, whose time is missing or cannot be read: {where}")
        for why in dict.fromkeys(self.left_out.values()):
            names = [name for name, reason in self.left_out.items() if reason == why]
            remedy = "; --channel asks for it" if why == "holds labels" else ""
            notes.append(f"{counted(len(names), 'column')} left out ({why}{remedy}): {listed(names)}")
        for says in dict.fromkeys(one.numeral.says for one in kept if one.numeral and one.numeral.says):
            names = [one.name for one in kept if one.numeral and one.numeral.says == says]
            notes.append(f"read with {says}: {listed(names)}")
        words = {one.name: one.says() for one in kept}
        for says in sorted(filter(None, set(words.values())), reverse=True):
            names = [name for name, own in words.items() if own == says]
            notes.append(f"{len(names)} of {counted(len(kept), 'channel')} {says}: {listed(names)}")
        notes += [
            f"{counted(one.lost, 'cell')} of {one.name!r} {'is no number' if one.lost == 1 else 'are no numbers'}"
            f" ({one.example[:40]!r}) and taken as unknown"
            for one in kept
            if one.lost
        ]
        infinite = sum(one.infinite for one in kept)
        if infinite:
            names = [one.name for one in kept if one.infinite]
            notes.append(f"{counted(infinite, 'infinite value')} in {listed(names)} taken as unknown")
        empty = {one.name: one.unknown - one.lost - one.infinite for one in kept}
        if total := sum(empty.values()):
            names = [name for name, count in empty.items() if count]
            notes.append(f"{total:,} of {self.rows * len(kept):,} cells are empty: in {listed(names)}")
        return notes

    def _first_words(self, clock: Clock) -> tuple[str, ...]:
        if self.stamps is None:
            return ("no column tells the time, so rows are counted (name one with --time)",)
        columns = [self.time, *([self.hours] if self.hours else [])]
        says = f"time is read from {listed(columns)} ({self.stamps.says})"
        if clock.regular and clock.step:
            says += f", a row every {duration(clock.step) if clock.kind == 'time' else f'{clock.step:.6g}'}"
        if self.series_by is None:
            return (says,)
        by = self.series_by
        return (says, f"stamps repeat once for each value of {by!r}: --group-by {by} judges each by itself")


def _there(option: str, name: str, names: Sequence[str]) -> None:
    """Raises UsageError where a name is none of those that an option may be given."""
    if name not in names:
        meant = did_you_mean(name, names) or f" There are {listed(names)}"
        raise UsageError(f"{option} {name}: there is no such column.{meant}")
