"""Which molecules to keep of more than were asked for: a diverse set, or the ones that nothing else beats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.errors import UsageError
from genapps_molecule.traits.fingerprints import similarities
from genapps_molecule.traits.properties import check_names


def diverse(prints: NDArray[np.uint8], n: int, first: int = 0) -> NDArray[np.int64]:
    """Rows (n,) of fingerprints (N, 128): from the first one on, each is the one least like all those before it.

    The MaxMin algorithm (Kennard and Stone 1969; Ashton et al. 2002, "Identification of diverse database subsets"),
    in time N x n.
    """
    count = len(prints)
    n = min(n, count)
    if n == 0:
        return np.zeros(0, np.int64)
    picked = np.zeros(n, np.int64)
    picked[0] = first
    closest = similarities(prints[first : first + 1], prints)[0]
    closest[first] = np.inf
    for place in range(1, n):
        row = int(closest.argmin())
        picked[place] = row
        np.maximum(closest, similarities(prints[row : row + 1], prints)[0], out=closest)
        closest[row] = np.inf
    return picked


@dataclass(frozen=True)
class Aim:
    """A property to be as high, or as low, as can be."""

    name: str
    sign: float  # 1: high, -1: low

    @classmethod
    def parse(cls, text: str) -> tuple[Aim, ...]:
        """Of a text such as "qed, -sa" or "qed:max, sa:min". Raises UsageError for what is no property."""
        aims = []
        for part in filter(None, (one.strip() for one in text.split(","))):
            found = re.fullmatch(r"([+-]?)\s*(\w+)\s*(?::\s*(max|min|high|low))?", part.lower())
            if found is None or (found[1] and found[3]):
                raise UsageError(f"{part!r} is no aim; write a property to be high, -property to be low: qed, -sa")
            low = found[1] == "-" or found[3] in ("min", "low")
            aims.append(cls(check_names([found[2]])[0], -1.0 if low else 1.0))
        if not aims:
            raise UsageError("no aim is given; write properties such as: qed, -sa")
        return tuple(aims)


def fronts(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The Pareto front of each row (N,) of values (N, K) that should all be high: 1 is beaten by none.

    A row is beaten by one that is nowhere lower and somewhere higher; front k is what is left once those before it are
    taken away (Deb et al. 2002, "NSGA-II", section III-A). A value that is not known is the lowest.
    """
    values = np.where(np.isnan(values), -np.inf, values)
    front = np.zeros(len(values), np.int64)
    left = np.arange(len(values))
    number = 0
    while len(left):
        number += 1
        best = left[_unbeaten(values[left])]
        front[best] = number
        left = left[front[left] == 0]
    return front


def _unbeaten(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows (N,) no other row beats: they are met in falling order, so that only those kept can beat one."""
    order = np.lexsort(-values.T[::-1])
    kept = np.zeros(len(values), np.bool_)
    best = np.zeros((0, values.shape[1]))
    for row in order:
        here = values[row]
        if not ((best >= here).all(1) & (best > here).any(1)).any():
            kept[row] = True
            best = np.vstack([best, here[None]])
    return kept


def order_of(front: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows by their front, those of one front by the mean of their ranks in each value, best first."""
    ranks = np.argsort(np.argsort(-np.where(np.isnan(values), -np.inf, values), 0, kind="stable"), 0).mean(1)
    return np.lexsort([ranks, front]).astype(np.int64)


def aims_table(aims: Sequence[Aim], table: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The values (N, K) of aims, each so that high is good."""
    return np.column_stack([aim.sign * table[aim.name] for aim in aims])
