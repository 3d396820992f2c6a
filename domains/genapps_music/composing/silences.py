"""Where voices that are filled in may rest, and where they may sound, by what the model learnt from.

A rest costs a model little: once it has begun, the rest of a bar is nearly certain. So of several candidates the
likeliest was one that fell silent under the melody's last notes, which none of the pieces learnt does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genapps_music.codec import Piece
from genapps_music.grid import HOLD, REST, UNKNOWN, Cells

FREE, SOUNDS, RESTS = 0, 1, 2
RARE = 0.02  # below this share of the steps learnt, what a voice does there is not drawn
_BESIDE, _BETWEEN, _AROUND = 0, 1, 2  # given voices sound; rest between their notes; rest before the first, after all
Marks = NDArray[np.int64]


def sounds(cells: Cells) -> NDArray[np.bool_]:
    """Whether a note sounds (T, V) in each cell; unknown ones and what goes on after them do not."""
    steps = np.arange(len(cells))[:, None]
    begun = np.maximum.accumulate(np.where(cells == HOLD, 0, steps), axis=0)
    found: NDArray[np.bool_] = np.take_along_axis(cells, begun, axis=0) > HOLD
    return found


def demands(pieces: Sequence[Piece], learnt: Sequence[Piece]) -> list[Marks]:
    """What each cell (T, V) of pieces has to do: SOUNDS or RESTS, FREE where that is open or the cell is known.

    A step's given voices are those that are known there. What a voice did in the pieces learnt is counted over the
    steps at which some of these sounded, over those at which all rested between their notes, and over those before the
    first and after the last of their notes. Where it rested, or sounded, at fewer than RARE of them, counted as (k + 1)
    of (n + 2) as Laplace did, so never by fewer than 49 steps, it does not here.
    """
    heard = [sounds(piece.cells) for piece in learnt]
    shares: dict[tuple[bool, ...], NDArray[np.float64]] = {}
    found = []
    for piece in pieces:
        known = piece.cells != UNKNOWN
        marks = np.full(known.shape, FREE, np.int64)
        own = sounds(piece.cells)
        for given in {tuple(row) for row in known.tolist()}:
            if not any(given) or all(given):
                continue
            if given not in shares:
                shares[given] = _shares(heard, np.array(given))
            resting = shares[given][_moments(own, np.array(given))]
            wanted = np.where(resting < RARE, SOUNDS, np.where(resting > 1 - RARE, RESTS, FREE))
            here = (known == np.array(given)).all(1)[:, None] & ~known
            marks[here] = wanted[here]
        found.append(marks)
    return found


def granted(cells: Cells, marks: Marks) -> Cells:
    """Cells (T, V) as they have to be: rests where RESTS; where SOUNDS, the note before goes on, if there is one."""
    kept = np.where(marks == RESTS, REST, cells)
    return np.where((marks == SOUNDS) & (kept == REST), HOLD, kept)


def _shares(heard: Sequence[NDArray[np.bool_]], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How often (3, V) each voice rested in each kind of moment of the given ones, a half where there was none."""
    steps, rests = np.zeros(3), np.zeros((3, len(given)))
    for one in heard:
        moments = _moments(one, given)
        steps += np.bincount(moments, minlength=3)
        for kind in range(3):
            rests[kind] += (~one[moments == kind]).sum(0)
    return np.asarray((rests + 1) / (steps[:, None] + 2))


def _moments(heard: NDArray[np.bool_], given: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The kind of moment (T,) that each step is."""
    some = np.asarray(heard[:, given].any(axis=1))
    after = np.maximum.accumulate(some)
    before = np.maximum.accumulate(some[::-1])[::-1]
    return np.where(some, _BESIDE, np.where(after & before, _BETWEEN, _AROUND))
