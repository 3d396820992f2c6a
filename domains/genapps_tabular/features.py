"""A table as plain features for clusters and pictures: numbers on a robust scale, categories as codes.

The synthesis codec spreads numbers evenly, so that nothing of their distances is left; clusters live in these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.errors import InputError
from genapps.metrics.distributions import Floats
from genapps.spaces import Categorical, Columns, Continuous, Variable
from genapps.suggest import did_you_mean
from genapps_tabular.measuring import Facet, facet_of
from genapps_tabular.schema import ColumnSchema, Schema, empty_columns, kind_words

CHUNK = 131_072  # rows read at a time: bounds the memory beside the result
MOST_LEVELS = 20  # of a column of codes; the rarest beyond are one, "other"
ROWS_A_LEVEL = 10  # a number is a column of codes only where its values have so many rows each
ATOM_SHARE = 0.2  # a value that more of the rows have stands beside the other numbers of its column
SKEWED = 2.0  # positive numbers of a larger skewness are taken on the scale of their logarithm
FAR = 5.0  # robust standard deviations from where on distances grow as their logarithm, so that outliers stay near
FARTHEST = 1e300
FARTHEST_LOG = 690.0  # its logarithm, about
RARE_TAIL = 0.9  # a category whose levels beyond the 19 most frequent hold more than this says nothing
COMPARED = 20_000  # rows in which columns are compared to find those that say the same
OTHER = "other"
Kind = Literal["number", "steps", "category"]


@dataclass(frozen=True)
class Feature:
    """One table column as variables of a mixture.

    number: a real number, and beside it whether it has the frequent value `atom` (the number itself is then unknown).
    steps: a number of few values, each a code. category: labels, each a code, then one for all others.
    """

    facet: Facet
    kind: Kind
    levels: tuple[float, ...] = ()  # the values of steps
    other: bool = False  # whether there is a code for all other labels
    atom: float | None = None
    unit: float = 0.0  # numbers are log(1 + x / unit); 0: as they are
    center: float = 0.0
    scale: float = 1.0

    @property
    def name(self) -> str:
        """The column's name."""
        return self.facet.column.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of a category's codes."""
        return (*self.facet.labels, OTHER) if self.other else self.facet.labels

    @property
    def variables(self) -> tuple[Variable, ...]:
        """What a mixture sees of it."""
        if self.kind == "category":
            return (Categorical(len(self.labels)),)
        if self.kind == "steps":
            return (Categorical(len(self.levels), ordered=True),)
        return (Continuous(),) if self.atom is None else (Categorical(2), Continuous())

    @property
    def words(self) -> str:
        """How the column is taken."""
        if self.kind == "category":
            return f"{len(self.labels)} categories" + (", the rarest as one" if self.other else "")
        if self.kind == "steps":
            return f"{len(self.levels)} values, each a category"
        scale = "its logarithm" if self.unit else "a moment" if self.facet.role == "moment" else "a number"
        return f"{scale}, the value {self.atom:g} apart" if self.atom is not None else scale

    def read(self, table: pa.Table) -> Floats:
        """The column's values (N,) in its own unit, seconds, or codes of `labels`; NaN where missing or unheard of."""
        values = self.facet.read(table)
        if self.kind == "category" and not self.other:
            return np.where(values >= len(self.facet.labels), np.nan, values)
        return values

    def encode(self, values: Floats) -> tuple[Floats, ...]:
        """Values as `read` gives them (N,) as the variables, an array (N,) each; NaN is unknown."""
        if self.kind == "category":
            return (values,)
        if self.kind == "steps":
            levels = np.array(self.levels)
            cuts = (levels[1:] + levels[:-1]) / 2
            return (np.where(np.isnan(values), np.nan, np.searchsorted(cuts, np.nan_to_num(values))),)
        scaled = self.scaled(values)
        if self.atom is None:
            return (scaled,)
        at = values == self.atom
        return np.where(np.isnan(values), np.nan, at), np.where(at, np.nan, scaled)

    def scaled(self, values: Floats) -> Floats:
        """Numbers on the robust scale that the mixture sees."""
        if self.unit:
            values = np.log1p(np.minimum(np.maximum(values, 0.0), FARTHEST * min(self.unit, 1.0)) / self.unit)
        with np.errstate(over="ignore"):  # what overflows is clipped
            z = np.clip((values - self.center) / self.scale, -FARTHEST, FARTHEST)
        beyond = np.maximum(np.abs(z) - FAR, 0.0)
        return np.where(beyond > 0, np.sign(z) * (FAR + np.log1p(beyond)), z)

    def unscaled(self, scaled: Floats) -> Floats:
        """The inverse of `scaled`: numbers (N,) in the column's own unit."""
        size = np.abs(scaled)
        with np.errstate(over="ignore"):
            far = np.sign(scaled) * (FAR + np.expm1(np.minimum(np.maximum(size - FAR, 0.0), FARTHEST_LOG)))
            values = np.where(size > FAR, far, scaled) * self.scale + self.center
            return np.expm1(np.minimum(values, FARTHEST_LOG)) * self.unit if self.unit else values

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, from which `from_json` makes an equal feature."""
        return {
            "column": self.facet.column.to_json(),
            "role": self.facet.role,
            "labels": list(self.facet.labels),
            "kind": self.kind,
            "levels": list(self.levels),
            "other": self.other,
            "atom": self.atom,
            "unit": self.unit,
            "center": self.center,
            "scale": self.scale,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Feature:
        """The inverse of `to_json`."""
        column = ColumnSchema.from_json(plain["column"])
        return cls(
            facet=Facet(column, plain["role"], tuple(plain["labels"])),
            kind=plain["kind"],
            levels=tuple(plain["levels"]),
            other=bool(plain["other"]),
            atom=plain["atom"],
            unit=float(plain["unit"]),
            center=float(plain["center"]),
            scale=float(plain["scale"]),
        )


@dataclass(frozen=True)
class Features:
    """The columns of a table that say something about which rows are alike, and why the others do not."""

    features: tuple[Feature, ...]
    left_out: tuple[tuple[str, str], ...] = ()  # (column, why)

    @classmethod
    def fit(
        cls, table: pa.Table, schema: Schema, name: str, without: Sequence[str] = (), *, plain: bool = False
    ) -> Features:
        """The features of a table's columns but those of `without`. Raises InputError where no column can be used.

        plain: numbers are numbers, less their mean and over their deviation, however few values they have.
        """
        found: list[Feature] = []
        left: list[tuple[str, str]] = []
        for column in schema.columns:
            if column.name in without:
                continue
            made = _feature(table, column, plain)
            if isinstance(made, Feature):
                found.append(made)
            else:
                left.append((column.name, made))
        same = _repeated(table.slice(0, COMPARED), found)
        left += [(column, f"says the same as {other}") for column, other in same.items()]
        kept = tuple(feature for feature in found if feature.name not in same)
        if not kept:
            raise InputError(
                f"{name}: no column to tell rows apart by: each is constant, empty, an identifier or free text; "
                "give --schema where a column was taken for what it is not"
            )
        return cls(kept, tuple(left))

    @property
    def space(self) -> Columns:
        """The variables side by side."""
        return Columns(tuple(v for feature in self.features for v in feature.variables))

    @property
    def continuous(self) -> int:
        """How many of the variables are real numbers."""
        return sum(isinstance(v, Continuous) for v in self.space.variables)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to columns, a line each."""
        return tuple(_notes(self))

    def check(self, table: pa.Table, name: str) -> None:
        """Raises InputError where a table lacks a column."""
        for feature in self.features:
            if feature.name not in table.column_names:
                hint = did_you_mean(feature.name, table.column_names)
                raise InputError(f"{name}: has no column {feature.name!r}, which the model was made with.{hint}")

    def read(self, table: pa.Table) -> Floats:
        """A value a column (N, number of features), as `Feature.read` gives them."""
        parts = [
            np.column_stack([feature.read(table.slice(first, CHUNK)) for feature in self.features])
            for first in range(0, max(len(table), 1), CHUNK)
        ]
        return np.concatenate(parts)

    def encode(self, values: Floats) -> Floats:
        """What `read` gave as a batch (N, D) of `space`, NaN for unknown."""
        columns = [v for j, feature in enumerate(self.features) for v in feature.encode(values[:, j])]
        return np.column_stack(columns)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, from which `from_json` makes equal features."""
        return {"features": [f.to_json() for f in self.features], "left_out": [list(pair) for pair in self.left_out]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Features:
        """The inverse of `to_json`."""
        left = tuple((str(name), str(why)) for name, why in plain["left_out"])
        return cls(tuple(Feature.from_json(f) for f in plain["features"]), left)


@dataclass(frozen=True)
class Axes:
    """Plain distances: scaled numbers, and each code as an axis of its own weighed so that a column counts about once.

    Rare codes lie far off, as in multiple correspondence analysis (Greenacre, 1984). What is unknown is in the middle.
    """

    space: Columns
    middle: Floats  # of the axes, (P,)
    weight: Floats  # (P,)

    @classmethod
    def fit(cls, space: Columns, codes: Floats) -> Axes:
        """The axes of a batch (N, D) of the space."""
        rough = _spread(space, codes)
        with np.errstate(invalid="ignore"):
            known = ~np.isnan(rough)
            count = np.maximum(known.sum(axis=0), 1)
            middle = np.where(known, rough, 0).sum(axis=0) / count
            spread = np.sqrt(np.where(known, (rough - middle) ** 2, 0).sum(axis=0) / count)
        shares = np.concatenate([[size or 1] * max(size, 1) for size in space.sizes])
        return cls(space, middle, np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9) / np.sqrt(shares), 0.0))

    def __call__(self, codes: Floats) -> Floats:
        """A batch (N, D) as points (N, P)."""
        return np.nan_to_num((_spread(self.space, codes) - self.middle) * self.weight)


def _spread(space: Columns, codes: Floats) -> Floats:
    """Each code as a column of zeros and ones, numbers as they are, unknown as NaN: (N, P)."""
    parts = []
    for j, size in enumerate(space.sizes):
        values = codes[:, j]
        if size:
            hot = (values[:, None] == np.arange(size)).astype(float)
            parts.append(np.where(np.isnan(values)[:, None], np.nan, hot))
        else:
            parts.append(values[:, None])
    return np.concatenate(parts, axis=1)


# From a column to its feature ----------------------------------------------------------------------------------------


def _feature(table: pa.Table, column: ColumnSchema, plain: bool) -> Feature | str:
    """The feature of a column, or why there is none."""
    if column.kind in ("identifier", "text"):
        return {"identifier": "an identifier", "text": "free text"}[column.kind]
    if column.kind == "constant":
        return kind_words(column.kind, column.name in empty_columns(table.select([column.name])))
    facet = facet_of(column, table)
    if facet.role == "category":
        return _category(facet)
    values = np.concatenate([facet.read(table.slice(first, CHUNK)) for first in range(0, max(len(table), 1), CHUNK)])
    known = values[~np.isnan(values)]
    levels, counts = np.unique(known, return_counts=True)
    if len(levels) < 2:
        return kind_words("constant", not len(levels))
    if plain:
        return Feature(facet, "number", center=float(known.mean()), scale=float(known.std()) or 1.0)
    if column.kind == "number" and len(levels) <= min(MOST_LEVELS, len(known) // ROWS_A_LEVEL):
        return Feature(facet, "steps", tuple(float(x) for x in levels))
    top = int(counts.argmax())
    atom = float(levels[top]) if counts[top] > ATOM_SHARE * len(known) and column.kind == "number" else None
    return _number(facet, known if atom is None else known[known != atom], atom)


def _category(facet: Facet) -> Feature | str:
    assert facet.counts is not None
    if len(facet.labels) < 2:
        return kind_words("constant", not facet.labels)
    order = np.argsort(-facet.counts, kind="stable")
    kept = order if len(order) <= MOST_LEVELS else order[: MOST_LEVELS - 1]
    if facet.counts[kept].sum() < (1 - RARE_TAIL) * facet.counts.sum():
        return f"{len(order):,} categories, most of them rare"
    labels = tuple(facet.labels[k] for k in kept)
    return Feature(Facet(facet.column, "category", labels), "category", other=len(kept) < len(order))


def _number(facet: Facet, values: Floats, atom: float | None) -> Feature:
    """Center and scale by median and quartiles, after the logarithm where positive numbers are strongly skewed."""
    unit = 0.0
    if facet.role == "number" and values.min() >= 0 and _skewness(values) > SKEWED:
        low = float(np.quantile(values[values > 0], 0.05))
        unit = low if abs(_skewness(np.log1p(values / low))) < _skewness(values) else 0.0
    if unit:
        values = np.log1p(values / unit)
    tail, low, center, high, head = (float(q) for q in np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]))
    scale = (high - low) / 1.349  # of a normal distribution this is its standard deviation, as is the next
    wide = (head - tail) / 3.29
    scale = scale if scale > 0.05 * wide else wide or float(np.std(values))
    return Feature(facet, "number", atom=atom, unit=unit, center=center, scale=scale or 1.0)


def _skewness(values: Floats) -> float:
    scaled = values / max(float(np.abs(values).max()), 1e-300)  # large numbers have no third power
    gap = scaled - scaled.mean()
    spread = float(np.sqrt((gap**2).mean()))
    return float((gap**3).mean() / spread**3) if spread > 0 else 0.0


def _repeated(table: pa.Table, features: Sequence[Feature]) -> dict[str, str]:
    """Columns of codes that tell exactly what an earlier one tells: name to that one's name."""
    coded: list[tuple[Feature, NDArray[np.int64]]] = []
    found: dict[str, str] = {}
    for feature in features:
        if feature.kind == "number":
            continue
        codes = np.nan_to_num(feature.encode(feature.read(table))[0], nan=-1.0).astype(np.int64)
        size = len(np.unique(codes))
        for other, known in coded:
            if len(np.unique(known)) == size == len(np.unique(known * 1000 + codes)) and size > 1:
                found[feature.name] = other.name
                break
        else:
            coded.append((feature, codes))
    return found


def _notes(features: Features) -> Iterator[str]:
    for feature in features.features:
        if feature.unit:
            yield f"column {feature.name!r}: strongly skewed, taken as log(1 + x/{feature.unit:.3g})"
        if feature.atom is not None:
            yield f"column {feature.name!r}: the frequent value {feature.atom:g} stands beside the other numbers"
        if feature.other:
            yield f"column {feature.name!r}: the rarest categories together are {OTHER!r}"
    for name, why in features.left_out:
        yield f"column {name!r}: left out ({why})"
