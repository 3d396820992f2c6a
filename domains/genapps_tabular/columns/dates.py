"""Dates and times as calendar parts, each a categorical variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps.spaces import Categorical, Constraint, Variable
from genapps_tabular.columns import periods, stamps
from genapps_tabular.columns.base import Arrays, CodecConfig, ColumnCodec, Draw, Settings, denied, from_text, refuse
from genapps_tabular.columns.calendars import DAY, Ints
from genapps_tabular.columns.numerals import read_words
from genapps_tabular.columns.parts import (
    CLOCK,
    CYCLES,
    DAYS,
    clock_paths,
    join_clock,
    join_days,
    layout,
    split_clock,
    split_days,
)
from genapps_tabular.columns.tries import ANY, trie
from genapps_tabular.conditions import Between, Condition, IsMissing, OneOf
from genapps_tabular.schema import ColumnSchema

UNSEEN = -2  # in a path: no code means this


@dataclass(frozen=True)
class Part:
    """One calendar part: the values seen, rising; a constant one is no variable."""

    name: str
    values: Ints

    @property
    def constant(self) -> bool:
        """Whether there is nothing to tell."""
        return len(self.values) == 1

    def code(self, values: Ints) -> Ints:
        """The code of each value, or of the nearest one seen."""
        return np.searchsorted((self.values[1:] + self.values[:-1]) / 2, values)

    def find(self, values: Ints) -> Ints:
        """The code of each value; `ANY` for ANY, UNSEEN for a value that was never seen."""
        code = self.code(values)
        return np.where(values == ANY, ANY, np.where(self.values[code] == values, code, UNSEEN))


class Dates(ColumnCodec):
    """A categorical variable for each part that varies; words and missing are further codes of the first of them.

    `parts` are all parts, coarse to fine; `zones` the UTC offsets as written; `span` the first and last day seen.
    """

    kind = "dates"

    def __init__(
        self, schema: ColumnSchema, parts: list[Part], zones: list[str], span: tuple[int, int], missing: bool
    ) -> None:
        super().__init__(schema)
        self.parts, self.zones, self.span, self.missing = parts, zones, span, missing
        self.words = tuple(dict.fromkeys((*schema.words, *schema.missing)))
        self.told = [part for part in parts if not part.constant]
        if not self.told and (self.words or missing):
            self.told = [parts[0]]  # one code for "there is a date"
        self.first = len(self.told[0].values) if self.told else 0
        self.sizes = [len(part.values) for part in self.told]
        if self.told:
            self.sizes[0] += len(self.words) + missing

    @classmethod
    def fit(cls, array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator) -> Self:
        moments = stamps.read(array, schema)
        plain = moments.valid & (read_words(array, (*schema.words, *schema.missing)) < 0)
        if not plain.any():
            raise refuse(schema, f"holds no dates like '{schema.format}'")
        zones = []
        if moments.zone is not None:
            zones = sorted(pc.unique(moments.zone.filter(pa.array(plain))).to_pylist())
        days = moments.days[plain]
        names = layout(schema.kind, days, len(zones), config.max_tokens)
        parts = [Part(name, np.unique(values[plain])) for name, values in _split(moments, names, zones).items()]
        return cls(schema, parts, zones, (int(days.min()), int(days.max())), array.null_count > 0)

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(
            Categorical(size, ordered=part.name not in CYCLES) for part, size in zip(self.told, self.sizes, strict=True)
        )

    def encode(self, array: pa.Array) -> tuple[NDArray[Any], ...]:
        if not self.told:
            return ()
        moments = stamps.read(array, self.schema)
        values = _split(moments, [part.name for part in self.told], self.zones)
        extra = read_words(array, self.words)
        if self.missing:
            extra[np.asarray(array.is_null())] = len(self.words)
        codes = []
        for i, part in enumerate(self.told):
            code = np.where(moments.valid, part.code(values[part.name]), -1)
            code = np.where(extra >= 0, self.first + extra if i == 0 else 0, code)
            codes.append(code.astype(np.int32))
        return tuple(codes)

    def decode(self, codes: tuple[NDArray[Any], ...], rows: int, draw: Draw) -> pa.Array:
        first = np.asarray(codes[0], np.int64) if codes else np.zeros(rows, np.int64)
        valid = (first >= 0) & (first < max(self.first, 1))
        values = {part.name: np.full(rows, part.values[0]) for part in self.parts}
        for part, code in zip(self.told, codes, strict=True):
            values[part.name] = part.values[np.where(valid, code, 0).astype(np.int64)]
        written = stamps.write(self._moments(values, valid, draw), self.schema)
        if not self.words:
            return written
        words = from_text(pa.array([*self.words, None], pa.string()), self.schema.dtype)
        extra = np.where(first < 0, len(self.words), first - self.first)
        index = np.where(valid, len(words) + np.arange(rows), extra)
        return pa.concat_arrays([words, written]).take(pa.array(index))

    def _moments(self, values: dict[str, Ints], valid: NDArray[np.bool_], draw: Draw) -> stamps.Moments:
        """Calendar parts put together inside the days seen; sub-second digits are drawn."""
        zero = np.zeros(len(valid), np.int64)
        days = zero if self.schema.kind == "time" else np.clip(join_days(values), *self.span)
        seconds = zero if self.schema.kind == "date" else join_clock(values)
        digits = self.schema.decimals or 0
        fraction = draw.generator.integers(10**digits, size=len(valid)) if digits else zero
        zone = pa.array(self.zones, pa.string()).take(pa.array(values.get("zone", zero))) if self.zones else None
        return stamps.Moments(days, seconds, fraction, zone, valid)

    def constraint(self, condition: Condition) -> Constraint:
        if isinstance(condition, IsMissing):
            paths = [self._extra(code) for code in self._absent()]
            if not paths:
                raise refuse(self.schema, "has no missing values, so it cannot be asked to be missing")
        elif isinstance(condition, Between):
            paths = [self._paths(*periods.between(condition, self.schema))]
        else:
            values = condition.values if isinstance(condition, OneOf) else (condition.value,)
            paths = [self._literal(value) for value in values]
        found = np.unique(np.concatenate(paths), axis=0)
        if not len(found):
            span = "..".join(str(day) for day in np.array(self.span).astype("M8[D]"))
            seen = "no such time was seen" if self.schema.kind == "time" else f"its values lie in {span}"
            raise refuse(self.schema, f"{denied(condition)}: {seen}")
        return trie(self.sizes, found) if self.told else Constraint((), (), ())

    def _literal(self, value: Any) -> Ints:
        if str(value) in self.words:
            return self._extra(self.first + self.words.index(str(value)))
        return self._paths(*periods.period(value, self.schema))

    def _extra(self, code: int) -> Ints:
        return np.array([[code] + [0] * (len(self.told) - 1)], np.int64)

    def _absent(self) -> list[int]:
        words = [self.first + i for i, word in enumerate(self.words) if word in self.schema.missing]
        return [*words, self.first + len(self.words)] if self.missing else words

    def _paths(self, low: int | None, high: int | None) -> Ints:
        """The paths (M, told) of all moments between two seconds, both included (None: open)."""
        if self.schema.kind == "time":
            table = dict(zip(CLOCK, clock_paths(low or 0, DAY - 1 if high is None else high, ANY).T, strict=True))
        else:
            first, last = self.span[0] * DAY, (self.span[1] + 1) * DAY - 1
            days, clock = self._days(
                max(first, first if low is None else low), min(last, last if high is None else high)
            )
            table = split_days(days, DAYS) | dict(zip(CLOCK, clock.T, strict=True))
        length = len(next(iter(table.values())))
        free = np.full(length, ANY, np.int64)
        found = {part.name: part.find(table.get(part.name, free)) for part in self.parts}
        keep = np.all([codes != UNSEEN for codes in found.values()], axis=0)
        return np.stack([found[part.name][keep] for part in self.told] or [free[keep]], axis=1)

    def _days(self, low: int, high: int) -> tuple[Ints, Ints]:
        """Each day (M,) between two seconds, and the hour, minute and second (M, 3) that it may have."""
        if low > high:
            return np.zeros(0, np.int64), np.zeros((0, 3), np.int64)
        days = np.arange(low // DAY, high // DAY + 1)
        clock = np.full((len(days), 3), ANY, np.int64)
        if self.schema.kind == "date":
            return days, clock
        start, stop = low % DAY, high % DAY
        ends = (
            {int(days[0]): (start, DAY - 1), int(days[-1]): (0, stop)}
            if len(days) > 1
            else {int(days[0]): (start, stop)}
        )
        for day, (begin, end) in ends.items():
            if (begin, end) != (0, DAY - 1):
                rows = clock_paths(begin, end, ANY)
                others = days != day
                clock = np.concatenate([clock[others], rows])
                days = np.concatenate([days[others], np.full(len(rows), day)])
        return days, clock

    def present(self) -> Constraint | None:
        absent = self._absent()
        if not absent:
            return None
        codes = np.setdiff1d(np.arange(self.sizes[0]), absent)
        paths = np.full((len(codes), len(self.told)), ANY, np.int64)
        paths[:, 0] = codes
        return trie(self.sizes, paths)

    def state(self) -> tuple[Arrays, Settings]:
        arrays: Arrays = {f"{part.name}/values": part.values for part in self.parts}
        names = [part.name for part in self.parts]
        return arrays, {"parts": names, "zones": self.zones, "span": list(self.span), "missing": self.missing}

    @classmethod
    def from_state(cls, schema: ColumnSchema, arrays: Mapping[str, NDArray[Any]], settings: Settings) -> Self:
        parts = [Part(name, arrays[f"{name}/values"]) for name in settings["parts"]]
        first, last = settings["span"]
        return cls(schema, parts, list(settings["zones"]), (int(first), int(last)), bool(settings["missing"]))


def _split(moments: stamps.Moments, names: list[str] | tuple[str, ...], zones: list[str]) -> dict[str, Ints]:
    """The named parts of each moment, in that order."""
    parts = split_days(moments.days, names) | split_clock(moments.seconds, names)
    if "zone" in names:
        found = pc.index_in(moments.zone, value_set=pa.array(zones, pa.string()))
        parts["zone"] = np.asarray(pc.fill_null(found, 0), np.int64)
    return {name: parts[name] for name in names}
