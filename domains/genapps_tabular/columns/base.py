"""The one abstraction behind every kind of column, and the Arrow handling that all of them share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps.errors import UsageError
from genapps.spaces import Constraint, Variable
from genapps_tabular.conditions import Between, Condition, Equals, OneOf
from genapps_tabular.schema import ColumnSchema

Arrays = dict[str, NDArray[Any]]
Settings = dict[str, Any]


@dataclass(frozen=True)
class CodecConfig:
    """How a table becomes variables; the defaults serve tables from a hundred to some millions of rows."""

    numbers: Literal["auto", "tokens", "mixed"] = field(
        default="auto",
        metadata={"help": "tokens: each a code; mixed: frequent values codes, the rest continuous; auto: what suits"},
    )
    bins: int = field(default=64, metadata={"help": "equal-mass bins of a number", "least": 1})
    knots: int = field(default=16, metadata={"help": "points of the quantile function kept inside a bin", "least": 2})
    max_atoms: int = field(
        default=100,
        metadata={"help": "a number with no more distinct values than this has a code for each", "least": 0},
    )
    mixed_atoms: int = field(default=30, metadata={"help": "the same where numbers are mixed", "least": 0})
    atom_share: float = field(
        default=0.01,
        metadata={
            "help": "a number's value with a larger share of the rows has a code of its own",
            "least": 0,
            "most": 1,
        },
    )
    max_tokens: int = field(
        default=128,
        metadata={"help": "a column with more distinct values is written in two or three digits", "least": 2},
    )
    protect_rare: int = field(default=0, metadata={"help": "categories seen fewer times are never emitted", "least": 0})


@dataclass(frozen=True)
class Draw:
    """What decoding needs beside the codes: randomness, the rows' place in the whole output, what was asked for."""

    generator: np.random.Generator
    condition: Condition | None = None
    first_row: int = 0
    seed: int = 0


class ColumnCodec(ABC):
    """A table column as consecutive variables of a model.

    A batch of the column is a tuple of arrays (N,), one a variable: codes (int32; -1 unknown) of a `Categorical`,
    scores (float32; NaN unknown or none) of a `Continuous`.
    """

    kind: ClassVar[str]

    def __init__(self, schema: ColumnSchema) -> None:
        self.schema = schema

    @classmethod
    @abstractmethod
    def fit(cls, array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator) -> Self:
        """Learn the coding from a column's values."""

    @property
    @abstractmethod
    def variables(self) -> tuple[Variable, ...]:
        """The variables that the column owns, none where there is nothing to learn."""

    @abstractmethod
    def encode(self, array: pa.Array) -> tuple[NDArray[Any], ...]:
        """Values to codes."""

    @abstractmethod
    def decode(self, codes: tuple[NDArray[Any], ...], rows: int, draw: Draw) -> pa.Array:
        """Codes to `rows` values of the column's own Arrow type."""

    @abstractmethod
    def constraint(self, condition: Condition) -> Constraint:
        """A condition as an automaton over the column's variables, numbered from 0; UsageError if it cannot hold."""

    @abstractmethod
    def present(self) -> Constraint | None:
        """The constraint "not missing"; None where no value is ever missing."""

    @abstractmethod
    def state(self) -> tuple[Arrays, Settings]:
        """Arrays and plain JSON from which `from_state` makes an equal codec."""

    @classmethod
    @abstractmethod
    def from_state(cls, schema: ColumnSchema, arrays: Mapping[str, NDArray[Any]], settings: Settings) -> Self:
        """The inverse of `state`."""

    def has(self, text: str) -> bool:
        """Whether this very text is one of the column's values."""
        return text in (*self.schema.words, *self.schema.missing)

    def resolved(self, condition: Condition) -> Condition:
        """The condition; or the value that it spells, if the column has that value."""
        literal = getattr(condition, "literal", None)
        return Equals(literal) if literal is not None and self.has(literal) else condition

    def absent(self, array: pa.Array) -> NDArray[np.bool_]:
        """Which cells (N,) are missing, or hold a word that means so."""
        missing = array.is_null()
        if self.schema.missing:
            words = pa.array(self.schema.missing, pa.string())
            missing = pc.or_(missing, pc.is_in(as_text(array), value_set=words))
        return np.asarray(missing)


def flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array of plain values (dictionaries decoded, large strings as strings)."""
    if isinstance(column, pa.ChunkedArray):
        if pa.types.is_string(column.type) and column.nbytes >= 2**31:  # more does not fit in one array of strings
            column = pc.cast(column, pa.large_string())
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string_view(column.type) or (pa.types.is_large_string(column.type) and column.nbytes < 2**31):
        column = pc.cast(column, pa.string())
    return column


def as_text(array: pa.Array) -> pa.Array:
    """Values as the text that conditions and words are written in."""
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), pa.string())
    return pc.cast(array, pa.string())


def from_text(words: pa.Array, dtype: str) -> pa.Array:
    """The inverse of `as_text`: few distinct words to the column's Arrow type (a dictionary type keeps its index)."""
    target = arrow_type(dtype)
    if words.null_count == len(words):  # also where Arrow has no way from text
        return pa.nulls(len(words), target)
    if pa.types.is_dictionary(target):
        return pa.DictionaryArray.from_arrays(
            pa.array(np.arange(len(words)), target.index_type, mask=~np.asarray(words.is_valid())),
            pc.cast(words, target.value_type),
            ordered=target.ordered,
        )
    return pc.cast(words, target)


_PARAMETRIC = re.compile(r"(\w+)(?:<(.*)>|\((.*)\)|\[(.*)\])")


def arrow_type(dtype: str) -> pa.DataType:
    """The Arrow type of a name as `str(type)` writes it; ValueError for one that no column here can have."""
    match = _PARAMETRIC.fullmatch(dtype)
    if match is None:
        return pa.type_for_alias(dtype)
    name, fields, numbers, units = match.groups()
    if name == "timestamp":
        unit, _, zone = units.partition(", tz=")
        return pa.timestamp(unit, zone or None)
    if name.startswith("decimal"):
        precision, scale = (int(n) for n in numbers.split(","))
        return pa.decimal128(precision, scale) if name == "decimal128" else pa.decimal256(precision, scale)
    if name == "dictionary":
        found = re.fullmatch(r"values=(.*), indices=(\w+), ordered=([01])", fields)
        if found is None:
            raise ValueError(dtype)
        return pa.dictionary(arrow_type(found[2]), arrow_type(found[1]), ordered=found[3] == "1")
    return pa.type_for_alias(dtype)


def denied(condition: Condition, show: Callable[[Any], str] = str) -> str:
    """What a column says of a condition that none of its values satisfies, naming what was asked."""
    if isinstance(condition, Between):
        low, high = ("" if end is None else str(end) for end in (condition.low, condition.high))
        return f"has no values in {low}..{high}"
    values = condition.values if isinstance(condition, OneOf) else (getattr(condition, "value", "missing"),)
    return f"never is {' or '.join(show(value) for value in values)}"


def refuse(schema: ColumnSchema, message: str) -> UsageError:
    """The error of a condition that this column cannot satisfy."""
    return UsageError(f"column '{schema.name}' {message}")
