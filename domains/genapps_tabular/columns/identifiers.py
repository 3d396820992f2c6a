"""Identifiers and free text: nothing is learnt of them but their shapes, and every value is fresh."""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps.spaces import Categorical, Constraint, Variable, allow
from genapps_tabular.columns.base import (
    Arrays,
    CodecConfig,
    ColumnCodec,
    Draw,
    Settings,
    arrow_type,
    as_text,
    from_text,
    refuse,
)
from genapps_tabular.columns.permutations import Words, among, hashes, keys, permute
from genapps_tabular.columns.templates import ROOM, Template
from genapps_tabular.conditions import Condition, IsMissing
from genapps_tabular.schema import ColumnSchema

SAMPLE = 5000  # values that shapes are learnt from
MOST = 2**61  # whole numbers beyond are too near the end of 64 bits to count on from them


class Fresh(ColumnCodec):
    """One variable, 0 present and 1 missing, where values can be missing; none otherwise.

    `known` are the sorted hashes of the values seen, which never come back.
    """

    def __init__(self, schema: ColumnSchema, known: Words, missing: bool) -> None:
        super().__init__(schema)
        self.known, self.missing = known, missing

    @property
    def variables(self) -> tuple[Variable, ...]:
        return (Categorical(2),) if self.missing else ()

    def reserve(self, array: pa.Array) -> None:
        """Keep further values, of rows that were not learnt, from coming back."""
        self.known = np.union1d(self.known, hashes(pc.unique(as_text(array).drop_null())))

    def encode(self, array: pa.Array) -> tuple[NDArray[Any], ...]:
        return (np.asarray(array.is_null()).astype(np.int32),) if self.missing else ()

    def decode(self, codes: tuple[NDArray[Any], ...], rows: int, draw: Draw) -> pa.Array:
        # the name tells apart the columns of one table; the seed, tables
        key = zlib.crc32(self.schema.name.encode()) + 2**32 * (draw.seed % 2**31)
        fresh = self.fresh(np.arange(draw.first_row, draw.first_row + rows), key, draw.generator)
        return pc.if_else(pa.array(np.asarray(codes[0]) == 0), fresh, None) if codes else fresh

    @abstractmethod
    def fresh(self, rows: NDArray[np.int64], key: int, generator: np.random.Generator) -> pa.Array:
        """A value for each row number (N,)."""

    def constraint(self, condition: Condition) -> Constraint:
        if not isinstance(condition, IsMissing):
            raise refuse(self.schema, "holds identifiers, which are made fresh: only 'missing' can be asked of it")
        if not self.missing:
            raise refuse(self.schema, "has no missing values, so it cannot be asked to be missing")
        return allow(0, np.array([0, 1], np.float32))

    def present(self) -> Constraint | None:
        return allow(0, np.array([1, 0], np.float32)) if self.missing else None


class Templates(Fresh):
    """Fresh text of the shapes seen."""

    kind = "templates"

    def __init__(self, schema: ColumnSchema, known: Words, missing: bool, template: Template) -> None:
        super().__init__(schema, known, missing)
        self.template = template

    @classmethod
    def fit(cls, array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator) -> Self:
        distinct = pc.unique(as_text(array).drop_null())
        chosen = np.sort(generator.permutation(len(distinct))[:SAMPLE])
        sample = distinct.take(pa.array(chosen)).to_pylist()
        words = schema.kind == "text" or sum(map(_is_wordy, sample)) > len(sample) / 2
        return cls(schema, np.sort(hashes(distinct)), array.null_count > 0, Template.learn(sample or ["a"], words))

    def fresh(self, rows: NDArray[np.int64], key: int, generator: np.random.Generator) -> pa.Array:
        return from_text(self.template.fresh(rows, key, self.known, generator), self.schema.dtype)

    def state(self) -> tuple[Arrays, Settings]:
        template = {"shapes": [list(shape) for shape in self.template.shapes], "shares": list(self.template.shares)}
        return {"known": self.known}, {"missing": self.missing, "template": template}

    @classmethod
    def from_state(cls, schema: ColumnSchema, arrays: Mapping[str, NDArray[Any]], settings: Settings) -> Self:
        plain = settings["template"]
        template = Template(tuple(tuple(shape) for shape in plain["shapes"]), tuple(plain["shares"]))
        return cls(schema, arrays["known"], settings["missing"], template)


def _is_wordy(value: str) -> bool:
    """Whether a value is made of words: mostly letters, and not all in capitals like a code."""
    letters = sum(c.isalpha() or c.isspace() for c in value)
    return letters > 0.8 * len(value) and any(c.islower() for c in value)


class Keys(Fresh):
    """Fresh whole numbers: unseen ones of the range seen while it has room for them, then those above.

    `bounds` are the least and largest seen, rounded unless `dense`: where the range is nearly full or was counted up.
    """

    kind = "keys"

    def __init__(self, schema: ColumnSchema, known: Words, missing: bool, bounds: tuple[int, int], dense: bool) -> None:
        super().__init__(schema, known, missing)
        self.bounds, self.dense = bounds, dense

    @classmethod
    def fit(cls, array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator) -> Self:
        values = np.asarray(pc.cast(array.drop_null(), pa.int64(), safe=False), np.int64)
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        counted = len(values) > 1 and bool((np.diff(values) > 0).all())
        dense = high < MOST and (counted or len(values) * ROOM > high - low)
        known = hashes(pc.cast(pa.array([] if dense else values, pa.int64()), pa.string()))
        return cls(schema, np.sort(known), array.null_count > 0, (low, high) if dense else _rounded(low, high), dense)

    def reserve(self, array: pa.Array) -> None:
        """Keep further values, of rows that were not learnt, from coming back."""
        values = np.asarray(pc.cast(array.drop_null(), pa.int64(), safe=False), np.int64)
        if self.dense and len(values):
            self.bounds = (self.bounds[0], max(self.bounds[1], int(values.max())))
        elif len(values):
            low, high = self.bounds
            self.bounds = (low, max(high, _rounded(low, int(values.max()))[1]))
            self.known = np.union1d(self.known, hashes(pc.cast(pa.array(values), pa.string())))

    def fresh(self, rows: NDArray[np.int64], key: int, generator: np.random.Generator) -> pa.Array:
        low, high = self.bounds
        size = min(high - low + 1, MOST)
        room = 0 if self.dense else size // ROOM
        values = min(high, MOST) + 1 + rows  # above all that were seen, and so fresh
        pending = np.flatnonzero(rows < room)
        for attempt in range(ROOM):
            found = low + permute(rows[pending] + attempt * room, size, keys(key))
            free = ~among(hashes(pc.cast(pa.array(found), pa.string())), self.known)
            values[pending[free]] = found[free]
            pending = pending[~free]
        dtype = arrow_type(self.schema.dtype)
        return pc.cast(pa.array(values), dtype, safe=pa.types.is_string(dtype))

    def state(self) -> tuple[Arrays, Settings]:
        return {"known": self.known}, {"missing": self.missing, "bounds": list(self.bounds), "dense": self.dense}

    @classmethod
    def from_state(cls, schema: ColumnSchema, arrays: Mapping[str, NDArray[Any]], settings: Settings) -> Self:
        low, high = settings["bounds"]
        return cls(schema, arrays["known"], settings["missing"], (int(low), int(high)), settings["dense"])


def _rounded(low: int, high: int) -> tuple[int, int]:
    """A range a little wider that does not tell the least and largest value."""
    unit = 10 ** max(len(str(high - low)) - 2, 0)
    return max(low // unit * unit, -(2**63)), min((high // unit + 1) * unit - 1, 2**63 - 1)
