"""A column that always holds the same value, or none: nothing to learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.spaces import Constraint, Variable
from genapps_tabular.columns.base import (
    Arrays,
    CodecConfig,
    ColumnCodec,
    Draw,
    Settings,
    arrow_type,
    as_text,
    denied,
    from_text,
    refuse,
)
from genapps_tabular.conditions import Between, Condition, IsMissing, OneOf
from genapps_tabular.schema import ColumnSchema


class Constant(ColumnCodec):
    """No variable; `word` is the value as text, or None in a column of missing values."""

    kind = "constant"

    def __init__(self, schema: ColumnSchema, word: str | None) -> None:
        super().__init__(schema)
        self.word = word

    @classmethod
    def fit(cls, array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator) -> Self:
        valid = array.drop_null()
        return cls(schema, as_text(valid[:1])[0].as_py() if len(valid) else None)

    @property
    def variables(self) -> tuple[Variable, ...]:
        return ()

    def encode(self, array: pa.Array) -> tuple[NDArray[Any], ...]:
        return ()

    def decode(self, codes: tuple[NDArray[Any], ...], rows: int, draw: Draw) -> pa.Array:
        if self.word is None:
            return pa.nulls(rows, arrow_type(self.schema.dtype))
        return from_text(pa.array([self.word], pa.string()), self.schema.dtype).take(pa.array(np.zeros(rows, np.int64)))

    def has(self, text: str) -> bool:
        return text == self.word

    def constraint(self, condition: Condition) -> Constraint:
        always = f"is always {'missing' if self.word is None else repr(self.word)}"
        if isinstance(condition, Between):
            raise refuse(self.schema, f"{always}; leave it out of the conditions")
        if isinstance(condition, IsMissing):
            holds = self.word is None
        else:
            values = condition.values if isinstance(condition, OneOf) else (condition.value,)
            holds = self.word in [str(value) for value in values]
        if not holds:
            raise refuse(self.schema, f"{denied(condition, repr)}: it {always}")
        return Constraint((), (), ())

    def present(self) -> Constraint | None:
        return None

    def state(self) -> tuple[Arrays, Settings]:
        return {}, {"word": self.word}

    @classmethod
    def from_state(cls, schema: ColumnSchema, arrays: Mapping[str, NDArray[Any]], settings: Settings) -> Self:
        return cls(schema, settings["word"])
