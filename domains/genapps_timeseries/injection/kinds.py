"""What each kind of anomaly does to a stretch of a channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genapps_timeseries.series import Floats

NORMAL = 1.349  # interquartile range of a normal distribution of deviation 1
FULL = 3.0  # the strength from which on a pattern is replaced altogether
LASTING = frozenset({"level", "trend", "noise", "correlation"})  # told only by what many rows have in common
STILL = frozenset({"flatline", "dropout"})


@dataclass(frozen=True)
class Place:
    """Where an anomaly goes and what it may be measured by; `segment` are the values there, without unknown ones."""

    filled: Floats  # the whole series (N,), gaps bridged
    start: int
    length: int
    strength: float
    window: int
    spread: float  # of values
    step: float  # of first differences
    generator: np.random.Generator

    @property
    def segment(self) -> Floats:
        return self.filled[self.start : self.start + self.length]

    @property
    def share(self) -> float:
        """How much of a pattern is replaced by another one."""
        return min(1.0, self.strength / FULL)

    def sign(self) -> float:
        return float(self.generator.choice([-1.0, 1.0]))

    def elsewhere(self, shift: int) -> Floats:
        """As many values from `shift` rows on, the series going round."""
        return self.filled[(self.start + shift + np.arange(self.length)) % len(self.filled)]

    def faded(self, new: Floats, share: float = 1.0) -> Floats:
        """That share of the new pattern, entered and left without a jump that would give it away."""
        ramp = min(max(1, self.length // 8), self.length // 2)
        weight = np.ones(self.length)
        if ramp:
            rise = np.arange(1, ramp + 1) / (ramp + 1)
            weight[:ramp], weight[-ramp:] = rise, rise[::-1]
        return self.segment + weight * share * (new - self.segment)


def _spike(place: Place) -> Floats:
    """Up or down by the strength, in spreads of the first differences."""
    return place.segment + place.sign() * place.strength * place.step


def _level(place: Place) -> Floats:
    """Another level while it lasts."""
    return place.segment + place.sign() * place.strength * place.spread


def _trend(place: Place) -> Floats:
    """Drifts away, the strength being reached in the last row."""
    return place.segment + place.sign() * place.strength * place.spread * np.arange(1, place.length + 1) / place.length


def _noise(place: Place) -> Floats:
    """More noise, of the deviation that differences of this strength have."""
    return place.segment + place.generator.normal(0, place.strength * place.step / np.sqrt(2), place.length)


def _shape(place: Place) -> Floats:
    """Another pattern of the same mean and range: a square, a saw or a wave, one to three times."""
    kind, turns = place.generator.integers(3), place.generator.integers(1, 4)
    phase = (np.arange(place.length) * turns / place.length + place.generator.random()) % 1
    wave = [np.where(phase < 0.5, -1.0, 1.0), 2 * phase - 1, np.sin(2 * np.pi * phase)][kind]
    low, high = place.segment.min(), place.segment.max()
    return place.faded((low + high) / 2 + max((high - low) / 2, place.spread) * wave, place.share)


def _speed(place: Place) -> Floats:
    """The pattern goes faster or slower by the factor 1 + strength / 3."""
    factor = 1 + place.strength / FULL
    rate = factor if place.generator.random() < 0.5 else 1 / factor
    last = len(place.filled) - 1
    at = place.start + np.arange(place.length) * rate
    at = last - np.abs(at % (2 * last) - last) if last else at * 0  # beyond the end it goes back
    return place.faded(np.interp(at, np.arange(last + 1), place.filled))


def _flatline(place: Place) -> Floats:
    """Stuck at the value before; a strength has no meaning."""
    return np.full(place.length, place.filled[max(place.start - 1, 0)])


def _flip(place: Place) -> Floats:
    """Upside down; a strength has no meaning."""
    return place.faded(2 * place.segment.mean() - place.segment)


def _mirror(place: Place) -> Floats:
    """Backwards in time; a strength has no meaning."""
    return place.faded(place.segment[::-1])


def _scale(place: Place) -> Floats:
    """Larger or smaller swings about the segment's mean, by the factor 1 + strength / 2."""
    factor = 1 + place.strength / 2
    rate = factor if place.generator.random() < 0.5 else 1 / factor
    middle = float(place.segment.mean())
    return middle + (place.segment - middle) * rate


def _dropout(place: Place) -> Floats:
    """Nothing arrives."""
    return np.full(place.length, np.nan)


def _cutoff(place: Place) -> Floats:
    """Clipped from above or below, so that one value in 1 + strength remains."""
    remain = 1 / (1 + place.strength)
    if place.generator.random() < 0.5:
        return np.minimum(place.segment, np.quantile(place.segment, remain))
    return np.maximum(place.segment, np.quantile(place.segment, 1 - remain))


def _contextual(place: Place) -> Floats:
    """Usual values at an unusual time: those of another phase of the period; a strength has no meaning."""
    phase = place.generator.uniform(0.25, 0.75) + place.generator.integers(0, 3)
    return place.faded(place.elsewhere(max(1, round(phase * place.window)) * int(place.sign())))


def _missing(place: Place) -> Floats:
    """A cycle left out: a straight way across with the usual small noise; a strength has no meaning."""
    ends = np.median(place.segment[: max(1, place.length // 8)]), np.median(place.segment[-max(1, place.length // 8) :])
    return np.linspace(*ends, place.length) + place.generator.normal(0, place.step / NORMAL / 2, place.length)


CHANGES: dict[str, Callable[[Place], Floats]] = {
    "spike": _spike,
    "level": _level,
    "trend": _trend,
    "noise": _noise,
    "shape": _shape,
    "speed": _speed,
    "flatline": _flatline,
    "flip": _flip,
    "mirror": _mirror,
    "scale": _scale,
    "dropout": _dropout,
    "cutoff": _cutoff,
    "contextual": _contextual,
    "missing": _missing,
}


def lengths_seen(kind: str, window: int) -> tuple[int, int]:
    """Fewest and most rows that an anomaly of a kind is seen by as what it is, in a series of this period in rows."""
    if kind == "spike":
        return 1, 3
    if kind == "missing":
        return window, window
    if kind in LASTING:
        return max(20, window // 2), max(80, 2 * window)
    return (max(5, window // 4), max(20, 2 * window)) if kind in STILL else (max(8, window // 2), max(32, 2 * window))


def spreads(values: Floats) -> tuple[float, float]:
    """The robust spread of values (N,), and of their first differences: the units of strength.

    From the middle half; where that has no width the standard deviation; of a constant 1.
    """
    known = values[~np.isnan(values)]
    spread = _spread(known) or 1.0
    return spread, _spread(np.diff(known)) or spread


def _spread(values: Floats) -> float:
    if len(values) < 2:
        return 0.0
    low, high = np.quantile(values, [0.25, 0.75])
    deviation = float(values.std())
    middle = float(high - low) / NORMAL
    # A middle half far narrower than the deviation says that values rest and jump: its width would be noise.
    return middle if middle > deviation / 100 else deviation


def bridged(values: Floats) -> Floats:
    """The values (N,) with straight lines over gaps; zeros where nothing is known."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.zeros(len(values))
    if len(known) == len(values):
        return np.asarray(values, np.float64)
    return np.interp(np.arange(len(values)), known, values[known])
