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
from genapps_timeseries.injection.kinds import CHANGES, FULL, Place, bridged, spreads
from genapps_timeseries.series import Floats

Mask = NDArray[np.bool_]
Lengths = tuple[int, int] | Callable[[str, int], tuple[int, int]]  # fewest and most rows; or that of a kind and window

STRENGTHS = (1.0, 8.0)  # drawn evenly by logarithm where none is asked for
TRIES = 12  # places tried until an anomaly changes something
WINDOW = 50  # rows, where no period is given
CORRELATION = "correlation"


@dataclass(frozen=True)
class Event:
    """One anomaly that was put in: rows start..start + length - 1 of these channels. cut: it was to be longer."""

    kind: str
    start: int
    length: int
    strength: float
    channels: tuple[int, ...] = (0,)
    cut: bool = False

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


KINDS = tuple(CHANGES)
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
    if kind not in CHANGES:
        raise UsageError(f"no kind of anomaly {kind!r}; there are: {', '.join(KINDS)}.{did_you_mean(kind, KINDS)}")
    if not strength > 0 or length < 1 or start < 0 or start + length > len(values):
        raise UsageError(
            f"an anomaly of strength {strength:g} in rows {start + 1:,} to {start + length:,} of {len(values):,}: "
            "give a positive strength and rows of the series"
        )
    filled = bridged(values)
    place = Place(filled, start, length, float(strength), window, *spreads(values), generator)
    return _placed(values, start, CHANGES[kind](place))


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

    window: the period in rows, 50 where none is given. lengths: fewest and most rows, drawn evenly by logarithm, or how
    they follow from kind and window; a quarter to twice the window where none are given; spikes are one to three rows
    long whatever is given. At most half of the rows that there are for each anomaly.
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
    lengths: Lengths | None = None,
    strength: float | tuple[float, float] = STRENGTHS,
    channels: Sequence[int] | None = None,
    first: int = 0,
) -> Injected:
    """As `injected` for values (N, C), each anomaly in a random part of the channels: one, or up to a third of them.

    channels: those that may be changed, all where none are given. first: the row from which on they go; those before
    stay as they are. `correlation` is one more kind.
    """
    window = WINDOW if window is None else max(2, window)
    slot = _slot(len(values) - first, count)
    eligible = list(range(values.shape[1])) if channels is None else list(channels)
    if CORRELATION in kinds and values.shape[1] < 2:
        raise UsageError(f"the kind {CORRELATION!r} breaks a relation of channels: give a series of two or more")
    turns = [k for _ in range(-(-count // max(1, len(kinds)))) for k in generator.permutation(list(kinds))][:count]
    new = np.array(values, np.float64)
    labels, names = np.zeros(len(values), bool), np.full(len(values), "", dtype=f"<U{max(map(len, [*kinds, '-']))}")
    events = []
    for k, kind in enumerate(turns):
        for _ in range(TRIES):
            event = _drawn(str(kind), first + k * slot, slot, window, lengths, strength, eligible, generator)
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


def _drawn(
    kind: str,
    first: int,
    slot: int,
    window: int,
    lengths: Lengths | None,
    strength: float | tuple[float, float],
    channels: Sequence[int],
    generator: np.random.Generator,
) -> Event:
    """An anomaly somewhere in the slot, half of which it leaves free."""
    usual = (window, window) if kind == "missing" else (max(3, window // 4), 2 * window)
    asked = lengths(kind, window) if callable(lengths) else lengths
    between = (1, 3) if kind in POINTS else asked or usual
    wanted, most = round(_between(*between, generator)), max(1, slot // 2)
    length = min(most, wanted)
    start = first + int(generator.integers(0, slot - length + 1))
    much = float(strength) if isinstance(strength, int | float) else _between(*strength, generator)
    chosen = generator.choice(channels, int(generator.integers(1, max(1, len(channels) // 3) + 1)), replace=False)
    return Event(kind, start, length, much, tuple(sorted(int(c) for c in chosen)), cut=wanted > most)


def _between(low: float, high: float, generator: np.random.Generator) -> float:
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def count_of(number: int) -> str:
    """1 anomaly, 2 anomalies."""
    return "1 anomaly" if number == 1 else f"{number:,} anomalies"


def _slot(rows: int, count: int) -> int:
    """Rows for each of so many anomalies."""
    if count < 1:
        raise UsageError(f"{count} anomalies: give 1 or more")
    if rows // count < 4:
        most = f"take at most {rows // 4:,}" if rows >= 4 else "it takes 4 rows for each"
        raise InputError(f"{rows:,} rows are too few for {count_of(count)}: {most}")
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
    place = Place(filled, start, length, FULL, WINDOW, 1.0, 1.0, generator)
    return _placed(values, start, place.faded(place.elsewhere(shift)))


def _placed(values: Floats, start: int, segment: Floats) -> Floats:
    """The values with a segment put in; what was unknown stays so."""
    new = np.array(values, np.float64)
    part = new[start : start + len(segment)]
    part[:] = np.where(np.isnan(part), np.nan, segment)
    return new
