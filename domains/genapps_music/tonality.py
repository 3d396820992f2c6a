"""The key of a piece, and the way to C major or A minor, in which pieces are learnt.

Source: Krumhansl 1990, "Cognitive foundations of musical pitch", chapter 4: correlation with the probe-tone profiles.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from genapps_music.score import Score

_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
HOMES = (-6, 5)  # semitones to C major or A minor, at least and at most
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def key_of(notes: Iterable[tuple[int, int]]) -> tuple[int, bool]:
    """The tonic (0 is C) and whether the key is minor, of (pitch, duration); C major without notes."""
    return keys_of(notes)[0]


def keys_of(notes: Iterable[tuple[int, int]]) -> list[tuple[int, bool]]:
    """All keys as in `key_of`, the likeliest first."""
    weights = np.zeros(12)
    for pitch, duration in notes:
        weights[pitch % 12] += duration
    profiles = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])
    order = np.argsort(-_correlations(profiles, weights), kind="stable").tolist()
    return [(key % 12, key >= 12) for key in order]


def to_home(tonic: int, minor: bool) -> int:
    """By how many semitones, of -6..5, a key becomes C major or A minor."""
    return ((9 if minor else 0) - tonic + 6) % 12 - 6


def home_of(score: Score) -> int:
    """By how many semitones, of -6..5, a piece comes to C major or A minor."""
    notes = ((note.pitch, note.duration) for part in score.parts if not part.drums for note in part.notes)
    return to_home(*key_of(notes))


def key_name(tonic: int, minor: bool) -> str:
    """As people say it: Bb major, F# minor."""
    return f"{NAMES[tonic]} {'minor' if minor else 'major'}"


def _correlations(profiles: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    centered = profiles - profiles.mean(1, keepdims=True)
    own = weights - weights.mean()
    found: NDArray[np.float64] = centered @ own / np.sqrt((centered**2).sum(1) * max((own**2).sum(), 1e-12))
    return found
