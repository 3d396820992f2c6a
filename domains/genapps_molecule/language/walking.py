"""Where a SMILES stands while it is read: how large a ring would be if it closed now, how deep the branch, how far on.

Counts of short contexts cannot know this; a text keeps it in places far behind. The size of a ring is exact: what a
ring closes with is on the way back to the beginning of the text, so the lengths of the two ways differ by it. Whether
the ring could be aromatic is nearly so: of its aromatic atoms those that bring one electron must come in pairs.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from genapps_molecule.language.grammar import Kind, kind_of
from genapps_molecule.language.smiles import Vocabulary

DEEPEST = 24  # branches within each other; deeper ones are taken for the last
NUMBERS = 100  # of rings
MOST_OPEN = 12  # rings at once whose sizes are known
LARGEST = 9  # ring sizes beyond are one

Ints = NDArray[np.intp]


class Sees(IntEnum):
    """What is seen of where a text stands, in the order of the columns of `Walk.seen`."""

    SIZE = 0  # of the ring that was opened last, if it closed here; 0 where none is open
    OPEN = 1  # rings
    DEPTH = 2
    ATOMS = 3  # so far
    ODD = 4  # whether an odd number of atoms of that ring still want a double bond in it


class Walk:
    """Many texts of one vocabulary that are read a code at a time."""

    def __init__(self, vocabulary: Vocabulary, n: int) -> None:
        self._kinds = np.array([kind_of(text) for text in vocabulary.texts], np.int8)
        self._numbers = np.array([_number(text) for text in vocabulary.texts], np.int16)
        self._way = np.zeros(n, np.int16)  # atoms from the beginning to here, without side branches
        self._ways = np.zeros((n, DEEPEST), np.int16)  # the same where each branch began
        self._opened = np.zeros((n, NUMBERS), np.int16)  # the same where each ring was opened, 0 where it is not
        self._latest = np.zeros((n, MOST_OPEN), np.int8)  # numbers of open rings, the latest last
        self._texts = {text: code for code, text in enumerate(vocabulary.texts)}
        self._wants = np.zeros(n, np.int16)  # atoms on the way that want a double bond in an aromatic ring
        self._wanted = np.zeros((n, DEEPEST), np.int16)  # the same where each branch began
        self._before = np.zeros((n, NUMBERS), np.int16)  # the same before the atom where each ring was opened
        self._single = np.zeros(n, np.int16)  # 1 where the last atom is one of them
        self._atom, self._last = np.full(n, -1, np.int16), np.full(n, -1, np.int16)  # codes: the last atom, the last
        self._inside = np.zeros(n, np.bool_)  # a spelled atom
        self._open, self._depth, self._atoms = (np.zeros(n, np.int16) for _ in range(3))

    def seen(self, rows: Ints) -> NDArray[np.uint8]:
        """What is seen of those texts, (R, 5) by `Sees`."""
        out = np.zeros((len(rows), len(Sees)), np.uint8)
        is_open = self._open[rows]
        latest = self._latest[rows, np.clip(is_open - 1, 0, MOST_OPEN - 1)]
        size = self._way[rows] - self._opened[rows, latest] + 1
        out[:, Sees.SIZE] = np.where(is_open > 0, np.clip(size, 0, LARGEST), 0)
        out[:, Sees.OPEN] = np.minimum(is_open, 3)
        out[:, Sees.DEPTH] = np.minimum(self._depth[rows], 3)
        out[:, Sees.ATOMS] = np.minimum(self._atoms[rows], 255)
        out[:, Sees.ODD] = np.where(is_open > 0, (self._wants[rows] - self._before[rows, latest]) & 1, 0)
        return out

    def step(self, rows: Ints, codes: NDArray[np.integer]) -> None:
        """Read one code of each of those texts."""
        kind = self._kinds[codes]
        inside = self._inside[rows]
        kind = np.where(inside, np.where(kind == Kind.UNBRACKET, Kind.ATOM, Kind.INSIDE), kind)
        self._inside[rows] = (kind == Kind.BRACKET) | (kind == Kind.INSIDE)
        self._pair(rows, codes, kind)
        atoms = rows[kind == Kind.ATOM]
        self._way[atoms] += 1
        self._atoms[atoms] += 1
        opens = rows[kind == Kind.OPEN]
        self._ways[opens, np.minimum(self._depth[opens], DEEPEST - 1)] = self._way[opens]
        self._wanted[opens, np.minimum(self._depth[opens], DEEPEST - 1)] = self._wants[opens]
        self._depth[opens] += 1
        closes = rows[kind == Kind.CLOSE]
        self._depth[closes] = np.maximum(self._depth[closes] - 1, 0)
        self._way[closes] = self._ways[closes, np.minimum(self._depth[closes], DEEPEST - 1)]
        self._wants[closes] = self._wanted[closes, np.minimum(self._depth[closes], DEEPEST - 1)]
        self._last[rows] = codes
        rings = kind == Kind.RING
        self._ring(rows[rings], self._numbers[codes[rings]])

    def _pair(self, rows: Ints, codes: NDArray[np.integer], kind: NDArray[np.int8]) -> None:
        """Keep which atoms bring one electron: c without a double bond outward, and n with two neighbors."""
        carbon, nitrogen, double = (self._texts[text] for text in "cn=")
        at = kind == Kind.ATOM
        atoms, found = rows[at], codes[at]
        brings = ((found == carbon) | (found == nitrogen)) & (self._last[atoms] != double)
        self._single[atoms] = brings
        self._wants[atoms] += brings
        self._atom[atoms] = found
        last, new = self._atom[rows], (kind == Kind.RING) & (self._opened[rows, self._numbers[codes]] == 0)
        third = (last == nitrogen) & ((kind == Kind.OPEN) | (new & (self._atoms[rows] > 1)))
        outward = (last == carbon) & (codes == double) & (kind == Kind.BOND)
        loses = rows[(third | outward) & (self._single[rows] > 0)]
        self._wants[loses] -= 1
        self._single[loses] = 0
        branch = loses[self._kinds[self._last[loses]] == Kind.OPEN]
        self._wanted[branch, np.clip(self._depth[branch] - 1, 0, DEEPEST - 1)] -= 1

    def _ring(self, rows: Ints, numbers: NDArray[np.int16]) -> None:
        known = self._opened[rows, numbers] > 0
        new, number = rows[~known], numbers[~known]
        self._opened[new, number] = self._way[new]
        self._before[new, number] = self._wants[new] - self._single[new]
        self._latest[new, np.minimum(self._open[new], MOST_OPEN - 1)] = number
        self._open[new] += 1
        old, number = rows[known], numbers[known]
        self._opened[old, number] = 0
        self._open[old] -= 1
        latest = self._latest[old]
        where = (latest == number[:, None]).argmax(1)[:, None]
        places = np.arange(MOST_OPEN)[None]
        self._latest[old] = np.take_along_axis(latest, np.minimum(places + (places >= where), MOST_OPEN - 1), 1)


def _number(text: str) -> int:
    digits = text.lstrip("%")
    return int(digits) if kind_of(text) is Kind.RING and digits.isdigit() else 0
