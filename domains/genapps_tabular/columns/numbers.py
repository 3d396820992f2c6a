"""What both codings of numbers share: rounding, frequent values, words beside numbers, conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps_tabular.columns import numerals
from genapps_tabular.columns.base import ColumnCodec, Settings, denied, from_text, refuse
from genapps_tabular.columns.ranges import Ranges
from genapps_tabular.conditions import Between, Condition, Equals, IsMissing, OneOf
from genapps_tabular.schema import ColumnSchema

Floats = NDArray[np.float64]
REPEATS = 3  # values that come back less often on average are single records' values, not a scale
HABIT = 0.95  # a coarser rounding that this share of the values obeys is the column's habit


@dataclass(frozen=True)
class Rounding:
    """Values are multiples of `step` (0: not rounded); a `share` of them are multiples of the coarser `habit`."""

    step: float
    habit: float = 0.0
    share: float = 0.0

    @classmethod
    def fit(cls, values: Floats, rest: Floats, decimals: int | None) -> Rounding:
        """From values (N,), those of them that are no atoms, and the number of decimals they are written with."""
        step = numerals.step_of(values, decimals)
        if step > 0 and len(rest) > 100:
            for factor in (5000, 1000, 500, 100, 50, 10, 5):
                ratio = rest / (step * factor)
                share = float((np.abs(ratio - np.round(ratio)) < 1e-9).mean())
                if share >= HABIT:
                    return cls(step, step * factor, share)
        return cls(step)

    def round(self, values: Floats, low: Floats | float, high: Floats | float, rng: np.random.Generator) -> Floats:
        """Values (N,) rounded as the column's are, inside low..high (themselves multiples of the step)."""
        if self.step == 0:
            return np.asarray(np.clip(values, low, high))
        rounded = np.clip(multiple(values, self.step), low, high)
        if self.habit:
            coarse = multiple(values, self.habit)
            use = (rng.random(len(values)) < self.share) & (coarse >= low) & (coarse <= high)
            rounded = np.where(use, coarse, rounded)
        return rounded

    def inside(self, low: float, high: float) -> tuple[float, float]:
        """The smallest and largest multiple of the step in low..high; low > high where there is none."""
        if self.step == 0:
            return low, high
        counts = np.array([np.ceil(low / self.step - 1e-9), np.floor(high / self.step + 1e-9)])
        first, last = multiple(counts * self.step, self.step).tolist()
        return first, last


def multiple(values: Floats, step: float) -> Floats:
    """The nearest multiple of `step`; dividing by 10, 100 ... is exact where multiplying by 0.1, 0.01 ... is not."""
    count = np.round(values / step)
    return np.asarray(count * step if step >= 1 else count / round(1 / step))


def atoms_of(values: Floats, most: int, share: float) -> Floats:
    """The values that have codes of their own, rising: all if few and repeated, else those with a large share."""
    unique, counts = np.unique(values, return_counts=True)
    if len(unique) <= most and len(unique) * REPEATS <= len(values):
        return unique
    return unique[counts > max(share * len(values), 5)]


