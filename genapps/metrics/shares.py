"""How well a share is known of which some cases were seen."""

from __future__ import annotations

import math


def wilson(right: int, count: int, deviations: float = 1.96) -> tuple[float, float]:
    """The interval of a share of which `right` of `count` were seen (Wilson 1927), of 95 % if not said otherwise."""
    share, z = right / count, deviations * deviations / count
    middle = (share + z / 2) / (1 + z)
    half = math.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)
