"""A number as a normal score, beside a code for its frequent values, its words and missing cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.spaces import Categorical, Constraint, Continuous, Variable
from genapps_tabular.columns import numerals
from genapps_tabular.columns.base import Arrays, CodecConfig, Draw, Settings
from genapps_tabular.columns.numbers import Floats, Number, Rounding, atoms_of, common_from, member
from genapps_tabular.columns.quantiles import NormalScores
from genapps_tabular.columns.ranges import Ranges
from genapps_tabular.conditions import Condition, IsMissing
from genapps_tabular.schema import ColumnSchema

NARROW = 1e-4  # the width, in scores, of the interval around a single value of a number that is not rounded


class NumberMixed(Number):
    """A categorical variable (atoms, words, missing, and last "a score") and a continuous one; either goes if constant.

    Rounded values are spread evenly over their rounding step before they are scored, so that they are no spikes;
    `seed` makes that spread, and so the encoding, the same every time.
    """

    kind = "number_mixed"

    def __init__(
        self,
        schema: ColumnSchema,
        rounding: Rounding,
        bounds: tuple[float, float],
        missing: bool,
        atoms: Floats,
        normal: NormalScores | None,
        seed: int,
    ) -> None:
        super().__init__(schema, rounding, bounds, missing, atoms)
        self.normal, self.seed = normal, seed
        self.size = len(atoms) + self.extras + (normal is not None)

    @classmethod
    def fit(cls, array: pa.Array, schema: ColumnSchema, config: CodecConfig, generator: np.random.Generator) -> Self:
        values = cls.split(array, schema)
        bounds = (float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))) if len(values) else (0.0, 0.0)
        atoms = atoms_of(values, config.mixed_atoms, config.atom_share)
        rest = values[~member(values, atoms)[0]]
        rounding = Rounding.fit(values, rest, schema.decimals)
        seed = int(generator.integers(2**31))
        normal = None
        if len(np.unique(rest)) > 1:
            normal = NormalScores.fit(_spread(rest, rounding.step, seed))
        elif len(rest):
            atoms = np.union1d(atoms, rest)
        return cls(schema, rounding, bounds, array.null_count > 0, atoms, normal, seed)

    @property
    def variables(self) -> tuple[Variable, ...]:
        code = (Categorical(self.size),) if self.size > 1 or self.normal is None else ()
        return (*code, Continuous()) if self.normal is not None else code

    def encode(self, array: pa.Array) -> tuple[NDArray[Any], ...]:
        numbers = numerals.read(array, self.schema)
        codes = self.extra_codes(array, len(self.atoms))
        plain = ~np.isnan(numbers) & (codes < 0)
        values = numbers[plain]
        hit, index = member(values, self.atoms)
        if self.normal is None:
            nearest = np.searchsorted((self.atoms[1:] + self.atoms[:-1]) / 2, values) if len(self.atoms) else -1
            codes[plain] = nearest
            return (codes,)
        codes[plain] = np.where(hit, index, self.size - 1)
        scores = np.full(len(numbers), np.nan, np.float32)
        spread = _spread(values, self.rounding.step, self.seed)
        scores[plain] = np.where(hit, np.nan, self.normal.score(spread))
        return (codes, scores) if self.size > 1 else (scores,)

    def decode(self, codes: tuple[NDArray[Any], ...], rows: int, draw: Draw) -> pa.Array:
        atoms, null = len(self.atoms), len(self.atoms) + len(self.words)
        target = np.concatenate([np.arange(atoms + self.extras), [-1] if self.normal else []]).astype(np.int64)
        if self.size > 1 or self.normal is None:
            code = np.nan_to_num(np.asarray(codes[0], np.float64), nan=-1).astype(np.int64)
            index = np.where(code < 0, null, target[code])
        else:
            index = np.full(rows, -1, np.int64)
        drawn = np.flatnonzero(index < 0)
        if self.normal is not None:
            scores = np.asarray(codes[-1], np.float64)[drawn]
            index[drawn[np.isnan(scores)]] = null
            drawn, scores = drawn[~np.isnan(scores)], scores[~np.isnan(scores)]
            values = self._values(scores, draw)
        else:
            values = np.zeros(0)
        index[drawn] = null + 1 + np.arange(len(drawn))
        return self.assemble(index, values)

    def _values(self, scores: Floats, draw: Draw) -> Floats:
        assert self.normal is not None
        values = self.normal.value(scores)
        if draw.condition is None or isinstance(draw.condition, IsMissing):
            return self.rounding.round(values, *self.bounds, draw.generator)
        ranges = self.wanted(draw.condition).ranges
        k = ranges.nearest(values)
        return self.rounding.round(values, ranges.lows[k], ranges.highs[k], draw.generator)

    def constraint(self, condition: Condition) -> Constraint:
        wanted = self.wanted(condition)
        weights = np.zeros(self.size, np.float32)
        if len(wanted.ranges.lows):
            weights[: len(self.atoms)] = wanted.ranges.hold(self.atoms)
        weights[[len(self.atoms) + word for word in wanted.words]] = 1
        if wanted.missing:
            weights[len(self.atoms) + len(self.words)] = 1
        interval = self._interval(wanted.ranges)
        if self.normal is not None:
            weights[-1] = interval is not None
        if not weights.any():
            raise self.nothing(condition)
        return self._constraint(weights, interval)

    def _interval(self, ranges: Ranges) -> tuple[float, float] | None:
        """The scores inside the ranges' hull; None where there are none."""
        if self.normal is None or not len(ranges.lows):
            return None
        half = self.rounding.step / 2
        first, last = float(self.normal.values[0]), float(self.normal.values[-1])
        low, high = float(ranges.lows[0]) - half, float(ranges.highs[-1]) + half
        if high <= first - half or low >= last + half or high < first or low > last:
            return None
        start, stop = (float(s) for s in self.normal.score(np.array([low, high])))
        if stop - start < NARROW:
            start, stop = start - NARROW / 2, stop + NARROW / 2
        return (start if low > first else -np.inf, stop if high < last else np.inf)

    def _constraint(self, weights: NDArray[np.float32], interval: tuple[float, float] | None) -> Constraint:
        """Weights of the code, then the interval of the score, which is skipped after any code but the last."""
        if self.normal is None:
            return Constraint((0,), (weights[None],), (np.zeros((1, self.size), np.int64),))
        if self.size == 1:
            return Constraint((0,), (np.ones((1, 1), np.float32),), (np.zeros((1, 1), np.int64),), interval)
        following = np.ones((1, self.size), np.int64)
        following[0, -1] = 0
        always, nowhere = np.ones((2, 1), np.float32), np.zeros((2, 1), np.int64)
        return Constraint((0, 1), (weights[None], always), (following, nowhere), interval)

    def present(self) -> Constraint | None:
        absent = [len(self.atoms) + i for i, word in enumerate(self.words) if word in self.schema.missing]
        if self.missing:
            absent.append(len(self.atoms) + len(self.words))
        weights = np.ones(self.size, np.float32)
        weights[absent] = 0
        return self._constraint(weights, (-np.inf, np.inf)) if absent else None

    def state(self) -> tuple[Arrays, Settings]:
        arrays = {"atoms": self.atoms}
        if self.normal:
            arrays |= {"scores": self.normal.scores, "values": self.normal.values}
        return arrays, self.common_state() | {"seed": self.seed}

    @classmethod
    def from_state(cls, schema: ColumnSchema, arrays: Mapping[str, NDArray[Any]], settings: Settings) -> Self:
        normal = NormalScores(arrays["scores"], arrays["values"]) if "scores" in arrays else None
        return cls(schema, *common_from(settings), arrays["atoms"], normal, int(settings["seed"]))


def _spread(values: Floats, step: float, seed: int) -> Floats:
    """Rounded values (N,) anywhere in their rounding step."""
    return values if step == 0 else values + step * (np.random.default_rng(seed).random(len(values)) - 0.5)
