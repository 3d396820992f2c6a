"""Small pieces in four voices that go from chord to chord, each voice to a near tone of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from genapps_music.score import QUARTER, Note, Part, Score

_NAMES = ("Soprano", "Alto", "Tenor", "Bass")
_CENTERS = (72, 66, 60, 50)
_CHORDS = ((0, 4, 7), (5, 9, 0), (7, 11, 2), (9, 0, 4), (2, 5, 9))


def written(generator: np.random.Generator, quarters: int = 24, key: int = 0, name: str = "") -> Score:
    """One piece: a chord a quarter, some of them held."""
    lines: list[list[Note]] = [[], [], [], []]
    at, tick = list(_CENTERS), 0
    while tick < quarters * QUARTER:
        chord = _CHORDS[generator.integers(len(_CHORDS))]
        length = QUARTER * int(generator.choice([1, 1, 1, 2]))
        for v, center in enumerate(_CENTERS):
            tones = [p for p in range(center - 6, center + 7) if (p - key) % 12 in chord]
            weights = np.exp(-np.abs(np.array(tones) - at[v]) / 2.0)
            at[v] = int(generator.choice(tones, p=weights / weights.sum()))
            lines[v].append(Note(tick, length, at[v]))
        tick += length
    parts = tuple(Part(tuple(line), voice) for line, voice in zip(lines, _NAMES, strict=True))
    return Score(parts, name=name)


@pytest.fixture(scope="session")
def corpus() -> list[Score]:
    """Thirty-six pieces in several keys."""
    generator = np.random.default_rng(0)
    return [written(generator, key=k % 5, name=f"piece{k}.mid") for k in range(36)]


@pytest.fixture(scope="session")
def chorale() -> Callable[..., Score]:
    """Makes one more piece: of a generator, quarters, key and name."""
    return written
