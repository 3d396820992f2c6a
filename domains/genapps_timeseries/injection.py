"""Labelled anomalies of chosen kinds, put into a series.

Two uses: the owner of a normal series sees which detector would find what, without a label of their own, and a person
makes a test set. Injection is what best tells detectors apart without labels (Liu et al., "TSB-AutoAD", 2025, which has
amplitude, speed, spikes and noise); the further kinds are those that people meet: a sensor that sticks, clips or stops,
a beat that is left out, a pattern at the wrong hour.

Strength is measured by the series itself: in robust spreads of its values, and for spikes and noise of its first
differences. 1 is subtle, 3 can be seen, 10 is plain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError, UsageError
from genapps.suggest import did_you_mean
from genapps_timeseries.series import Floats

Mask = NDArray[np.bool_]

NORMAL = 1.349  # interquartile range of a normal distribution of deviation 1
FULL = 3.0  # the strength from which on a pattern is replaced altogether
STRENGTHS = (1.0, 8.0)  # drawn evenly by logarithm where none is asked for
TRIES = 12  # places tried until an anomaly changes something
WINDOW = 50  # rows, where no period is given
CORRELATION = "correlation"


@dataclass(frozen=True)
class Event:
    """One anomaly that was put in: rows start..start + length - 1 of these channels."""

    kind: str
    start: int
    length: int
    strength: float
    channels: tuple[int, ...] = (0,)

    @property
    def stop(self) -> int:
        """The first row after it."""
        return self.start + self.length


@dataclass(frozen=True)
class Injected:
    """A series with anomalies: values as they came, (N,) or (N, C), and per row whether one is there and which kind.

    labels: (N,). kinds: (N,) names, empty where nothing was done. events: in order of time.
    """

    values: Floats
    labels: Mask
    kinds: NDArray[np.str_]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class _Place:
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


def _spike(place: _Place) -> Floats:
    """Up or down by the strength, in spreads of the first differences."""
    return place.segment + place.sign() * place.strength * place.step


def _level(place: _Place) -> Floats:
    """Another level while it lasts."""
    return place.segment + place.sign() * place.strength * place.spread


def _trend(place: _Place) -> Floats:
    """Drifts away, the strength being reached in the last row."""
    return place.segment + place.sign() * place.strength * place.spread * np.arange(1, place.length + 1) / place.length


def _noise(place: _Place) -> Floats:
    """More noise, of the deviation that differences of this strength have."""
    return place.segment + place.generator.normal(0, place.strength * place.step / np.sqrt(2), place.length)


def _shape(place: _Place) -> Floats:
    """Another pattern of the same mean and range: a square, a saw or a wave, one to three times."""
    kind, turns = place.generator.integers(3), place.generator.integers(1, 4)
    phase = (np.arange(place.length) * turns / place.length + place.generator.random()) % 1
    wave = [np.where(phase < 0.5, -1.0, 1.0), 2 * phase - 1, np.sin(2 * np.pi * phase)][kind]
    low, high = place.segment.min(), place.segment.max()
    return place.faded((low + high) / 2 + max((high - low) / 2, place.spread) * wave, place.share)


def _speed(place: _Place) -> Floats:
    """The pattern goes faster or slower by the factor 1 + strength / 3."""
    factor = 1 + place.strength / FULL
    rate = factor if place.generator.random() < 0.5 else 1 / factor
    last = len(place.filled) - 1
    at = place.start + np.arange(place.length) * rate
    at = last - np.abs(at % (2 * last) - last) if last else at * 0  # beyond the end it goes back
    return place.faded(np.interp(at, np.arange(last + 1), place.filled))


def _flatline(place: _Place) -> Floats:
    """Stuck at the value before; a strength has no meaning."""
    return np.full(place.length, place.filled[max(place.start - 1, 0)])


def _flip(place: _Place) -> Floats:
    """Upside down; a strength has no meaning."""
    return place.faded(2 * place.segment.mean() - place.segment)


def _mirror(place: _Place) -> Floats:
    """Backwards in time; a strength has no meaning."""
    return place.faded(place.segment[::-1])


def _scale(place: _Place) -> Floats:
    """Larger or smaller swings about the segment's mean, by the factor 1 + strength / 2."""
    factor = 1 + place.strength / 2
    rate = factor if place.generator.random() < 0.5 else 1 / factor
    middle = float(place.segment.mean())
    return middle + (place.segment - middle) * rate


