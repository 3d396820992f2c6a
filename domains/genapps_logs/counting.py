"""How surprising a number of events is: tails of the negative binomial law, whose limit is Poisson's."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

_LN2 = math.log(2)
_LEAST_SHARE = 1e-12  # of a tail, below which its further terms do not count
_TERMS = 10_000
_MOST = 1000.0  # bits


@lru_cache(100_000)
def burst_bits(count: int, mean: float, spread: float) -> float:
    """-log2 P(X >= count) for X of that mean, its variance mean + spread * mean ** 2."""
    if count <= 0:
        return 0.0
    if mean <= 0:
        return _MOST
    ratio_of = _ratios(mean, spread)
    total = term = 1.0
    for step in range(_TERMS):
        term *= ratio_of(count + step)
        total += term
        if term < _LEAST_SHARE * total:
            break
    else:
        return 0.0  # far below the mean
    return min(max(-(log_share(count, mean, spread) + math.log(total)) / _LN2, 0.0), _MOST)


@lru_cache(100_000)
def silence_bits(count: int, mean: float, spread: float) -> float:
    """-log2 P(X <= count), likewise."""
    if mean <= 0:
        return 0.0
    ratio_of = _ratios(mean, spread)
    total = term = 1.0
    for lower in range(count - 1, -1, -1):
        ratio = ratio_of(lower)
        term = term / ratio if ratio > 0 else 0.0
        total += term
        if term < _LEAST_SHARE * total:
            break
    return min(max(-(log_share(count, mean, spread) + math.log(total)) / _LN2, 0.0), _MOST)


def log_share(count: int, mean: float, spread: float) -> float:
    """log P(X = count)."""
    if spread <= 1e-9:
        return count * math.log(mean) - mean - math.lgamma(count + 1)
    size = 1 / spread
    return (
        math.lgamma(count + size)
        - math.lgamma(size)
        - math.lgamma(count + 1)
        - size * math.log1p(mean * spread)
        + count * (math.log(mean) - math.log(mean + size))
    )


def _ratios(mean: float, spread: float) -> Callable[[int], float]:
    """P(X = n + 1) / P(X = n) as a function of n."""
    if spread <= 1e-9:
        return lambda n: mean / (n + 1)
    size = 1 / spread
    return lambda n: (n + size) / (n + 1) * mean / (mean + size)
