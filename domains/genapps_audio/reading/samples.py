"""What decoded samples are made fit for use, and what is noted of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genapps.wording import counted
from genapps_audio.records import Unreadable, Wave, cancels

_BROKEN = 0.01  # share of samples that are no numbers from which a file is refused
_FULL = 0.999  # of full scale, from which samples may be cut off
_RUN = 3  # samples on end at the same height, which only clipping makes
_OVER = 1.25  # peak from which bringing it to full scale is worth a word: lossy formats overshoot a little
CANCELLED = "its channels cancel each other: the louder one is taken"
SILENT = 1e-5  # peak below which a clip is silent (-100 dB)


def repaired(wave: Wave) -> tuple[Wave, tuple[str, ...]]:
    """Samples (T, C) that are finite and within -1..1, and what was done for it.

    A few samples that are no numbers become zero; samples beyond full scale, as files of real numbers may have them,
    bring the whole down to it. Raises Unreadable where more than one sample in a hundred is no number.
    """
    notes = []
    finite = np.isfinite(wave)
    broken = int(wave.size - np.count_nonzero(finite))
    if broken:
        if broken > _BROKEN * wave.size:
            raise Unreadable(f"{broken / wave.size:.0%} of its samples are no finite numbers")
        wave = np.where(finite, wave, np.float32(0))
        notes.append(f"{counted(broken, 'sample')} not finite, set to zero")
    top = peak(wave)
    if top > 1:
        wave = (wave / np.float32(top)).astype(np.float32)
        if top > _OVER:
            notes.append(f"samples up to {top:,.4g} brought to full scale")
    return wave, tuple(notes)


def told_cancelled(count: int) -> list[str]:
    """What a person should know of so many clips whose channels cancel; nothing where there are none."""
    return [f"{counted(count, 'clip')} whose channels cancel each other: the louder one is taken"] if count else []


def peak(wave: Wave) -> float:
    """The largest absolute sample; 0 of none."""
    return max(float(wave.max()), -float(wave.min())) if wave.size else 0.0


def remarks(wave: Wave) -> tuple[str, ...]:
    """What is odd about samples (T, C) that can be used: silent, cancelling, constant, off zero, clipped."""
    top = peak(wave)
    if top < SILENT:
        return ("silent",)
    notes = [CANCELLED] if cancels(wave) else []
    offset = float(np.abs(wave.mean(0, dtype=np.float64)).max())
    if offset > 0.05 and offset > 0.25 * float(wave.std()):
        notes.append("constant" if float(np.ptp(wave, axis=0).max()) < SILENT else "off zero")
    if top >= _FULL and clipped(wave) > 0:
        notes.append("clipped")
    return tuple(notes)


def clipped(wave: Wave) -> float:
    """The share of samples (T, C) that are cut off: three on end, or more, at full scale."""
    cut: NDArray[np.bool_] = np.abs(wave) >= _FULL
    if np.count_nonzero(cut) < _RUN:
        return 0.0
    middles = cut[:-2] & cut[1:-1] & cut[2:] if len(cut) >= _RUN else cut[:0]
    runs = np.zeros_like(cut)
    for k in range(_RUN):
        runs[k : k + len(middles)] |= middles
    return float(np.count_nonzero(runs) / wave.size)
