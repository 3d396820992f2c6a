"""Columns and pairs of two tables for the report: shares of bins and categories and dependences, never a row."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats, PairSimilarities, association, column_similarities
from genapps_tabular.evaluation import ColumnView, PairView
from genapps_tabular.measuring import Facet, Sides

MOST_BINS = 40
MOST_CATEGORIES = 20
FEWEST = 5  # fewer real rows than this are never shown as a category or bin of their own
TAIL = 0.005  # share of the real rows at either end that the end bins take up
OTHER = "other"
LEVELS = 10  # bins of a number where its dependence on another column is measured
DAY = 86_400
SECONDS = (
    1,
    5,
    15,
    60,
    300,
    900,
    3600,
    *(DAY // 24 * n for n in (3, 6, 12)),
    *(DAY * n for n in (1, 7, 14, 28, 91, 364)),
)


def column_views(sides: Sides) -> tuple[ColumnView, ...]:
    """A view of each table column but identifiers and text."""
    gauge, real, synthetic = sides.gauge, sides.real, sides.synthetic
    similarities = column_similarities(real, synthetic, gauge.categorical)
    views = []
    for d, facet in enumerate(gauge.facets):
        if not facet.own:
            continue
        here = [e for e, other in enumerate(gauge.facets) if other.column.name == facet.column.name]
        missing = [float(np.isnan(table[:, here]).all(axis=1).mean()) for table in (real, synthetic)]
        labels, shares = _shares(facet, real[:, d], synthetic[:, d])
        views.append(
            ColumnView(
                name=facet.column.name,
                kind=facet.column.kind,
                similarity=similarities[d],
                labels=labels,
                numeric=not facet.categorical,
                real=shares[0],
                synthetic=shares[1],
                missing_real=missing[0],
                missing_synthetic=missing[1],
            )
        )
    return tuple(views)


def pair_view(sides: Sides, chosen: NDArray[np.int64], pairs: PairSimilarities) -> PairView | None:
    """Dependence of each pair of the `chosen` facets (K,) as bias-corrected Cramér's V; `pairs` are theirs (K, K).

    Numbers are cut at the real deciles, categories beyond the 20 most frequent are one, missing is a value. An
    undefined similarity is shown as 0. None with fewer than two facets.
    """
    if len(chosen) < 2:
        return None
    facets = sides.gauge.facets
    codes = [_levels(facets[d], sides.real[:, d], sides.synthetic[:, d]) for d in chosen]
    dependence = np.ones((2, len(chosen), len(chosen)))
    for i, first in enumerate(codes):
        for j, second in enumerate(codes[:i]):
            for table in (0, 1):
                value = association(first[table], second[table], corrected=True)
                dependence[table, i, j] = dependence[table, j, i] = value
    similarity = np.nan_to_num(pairs.similarity, nan=0.0)
    np.fill_diagonal(similarity, 1.0)
    names = tuple(facets[d].column.name for d in chosen)
    return PairView(names, _rows(dependence[0]), _rows(dependence[1]), _rows(similarity))


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def _shares(facet: Facet, real: Floats, synthetic: Floats) -> tuple[tuple[str, ...], list[tuple[float, ...]]]:
    """Labels, and the shares of the real and the synthetic values; empty where there is no real value."""
    known = [values[~np.isnan(values)] for values in (real, synthetic)]
    if not len(known[0]):
        return (), [(), ()]
    if facet.categorical:
        return _category_shares(facet, *known)
    edges = _moment_edges(known[0]) if facet.role == "moment" else _number_edges(known[0])
    counts = [np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] for values in known]
    counts[0] = np.where(counts[0] < FEWEST, 0, counts[0])
    moment, kind = facet.role == "moment", facet.column.kind
    labels = tuple(moment_label(float(edge), kind) if moment else _number_label(edge) for edge in edges)
    return labels, [_normalized(c) for c in counts]


def _category_shares(facet: Facet, real: Floats, synthetic: Floats) -> tuple[tuple[str, ...], list[tuple[float, ...]]]:
    size = len(facet.labels) + 1
    counts = np.stack([np.bincount(values.astype(np.int64), minlength=size) for values in (real, synthetic)])
    order = np.argsort(-counts[0], kind="stable")
    shown = [int(code) for code in order[: MOST_CATEGORIES - 1] if counts[0, code] >= FEWEST]
    rest = counts.sum(axis=1) - counts[:, shown].sum(axis=1)
    labels = tuple(facet.labels[code] for code in shown)
    if rest.any():
        labels += (OTHER,)
        counts = np.column_stack([counts[:, shown], rest])
    else:
        counts = counts[:, shown]
    return labels, [_normalized(c) for c in counts]


def _normalized(counts: NDArray[np.int64]) -> tuple[float, ...]:
    total = counts.sum()
    return tuple(float(count / total) if total else 0.0 for count in counts)


def _number_edges(values: Floats) -> Floats:
    """At most 40 bins of a round width that hold the middle 99 % of the values."""
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    if low == high:
        low, high = values.min(), values.max()
    whole = bool((values == np.round(values)).all())
    step = _round_step(float(high - low) / (MOST_BINS - 2), least=1.0 if whole else 0.0)
    shift = 0.5 if whole and step == 1 else 0.0  # whole numbers stand in the middle of their bins
    first, last = math.floor(low / step + shift), math.floor(high / step + shift) + 1
    edges: Floats = (np.arange(first, last + 1) - shift) * step
    return edges if np.all(np.diff(edges) > 0) else np.array([low - 1.0, low + 1.0]) * max(1.0, abs(float(low)))


def _round_step(width: float, *, least: float) -> float:
    """The smallest of 1, 2, 5, 10, ... (and of 0.5, 0.2, ...) that is no less than `width`."""
    if width <= least:
        return least or 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor >= width)


def _moment_edges(values: Floats) -> Floats:
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    width = float(high - low) / (MOST_BINS - 2)
    step = next((s for s in SECONDS if s >= width), SECONDS[-1] * math.ceil(width / SECONDS[-1]))
    return np.arange(math.floor(low / step), math.floor(high / step) + 2) * float(step)


def _number_label(edge: float) -> str:
    return f"{edge:.15g}"


def moment_label(edge: float, kind: str) -> str:
    """Seconds as a date, a date with its time, or a time of day."""
    try:
        moment = datetime.fromtimestamp(edge, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the years that a datetime can name
        return _number_label(edge)
    if kind == "time":
        return moment.strftime("%H:%M:%S")
    return moment.date().isoformat() if edge % DAY == 0 else moment.replace(tzinfo=None).isoformat()


def _levels(facet: Facet, real: Floats, synthetic: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Few codes (N,) for either table: deciles of a number or frequent categories, then one for missing."""
    if facet.categorical:
        counts = np.bincount(real[~np.isnan(real)].astype(np.int64), minlength=len(facet.labels) + 1)
        rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
        few = np.minimum(rank, MOST_CATEGORIES)
        return _coded(real, few), _coded(synthetic, few)
    cuts = np.unique(np.nanquantile(real, np.arange(1, LEVELS) / LEVELS)) if not np.isnan(real).all() else np.zeros(0)
    return _cut(real, cuts), _cut(synthetic, cuts)


def _cut(values: Floats, cuts: Floats) -> NDArray[np.int64]:
    return np.where(np.isnan(values), LEVELS, np.searchsorted(cuts, np.nan_to_num(values), side="left"))


def _coded(codes: Floats, few: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(np.isnan(codes), MOST_CATEGORIES + 1, few[np.nan_to_num(codes).astype(np.int64)])