def _dropout(place: _Place) -> Floats:
    """Nothing arrives."""
    return np.full(place.length, np.nan)


def _cutoff(place: _Place) -> Floats:
    """Clipped from above or below, so that one value in 1 + strength remains."""
    remain = 1 / (1 + place.strength)
    if place.generator.random() < 0.5:
        return np.minimum(place.segment, np.quantile(place.segment, remain))
    return np.maximum(place.segment, np.quantile(place.segment, 1 - remain))


def _contextual(place: _Place) -> Floats:
    """Usual values at an unusual time: those of another phase of the period; a strength has no meaning."""
    phase = place.generator.uniform(0.25, 0.75) + place.generator.integers(0, 3)
    return place.faded(place.elsewhere(max(1, round(phase * place.window)) * int(place.sign())))


def _missing(place: _Place) -> Floats:
    """A cycle left out: a straight way across with the usual small noise; a strength has no meaning."""
    ends = np.median(place.segment[: max(1, place.length // 8)]), np.median(place.segment[-max(1, place.length // 8) :])
    return np.linspace(*ends, place.length) + place.generator.normal(0, place.step / NORMAL / 2, place.length)


_CHANGES: dict[str, Callable[[_Place], Floats]] = {
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
KINDS = tuple(_CHANGES)
POINTS = frozenset({"spike"})  # last one to three rows


def inject(
    values: Floats,
    kind: str,
    start: int,
    length: int,
    strength: float,
    generator: np.random.Generator,
    *,
    window: int = WINDOW,
) -> Floats:
    """The values (N,) with an anomaly in rows start..start + length - 1; all other rows are as they were.

    window: the period in rows, which `contextual` needs. Unknown values (NaN) stay unknown.
    Raises UsageError for an unknown kind, a strength that is not positive or rows that the series does not have.
    """
    if kind not in _CHANGES:
        raise UsageError(f"no kind of anomaly {kind!r}; there are: {', '.join(KINDS)}.{did_you_mean(kind, KINDS)}")
    if not strength > 0 or length < 1 or start < 0 or start + length > len(values):
        raise UsageError(
            f"an anomaly of strength {strength:g} in rows {start + 1:,} to {start + length:,} of {len(values):,}: "
            "give a positive strength and rows of the series"
        )
    filled = bridged(values)
    place = _Place(filled, start, length, float(strength), window, *spreads(values), generator)
    return _placed(values, start, _CHANGES[kind](place))


def injected(
    values: Floats,
    generator: np.random.Generator,
    *,
    kinds: Sequence[str] = KINDS,
    count: int = 10,
    window: int | None = None,
    lengths: tuple[int, int] | None = None,
    strength: float | tuple[float, float] = STRENGTHS,
) -> Injected:
    """The values (N,) with `count` anomalies apart from each other, kinds taking turns in a random order.

    window: the period in rows, 50 where none is given. lengths: fewest and most rows, drawn evenly by logarithm; a
    quarter to twice the window where none are given; spikes are one to three rows long, unless lengths are given.
    strength: one for all, or a range that is drawn from evenly by logarithm. An anomaly that would change nothing (a
    flatline where all is flat) is tried at other places and left out if none will do.
    Raises UsageError as `inject`, InputError for a series too short for so many.
    """
    new = injected_channels(
        values[:, None], generator, kinds=kinds, count=count, window=window, lengths=lengths, strength=strength
    )
    return Injected(new.values[:, 0], new.labels, new.kinds, new.events)


def inject_channels(
    values: Floats,
    kind: str,
    start: int,
    length: int,
    strength: float,
    generator: np.random.Generator,
    *,
    channels: Sequence[int],
    window: int = WINDOW,
) -> Floats:
    """The values (N, C) with the same kind of anomaly in each of these channels.

    `correlation` brings values of the same channel from another time, so that each channel by itself is as usual and
    only their relation is broken. Raises as `inject`.
    """
    new = np.array(values, np.float64)
    for c in channels:
        if kind == CORRELATION:
            new[:, c] = _displaced(new[:, c], start, length, generator)
        else:
            new[:, c] = inject(new[:, c], kind, start, length, strength, generator, window=window)
    return new


def injected_channels(
    values: Floats,
    generator: np.random.Generator,
    *,
    kinds: Sequence[str] = KINDS,
    count: int = 10,
    window: int | None = None,
    lengths: tuple[int, int] | None = None,
    strength: float | tuple[float, float] = STRENGTHS,
    channels: Sequence[int] | None = None,
) -> Injected:
    """As `injected` for values (N, C), each anomaly in a random part of the channels: one, or up to a third of them.

    channels: those that may be changed, all where none are given. `correlation` is one more kind.
    """
    window = WINDOW if window is None else max(2, window)
    slot = _slot(len(values), count)
    eligible = list(range(values.shape[1])) if channels is None else list(channels)
    if CORRELATION in kinds and values.shape[1] < 2:
        raise UsageError(f"the kind {CORRELATION!r} breaks a relation of channels: give a series of two or more")
    turns = [k for _ in range(-(-count // max(1, len(kinds)))) for k in generator.permutation(list(kinds))][:count]
    new = np.array(values, np.float64)
    labels, names = np.zeros(len(values), bool), np.full(len(values), "", dtype=f"<U{max(map(len, [*kinds, '-']))}")
    events = []
    for k, kind in enumerate(turns):
        for _ in range(TRIES):
            event = _drawn(str(kind), k * slot, slot, window, lengths, strength, eligible, generator)
            changed = inject_channels(
                new, event.kind, event.start, event.length, event.strength, generator,
                channels=event.channels, window=window,
            )  # fmt: skip
            if _differs(new, changed, event):
                new = changed
                labels[event.start : event.stop], names[event.start : event.stop] = True, event.kind
                events.append(event)
                break
    return Injected(new, labels, names, tuple(events))


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


def _drawn(
    kind: str,
    first: int,
    slot: int,
    window: int,
    lengths: tuple[int, int] | None,
    strength: float | tuple[float, float],
    channels: Sequence[int],
    generator: np.random.Generator,
) -> Event:
    """An anomaly somewhere in the slot, half of which it leaves free."""
    usual = (1, 3) if kind in POINTS else (window, window) if kind == "missing" else (max(3, window // 4), 2 * window)
    length = min(max(1, slot // 2), round(_between(*(lengths or usual), generator)))
    start = first + int(generator.integers(0, slot - length + 1))
    much = float(strength) if isinstance(strength, int | float) else _between(*strength, generator)
    chosen = generator.choice(channels, int(generator.integers(1, max(1, len(channels) // 3) + 1)), replace=False)
    return Event(kind, start, length, much, tuple(sorted(int(c) for c in chosen)))


def _between(low: float, high: float, generator: np.random.Generator) -> float:
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def _slot(rows: int, count: int) -> int:
    """Rows for each of so many anomalies."""
    if count < 1:
        raise UsageError(f"{count} anomalies: give 1 or more")
    if rows // count < 4:
        raise InputError(f"{rows:,} rows are too few for {count:,} anomalies: take at most {rows // 4:,}")
    return rows // count


def _differs(before: Floats, after: Floats, event: Event) -> bool:
    """Whether the anomaly can be seen at all: some value moved by a tenth of a usual step, or went missing."""
    rows = slice(event.start, event.stop)
    for c in event.channels:
        old, new = before[rows, c], after[rows, c]
        if (np.isnan(new) & ~np.isnan(old)).any():
            return True
        moved = np.abs(new - old)
        if (moved[~np.isnan(moved)] > 0.1 * spreads(before[:, c])[1]).any():
            return True
    return False


def _displaced(values: Floats, start: int, length: int, generator: np.random.Generator) -> Floats:
    """The segment replaced by the same channel's values from a far time."""
    filled = bridged(values)
    shift = int(generator.integers(min(length, len(filled) - 1), max(len(filled) - length, length) + 1))
    place = _Place(filled, start, length, FULL, WINDOW, 1.0, 1.0, generator)
    return _placed(values, start, place.faded(place.elsewhere(shift)))


def _placed(values: Floats, start: int, segment: Floats) -> Floats:
    """The values with a segment put in; what was unknown stays so."""
    new = np.array(values, np.float64)
    part = new[start : start + len(segment)]
    part[:] = np.where(np.isnan(part), np.nan, segment)
    return new


def bridged(values: Floats) -> Floats:
    """The values (N,) with straight lines over gaps; zeros where nothing is known."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.zeros(len(values))
    if len(known) == len(values):
        return np.asarray(values, np.float64)
    return np.interp(np.arange(len(values)), known, values[known])
