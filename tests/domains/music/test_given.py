"""What was given is shaded where it is: stretches of all voices, single voices, and nothing where all of it was."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_music.composing.given import given_in, given_notes
from genapps_music.composing.tasks import Made
from genapps_music.grid import FIRST, HOLD, REST, UNKNOWN, Cells, Layout, Voice
from genapps_music.score import Score
from genapps_music.writing.picture import Shade

VOICES = (Voice("a", 60, 70, part=0), Voice("b", 50, 60, part=2), Voice("b", 50, 60, part=2))


def shades(cells: Cells) -> tuple[Shade, ...]:
    layout = Layout(4, VOICES)
    assert layout.ticks == 120
    return given_in(Made(Score(()), cells, cells), layout)


@pytest.mark.parametrize("columns", [[0], [1, 2], [1]])
def test_voices(columns: list[int]) -> None:
    cells = np.full((8, 3), UNKNOWN)
    cells[:, columns] = REST
    expected = {(0,): (Shade(0, 960, 0),), (1, 2): (Shade(0, 960, 1),), (1,): ()}
    assert shades(cells) == expected[tuple(columns)]


def test_stretches() -> None:
    cells = np.full((8, 3), REST)
    assert shades(cells) == ()
    cells[2:4] = UNKNOWN
    assert shades(cells) == (Shade(0, 240), Shade(480, 960))
    cells[:] = UNKNOWN
    assert shades(cells) == ()


def test_notes_as_they_sound() -> None:
    cells = np.full((4, 3), UNKNOWN)
    cells[:, 0] = (FIRST + 2, HOLD, REST, FIRST)
    cells[1, 2] = FIRST + 5
    made = Made(Score(()), cells, cells, shift=-3)
    assert given_notes(made, Layout(4, VOICES)) == {(0, 65), (360, 63), (120, 58)}
