"""Loudness, clipping and silence of clips: what is heard before anything else is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genapps_audio.records import Wave

_FULL = 0.999  # from here on a sample is at the end of the scale
_RUN = 3  # such samples one after the other: a wave that was cut off
_SILENT = -80.0  # dB: nothing


@dataclass(frozen=True)
class Heard:
    """One clip: its loudness in dB below full scale, and whether it was cut off at the end of the scale."""

    loudness: float
    clipped: bool

    @classmethod
    def of(cls, wave: Wave) -> Heard:
        """Of samples (T,)."""
        power = float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0
        return cls(10 * float(np.log10(max(power, 1e-12))), is_clipped(wave))


@dataclass(frozen=True)
class Levels:
    """Of n clips: median loudness and its middle nine tenths in dB below full scale; shares clipped and silent."""

    n: int
    loudness: float
    low: float
    high: float
    clipped: float
    silent: float

    @classmethod
    def of(cls, clips: Sequence[Heard]) -> Levels:
        """Of clips that were heard."""
        loud = [one.loudness for one in clips] or [_SILENT]
        low, middle, high = (float(one) for one in np.quantile(loud, [0.05, 0.5, 0.95]))
        count = max(1, len(clips))
        clipped, silent = sum(one.clipped for one in clips), sum(one.loudness < _SILENT for one in clips)
        return cls(len(clips), middle, low, high, clipped / count, silent / count)


def is_clipped(wave: Wave) -> bool:
    """Whether three samples one after the other lie at the end of the scale."""
    full = np.abs(wave) >= _FULL
    return len(full) >= _RUN and bool((full[:-2] & full[1:-1] & full[2:]).any())
