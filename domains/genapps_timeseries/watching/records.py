"""From a line of CSV or JSON to a record: its time, its series and the values of its channels.

The first lines decide the columns. A line that cannot be read is left out and counted, never guessed at: a stream goes
on for months, and one torn line must not end it.
"""

from __future__ import annotations

import codecs
import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from genapps.errors import InputError, UsageError
from genapps.io.limits import BINARY, controls, recognize
from genapps.io.source import known_encoding
from genapps.suggest import did_you_mean
from genapps_timeseries.reading.clock import Stamps, find_clock
from genapps_timeseries.reading.files import LABELS
from genapps_timeseries.reading.numerals import PLAIN, Numeral, recognize_numeral

HEAD = 20  # lines that the columns are decided by
MOST_CHANNELS = 1000
_CACHED = 4096  # numbers that are not plain
_AROUND = "\ufeff\r\n\0 "
_CONVERT = "watch it with: iconv -f UTF-16 -t UTF-8 FILE | genapps timeseries watch -"
_DELIMITERS = ",;\t|"
_EMPTY = frozenset(("", "na", "nan", "null", "none", "n/a", "-", "?"))
_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)


class Record(NamedTuple):
    """One row of one series. time: seconds where there is a calendar, else in the column's unit; NaN without one."""

    series: str
    time: float
    values: list[float]


@dataclass(frozen=True)
class Columns:
    """What to ask of the columns, by name. encoding: of their text, UTF-8 if None."""

    time: str | None = None
    channels: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    group: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        if self.encoding and "\n".encode(known_encoding(self.encoding)) != b"\n":
            raise UsageError(f"--encoding {self.encoding}: its lines have other ends; {_CONVERT}")


@dataclass(frozen=True)
class Layout:
    """Where all stands. names: all columns in order. delimiter: empty for JSON. header: whether files have one."""

    names: tuple[str, ...]
    channels: tuple[str, ...]
    delimiter: str = ""
    header: bool = True
    time: str = ""
    group: str = ""
    stamps: Stamps | None = None
    numerals: tuple[Numeral, ...] = ()  # how each channel writes numbers

    @property
    def kind(self) -> Literal["time", "number", "rows"]:
        """What times are, as a series' clock calls it."""
        return "rows" if self.stamps is None else "time" if self.stamps.calendar else "number"


def texts_of(lines: Sequence[bytes], encoding: str | None) -> list[str]:
    """The first lines of an input as text. Raises InputError where they are none, or its first one is in another
    encoding."""
    head = b"\n".join(lines)
    known = recognize(head)
    if head.startswith(b"\x1f\x8b"):
        raise InputError("compressed with gzip; watch it with: zcat FILE | genapps timeseries watch -")
    if head.startswith(b"PAR1"):
        raise InputError("a Parquet file, which has no lines; judge it with: genapps timeseries detect")
    if known:
        raise InputError(f"not lines of text but {known[0]}; {known[1]}")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"line 1: the text is UTF-16; {_CONVERT}")
    if controls(head) > BINARY:
        raise InputError("not text but binary data; a stream needs lines of CSV or JSON")
    try:
        lines[0].decode(encoding or "utf-8")
    except UnicodeDecodeError:
        remedy = "give the right one with --encoding" if encoding else "try --encoding latin-1"
        raise InputError(f"line 1: not {(encoding or 'utf-8').upper()} text; {remedy}") from None
    return [line.decode(encoding or "utf-8", "replace") for line in lines]


def decide(lines: Sequence[str], asked: Columns) -> Layout:
    """The layout of an input by its first lines. Raises InputError or UsageError where there is nothing to watch."""
    texts = [text for line in lines if (text := line.strip(_AROUND))]
    if not texts:
        raise InputError("the input is empty; a stream needs lines of CSV or JSON")
    if texts[0].startswith("{"):
        rows = [row for text in texts if (row := _object(text)) is not None]
        names = tuple(dict.fromkeys(name for row in rows for name in row))
        return _laid_out([[row.get(name) for name in names] for row in rows], names, asked, "", header=False)
    delimiter = max(_DELIMITERS, key=texts[0].count)
    first = _split(texts[0], delimiter)
    if not first or any("\0" in text for text in texts):
        raise InputError("the input is no text of CSV or JSON lines; a stream needs one of them")
    header = not any(math.isfinite(_number(cell)) for cell in first)
    names = tuple(name.strip() for name in first) if header else tuple(f"column {k + 1}" for k in range(len(first)))
    if len(set(names)) < len(names):
        raise InputError("line 1: two columns have the same name; give each its own")
    cells = [_split(text, delimiter) for text in texts[header:]]
    return _laid_out([row for row in cells if len(row) == len(names)], names, asked, delimiter, header=header)


