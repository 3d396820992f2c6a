"""A table as the array that measures work on: numbers and moments as float64, categories as codes, NaN for missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps.errors import InputError
from genapps.metrics.distributions import Floats, Mask
from genapps_tabular.columns import stamps
from genapps_tabular.columns.base import as_text, flat
from genapps_tabular.columns.numerals import read
from genapps_tabular.schema import ColumnSchema, Schema

Role = Literal["number", "moment", "category", "word", "clock", "weekday"]

HASHED_ROWS = 65_536  # rows measured at once where only their hashes are kept
LARGEST = 1e300  # numbers are clipped here, so that a range stays finite
BESIDE: dict[str, tuple[Role, ...]] = {"datetime": ("clock", "weekday"), "date": ("weekday",), "time": ()}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNMEASURED = ("identifier", "text")  # fresh by design: only looked at for copies
WHOLE = re.compile(r"([+-]?\d+)\.0+")


@dataclass(frozen=True)
class Facet:
    """One column of the measuring array: what a table column says in one respect.

    Its own numbers, moments (seconds) or categories; beside these the words in a column of numbers, and of a moment the
    time of day (seconds) and the weekday, so that trees see a calendar that seconds hide.
    """

    column: ColumnSchema
    role: Role
    labels: tuple[str, ...] = ()  # of codes 0, 1, ...; the code after the last is any other value
    counts: NDArray[np.int64] | None = None  # of each label in the training rows

    @property
    def categorical(self) -> bool:
        """Whether its values are codes."""
        return self.role in ("category", "word", "weekday")

    @property
    def own(self) -> bool:
        """Whether it is the table column itself and not something beside it."""
        return self.role in ("number", "moment", "category")

    def read(self, table: pa.Table) -> Floats:
        """The values (N,) of this facet in a table. Raises InputError where a column holds values of another type."""
        name = self.column.name
        array = flat(table.column(name))
        try:
            if self.role in ("category", "word"):
                return _codes(_labels(array, self.column, words=self.role == "word"), self.labels)
            if self.role == "number":
                return np.clip(np.asarray(read(array, self.column)), -LARGEST, LARGEST) + 0.0  # no negative zero
            return _moments(array, self.column, self.role)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise InputError(
                f"column {name!r}: {array.type} cannot be read as {self.column.kind}; give tables of the same types"
            ) from error


@dataclass(frozen=True)
class Gauge:
    """How tables of one schema become measuring arrays: their facets, in the order of the array's columns."""

    facets: tuple[Facet, ...]

    @classmethod
    def fit(cls, schema: Schema, train: pa.Table, *others: pa.Table) -> Gauge:
        """The facets of a schema.

        Labels are those of all tables: were they only some tables', a label of its own would give the others away.
        """
        facets: list[Facet] = []
        for column in schema.columns:
            if column.kind in UNMEASURED:
                continue
            facets.append(facet_of(column, train, *others))
            if facets[-1].role != "category":
                facets += [
                    Facet(column, role, WEEKDAYS if role == "weekday" else ()) for role in BESIDE.get(column.kind, ())
                ]
                if column.words:
                    facets.append(_with_labels(column, "word", train, others))
        return cls(tuple(facets))

    @property
    def categorical(self) -> Mask:
        """Which columns of the array (D,) hold codes."""
        return np.array([facet.categorical for facet in self.facets], bool)

    def measure(self, table: pa.Table) -> Floats:
        """A table as an array (N, D)."""
        columns = [facet.read(table) for facet in self.facets]
        return np.column_stack(columns) if columns else np.empty((len(table), 0))

    def hashes(self, table: pa.Table) -> NDArray[np.uint64]:
        """One hash (N,) a row over all facets: equal rows have equal hashes. Memory is bounded by the batch."""
        parts = [
            hash_rows(self.measure(table.slice(first, HASHED_ROWS))) for first in range(0, len(table), HASHED_ROWS)
        ]
        return np.concatenate([np.empty(0, np.uint64), *parts])


