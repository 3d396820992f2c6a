"""New series as a table: the columns of the input in their order, its clock, its way of writing stamps and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.errors import UsageError
from genapps_timeseries.reading.clock import recognize
from genapps_timeseries.reading.columns import cells_of
from genapps_timeseries.reading.numerals import NO, YES, recognize_numeral
from genapps_timeseries.series import Clock, Floats

How = Literal["iso", "text", "epoch", "number"]
ISO = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(:\d\d(?:[.,](\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?")
SERIES = "series"  # the column that tells new series apart, where the input has none for it


@dataclass(frozen=True)
class Stamping:
    """How times are written. form: of strftime; digits: of fractions of a second; zone: behind them."""

    how: How
    form: str = ""
    digits: int = 0
    zone: str = ""
    scale: float = 1.0

    @classmethod
    def of(cls, column: Any, clock: Clock) -> Stamping:
        """As a column of the input has them."""
        stamps = recognize(column, clock.column, forced=True)
        if stamps is None or stamps.how == "number":
            return cls("number")
        if stamps.how == "epoch":
            return cls("epoch", scale=stamps.scale)
        part = bool(clock.step and clock.step % 1)
        if stamps.how == "text":
            return cls("text", stamps.formats[0])
        cell = next((str(cell) for cell in column.to_pylist() if cell is not None), "")
        shown = ISO.match(cell)
        if shown is None or shown[1] is None:
            return cls("iso", "%Y-%m-%d" if not part and (clock.step or 0) % 86_400 == 0 else "%Y-%m-%d %H:%M:%S")
        seconds = ":%S" if shown[2] or (clock.step or 60) % 60 else ""
        zone = shown[4] or ""
        return cls("iso", f"%Y-%m-%d{shown[1]}%H:%M{seconds}", len(shown[3] or "") or (3 if part else 0), zone)

    def column(self, times: Floats) -> pa.Array:
        """Times (N,) of a series as the input would have them."""
        if self.how in ("epoch", "number"):
            numbers = times * self.scale
            whole = bool((np.abs(numbers - np.round(numbers)) < 1e-6).all())
            return pa.array(np.round(numbers).astype(np.int64)) if whole else pa.array(np.round(numbers, 9))
        shift = _zone_seconds(self.zone)
        return pa.array([self._text(time + shift) for time in times.tolist()], pa.string())

    def _text(self, time: float) -> str:
        digits = self.digits
        whole, rest = divmod(round(time * 10**digits), 10**digits)
        stamp = datetime.fromtimestamp(whole, UTC).strftime(self.form)
        return f"{stamp}.{rest:0{digits}d}{self.zone}" if digits else stamp + self.zone


def _zone_seconds(zone: str) -> float:
    found = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", zone)
    if found is None:
        return 0.0
    return (1 if found[1] == "+" else -1) * (int(found[2]) * 3600.0 + int(found[3] or 0) * 60.0)


@dataclass(frozen=True)
class Layout:
    """The columns of the output in order; which of them is the time and which tells series apart, if any.

    words: of a channel of switches, what it says for 0 and 1.
    """

    columns: tuple[str, ...]
    clock: Clock
    stamping: Stamping
    group: str | None
    words: dict[str, tuple[str, str]]

    @classmethod
    def of(cls, table: pa.Table, clock: Clock, channels: Sequence[str], group: str | None) -> Layout:
        """As the first rows of the input have it."""
        kept = {*channels, clock.column, *([group] if group else [])}
        stamping = (
            Stamping.of(cells_of(table, clock.column, clock.hours), clock) if clock.column else Stamping("number")
        )
        words = {name: said for name in channels if (said := words_of(table[name]))}
        return cls(tuple(name for name in table.column_names if name in kept), clock, stamping, group, words)

    def table(
        self, channels: Sequence[str], values: Floats, times: Floats, name: str | None, decimals: Sequence[int | None]
    ) -> pa.Table:
        """The rows (N, C) of one new series; `name` tells it from others, None where there is only one."""
        arrays: dict[str, pa.Array] = {}
        if name is not None and not self.group:
            arrays[SERIES if SERIES not in self.columns else f"{SERIES}_"] = pa.array([name] * len(values))
        for column in self.columns:
            if column == self.clock.column:
                arrays[column] = self.stamping.column(times)
            elif column == self.group:
                arrays[column] = pa.array([name or "1"] * len(values), pa.string())
            else:
                c = channels.index(column)
                said = self.words.get(column)
                arrays[column] = _said(values[:, c], said) if said else _numbers(values[:, c], decimals[c])
        return pa.table(arrays)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Layout:
        """The inverse of `to_json`."""
        clock, stamping = Clock(**data["clock"]), Stamping(**data["stamping"])
        words = {name: (said[0], said[1]) for name, said in data["words"].items()}
        return cls(tuple(data["columns"]), clock, stamping, data["group"], words)


def words_of(column: Any) -> tuple[str, str] | None:
    """What a column of switches says for 0 and 1, as its first cells have it; None for other columns."""
    if not pa.types.is_string(column.type):
        return None
    numeral = recognize_numeral(column)
    if numeral is None or not numeral.words:
        return None
    cells = [cell for cell in column.to_pylist() if cell is not None]
    found = [next((cell for cell in cells if cell.strip().lower() in side), side[0]) for side in (NO, YES)]
    return found[0], found[1]


def _said(values: Floats, words: tuple[str, str]) -> pa.Array:
    return pa.array([None if np.isnan(value) else words[int(value > 0.5)] for value in values.tolist()], pa.string())


def _numbers(values: Floats, decimals: int | None) -> pa.Array:
    unknown = np.isnan(values)
    if decimals == 0 and np.abs(np.nan_to_num(values)).max(initial=0) < 2**53:
        return pa.array(np.nan_to_num(values).astype(np.int64), mask=unknown)
    return pa.array(values, mask=unknown)


def start_of(wanted: str, clock: Clock, first: float, last: float) -> float:
    """When new rows begin: one step after the last of the input, with its first, or at a stamp or number given.

    Raises UsageError for what is no time of that clock.
    """
    if wanted == "after":
        return last + (clock.step or 1.0)
    if wanted == "same":
        return first
    stamps = recognize(pa.chunked_array([pa.array([wanted])]), "time", forced=True)
    if stamps is None or stamps.calendar != (clock.kind == "time"):
        kind = "a time such as 2026-01-31 12:00" if clock.kind == "time" else "a number"
        raise UsageError(f"--start {wanted}: give after, same, or {kind}")
    return float(stamps.read(pa.chunked_array([pa.array([wanted])]))[0])


def gaps_like(masks: Sequence[NDArray[np.bool_]], rows: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Which cells (rows, C) stay empty: stretches of the input's own pattern, a tenth of it long, one after another."""
    parts: list[NDArray[np.bool_]] = []
    done = 0
    while done < rows:
        mask = masks[int(generator.integers(len(masks)))]
        length = max(1, min(len(mask), max(len(mask) // 10, 50)))
        start = int(generator.integers(0, len(mask) - length + 1))
        parts.append(mask[start : start + length])
        done += length
    return np.concatenate(parts)[:rows]


def names_of(count: int, several: bool) -> Iterator[str | None]:
    """What new series are called: numbers, or nothing for a single one."""
    for k in range(count):
        yield str(k + 1) if several else None
