"""Does a model learnt on synthetic rows do on unseen real rows what one learnt on real rows does?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats
from genapps.metrics.transfer import Regression, classification_auc, regression_scores
from genapps_tabular.evaluation import Measure
from genapps_tabular.measuring import Gauge, Sides

FEW_CLASSES = 20  # a column with more categories is not chosen as target; of a given target the rest is one class
NEEDS = "needs unseen rows: "


def default_target(gauge: Gauge, real: Floats) -> int | None:
    """The facet to predict where none is named: the last with 2 to 20 categories, or else the last number that varies.

    Tables for prediction mostly keep their target last.
    """
    numbers, categories = [], []
    for d, facet in enumerate(gauge.facets):
        size = len(np.unique(real[~np.isnan(real[:, d]), d]))
        if facet.role == "category" and 2 <= size <= FEW_CLASSES:
            categories.append(d)
        elif facet.role == "number" and size >= 2:
            numbers.append(d)
    return categories[-1] if categories else numbers[-1] if numbers else None


def usefulness_measures(sides: Sides, target: str | None, *, seed: int) -> Iterator[Measure]:
    """Train on synthetic, test on real, beside train on real: AUC for categories, R2 and RMSE for numbers."""
    chosen = default_target(sides.gauge, sides.real) if target is None else _facet(sides.gauge, target)
    if chosen is None:
        note = "no column to predict" if target is None else f"{target} is constant, an identifier or text"
        yield _measure("Predicting", "AUC", {}, sides, note)
        return
    facet = sides.gauge.facets[chosen]
    title = f"Predicting {facet.column.name}, learnt on synthetic rows"
    if sides.unseen is None:
        yield _measure(title, "AUC" if facet.categorical else "R²", {}, sides, NEEDS + sides.why)
        return
    if facet.categorical:
        areas = _areas(sides, sides.unseen, chosen, seed=seed)
        note = "" if areas["value"] is not None else "unseen rows have one class, or no other column is left"
        yield _measure(title, "AUC", areas, sides, note)
        return
    scores = _regressions(sides, sides.unseen, chosen, seed=seed)
    note = "" if scores["value"] is not None else "the target is constant or missing"
    yield _measure(title, "R²", {side: score.r2 if score else None for side, score in scores.items()}, sides, note)
    yield _measure(title, "RMSE", {side: score.rmse if score else None for side, score in scores.items()}, sides, note)


def _facet(gauge: Gauge, target: str) -> int | None:
    for d, facet in enumerate(gauge.facets):
        if facet.column.name == target and facet.own and facet.column.kind != "constant":
            return d
    return None


def _areas(sides: Sides, unseen: Floats, target: int, *, seed: int) -> dict[str, float | None]:
    features = _features(sides.gauge, target)
    codes = sides.real[:, target]
    counts = np.bincount(codes[~np.isnan(codes)].astype(np.int64))
    frequent = np.argsort(-counts, kind="stable")[:FEW_CLASSES]

    def part(rows: Floats) -> tuple[Floats, Floats]:
        y = rows[:, target]
        return rows[:, features], np.where(np.isnan(y) | np.isin(y, frequent), y, len(counts))

    test, mask = part(unseen), sides.gauge.categorical[features]
    return {side: classification_auc(part(rows), test, mask, seed=seed) for side, rows in _sources(sides).items()}


def _regressions(sides: Sides, unseen: Floats, target: int, *, seed: int) -> dict[str, Regression | None]:
    features = _features(sides.gauge, target)
    test, mask = (unseen[:, features], unseen[:, target]), sides.gauge.categorical[features]
    return {
        side: regression_scores((rows[:, features], rows[:, target]), test, mask, seed=seed)
        for side, rows in _sources(sides).items()
    }


def _sources(sides: Sides) -> dict[str, Floats]:
    """What is learnt from; a copy of the training rows is the ceiling itself."""
    return {"value": sides.synthetic, "ceiling": sides.real, "floor": sides.independent}


def _features(gauge: Gauge, target: int) -> NDArray[np.int64]:
    """The facets of all other table columns."""
    name = gauge.facets[target].column.name
    return np.flatnonzero([facet.column.name != name for facet in gauge.facets])


def _measure(title: str, unit: str, figures: dict[str, float | None], sides: Sides, note: str) -> Measure:
    unseen = 0 if sides.unseen is None else len(sides.unseen)
    return Measure(
        key="tstr_rmse" if unit == "RMSE" else "tstr",
        name=f"{title} ({unit})",
        group="usefulness",
        better="lower" if unit == "RMSE" else "higher",
        value=figures.get("value"),
        ceiling=figures.get("ceiling"),
        floor=figures.get("floor"),
        copied=figures.get("ceiling"),
        n=unseen,
        protocol=f"Boosted trees learnt on {len(sides.synthetic):,} synthetic rows, or for the controls on "
        f"{len(sides.real):,} training or independent ones, tested on {unseen:,} unseen rows.",
        note=note,
    )
