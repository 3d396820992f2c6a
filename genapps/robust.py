"""Where values lie and how far they spread, though a few of them may lie far out."""

from __future__ import annotations

from torch import Tensor

FAR = 100.0  # times the spread of its middle half: a column's deviation beyond it is the work of outliers
NORMAL = 1.349  # interquartile range of a normal distribution of deviation 1


def center_and_scale(values: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of known values (n,), float64, at least one.

    Where the deviation is the work of a few values far out, the median and the deviation of a normal distribution with
    the same middle half. The scale of a constant is 1.
    """
    center, scale = float(values.mean()), float((values - values.mean()).square().mean().sqrt())
    if float(values.max()) == float(values.min()):
        return float(values[0]), 1.0
    ranked = values.sort().values
    low, middle, high = (float(ranked[round(share * (len(ranked) - 1))]) for share in (0.25, 0.5, 0.75))
    spread = (high - low) / NORMAL
    return (middle, spread) if 0 < spread * FAR < scale else (center, scale)
