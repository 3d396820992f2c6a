"""Categories: one code each by decreasing frequency, or two or three digits where there are too many for that."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps.spaces import Categorical, Constraint, Variable
from genapps_tabular.columns.base import (
    Arrays,
    CodecConfig,
    ColumnCodec,
    Draw,
    Settings,
    as_text,
    flat,
    from_text,
    refuse,
)
from genapps_tabular.columns.tries import trie
from genapps_tabular.conditions import Between, Condition, IsMissing, OneOf
from genapps_tabular.schema import ColumnSchema

LISTED = 10  # values that an error lists; of more it names some


class Categories(ColumnCodec):
    """One to three categorical variables that spell a category.

    `words` (K,) are the values as text, in the order of their paths; the last one is None if a missing value was seen.
    `paths` (K, digits) rise. `emitted` (K,) are the shares with which a value too rare to emit is replaced, all zero
    for those values; None where every value may be emitted.
    """

    kind = "categories"

    def __init__(
        self,
        schema: ColumnSchema,
        words: list[str | None],
        paths: NDArray[np.int64],
        emitted: NDArray[np.float64] | None,
    ) -> None:
        super().__init__(schema)
        self.words, self.paths, self.emitted = words, paths, emitted
        self.sizes = tuple(int(size) for size in paths.max(axis=0) + 1)
        self._known = pa.array([w for w in words if w is not None], pa.string())

    @classmethod
    def fit(cls, array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator) -> Self:
        words, counts = count_words(array)
        if array.null_count:
            words, counts = [*words, None], np.append(counts, array.null_count)
        emitted = None
        rare = counts < config.protect_rare
        rare[len(words) - (array.null_count > 0) :] = False  # a missing value tells of nobody
        if rare.any():
            emitted = np.where(rare, 0.0, counts / max(counts[~rare].sum(), 1))
        order, paths = lay_out(counts, config.max_tokens, keep_last=bool(array.null_count))
        return cls(schema, [words[i] for i in order], paths, None if emitted is None else emitted[order])

    def index(self, array: pa.Array) -> NDArray[np.int64]:
        """Which of `words` each cell is (N,), -1 where it was never seen."""
        found = pc.index_in(as_text(flat(array)), value_set=self._known)
        index = np.asarray(pc.fill_null(found, -1), np.int64)
        if array.null_count and self.words[-1] is None:
            index[np.asarray(array.is_null())] = len(self.words) - 1
        return index

    def arranged(self, key: NDArray[np.int64]) -> Categories:
        """The same coding with the words that share buckets in the order of `key` (K,), so that neighbors are alike."""
        first = self.paths[:, 0]
        shared = np.flatnonzero(np.bincount(first)[first] > 1)
        order = np.arange(len(self.words))
        order[shared] = shared[np.argsort(key[shared], kind="stable")]
        emitted = None if self.emitted is None else self.emitted[order]
        return Categories(self.schema, [self.words[i] for i in order], self.paths, emitted)

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(Categorical(size) for size in self.sizes)

    def encode(self, array: pa.Array) -> tuple[NDArray[Any], ...]:
        index = self.index(array)
        return tuple(np.where(index < 0, -1, digit[index]).astype(np.int32) for digit in self.paths.T)

    def decode(self, codes: tuple[NDArray[Any], ...], rows: int, draw: Draw) -> pa.Array:
        index = self._spelled(codes)
        if self.emitted is not None:
            rare = np.flatnonzero((self.emitted == 0)[index] & (index < len(self.words)))
            total = np.cumsum(self.emitted)
            if total[-1] > 0:
                index[rare] = np.searchsorted(total, draw.generator.random(len(rare)) * total[-1], side="right")
            else:
                index[rare] = len(self.words)
        words = from_text(pa.array([*self.words, None], pa.string()), self.schema.dtype)
        return words.take(pa.array(index))

    def _spelled(self, codes: tuple[NDArray[Any], ...]) -> NDArray[np.int64]:
        """The value that each row spells (N,); an impossible last digit means the last value before it, -1 a null."""
        if len(codes) == 1:
            code = np.asarray(codes[0], np.int64)
            return np.where(code < 0, len(self.words), code)
        number, spelled = np.zeros(len(self.paths), np.int64), np.zeros(len(codes[0]), np.int64)
        for size, digit, code in zip(self.sizes, self.paths.T, codes, strict=True):
            number, spelled = number * size + digit, spelled * size + code
        index = np.maximum(np.searchsorted(number, spelled, side="right") - 1, 0)
        return np.where(np.asarray(codes[0]) < 0, len(self.words), index)

    def has(self, text: str) -> bool:
        return text in self.words

    def constraint(self, condition: Condition) -> Constraint:
        if isinstance(condition, IsMissing):
            wanted = self._absent()
            if not wanted:
                raise refuse(self.schema, "has no missing values, so it cannot be asked to be missing")
        elif isinstance(condition, Between):
            raise refuse(self.schema, f"holds categories, which have no ranges; name them: {self.schema.name}=A|B")
        else:
            values = condition.values if isinstance(condition, OneOf) else (condition.value,)
            wanted = [self._index(value) for value in values]
        return trie(self.sizes, self.paths[wanted])

    def _index(self, value: Any) -> int:
        text = str(pc.cast(pa.scalar(value), pa.string())) if not isinstance(value, str) else value
        if text in self.words and (self.emitted is None or self.emitted[self.words.index(text)] > 0):
            return self.words.index(text)
        known = [w for i, w in enumerate(self.words) if w is not None and (self.emitted is None or self.emitted[i] > 0)]
        raise refuse(self.schema, f"never is '{text}'; {_known(text, known)}")

    def _absent(self) -> list[int]:
        return [i for i, word in enumerate(self.words) if word is None or word in self.schema.missing]

    def present(self) -> Constraint | None:
        absent = self._absent()
        kept = np.setdiff1d(np.arange(len(self.words)), absent)
        return trie(self.sizes, self.paths[kept]) if absent and len(kept) else None

    def state(self) -> tuple[Arrays, Settings]:
        arrays: Arrays = {"paths": self.paths}
        if self.emitted is not None:
            arrays["emitted"] = self.emitted
        return arrays, {"words": self.words}

    @classmethod
    def from_state(cls, schema: ColumnSchema, arrays: Mapping[str, NDArray[Any]], settings: Settings) -> Self:
        return cls(schema, list(settings["words"]), arrays["paths"], arrays.get("emitted"))


def _known(text: str, words: Sequence[str]) -> str:
    """Which values there are instead of one that there is not: all where they are few, else the nearest."""
    if not words:
        return "each of its values is too rare to be made"
    if len(words) <= LISTED:
        return f"its values are {', '.join(map(repr, words))}"
    alike = {word.casefold(): word for word in words}
    near = [alike[word] for word in difflib.get_close_matches(text.casefold(), alike, n=3)]
    return f"its {len(words):,} values include {', '.join(map(repr, near or words[:3]))}"


def count_words(array: pa.Array) -> tuple[list[str | None], NDArray[np.int64]]:
    """The distinct values of a column as text and how often each occurs, the most frequent first, ties by text."""
    table = pc.value_counts(pc.drop_null(as_text(array)))
    table = pa.Table.from_arrays(table.flatten(), names=["word", "count"])
    table = table.sort_by([("count", "descending"), ("word", "ascending")])
    return table["word"].to_pylist(), np.asarray(table["count"], np.int64)


def lay_out(counts: NDArray[np.int64], most: int, keep_last: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which value has each path, (K,) indices into `counts`, and the paths (K, digits), rising.

    Up to `most` values take one digit. Beyond that a value as frequent as a bucket has a first digit of its own, and so
    has the last value if `keep_last` (a missing value); the others share buckets with their neighbors, in two digits of
    about `most` codes or, where those do not suffice, in three.
    """
    total = len(counts)
    if total <= most:
        return np.arange(total), np.arange(total)[:, None]
    frequent = counts[: total - keep_last] * most > counts.sum()
    frequent[most // 2 :] = False
    own, shared = np.flatnonzero(frequent), np.flatnonzero(~frequent)
    buckets = max(most - len(own), 1)
    if len(shared) <= buckets * most:
        buckets = min(buckets, math.isqrt(len(shared)) + 1)
        radix = [-(-len(shared) // buckets)]
    else:
        buckets = min(buckets, math.ceil(len(shared) ** (1 / 3)))
        inner = -(-len(shared) // buckets)
        radix = [math.isqrt(inner) + 1, -(-inner // (math.isqrt(inner) + 1))]
    paths = np.zeros((total, 1 + len(radix)), np.int64)
    paths[: len(own), 0] = np.arange(len(own))
    place = np.arange(len(shared))
    for level in range(len(radix), 0, -1):
        place, paths[len(own) : len(own) + len(shared), level] = np.divmod(place, radix[level - 1])
    paths[len(own) : len(own) + len(shared), 0] = len(own) + place
    if keep_last:
        paths[-1, 0] = paths[-2, 0] + 1
    return np.concatenate([own, shared, np.arange(total - keep_last, total)]), paths