def _laid_out(rows: list[Any], names: tuple[str, ...], asked: Columns, delimiter: str, *, header: bool) -> Layout:
    for name in (asked.time, asked.group, *asked.ignored):
        if name is not None and name not in names:
            raise UsageError(f"no column {name!r} in the input.{did_you_mean(name, names)}")
    columns = {name: [row[k] for row in rows] for k, name in enumerate(names)}
    others = {asked.group, *asked.channels, *asked.ignored}
    free = [name for name in names if name not in others and name != asked.time]
    clock = find_clock(pa.table({n: _cells(columns[n]) for n in names}), asked.time, free) if rows else None
    time, stamps = clock or ("", None)
    numerals = {name: _numeral(columns[name]) for name in names if name not in {time, asked.group, *asked.ignored}}
    numeric = [name for name, numeral in numerals.items() if numeral and not _is_label(name, columns[name])]
    for name in asked.channels:
        if name not in names:
            raise UsageError(f"no column {name!r} in the input.{did_you_mean(name, numeric)}")
    channels = asked.channels or tuple(numeric)
    if not channels:
        why = "no column of numbers in the first lines" if rows else "no record in the first lines"
        raise InputError(f"{why}: there is nothing to watch; give records with numbers, or name one with --channel")
    if len(channels) > MOST_CHANNELS:
        raise InputError(f"{len(channels):,} columns of numbers, at most {MOST_CHANNELS:,} can be watched at once")
    written = tuple(numerals.get(name) or PLAIN for name in channels)
    return Layout(names, channels, delimiter, header, time, asked.group or "", stamps, written)


def _cells(cells: list[Any]) -> pa.Array:
    """Cells of one column as Arrow has them: numbers where all are, else text."""
    known = [cell for cell in cells if cell is not None]
    if known and all(type(cell) in (int, float) for cell in known):
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    return pa.array(
        [None if cell is None or isinstance(cell, (dict, list)) else str(cell) for cell in cells], pa.string()
    )


def reader_of(stamps: Stamps) -> Callable[[Any], float]:
    """How to read a single cell as a time, NaN where it is none; a column at a time is what `Stamps` is for."""

    def iso(cell: Any) -> float:
        try:
            stamp = datetime.fromisoformat(cell)
        except (TypeError, ValueError):
            return whole(cell)
        return ((stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)) - _EPOCH) / _SECOND

    def number(cell: Any) -> float:
        found = _number(cell)
        return found / stamps.scale if found == found else whole(cell)

    def whole(cell: Any) -> float:
        if cell is None or isinstance(cell, (dict, list)):
            return math.nan
        try:
            numeric = type(cell) in (int, float)
            return float(stamps.read(pa.chunked_array([_cells([cell if numeric else str(cell)])]))[0])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return math.nan

    return {"iso": iso, "epoch": number, "number": number}.get(stamps.how, whole)


def _numeral(cells: list[Any]) -> Numeral | None:
    """How a column writes numbers; None where it holds none."""
    known = [cell for cell in cells if not _is_empty(cell)]
    if not known or any(isinstance(cell, (dict, list)) for cell in known):
        return None
    if all(math.isfinite(_number(cell)) for cell in known):
        return PLAIN
    return recognize_numeral(pa.array([str(cell) for cell in known], pa.string()))


def _is_label(name: str, cells: list[Any]) -> bool:
    return bool(LABELS.fullmatch(name)) and {_number(cell) for cell in cells if not _is_empty(cell)} <= {0.0, 1.0}


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in _EMPTY)


