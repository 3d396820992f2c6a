"""What a series is to this domain: channels over time, and how its rows lie in the file they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

Kind = Literal["time", "number", "rows"]


@dataclass(frozen=True)
class Clock:
    """How time goes in a series.

    kind: stamps of a calendar, plain numbers that grow, or the numbers of the rows. column: where the time is read,
    empty for row numbers. step: the usual distance of rows, in seconds where there is a calendar, else in the unit of
    the column; None for a single row. regular: whether nearly all rows are one step apart. hours: the column of the
    time of day, where the other one has only days.
    """

    kind: Kind = "rows"
    column: str = ""
    step: float | None = 1.0
    regular: bool = True
    hours: str = ""

    @property
    def title(self) -> str:
        """What the time is called where it is one column."""
        return f"{self.column} {self.hours}" if self.hours else self.column

    @property
    def seconds(self) -> float | None:
        """Seconds from row to row, where they are known: what a promise of alarms a week needs."""
        return self.step if self.kind == "time" else None


@dataclass(frozen=True)
class Series:
    """One series in order of time.

    values: (N, C), NaN where unknown. channels: the C names. times: (N,) seconds since 1970 where there is a calendar,
    else in the unit of the column, else row numbers; never falling. rows: (N,) where in the input each row stood,
    counted from 0, -1 for rows that were put in where the input has a gap. name: what --group-by tells it from others
    by. notes: what was met and what was done about it, in sentences. copies: (K, 2) rows of the input that have the
    stamp of another one and became part of the same row of the series, and which row that is; they share its score.
    """

    values: Floats
    channels: tuple[str, ...]
    times: Floats
    rows: Codes
    clock: Clock = field(default_factory=Clock)
    name: str = ""
    notes: tuple[str, ...] = ()
    copies: Codes = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int) -> Series:
        """Rows start..stop - 1, without a copy."""
        cut = slice(start, stop)
        values, times, rows = self.values[cut], self.times[cut], self.rows[cut]
        inside = (start <= self.copies[:, 1]) & (self.copies[:, 1] < stop)
        copies = self.copies[inside] - np.array([0, start])
        return Series(values, self.channels, times, rows, self.clock, self.name, self.notes, copies)


def series_of(values: object, channels: tuple[str, ...] = (), step: float | None = None) -> Series:
    """A regular series of values (N,) or (N, C) without a file; `step` in seconds gives it a calendar from 1970 on."""
    array = np.asarray(values, np.float64)
    array = array[:, None] if array.ndim == 1 else array
    rows = np.arange(len(array), dtype=np.int64)
    names = channels or tuple(f"channel {c + 1}" for c in range(array.shape[1]))
    clock = Clock() if step is None else Clock("time", "time", step)
    times: Floats = rows * np.float64(step or 1.0)
    return Series(array, names, times, rows, clock)
