"""Why a row is strange: what each column is, given the others, beside what the reference's rows would have there.

A column's surprise is the row's log-density without it less the log-density with it, under a mixture that sums over
what is unknown (or under the autoregressive family, where that judges), beyond what is usual for that column. What was
expected are draws of the column given all the others, those within what the column was seen to take: a mixture goes on
in straight lines however far out the others lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats
from genapps.report.text import clip, tick
from genapps_tabular.anomaly_members import Explainer
from genapps_tabular.columns.base import as_text, flat
from genapps_tabular.features import Feature, Features
from genapps_tabular.model import generators

USUAL = 500  # reference rows by which a column's usual surprise is known
DRAWS = 64  # of a column given the others
TOGETHER = 256  # rows of which a column is drawn at once
SHOWN = 40  # characters of a value
NAMED = 3  # columns that a reason names
WITHIN = 0.1  # share of the draws within what was seen, below which they say nothing of the column
LEAST = 1.0  # nats beyond the usual from where on a column is named
DRAWING = (0, 12)


@dataclass(frozen=True)
class Reason:
    """One column's part in a row's strangeness. surprise: nats beyond the usual. expected: in words."""

    column: str
    surprise: float
    value: str
    expected: str

    @property
    def words(self) -> str:
        """As people read it."""
        return f"{self.column} {self.value}: {self.expected}"


def spans(features: Features) -> list[list[int]]:
    """The variables of each feature."""
    found, first = [], 0
    for feature in features.features:
        count = len(feature.variables)
        found.append(list(range(first, first + count)))
        first += count
    return found


def surprises(features: Features, why: Explainer, codes: Floats) -> Floats:
    """How many nats (N, features) each column costs given the others; 0 where it is unknown."""
    own = spans(features)
    known = np.column_stack([~np.isnan(codes[:, columns]).all(axis=1) for columns in own])
    return np.where(known, why.surprises(codes, own), 0.0)


def contributions(features: Features, why: Explainer, codes: Floats, usual: Floats) -> Floats:
    """Surprise beyond the usual (features,) of each column of rows (N, D), never below 0."""
    return np.maximum(surprises(features, why, codes) - usual, 0.0)


def usual_of(features: Features, why: Explainer, codes: Floats) -> Floats:
    """The median surprise (features,) of each column among reference rows."""
    step = max(1, len(codes) // USUAL)
    found: Floats = np.median(surprises(features, why, codes[::step]), axis=0)
    return found


def reasons_for(
    features: Features,
    why: Explainer,
    table: pa.Table,
    codes: Floats,
    given: Floats,
    unheard: NDArray[np.bool_],
    learnt: Floats,
    seed: int,
) -> list[tuple[Reason, ...]]:
    """For each row of a table, a batch (N, D): its most surprising columns, the worst first.

    given: what each column contributes (N, features). unheard: (N, features) cells that hold what was never seen.
    learnt: (R, D) reference rows, whose range is that of what can be expected.
    """
    found: list[list[Reason]] = [[] for _ in codes]
    named = np.argsort(np.argsort(-given, axis=1, kind="stable"), axis=1, kind="stable") < NAMED
    own = spans(features)
    for place, feature in enumerate(features.features):
        if not (unheard[:, place].any() or (named[:, place] & (given[:, place] >= LEAST)).any()):
            continue
        cells = [clip(cell, SHOWN) for cell in as_text(flat(table.column(feature.name))).to_pylist()]
        for row in np.flatnonzero(unheard[:, place]):
            what = "never seen before" if feature.facet.role == "category" else f"not a {feature.facet.column.kind}"
            found[row].append(Reason(feature.name, float("inf"), cells[row], what))
        rows = np.flatnonzero(named[:, place] & (given[:, place] >= LEAST))
        generator = generators(seed, *DRAWING, place)[1]
        told = _expected(feature, own[place], why, codes[rows], learnt, generator)
        for row, words in zip(rows, told, strict=True):
            found[row].append(Reason(feature.name, float(given[row, place]), cells[row], words))
    return [tuple(sorted(mine, key=lambda reason: -reason.surprise)[:NAMED]) for mine in found]


def _expected(
    feature: Feature, columns: list[int], why: Explainer, codes: Floats, learnt: Floats, generator: torch.Generator
) -> Iterator[str]:
    """In words, what a column of each row (n, D) is expected to be given its other columns."""
    seen = learnt[:, columns]
    for first in range(0, len(codes), TOGETHER):
        for drawn in why.draw(codes[first : first + TOGETHER], columns, DRAWS, generator):
            yield _told(feature, drawn, seen)


def _told(feature: Feature, drawn: Floats, seen: Floats) -> str:
    """What draws (n, variables) of a column say of it, that was seen to be what reference rows (R, variables) hold."""
    if feature.kind == "category":
        codes, counts = np.unique(drawn[:, 0], return_counts=True)
        top = int(counts.argmax())
        return f"{feature.labels[int(codes[top])]} expected ({counts[top] / len(drawn):.0%})"
    numbers, known = _numbers(feature, drawn), _numbers(feature, seen[~np.isnan(seen).all(axis=1)])
    within = numbers[(numbers >= known.min(initial=np.inf)) & (numbers <= known.max(initial=-np.inf))]
    if len(within) < WITHIN * len(numbers):
        return "its other columns are far from anything learnt"
    low, high = np.quantile(within, [0.05, 0.95])
    return f"{shown(feature, low)} to {shown(feature, high)} expected"


def _numbers(feature: Feature, codes: Floats) -> Floats:
    """The numbers (n,) that the variables (n, variables) of a column of numbers stand for."""
    if feature.kind == "steps":
        numbers: Floats = np.array(feature.levels)[codes[:, 0].astype(int)]
        return numbers
    if feature.atom is None:
        return feature.unscaled(codes[:, 0])
    return np.where(codes[:, 0] > 0.5, feature.atom, feature.unscaled(codes[:, 1]))


def shown(feature: Feature, value: float) -> str:
    """A value of a column as people read it."""
    if feature.kind == "category":
        return feature.labels[min(int(value), len(feature.labels) - 1)]
    if feature.facet.role == "moment":
        moment = str(np.datetime64(int(value), "s")).replace("T", " ")
        return moment[:10] if feature.facet.column.kind == "date" else moment
    return tick(float(f"{value:.3g}"))


def to_json(reasons: tuple[Reason, ...]) -> list[dict[str, Any]]:
    """Plain JSON."""
    return [
        {
            "column": reason.column,
            "surprise": None if np.isinf(reason.surprise) else round(reason.surprise, 3),
            "value": reason.value,
            "expected": reason.expected,
        }
        for reason in reasons
    ]
