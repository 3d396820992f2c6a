"""A number as one categorical code: frequent values and equal-mass bins in order of value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.spaces import Categorical, Constraint, Variable, allow
from genapps_tabular.columns import numerals
from genapps_tabular.columns.base import Arrays, CodecConfig, Draw, Settings
from genapps_tabular.columns.numbers import Floats, Number, Rounding, atoms_of, common_from, member, multiple
from genapps_tabular.columns.quantiles import Quantiles
from genapps_tabular.columns.ranges import Allowed, Ranges
from genapps_tabular.conditions import Condition, IsMissing
from genapps_tabular.schema import ColumnSchema

ROWS_A_BIN = 20


class NumberTokens(Number):
    """One ordered variable: atoms and bins in order of value, then words, then missing.

    `quantiles` describes the values that are no atoms.
    """

    kind = "number_tokens"

    def __init__(
        self,
        schema: ColumnSchema,
        rounding: Rounding,
        bounds: tuple[float, float],
        missing: bool,
        atoms: Floats,
        quantiles: Quantiles | None,
    ) -> None:
        super().__init__(schema, rounding, bounds, missing, atoms)
        self.quantiles = quantiles
        self.bins = quantiles.bins if quantiles else 0
        middles = quantiles.value(np.arange(0.5, self.bins)) if quantiles else np.zeros(0)
        self.items = np.argsort(np.concatenate([atoms, middles]), kind="stable")  # code -> atom, or A + bin
        self.codes = np.argsort(self.items, kind="stable").astype(np.int32)  # and back
        self.size = len(self.items) + self.extras

    @classmethod
    def fit(cls, array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator) -> Self:
        values = cls.split(array, schema)
        bounds = (float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))) if len(values) else (0.0, 0.0)
        atoms = atoms_of(values, config.max_atoms, config.atom_share)
        rest = values[~member(values, atoms)[0]]
        rounding = Rounding.fit(values, rest, schema.decimals)
        bins = int(np.clip(len(rest) // ROWS_A_BIN, 1, config.bins))
        quantiles = Quantiles.fit(rest, bins, config.knots, rounding.step) if len(rest) else None
        return cls(schema, rounding, bounds, array.null_count > 0, atoms, quantiles)

    @property
    def variables(self) -> tuple[Variable, ...]:
        return (Categorical(self.size, ordered=True),)

    def encode(self, array: pa.Array) -> tuple[NDArray[Any], ...]:
        numbers = numerals.read(array, self.schema)
        codes = self.extra_codes(array, len(self.items))
        plain = ~np.isnan(numbers) & (codes < 0)
        codes[plain] = self._code(numbers[plain])
        return (codes,)

    def _code(self, values: Floats) -> NDArray[np.int32]:
        """Codes of numbers; one that was never seen gets the nearest code."""
        if not len(self.items):
            return np.full(len(values), -1, np.int32)
        if self.quantiles is None:
            return np.searchsorted((self.atoms[1:] + self.atoms[:-1]) / 2, values).astype(np.int32)
        hit, index = member(values, self.atoms)
        return self.codes[np.where(hit, index, len(self.atoms) + self.quantiles.bin(values))]

    def decode(self, codes: tuple[NDArray[Any], ...], rows: int, draw: Draw) -> pa.Array:
        code = np.asarray(codes[0], np.int64)
        atoms = len(self.atoms)
        extras = np.arange(atoms, atoms + len(self.words) + 1)  # the last is null, which an unknown (-1) becomes, too
        index = np.concatenate([np.where(self.items < atoms, self.items, -1), extras])[code]
        drawn = np.flatnonzero(index < 0)
        index[drawn] = atoms + len(extras) + np.arange(len(drawn))
        return self.assemble(index, self._draw(self.items[code[drawn]] - atoms, draw))

    def _draw(self, bins: NDArray[np.int64], draw: Draw) -> Floats:
        """A number from each bin (N,), inside what was asked for."""
        if self.quantiles is None:
            return np.zeros(0)
        edges = self.quantiles.edges
        low = np.maximum(np.concatenate([[-np.inf], edges])[bins], self.bounds[0])
        high = np.minimum(np.concatenate([edges, [np.inf]])[bins], self.bounds[1])
        if draw.condition is None or isinstance(draw.condition, IsMissing):
            values = self.quantiles.value(bins + draw.generator.random(len(bins)))
        else:
            ranges = self.wanted(draw.condition).ranges
            levels = Allowed.of(self.quantiles, ranges, self.rounding.step).draw(bins, draw.generator)
            values = self.quantiles.value(levels)
            k = ranges.nearest(values)
            low, high = np.maximum(low, ranges.lows[k]), np.minimum(high, ranges.highs[k])
        return self._beside_atoms(self.rounding.round(values, low, high, draw.generator), low, high)

    def _beside_atoms(self, values: Floats, low: Floats, high: Floats) -> Floats:
        """Values that rounding put on an atom, which has a code of its own, one step aside if there is room."""
        hit = np.flatnonzero(member(values, self.atoms)[0])
        for step in (self.rounding.step, -self.rounding.step):
            aside = multiple(values[hit] + step, abs(step)) if step else values[hit]
            free = (aside >= low[hit]) & (aside <= high[hit]) & ~member(aside, self.atoms)[0]
            values[hit[free]] = aside[free]
            hit = hit[~free]
        return values

    def constraint(self, condition: Condition) -> Constraint:
        wanted = self.wanted(condition)
        weights = np.zeros(self.size)
        if len(wanted.ranges.lows):
            weights[: len(self.items)] = self._weights(wanted.ranges)
        weights[[len(self.items) + word for word in wanted.words]] = 1
        if wanted.missing:
            weights[-1] = 1
        if not weights.any():
            raise self.nothing(condition)
        return allow(0, weights.astype(np.float32))

    def _weights(self, ranges: Ranges) -> Floats:
        """The share of each atom and bin, in order of code, inside ranges."""
        weights = ranges.hold(self.atoms).astype(np.float64)
        if self.quantiles is not None:
            mass = Allowed.of(self.quantiles, ranges, self.rounding.step).below(np.arange(self.bins + 1.0))
            weights = np.concatenate([weights, np.clip(np.diff(mass), 0, 1)])
        return weights[self.items]

    def present(self) -> Constraint | None:
        absent = [len(self.items) + i for i, word in enumerate(self.words) if word in self.schema.missing]
        if self.missing:
            absent.append(self.size - 1)
        weights = np.ones(self.size, np.float32)
        weights[absent] = 0
        return allow(0, weights) if absent else None

    def state(self) -> tuple[Arrays, Settings]:
        arrays = {"atoms": self.atoms}
        if self.quantiles:
            q = self.quantiles
            arrays |= {"levels": q.levels, "values": q.values, "edges": q.edges}
        return arrays, self.common_state()

    @classmethod
    def from_state(cls, schema: ColumnSchema, arrays: Mapping[str, NDArray[Any]], settings: Settings) -> Self:
        quantiles = Quantiles(arrays["levels"], arrays["values"], arrays["edges"]) if "levels" in arrays else None
        return cls(schema, *common_from(settings), arrays["atoms"], quantiles)