def _number(cell: Any) -> float:
    """A cell as a number; NaN where it is none."""
    try:
        found = float(cell)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def _split(text: str, delimiter: str) -> list[str]:
    """The cells of a line; none where it is no line of a table at all."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class Records:
    """Lines in, records out. `left_out` counts the lines that were not used, by the reason."""

    def __init__(self, layout: Layout, encoding: str | None = None) -> None:
        self.layout, self.encoding = layout, encoding or "utf-8"
        self.left_out: dict[str, int] = {}
        self.strange = 0  # cells that should hold a number and do not
        self._plain = all(numeral == PLAIN for numeral in layout.numerals)
        self._cache: dict[tuple[int, str], float] = {}
        self._when = reader_of(layout.stamps) if layout.stamps else None
        self._use(layout.names)

    def _use(self, names: tuple[str, ...]) -> None:
        layout = self.layout
        self._count = len(names)
        self._header = names
        self._places = [names.index(name) if name in names else -1 for name in layout.channels]
        self._time = names.index(layout.time) if layout.time else -1
        self._group = names.index(layout.group) if layout.group else -1

    def begins(self, line: bytes) -> bool:
        """Whether a file's first line is its header and no record; columns in another order are followed."""
        if not self.layout.delimiter or not self.layout.header:
            return False
        text = line.decode(self.encoding, "replace").strip(_AROUND)
        names = tuple(cell.strip() for cell in _split(text, self.layout.delimiter))
        if {self.layout.time, self.layout.group, *self.layout.channels} - {*names, ""}:
            return False
        self._use(names)
        return True

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the present file, in order."""
        return self._header

    def resume(self, header: Sequence[str], left_out: dict[str, int]) -> None:
        """Go on in a file with this header."""
        self.left_out = dict(left_out)
        self._use(tuple(header))

    def read(self, line: bytes) -> Record | None:
        """The record of a line; None for an empty line, and for one that is counted in `left_out`."""
        try:
            text = line.decode(self.encoding).rstrip("\r")
        except UnicodeDecodeError:
            return self.leave(f"is no {self.encoding.upper()} text (another one is named by --encoding)")
        return self._cells(text) if self.layout.delimiter else self._object(text)

    def _cells(self, text: str) -> Record | None:
        layout = self.layout
        cells = text.split(layout.delimiter) if '"' not in text else _split(text, layout.delimiter)
        if len(cells) != self._count:
            return None if not text.strip("\r\0 ") else self.leave("has another number of cells")
        values = self._plain_values(cells) if self._plain else None
        if values is None:
            values = [self._value(c, cells[k] if k >= 0 else None) for c, k in enumerate(self._places)]
        time = math.nan
        if self._when is not None:
            time = self._when(cells[self._time])
            if time != time:
                return self.leave("has no time that can be read")
        return Record(cells[self._group].strip() if self._group >= 0 else "", time, values)

    def _object(self, text: str) -> Record | None:
        layout = self.layout
        row = _object(text.removeprefix("\ufeff"))
        if row is None:
            return None if not text.strip("\r\0 ") else self.leave("is no JSON object, perhaps cut in half")
        time = math.nan
        if self._when is not None:
            time = self._when(row.get(layout.time))
            if time != time:
                return self.leave("has no time that can be read")
        values = [self._value(c, row.get(name)) for c, name in enumerate(layout.channels)]
        return Record(str(row.get(layout.group, "")) if layout.group else "", time, values)

    def _plain_values(self, cells: list[str]) -> list[float] | None:
        """The usual case, at once."""
        try:
            values = [float(cells[k]) for k in self._places]
        except ValueError:
            return None
        if not math.isfinite(sum(values)):
            return [v if math.isfinite(v) else math.nan for v in values]
        return values

    def _value(self, channel: int, cell: Any) -> float:
        if type(cell) is float and math.isfinite(cell):
            return cell
        if _is_empty(cell):
            return math.nan
        numeral = self.layout.numerals[channel]
        found = _number(cell) if numeral == PLAIN else self._written(channel, str(cell))
        self.strange += found != found
        return found

    def _written(self, channel: int, cell: str) -> float:
        """A number that is not plain; the last ones are kept, since switches and steps come again and again."""
        found = self._cache.get((channel, cell))
        if found is None:
            found = float(self.layout.numerals[channel].read(pa.array([cell], pa.string()))[0][0])
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            self._cache[channel, cell] = found
        return found

    def leave(self, why: str) -> Record | None:
        """Count a line that is not used; nothing comes of it."""
        self.left_out[why] = self.left_out.get(why, 0) + 1
        return None
