"""The normal stretch that is most like a given one."""

from __future__ import annotations

import numpy as np

from genapps_timeseries.series import Floats


def distances(normal: Floats, pattern: Floats, weight: Floats | None = None) -> Floats:
    """Mean squared difference (R - L + 1,) of a pattern (L,) to each stretch of normal values (R,), by correlation.

    weight: (L,) what each row of the pattern counts; rows where the pattern is NaN count nothing, nor do unknown normal
    ones. Stretches of which less than half is known are infinitely far.
    """
    known = np.isfinite(normal)
    values = np.where(known, normal, 0.0)
    counted = np.isfinite(pattern) * (1.0 if weight is None else weight)
    center = float(values.sum() / max(known.sum(), 1))  # near the values, so that squares do not cancel
    values, shape = np.where(known, values - center, 0.0), np.where(counted > 0, pattern - center, 0.0)
    mass = _correlate(known.astype(np.float64), counted)
    total = (
        _correlate(values**2, counted)
        - 2 * _correlate(values, counted * shape)
        + _correlate(known.astype(np.float64), counted * shape**2)
    )
    enough = mass > counted.sum() / 2
    return np.where(enough, np.maximum(total, 0) / np.where(enough, mass, 1), np.inf)


def nearest(normal: Floats, pattern: Floats, weight: Floats | None = None) -> tuple[int, float]:
    """Where in normal values (R,) the stretch most like a pattern begins, and its root mean squared difference.

    -1 and infinity where there is none.
    """
    if len(pattern) > len(normal) or not len(pattern):
        return -1, float("inf")
    found = distances(normal, pattern, weight)
    place = int(found.argmin())
    return (place, float(np.sqrt(found[place]))) if np.isfinite(found[place]) else (-1, float("inf"))


def _correlate(values: Floats, pattern: Floats) -> Floats:
    """Sums (R - L + 1,) of values (R,) times a pattern (L,) at each place."""
    size = 1 << (len(values) + len(pattern) - 1).bit_length()
    product = np.fft.rfft(values, size) * np.conj(np.fft.rfft(pattern, size))
    result: Floats = np.fft.irfft(product, size)[: len(values) - len(pattern) + 1]
    return result
