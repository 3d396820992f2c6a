"""Stretches of the normal part that are judged by what was learnt from the rest."""

from __future__ import annotations

from itertools import pairwise

FOLDS = 4


def folds(count: int) -> list[slice]:
    """Up to four stretches that cover 0..count - 1."""
    bounds = [count * k // FOLDS for k in range(FOLDS + 1)]
    return [slice(a, b) for a, b in pairwise(bounds) if b > a]
