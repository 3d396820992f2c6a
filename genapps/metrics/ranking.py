"""How well scores tell two kinds apart, whatever their threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from genapps.metrics.distributions import Mask


def auroc(odd: Mask, scores: Any) -> float | None:
    """The share of pairs, an odd one and one that is not, whose odd one has the higher score; ties count half.

    odd, scores: (N,). None where there are not both.
    """
    values, flags = np.asarray(scores, np.float64), np.asarray(odd, bool)
    positive, negative = values[flags], np.sort(values[~flags])
    if not len(positive) or not len(negative):
        return None
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.mean() / (2 * len(negative)))


def auroc_by_kind(kinds: Any, scores: Any, good: str = "good") -> dict[str, float | None]:
    """`auroc` of each kind (N,) but the good one, beside the good ones alone."""
    names, values = np.asarray(kinds), np.asarray(scores, np.float64)
    sound = names == good
    chosen = {str(kind): sound | (names == kind) for kind in sorted(set(names.tolist()) - {good})}
    return {kind: auroc(~sound[rows], values[rows]) for kind, rows in chosen.items()}