@dataclass(frozen=True)
class Sides:
    """The tables of an evaluation as measuring arrays of rows in random order.

    `real` are training rows, `near` these and more of them for the search of neighbors, `independent` training rows
    whose columns were drawn on their own, `unseen` real rows that the model never saw: None where there are too few,
    and `why` then says so. `enough`: there are training and synthetic rows to learn from.
    """

    gauge: Gauge
    near: Floats
    real: Floats
    synthetic: Floats
    unseen: Floats | None
    independent: Floats
    enough: bool
    why: str = ""


def hash_rows(values: Floats) -> NDArray[np.uint64]:
    """One 64-bit hash (N,) a row of (N, D): the mixer of splitmix64 (Steele et al., 2014) over the columns' bits."""
    state = np.full(len(values), 0x9E3779B97F4A7C15, np.uint64)
    for d in range(values.shape[1]):
        column = np.where(np.isnan(values[:, d]), np.nan, values[:, d])  # one NaN of many
        state = (state ^ np.ascontiguousarray(column).view(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state


def independent(gauge: Gauge, values: Floats, generator: np.random.Generator) -> Floats:
    """Independent columns (N, D): each table column (all its facets) drawn anew from its own values."""
    result = np.empty_like(values)
    draws: dict[str, NDArray[np.int64]] = {}
    for d, facet in enumerate(gauge.facets):
        if facet.column.name not in draws:
            draws[facet.column.name] = generator.integers(0, len(values), len(values))
        result[:, d] = values[draws[facet.column.name], d]
    return result


def facet_of(column: ColumnSchema, train: pa.Table, *others: pa.Table) -> Facet:
    """What a column itself says: numbers, moments, or categories with the labels of all these tables."""
    if column.kind == "number":
        return Facet(column, "number")
    return Facet(column, "moment") if column.kind in BESIDE else _with_labels(column, "category", train, others)


def _with_labels(column: ColumnSchema, role: Role, train: pa.Table, others: Sequence[pa.Table]) -> Facet:
    def present(table: pa.Table) -> dict[str, int]:
        found = pc.value_counts(_labels(flat(table.column(column.name)), column, words=role == "word"))
        return {entry["values"]: entry["counts"] for entry in found.to_pylist() if entry["values"] is not None}

    counts = present(train)
    labels = sorted(counts.keys() | {label for table in others for label in present(table)})
    return Facet(column, role, tuple(labels), np.array([counts.get(label, 0) for label in labels], np.int64))


def _labels(array: pa.Array, column: ColumnSchema, *, words: bool) -> pa.Array:
    """The cells as labels, null where missing; `words` keeps only the column's words, infinities among them."""
    kept = set(column.words) if words else None
    missing = set(column.missing)

    def label(text: str | None) -> str | None:
        if text is None or text in missing or (kept is not None and text not in kept):
            return None
        if column.kind == "boolean":
            return text.casefold()
        whole = WHOLE.fullmatch(text)  # 1 and 1.0 are one category: tables written by other programs mix them
        return whole[1] if whole else text

    return _mapped(as_text(array), label, pa.string())


def _codes(labels: pa.Array, known: Sequence[str]) -> Floats:
    """Codes (N,) of labels, len(known) for a label that is none of them, NaN for null."""
    codes = pc.index_in(labels, value_set=pa.array(known, pa.string()))
    found = pc.fill_null(codes, len(known)).to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.asarray(labels.is_valid()), found, np.nan)


def _mapped(array: pa.Array, function: Callable[[Any], Any], result: pa.DataType) -> pa.Array:
    """A function of each distinct value, applied to all."""
    coded = array.dictionary_encode()
    values = pa.array([function(value) for value in coded.dictionary.to_pylist()], result)
    return values.take(coded.indices)


def _moments(array: pa.Array, column: ColumnSchema, role: Role) -> Floats:
    """Seconds since 1970 or midnight, of the day, or the weekday (Monday is 0), all by the clock on the wall."""
    if not pa.types.is_temporal(array.type) and (column.format is None or not pa.types.is_string(array.type)):
        raise pa.ArrowTypeError(f"no {column.kind}")
    moments = stamps.read(array, column)
    if role == "weekday":
        return np.where(moments.valid, (moments.days + 3) % 7, np.nan)
    days = 0 if role == "clock" else moments.days
    seconds = days * 86400 + moments.seconds + moments.fraction / 10.0 ** (column.decimals or 0)
    return np.where(moments.valid, seconds, np.nan)
