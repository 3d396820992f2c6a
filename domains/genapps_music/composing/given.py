"""What of a made piece was given: as its picture shades it, and its notes, which are no copies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genapps_music.composing.tasks import Made
from genapps_music.grid import FIRST, UNKNOWN, Layout
from genapps_music.writing.picture import Shade


def given_in(made: Made, layout: Layout) -> tuple[Shade, ...]:
    """Stretches that were not drawn: of all parts, else of each part whose voices were all given.

    Nothing where all of it was, as for the ends of an interpolation.
    """
    known = made.given != UNKNOWN
    if known.all():
        return ()
    if (known == known[:, :1]).all():
        return tuple(_shades(known[:, 0], layout.ticks, None))
    parts = sorted({voice.part for voice in layout.voices})
    columns = {part: [k for k, voice in enumerate(layout.voices) if voice.part == part] for part in parts}
    return tuple(
        shade
        for number, part in enumerate(parts)
        for shade in _shades(known[:, columns[part]].all(axis=1), layout.ticks, number)
    )


def given_notes(made: Made, layout: Layout) -> frozenset[tuple[int, int]]:
    """Onset and pitch of the notes that were given."""
    found: list[tuple[int, int]] = []
    for column, voice in enumerate(layout.voices):
        steps = (made.given[:, column] >= FIRST).nonzero()[0]
        pitches = made.given[steps, column] - FIRST + voice.low - made.shift
        found += zip((steps * layout.ticks).tolist(), pitches.tolist(), strict=True)
    return frozenset(found)


def _shades(known: NDArray[np.bool_], ticks: int, part: int | None) -> list[Shade]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    return [Shade(int(a) * ticks, int(b) * ticks, part) for a, b in edges.reshape(-1, 2)]
