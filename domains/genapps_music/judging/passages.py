"""The longest passages that sequences share: a suffix array by doubling (Manber and Myers, 1993), all in arrays.

A thousand pieces of a few hundred symbols take about a second, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shared:
    """The longest passage that a sequence shares with any other: its symbols, where it begins here and there."""

    length: int
    start: int = 0
    other: int = -1
    other_start: int = 0


@dataclass(frozen=True)
class Suffixes:
    """All suffixes of some sequences laid end to end, in order.

    owner, offset: (N,) the sequence that each place lies in and how far from its beginning. order: (N,) places by what
    follows them; ranks: a row (N,) for each power of two: equal where so many symbols from there on are equal.
    """

    owner: Ints
    offset: Ints
    order: Ints
    ranks: tuple[Ints, ...]

    @classmethod
    def of(cls, sequences: Sequence[Ints]) -> Suffixes:
        """Of sequences of any whole numbers."""
        lengths = np.array([len(one) + 1 for one in sequences], np.int64)  # each ends with a symbol of its own
        owner = np.repeat(np.arange(len(sequences)), lengths)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        codes = np.zeros(len(owner), np.int64)
        inside = offset < lengths[owner] - 1
        if inside.any():
            codes[inside] = np.unique(np.concatenate(sequences), return_inverse=True)[1]
        codes[~inside] = codes.max(initial=0) + 1 + np.arange(len(sequences))
        ranks, width = [codes], 1
        while width < lengths.max(initial=0):
            further = np.concatenate([ranks[-1][width:], np.full(min(width, len(codes)), -1)])
            rank = np.unique(ranks[-1] * (len(codes) + 1) + further + 1, return_inverse=True)[1]
            ranks.append(rank)
            width *= 2
        return cls(owner, offset, np.argsort(ranks[-1], kind="stable"), tuple(ranks))

    def common(self, here: Ints, there: Ints) -> Ints:
        """How many symbols (M,) are equal from the places `here` (M,) and `there` (M,) on; -1 is no place: 0."""
        size = len(self.owner)
        found = np.zeros(len(here), np.int64)
        possible = (here >= 0) & (there >= 0)
        for level in range(len(self.ranks) - 1, -1, -1):
            a, b = here + found, there + found
            inside = possible & (a < size) & (b < size)
            same = inside.copy()
            same[inside] = self.ranks[level][a[inside]] == self.ranks[level][b[inside]]
            found[same] += 1 << level
        return found


def longest_shared(queries: Sequence[Ints], references: Sequence[Ints]) -> list[Shared]:
    """For each query the longest passage that occurs in any reference, the first of equally long ones."""
    suffixes = Suffixes.of([*queries, *references])
    is_reference = suffixes.owner[suffixes.order] >= len(queries)
    above, below = _nearest(is_reference), _nearest(is_reference[::-1])
    last = len(is_reference) - 1
    near = [above, np.where(below[::-1] >= 0, last - below[::-1], -1)]
    return _longest(suffixes, near, len(queries), -len(queries))


def longest_among(sequences: Sequence[Ints]) -> list[Shared]:
    """For each sequence the longest passage that occurs in any other of them."""
    suffixes = Suffixes.of(sequences)
    owners = suffixes.owner[suffixes.order]
    near = [_of_another(owners), _of_another(owners[::-1])]
    last = len(owners) - 1
    near[1] = np.where(near[1][::-1] >= 0, last - near[1][::-1], -1)
    return _longest(suffixes, near, len(sequences), 0)


def _longest(suffixes: Suffixes, near: Sequence[Ints], count: int, shift: int) -> list[Shared]:
    """For each of the first `count` owners its best of the neighbors, which are places in the order (-1: none)."""
    here = np.concatenate([suffixes.order, suffixes.order])
    chosen = np.concatenate(near)
    there = np.where(chosen >= 0, suffixes.order[chosen], -1)
    mine = suffixes.owner[here] < count
    here, there = here[mine], there[mine]
    length = suffixes.common(here, there)
    found = [Shared(0)] * count
    for k in np.lexsort((there, here, -length))[::-1].tolist():  # the best come last and stay
        if length[k]:
            owner, other = int(suffixes.owner[here[k]]), int(suffixes.owner[there[k]]) + shift
            found[owner] = Shared(int(length[k]), int(suffixes.offset[here[k]]), other, int(suffixes.offset[there[k]]))
    return found


def _nearest(marked: Mask) -> Ints:
    """The last marked place before each (N,), -1 where there is none."""
    at = np.where(marked, np.arange(len(marked)), -1)
    return np.concatenate([[-1], np.maximum.accumulate(at)[:-1]]) if len(at) else at


def _of_another(owners: Ints) -> Ints:
    """The last place before each (N,) whose owner is another, -1 where there is none."""
    if not len(owners):
        return owners
    begins = np.concatenate([[True], owners[1:] != owners[:-1]])
    return np.maximum.accumulate(np.where(begins, np.arange(len(owners)), 0)) - 1