def member(values: Floats, atoms: Floats) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which values are atoms, and which one (nonsense where they are none)."""
    if not len(atoms):
        return np.zeros(len(values), bool), np.zeros(len(values), np.int64)
    index = np.minimum(np.searchsorted(atoms, values), len(atoms) - 1)
    return atoms[index] == values, index


@dataclass(frozen=True)
class Wanted:
    """A condition on a number: the `ranges` it may lie in, the `words` it may be, whether it may be `missing`."""

    ranges: Ranges
    words: tuple[int, ...] = ()
    missing: bool = False


class Number(ColumnCodec):
    """A column of numbers, of words beside them, and of missing cells.

    `bounds` are the least and largest number seen; `atoms` (A,) are the values with codes of their own, rising.
    """

    def __init__(
        self, schema: ColumnSchema, rounding: Rounding, bounds: tuple[float, float], missing: bool, atoms: Floats
    ) -> None:
        super().__init__(schema)
        self.rounding, self.bounds, self.missing, self.atoms = rounding, bounds, missing, atoms
        self.words = tuple(dict.fromkeys((*schema.words, *schema.missing)))

    @staticmethod
    def split(array: pa.Array, schema: ColumnSchema) -> Floats:
        """The numbers of a column without its words and missing cells."""
        numbers = numerals.read(array, schema)
        return numbers[~np.isnan(numbers) & (numerals.read_words(array, (*schema.words, *schema.missing)) < 0)]

    @property
    def extras(self) -> int:
        """How many codes words and missing cells take."""
        return len(self.words) + self.missing

    def extra_codes(self, array: pa.Array, first: int) -> NDArray[np.int32]:
        """Codes (N,) of words and missing cells, laid out from `first`; -1 for the rest."""
        codes = numerals.read_words(array, self.words).astype(np.int32)
        codes[codes >= 0] += first
        if self.missing and array.null_count:
            codes[np.asarray(array.is_null())] = first + len(self.words)
        return codes

    def assemble(self, index: NDArray[np.int64], drawn: Floats) -> pa.Array:
        """Written values (N,): `index` counts atoms, words, null, and then the drawn numbers."""
        words = from_text(pa.array([*self.words, None], pa.string()), self.schema.dtype)
        whole = self.rounding.step >= 1
        atoms, numbers = (numerals.write(part, self.schema, whole) for part in (self.atoms, drawn))
        return pa.concat_arrays([atoms, words, numbers]).take(pa.array(index))

    def wanted(self, condition: Condition) -> Wanted:
        """A condition in numbers; UsageError where it is no number or lies outside of what was seen."""
        if isinstance(condition, IsMissing):
            words = tuple(i for i, word in enumerate(self.words) if word in self.schema.missing)
            if not self.missing and not words:
                raise refuse(self.schema, "has no missing values, so it cannot be asked to be missing")
            return Wanted(Ranges.of([]), words, self.missing)
        if isinstance(condition, Between):
            return Wanted(Ranges.of([self._range(condition, denied(condition))]))
        values = condition.values if isinstance(condition, OneOf) else (condition.value,)
        words = tuple(self.words.index(str(v)) for v in values if str(v) in self.words)
        numbers = [v for v in values if str(v) not in self.words]
        return Wanted(Ranges.of([self._range(Between(v, v), denied(Equals(v))) for v in numbers]), words)

    def _range(self, between: Between, denial: str) -> tuple[float, float]:
        low = -np.inf if between.low is None else self._number(between.low)
        high = np.inf if between.high is None else self._number(between.high)
        if low > high:
            raise refuse(self.schema, f"{denial}: the range is empty")
        seen = f"its values lie in {self._written(self.bounds[0])}..{self._written(self.bounds[1])}"
        if low > self.bounds[1] or high < self.bounds[0]:
            raise refuse(self.schema, f"{denial}: {seen}")
        low, high = self.rounding.inside(max(low, self.bounds[0]), min(high, self.bounds[1]))
        if low > high:
            raise refuse(self.schema, f"{denial}: its values are multiples of {self.rounding.step:.10g}")
        return low, high

    def _number(self, value: Any) -> float:
        if isinstance(value, int | float):
            return float(value)
        array = pa.array([str(value)])
        number = numerals.read(array, self.schema)[0]
        if np.isnan(number):
            words = " and " + " ".join(map(repr, self.words)) if self.words else ""
            raise refuse(self.schema, f"holds numbers{words}; '{value}' is none")
        return float(number)

    def _written(self, value: float) -> str:
        return str(numerals.write(np.array([value]), self.schema, self.rounding.step >= 1)[0])

    def nothing(self, condition: Condition) -> Exception:
        """The refusal of a condition that no value seen satisfies, naming the nearest ones."""
        values = condition.values if isinstance(condition, OneOf) else (getattr(condition, "value", None),)
        near = ""
        if len(self.atoms):
            at = condition.low if isinstance(condition, Between) else values[0]
            middle = self._number(at) if at is not None else self.bounds[0]
            nearest = self.atoms[np.argsort(np.abs(self.atoms - middle), kind="stable")[:3]]
            near = f"; the nearest are {', '.join(self._written(x) for x in np.sort(nearest))}"
        return refuse(self.schema, f"{denied(condition)}{near}")

    def common_state(self) -> Settings:
        """The settings that `common_from` reads."""
        r = self.rounding
        return {
            "rounding": [r.step, r.habit, r.share],
            "bounds": list(self.bounds),
            "missing": self.missing,
        }


def common_from(settings: Settings) -> tuple[Rounding, tuple[float, float], bool]:
    """The inverse of `Number.common_state`."""
    low, high = settings["bounds"]
    return Rounding(*settings["rounding"]), (float(low), float(high)), bool(settings["missing"])
