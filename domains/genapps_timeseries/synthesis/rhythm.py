"""What of a series is its clock's doing: a level and a spread for each phase of a day, a week or its own period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.series import Clock, Floats

MOST_BINS = 2_016  # phases that are told apart: five minutes of a week
WORTH = 0.05  # share of the variance in cycles not learnt from that a rhythm must explain
BETTER = 0.02  # and by how much more a longer rhythm must
PRIOR = 8.0  # rows' worth of the overall spread in each phase
DAY = 86_400.0
SAME = 0.02  # relative difference below which two periods are one
FINE = 21  # periods tried about a whole number of rows


@dataclass(frozen=True)
class Rhythm:
    """Levels and spreads (B, C) over the phases of a period of so many rows; 0 and 1 for channels that lack it."""

    period: float
    level: Floats
    spread: Floats

    def at(self, position: Floats) -> tuple[Floats, Floats]:
        """Level and spread (N, C) at positions (N,) in rows."""
        bins = _bins(position, self.period, len(self.level))
        return self.level[bins], self.spread[bins]


def find_rhythms(values: Floats, position: Floats, clock: Clock, most: int = 2) -> tuple[Rhythm, ...]:
    """The rhythms of values (N, C) about 0 at positions (N,) in rows, that hold in cycles they were not learnt from.

    Day and week are tried where there is a calendar, and the period of the autocorrelation; at least two cycles. A
    second rhythm is sought in what the first leaves.
    """
    found: list[Rhythm] = []
    rest = values
    for _ in range(most):
        known = [rhythm.period for rhythm in found]
        fresh = [p for p in _candidates(rest, position, clock) if all(abs(p / k - 1) > SAME for k in known)]
        best = _best(rest, position, fresh, clock)
        if best is None:
            break
        rhythm = _learn(rest, position, *best)
        level, spread = rhythm.at(position)
        rest = (rest - level) / spread
        found.append(rhythm)
    return tuple(found)


def _candidates(values: Floats, position: Floats, clock: Clock) -> list[float]:
    """Periods in rows, short ones first."""
    rows = float(position[-1] - position[0] + 1)
    periods = [DAY / clock.seconds, 7 * DAY / clock.seconds] if clock.seconds else []
    own = period_of(values)
    if own and all(abs(own / period - 1) > SAME for period in periods):
        fine = own + np.linspace(-0.5, 0.5, FINE)
        shares = [float(np.maximum(_share(values, position, p, False), 0).sum()) for p in fine]
        periods.append(float(fine[int(np.argmax(shares))]) if max(shares) > 0 else float(own))
    return sorted(p for p in periods if 4 <= p <= rows / 2)


def _of_calendar(period: float, clock: Clock) -> bool:
    return bool(clock.seconds) and period * (clock.seconds or 0.0) in (DAY, 7 * DAY)


def _best(
    values: Floats, position: Floats, periods: list[float], clock: Clock
) -> tuple[float, NDArray[np.bool_]] | None:
    """The period that explains most, a longer one only if it explains clearly more, and the channels that have it."""
    best: tuple[float, float, NDArray[np.bool_]] | None = None
    for period in periods:
        shares = _share(values, position, period, _of_calendar(period, clock))
        has = shares > WORTH
        total = float(shares[has].sum())
        if has.any() and (best is None or total > best[0] + BETTER):
            best = total, period, has
    return None if best is None else best[1:]


def _share(values: Floats, position: Floats, period: float, kept: bool) -> Floats:
    """The share of each channel's variance (C,) in some cycles that the profile of the others explains, and back.

    Odd and even cycles where a calendar keeps the time. A period of the series' own must hold from one half to the
    other: the phase of beats wanders, and a profile of them would be a blur.
    """
    count = _count(period)
    bins = _bins(position, period, count)
    cycle = np.floor(position / period).astype(np.int64)
    odd = cycle % 2 == 1 if kept else position > np.median(position)
    if odd.all() or not odd.any():
        return np.zeros(values.shape[1])
    lost, whole = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for learnt, told in ((odd, ~odd), (~odd, odd)):
        level = _mean(values[learnt], bins[learnt], count, prior=2.0)
        lost += np.square(values[told] - level[bins[told]]).sum(0)
        whole += np.square(values[told]).sum(0)
    return 1 - lost / np.where(whole > 0, whole, 1.0)


def _learn(values: Floats, position: Floats, period: float, has: NDArray[np.bool_]) -> Rhythm:
    count = _count(period)
    bins = _bins(position, period, count)
    level = np.where(has, _mean(values, bins, count, prior=0.5), 0.0)
    rest = values - level[bins]
    overall = np.square(rest).mean(0)
    usual = np.where(overall > 0, overall, 1.0)
    ratio = 1 + _mean(np.square(rest) / usual - 1, bins, count, prior=PRIOR)
    spread = np.sqrt(np.clip(_smooth(ratio), 0.05, 20.0))
    return Rhythm(period, level, np.where(has, spread, 1.0))


def _mean(values: Floats, bins: NDArray[np.int64], count: int, prior: float) -> Floats:
    """The mean (count, C) of each bin, drawn to 0 by so many rows."""
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, bins, values)
    return sums / (np.bincount(bins, minlength=count)[:, None] + prior)


def _smooth(profile: Floats) -> Floats:
    """Each phase with its two neighbors, the last beside the first."""
    return (np.roll(profile, 1, 0) + 2 * profile + np.roll(profile, -1, 0)) / 4


def _count(period: float) -> int:
    return int(min(max(round(period), 4), MOST_BINS))


def _bins(position: Floats, period: float, count: int) -> NDArray[np.int64]:
    # A whole number that was divided may come back as a little less, which is the phase before.
    return np.floor(position / period % 1 * count + 1e-6).astype(np.int64) % count


def period_of(values: Floats, most: int = 2_000) -> int | None:
    """The lag in rows of the highest local maximum of the channels' mean autocorrelation (N, C) above 0.2, if any."""
    rows = min(len(values), 50_000)
    part = values[:rows] - values[:rows].mean(0)
    spectrum = np.fft.rfft(part, 2 * rows, axis=0)
    echo = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: min(most, rows // 3)]
    if len(echo) < 8:
        return None
    power = echo[0]
    usable = power > 0
    if not usable.any():
        return None
    mean = (echo[:, usable] / power[usable]).mean(1)
    peaks = np.flatnonzero((mean[1:-1] > mean[:-2]) & (mean[1:-1] >= mean[2:])) + 1
    peaks = peaks[(peaks >= 4) & (mean[peaks] > 0.2)]
    return int(peaks[mean[peaks].argmax()]) if len(peaks) else None
