"""Rows in alarm as parts that are one fault each: cut where another channel takes the lead and keeps it.

Scores of windows make the alarms of two faults run into each other, and what comes soon after a fault is not of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.series import Codes, Floats

Mask = NDArray[np.bool_]

SHARED = 0.2  # of the strangeness of a part: a channel that leads the other part has as much where both are one fault
LEAST = 3  # rows that a lead lasts at least


@dataclass(frozen=True)
class Part:
    """Rows (M,) in alarm, ascending, and the sums (C,) of their channels' shares."""

    rows: Codes
    shares: Floats

    @property
    def lead(self) -> int:
        """The channel that stands out most."""
        return int(self.shares.argmax())

    def with_(self, other: Part) -> Part:
        """Both as one; the other comes after."""
        return Part(np.concatenate([self.rows, other.rows]), self.shares + other.shares)

    def is_of(self, other: Part) -> bool:
        """Whether the lead of either takes part in the other."""
        own, its = self.shares / len(self.rows), other.shares / len(other.rows)
        return bool(own[other.lead] >= SHARED or its[self.lead] >= SHARED)


def parts_of(rows: Codes, shares: Floats, chain: Codes, lasting: int) -> list[Codes]:
    """Rows (M,) in alarm cut into faults, after their channels' shares (M, C) and the number of its chain of each.

    Rows of different chains, (M,) ascending, are never of one part. Within a run of consecutive rows a cut is made
    where the lead changes for `lasting` rows or more; between runs, where leads do not take part in each other. What is
    shorter and lies within another fault belongs to that.
    """
    made: list[Codes] = []
    for first, last in _stretches(np.asarray(np.diff(chain) != 0), len(rows)):
        parts = _pieces(rows[first:last], shares[first:last], lasting)
        made += [part.rows for part in _joined(_absorbed(parts, lasting))]
    return made


def _pieces(rows: Codes, shares: Floats, lasting: int) -> list[Part]:
    """Runs of consecutive rows, cut where the lead of the rows around changes."""
    made = []
    for first, last in _stretches(np.diff(rows) > 1, len(rows)):
        here = shares[first:last]
        leads = _smooth(here, lasting).argmax(axis=1)
        for begin, end in _stretches(np.diff(leads) != 0, len(here)):
            made.append(Part(rows[first + begin : first + end], here[begin:end].sum(axis=0)))
    return made


def _absorbed(parts: list[Part], lasting: int) -> list[Part]:
    """Short parts go to what they touch, and to the fault that goes on after them."""
    made: list[Part] = []
    for k, part in enumerate(parts):
        before = made[-1] if made else None
        if before is None:
            made.append(part)
            continue
        short = len(part.rows) < lasting
        again = short and k + 1 < len(parts) and parts[k + 1].lead == before.lead
        if again or (_touch(before, part) and (short or len(before.rows) < lasting)):
            made[-1] = before.with_(part)
        else:
            made.append(part)
    return made


def _joined(parts: list[Part]) -> list[Part]:
    made: list[Part] = []
    for part in parts:
        if made and made[-1].is_of(part):
            made[-1] = made[-1].with_(part)
        else:
            made.append(part)
    return made


def _touch(part: Part, other: Part) -> bool:
    return bool(other.rows[0] == part.rows[-1] + 1)


def _smooth(shares: Floats, width: int) -> Floats:
    """The mean (N, C) of `width` rows around each row of shares, fewer at both ends."""
    total = np.vstack([np.zeros(shares.shape[1]), np.cumsum(shares, axis=0, dtype=np.float64)])
    rows = np.arange(len(shares))
    first, last = np.maximum(rows - width // 2, 0), np.minimum(rows + width // 2 + 1, len(shares))
    mean: Floats = (total[last] - total[first]) / (last - first)[:, None]
    return mean


def _stretches(cuts: Mask, count: int) -> list[tuple[int, int]]:
    """Bounds of the stretches of `count` rows between cuts (count - 1,)."""
    places = [0, *(np.flatnonzero(cuts) + 1).tolist(), count]
    return [(a, b) for a, b in pairwise(places) if b > a]
