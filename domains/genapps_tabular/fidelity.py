"""Is a synthetic table like the real one: as a whole, in each column, in each pair, and in all its modes?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import (
    ASSOCIATION_THRESHOLD,
    CORRELATION_THRESHOLD,
    Floats,
    PairSimilarities,
    column_similarities,
    pair_similarities,
)
from genapps.metrics.neighbors import MixedDistance, Reach, reach
from genapps.metrics.two_sample import FOLDS, two_sample_auc
from genapps_tabular.evaluation import Measure
from genapps_tabular.measuring import Sides, hash_rows

MOST_PAIRED = 60  # columns whose pairs are compared
REACHED = 1500  # rows on a side for coverage
NEIGHBORS = 5
NOTHING = "no column but identifiers and text"


def two_sample(sides: Sides, *, seed: int) -> Measure:
    """The headline: how well boosted trees tell synthetic rows from unseen rows (from training rows without them)."""
    categorical = sides.gauge.categorical
    unseen = sides.unseen

    def area(judge: Floats, rows: Floats) -> float | None:
        return two_sample_auc(judge, rows, categorical, seed=seed)

    value = ceiling = floor = copied = None
    note = sides.why
    if not sides.enough:
        against = sides.real
    elif unseen is not None:
        against = unseen
        value, ceiling, floor = (area(unseen, rows) for rows in (sides.synthetic, sides.real, sides.independent))
        copied = ceiling
        note = "A copy of the training rows does as well as other real rows: only privacy measures tell it apart."
    else:
        against, half = sides.real, len(sides.real) // 2
        value, floor = (area(against, rows) for rows in (sides.synthetic, sides.independent))
        ceiling = area(against[:half], against[half:])
        note = f"{note}: measured against training rows, where a model that memorizes them looks perfect"
    n = min(len(against), len(sides.synthetic))
    return Measure(
        key="two_sample_auc",
        name=f"Told apart from {'training' if unseen is None else 'unseen'} rows (AUC)",
        group="fidelity",
        better="half",
        value=value,
        ceiling=ceiling,
        floor=floor,
        copied=copied,
        n=n,
        protocol=f"Boosted trees tell {n:,} synthetic rows from as many real ones, mean of {FOLDS} folds.",
        note=note if sides.real.shape[1] else NOTHING,
    )


def paired(sides: Sides) -> tuple[NDArray[np.int64], PairSimilarities]:
    """The facets whose pairs are compared (at most 60: the first ones that vary), and how alike their pairs are."""
    chosen = _varied(sides)[:MOST_PAIRED]
    return chosen, _pairs(sides, sides.synthetic, chosen)


def shape_measures(sides: Sides, chosen: NDArray[np.int64], pairs: PairSimilarities) -> Iterator[Measure]:
    """Column shapes, pair trends and trends of strong pairs, against training rows as sdmetrics measures them."""
    varied = _varied(sides)

    def shape(rows: Floats | None) -> float | None:
        if rows is None:
            return None
        scores = column_similarities(sides.real[:, varied], rows[:, varied], sides.gauge.categorical[varied])
        had = [score for score in scores if score is not None]
        return float(np.mean(had)) if had else None

    value = shape(sides.synthetic)
    n = min(len(sides.real), len(sides.synthetic))
    yield Measure(
        key="column_shapes",
        name="Column shapes",
        group="fidelity",
        better="higher",
        value=value,
        ceiling=shape(sides.unseen),
        floor=shape(sides.independent),
        copied=None if value is None else 1.0,
        n=n,
        protocol="Mean over columns of 1 - Kolmogorov-Smirnov distance (numbers, dates) or 1 - total variation "
        "distance (categories), against training rows; missing values left out.",
        note="" if value is not None else "no column varies",
    )
    ceiling = None if sides.unseen is None else _pairs(sides, sides.unseen, chosen)
    floor = _pairs(sides, sides.independent, chosen)
    for strong in (False, True):
        value = pairs.mean(strong=strong)
        yield Measure(
            key="strong_pair_trends" if strong else "pair_trends",
            name="Trends of strongly dependent pairs" if strong else "Pair trends",
            group="fidelity",
            better="higher",
            value=value,
            ceiling=None if ceiling is None else ceiling.mean(strong=strong),
            floor=floor.mean(strong=strong),
            copied=None if value is None else 1.0,
            n=n,
            protocol=_pair_protocol(strong),
            note=_pair_note(value, strong, len(varied)),
        )


def diversity_measures(sides: Sides) -> Iterator[Measure]:
    """Coverage, recall and distinct rows: figures that fall where modes are lost."""
    judge = sides.real if sides.unseen is None else sides.unseen
    against = "training" if sides.unseen is None else "unseen"
    n = min(REACHED, len(judge), len(sides.synthetic))
    metric = MixedDistance.fit(sides.real, sides.gauge.categorical)

    def reached(rows: Floats) -> Reach | None:
        return reach(metric, judge[:n], rows[:n], k=NEIGHBORS) if sides.enough and rows.shape[1] else None

    value, floor = reached(sides.synthetic), reached(sides.independent)
    ceiling = None if sides.unseen is None else reached(sides.real)

    def figure(key: str, part: Reach | None) -> float | None:
        return None if part is None else getattr(part, key)

    for key, name, protocol in (
        ("coverage", "Coverage", "real rows with a synthetic row among their"),
        ("recall", "Recall", "real rows no further from a synthetic row than that row's"),
    ):
        yield Measure(
            key=key,
            name=name,
            group="fidelity",
            better="higher",
            value=figure(key, value),
            ceiling=figure(key, ceiling),
            floor=figure(key, floor),
            copied=figure(key, ceiling),
            n=n,
            protocol=f"Share of {n:,} {against} {protocol} {NEIGHBORS} nearest; mixed distance, {n:,} synthetic rows.",
            note=sides.why if sides.real.shape[1] else NOTHING,
        )
    yield _distinct(sides)


def _distinct(sides: Sides) -> Measure:
    unseen = sides.real if sides.unseen is None else sides.unseen
    n = min(len(unseen), len(sides.synthetic), len(sides.real))

    def share(rows: Floats) -> float | None:
        return len(np.unique(hash_rows(rows[:n]))) / n if rows.shape[1] else None

    return Measure(
        key="distinct_rows",
        name="Distinct rows",
        group="fidelity",
        better="higher",
        value=share(sides.synthetic),
        ceiling=share(unseen),
        floor=share(sides.independent),
        copied=share(sides.real),
        n=n,
        protocol=f"Different rows among {n:,}, identifiers and text left out.",
        note="" if sides.real.shape[1] else NOTHING,
    )


def _varied(sides: Sides) -> NDArray[np.int64]:
    """The facets that are table columns and have more than one value."""
    rows = np.concatenate([sides.real, sides.synthetic])
    low = np.min(rows, axis=0, initial=np.inf, where=~np.isnan(rows))
    high = np.max(rows, axis=0, initial=-np.inf, where=~np.isnan(rows))
    own = np.array([facet.own for facet in sides.gauge.facets], bool)
    return np.flatnonzero((low < high) & own)


def _pairs(sides: Sides, rows: Floats, chosen: NDArray[np.int64]) -> PairSimilarities:
    return pair_similarities(sides.real[:, chosen], rows[:, chosen], sides.gauge.categorical[chosen])


def _pair_protocol(strong: bool) -> str:
    text = "1 - half the difference of the correlations of two numbers, 1 - total variation distance of other pairs"
    if strong:
        text += (
            f"; only where the real correlation exceeds {CORRELATION_THRESHOLD} or Cramér's V {ASSOCIATION_THRESHOLD}"
        )
    return f"Mean over pairs of columns of {text}; against training rows."


def _pair_note(value: float | None, strong: bool, varied: int) -> str:
    if varied > MOST_PAIRED:
        return f"the first {MOST_PAIRED} of {varied} columns"
    if value is None:
        return "no pair is strongly dependent" if strong and varied > 1 else "fewer than two columns vary"
    return ""
