"""Where words begin and end in a long recording: where it is clearly louder than between them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from genapps_audio.records import Wave

_STEP = 0.010  # seconds a frame
_ABOVE = 0.35  # of the way from the quiet to the loud, in dB, where a word begins
_LEAST = 10.0  # dB between quiet and loud, for there to be words and pauses at all
_PAUSE = 0.20  # seconds that end a word
_SHORTEST = 0.08  # of a word
_MARGIN = 0.05  # before and after it, which quiet consonants need


def segments(wave: Wave, rate: int) -> list[tuple[float, float]]:
    """Onset and end in seconds of each word in a wave (T,); the whole of it where there are no pauses.

    The level between the 10th percentile of the frames' energies in dB and the 95th, as endpoint detectors set it
    (Rabiner and Sambur 1975, "An algorithm for determining the endpoints of isolated utterances").
    """
    step = max(1, round(_STEP * rate))
    count = len(wave) // step
    seconds = len(wave) / rate
    if count < 3:
        return [(0.0, seconds)]
    frames = wave[: count * step].reshape(count, step).astype(np.float64)
    power = np.convolve(np.square(frames).mean(1), np.ones(3) / 3, "same")
    level = 10 * np.log10(power + 1e-10)
    quiet, loud = np.percentile(level, (10, 95))
    if loud - quiet < _LEAST:
        return [(0.0, seconds)]
    on = np.concatenate([[False], level > quiet + _ABOVE * (loud - quiet), [False]])
    edges = np.flatnonzero(on[1:] != on[:-1]) * step / rate
    merged: list[tuple[float, float]] = []
    for begin, end in edges.reshape(-1, 2).tolist():
        if merged and begin - merged[-1][1] < _PAUSE:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return _apart([one for one in merged if one[1] - one[0] >= _SHORTEST], seconds)


def _apart(words: list[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    """Words with a margin, none of which reaches into another's."""
    middles = [0.0, *((a[1] + b[0]) / 2 for a, b in pairwise(words)), seconds]
    return [
        (max(begin - _MARGIN, middles[i]), min(end + _MARGIN, middles[i + 1])) for i, (begin, end) in enumerate(words)
    ]
