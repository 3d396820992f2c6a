"""How alike two columns, or two pairs of columns, are distributed.

`column_similarities` and `pair_similarities` follow the definitions of the sdmetrics 0.32 quality report (column shapes
and column pair trends), so that figures compare with published ones; a test holds them equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

CORRELATION_THRESHOLD = 0.5  # real pairs at or below do not count where only strong pairs are asked for
ASSOCIATION_THRESHOLD = 0.3
BINS = 10  # of a number that meets a category
DENSE_CELLS = 1_000_000  # a contingency table larger than this is counted by sorting instead


def ks_similarity(real: Floats, synthetic: Floats) -> float | None:
    """One minus the two-sample Kolmogorov-Smirnov statistic of two samples (N,) and (M,), NaN dropped.

    None where a sample has no value. Values are rounded to 14 decimals: noise of arithmetic does not split atoms.
    """
    a, b = np.sort(_rounded(real)), np.sort(_rounded(synthetic))
    if not len(a) or not len(b):
        return None
    steps = np.concatenate([a, b])
    gap = np.searchsorted(a, steps, side="right") / len(a) - np.searchsorted(b, steps, side="right") / len(b)
    return float(1 - np.abs(gap).max())


def tv_similarity(real: Floats, synthetic: Floats) -> float | None:
    """One minus the total variation distance of codes (N,) and (M,), NaN dropped; None where a sample has no value."""
    a, b = (codes[~np.isnan(codes)].astype(np.int64) for codes in (real, synthetic))
    if not len(a) or not len(b):
        return None
    return _overlap(a, b)


def column_similarities(real: Floats, synthetic: Floats, categorical: Mask) -> list[float | None]:
    """The similarity of each column of two tables (N, D) and (M, D): `tv_similarity` of codes, else `ks_similarity`."""
    return [
        (tv_similarity if is_code else ks_similarity)(real[:, d], synthetic[:, d])
        for d, is_code in enumerate(categorical)
    ]


@dataclass(frozen=True)
class PairSimilarities:
    """Each pair of columns, as symmetric matrices (D, D) with NaN where a figure is undefined and on the diagonal.

    `similarity` is how alike the two tables are; `strong` marks the pairs whose dependence in the real table exceeds
    the thresholds of the sdmetrics 0.32 report (correlation 0.5, Cramér's V 0.3).
    """

    similarity: Floats
    strong: Mask

    def mean(self, *, strong: bool = False) -> float | None:
        """The mean over all pairs, or over the strong ones; None where there is none."""
        upper = np.triu(np.ones_like(self.strong), 1) & ~np.isnan(self.similarity)
        chosen = self.similarity[upper & self.strong if strong else upper]
        return float(chosen.mean()) if len(chosen) else None


def pair_similarities(real: Floats, synthetic: Floats, categorical: Mask) -> PairSimilarities:
    """How alike the dependence of each pair of columns is in two tables (N, D) and (M, D).

    Two numbers: 1 - |difference of their Pearson correlations| / 2, rows with a gap left out; undefined where either
    table has a constant. Otherwise: 1 - total variation distance of the joint distribution, a number in 10 equal bins
    of its own table's range and a missing number in the last of them (both as in sdmetrics 0.32), a missing category
    being a category.
    """
    size = real.shape[1]
    before, after = correlations(real[:, ~categorical]), correlations(synthetic[:, ~categorical])
    similarity, strong = np.full((size, size), np.nan), np.zeros((size, size), bool)
    numbers = np.ix_(~categorical, ~categorical)
    similarity[numbers] = 1 - np.abs(before - after) / 2
    strong[numbers] = np.nan_to_num(np.abs(before)) > CORRELATION_THRESHOLD
    a, b = _coded(real, categorical), _coded(synthetic, categorical)
    widths = np.maximum(a.max(axis=0, initial=0), b.max(axis=0, initial=0)) + 1
    for i in range(size):
        for j in range(i + 1, size):
            if categorical[i] or categorical[j]:
                joint = a[:, i] * widths[j] + a[:, j], b[:, i] * widths[j] + b[:, j]
                similarity[i, j] = similarity[j, i] = _overlap(*joint)
                strong[i, j] = strong[j, i] = association(a[:, i], a[:, j]) > ASSOCIATION_THRESHOLD
    np.fill_diagonal(similarity, np.nan)
    np.fill_diagonal(strong, False)
    return PairSimilarities(similarity, strong)


def correlations(values: Floats) -> Floats:
    """Pearson correlation (D, D) of the columns of (N, D), each pair over its rows without NaN; NaN where undefined."""
    known = (~np.isnan(values)).astype(np.float64)
    filled = np.where(known > 0, values, 0.0)
    count = known.sum(axis=0)
    # Centered and scaled first: the sums below would otherwise lose the digits that a large mean takes up.
    filled = (filled - _ratio(filled.sum(axis=0), count, empty=0.0)) * known
    scale = np.abs(filled).max(axis=0, initial=0.0)
    filled = filled / np.where(scale > 0, scale, 1.0)
    together, sums, squares = known.T @ known, filled.T @ known, (filled**2).T @ known
    covariance = filled.T @ filled - _ratio(sums * sums.T, together, empty=0.0)
    variance = squares - _ratio(sums**2, together, empty=0.0)
    variance = np.where(variance > 1e-13 * squares, variance, 0.0)  # what rounding leaves of a constant
    return np.clip(_ratio(covariance, np.sqrt(variance * variance.T), empty=np.nan), -1, 1)


def association(a: Codes, b: Codes, *, corrected: bool = False) -> float:
    """Cramér's V of two samples of codes (N,), 0..1; 0 where a sample is constant.

    `corrected` takes off what independent columns would show by chance (Bergsma, 2013).
    """
    rows, columns = np.bincount(a), np.bincount(b)
    r, c, n = np.count_nonzero(rows), np.count_nonzero(columns), len(a)
    if min(r, c) < 2:
        return 0.0
    cells, counts = _tally(a * len(columns) + b, len(rows) * len(columns))
    expected = rows[cells // len(columns)] * columns[cells % len(columns)]
    phi = max(0.0, float((counts**2 / expected).sum()) - 1)
    if not corrected:
        return float(np.sqrt(phi / (min(r, c) - 1)))
    phi = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1))
    return float(min(1.0, np.sqrt(phi / (smaller - 1)))) if smaller > 1 else 0.0


def _rounded(values: Floats) -> Floats:
    values = values[~np.isnan(values)]
    return np.where(np.abs(values) < 1e15, np.round(np.clip(values, -1e15, 1e15), 14), values)


def _coded(values: Floats, categorical: Mask) -> Codes:
    """Codes for contingency: categories with one more code for missing ones, numbers in bins."""
    codes = np.empty(values.shape, np.int64)
    for d, is_code in enumerate(categorical):
        column = values[:, d]
        known = column[~np.isnan(column)]
        if is_code:
            codes[:, d] = np.where(np.isnan(column), -1, np.nan_to_num(column)) + 1
        else:
            low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
            margin = 0.5 * (low == high)
            codes[:, d] = np.digitize(column, np.linspace(low - margin, high + margin, BINS + 1))
    return codes


def _overlap(a: Codes, b: Codes) -> float:
    """One minus the total variation distance of two samples of codes."""
    size = int(max(a.max(), b.max())) + 1
    if size > DENSE_CELLS:
        cells = np.unique_inverse(np.concatenate([a, b])).inverse_indices
        a, b, size = cells[: len(a)], cells[len(a) :], int(cells.max()) + 1
    gap: Floats = np.bincount(a, minlength=size) / len(a) - np.bincount(b, minlength=size) / len(b)
    return float(1 - np.abs(gap).sum() / 2)


def _tally(codes: Codes, size: int) -> tuple[Codes, Codes]:
    """The codes that occur, in order, and how often."""
    if size > DENSE_CELLS:
        found = np.unique_counts(codes)
        return found.values, found.counts
    counts = np.bincount(codes, minlength=size)
    cells = np.flatnonzero(counts)
    return cells, counts[cells]


def _ratio(above: Floats, below: Floats, *, empty: float) -> Floats:
    """The quotient, `empty` where the divisor is 0."""
    quotient: Floats = np.divide(above, below, out=np.full(np.shape(above), empty), where=below > 0)
    return quotient
