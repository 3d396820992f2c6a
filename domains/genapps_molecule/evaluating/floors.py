"""What real molecules reach at a given n: no list of n can be expected to do better, however it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "data" / "moses_floors.json"
LEAST = 100  # molecules below which nothing is said


@cache
def moses_floors() -> Mapping[int, Mapping[str, float]]:
    """The measures of random molecules of MOSES' training set beside its test sets, by their number."""
    found: dict[str, dict[str, float]] = json.loads(SHIPPED.read_text("utf-8"))["floors"]
    return {int(n): figures for n, figures in found.items()}


def floor_at(n: int, key: str, floors: Mapping[int, Mapping[str, float]]) -> float | None:
    """The figure at n, linear in 1/n between the numbers that were measured, and beyond them; None for too few.

    Where only one number was measured its figure is that of all.
    """
    known = sorted(k for k in floors if key in floors[k])
    if len(known) == 1:
        return floors[known[0]][key]
    if n < LEAST or not known:
        return None
    upper = next((i for i, k in enumerate(known) if k >= n), len(known) - 1)
    low, high = known[max(upper - 1, 0)], known[max(upper, 1)]
    share = (1 / n - 1 / low) / (1 / high - 1 / low)
    return floors[low][key] + share * (floors[high][key] - floors[low][key])
