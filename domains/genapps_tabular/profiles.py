"""What sets each group of rows apart from the others, in figures and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Codes, Floats
from genapps.report.text import THIN, tick
from genapps_tabular.features import Feature, Features
from genapps_tabular.views import FEWEST, moment_label

STRONG = 0.2  # standard deviations below which a difference is not worth a word
RARE = 0.02  # of all rows: categories below are not named
MOST_TRAITS = 5
DAY = 86_400.0


@dataclass(frozen=True)
class Line:
    """One thing that groups may differ in: a column's level or the share of one of its values.

    `strength`: how far each group (K,) lies from all other rows, in standard deviations over all rows. `inside` and
    `outside`: the figure itself in each group and among all other rows.
    """

    feature: Feature
    value: str  # the value whose share this is; empty for a level
    strength: Floats
    inside: Floats
    outside: Floats

    @property
    def name(self) -> str:
        """The column, and the value whose share is meant."""
        return f"{self.feature.name} {self.value}" if self.value else self.feature.name

    def words(self, k: int) -> str:
        """Group k beside the others: "age 52 (others 36)"."""
        return f"{self.name} {self._figure(self.inside[k])} (others {self._figure(self.outside[k])})"

    def _figure(self, x: float) -> str:
        if np.isnan(x):
            return "unknown"
        if self.value:
            return f"{100 * x:.0f}{THIN}%"
        if self.feature.facet.role == "moment":
            kind = self.feature.facet.column.kind
            return moment_label(x if kind == "time" else DAY * round(x / DAY), kind)
        return tick(float(f"{x:.3g}"))


@dataclass(frozen=True)
class Trait:
    """One thing that sets a group apart; a negative strength is less than among the others."""

    column: str
    words: str
    strength: float
    inside: float
    outside: float


def lines_of(features: Features, values: Floats, labels: Codes, groups: int) -> list[Line]:
    """Everything that `groups` groups may differ in; labels (N,) count from 1, values are as `Features.read` gives."""
    found = []
    for j, feature in enumerate(features.features):
        found += list(_lines(feature, values[:, j], labels - 1, groups))
    return found


def traits_of(lines: list[Line], k: int, size: int, rows: int) -> tuple[Trait, ...]:
    """What sets group k apart, the strongest first, one trait a column; nothing of a group of fewer than 5 rows."""
    if size < FEWEST or rows - size < FEWEST:
        return ()
    best: dict[str, Line] = {}
    for line in lines:
        known = best.get(line.feature.name)
        if known is None or _rank(line, k) > _rank(known, k):
            best[line.feature.name] = line
    ranked = sorted(best.values(), key=lambda line: -abs(line.strength[k]))
    return tuple(
        Trait(line.name, line.words(k), float(line.strength[k]), float(line.inside[k]), float(line.outside[k]))
        for line in ranked[:MOST_TRAITS]
        if abs(line.strength[k]) >= STRONG
    )


def _rank(line: Line, k: int) -> tuple[float, bool]:
    """Of two values that mirror each other (yes and no), what there is more of is named."""
    return round(abs(float(line.strength[k])), 6), bool(line.strength[k] > 0)


def _lines(feature: Feature, values: Floats, groups_of: Codes, groups: int) -> Iterator[Line]:
    known = ~np.isnan(values)
    values, where = values[known], groups_of[known]
    count = np.bincount(where, minlength=groups).astype(float)
    if feature.kind == "category":
        size = len(feature.labels)
        table = np.bincount(where * size + values.astype(np.int64), minlength=groups * size).reshape(groups, size)
        for code, label in enumerate(feature.labels):
            yield from _share(feature, label, table[:, code].astype(float), count)
        return
    if feature.atom is not None:
        at = np.bincount(where, weights=(values == feature.atom).astype(float), minlength=groups)
        yield from _share(feature, f"= {feature.atom:g}", at, count)
    yield _level(feature, values, where, count)


def _share(feature: Feature, label: str, hits: NDArray[Any], count: Floats) -> Iterator[Line]:
    """The share of one value; nothing where it is rare among all rows, or all rows have it."""
    overall = hits.sum() / max(count.sum(), 1)
    if not RARE <= overall < 1:
        return
    inside, outside = _both(hits, count)
    strength = np.nan_to_num((inside - outside) / np.sqrt(overall * (1 - overall)))
    yield Line(feature, label, strength, inside, outside)


def _level(feature: Feature, values: Floats, where: Codes, count: Floats) -> Line:
    """The mean of a number or moment; its strength is measured on the scale that the mixture sees."""
    scaled = feature.scaled(values) if feature.kind == "number" else values
    sums = np.bincount(where, weights=scaled, minlength=len(count))
    inside, outside = _both(sums, count)
    spread = float(scaled.std()) if len(scaled) else 0.0
    strength = np.nan_to_num((inside - outside) / spread) if spread > 0 else np.zeros(len(count))
    largest = max(float(np.abs(values).max(initial=0.0)), 1.0)
    means = _both(np.bincount(where, weights=values / largest, minlength=len(count)), count)
    return Line(feature, "", strength, means[0] * largest, means[1] * largest)


def _both(sums: NDArray[Any], count: Floats) -> tuple[Floats, Floats]:
    """The mean in each group, and among all rows of the other groups; NaN where there are none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / count, (sums.sum() - sums) / (count.sum() - count)
