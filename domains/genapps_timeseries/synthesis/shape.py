"""What a model of a series need not learn: units, ranges, rounding, trend and rhythm; what is left is about normal.

A channel is first taken by its ranks or as it is, whichever lets its rhythm explain more; then its rhythm is taken off;
then what is left is replaced by the normal quantiles of its ranks. So what is drawn comes back in the distribution and
within the range of what was there, and the mean rank of equal values keeps zeros zeros and two values two values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genapps_timeseries.injection.kinds import bridged
from genapps_timeseries.series import Clock, Floats, Series
from genapps_timeseries.synthesis.rhythm import Rhythm, find_rhythms

TREND = 0.5  # share of the variance above which a straight line is taken for a trend
POINTS = 2_000  # of a quantile function
FEW = 20  # distinct values up to which nothing lies between them
MOST_DECIMALS = 9
NEARLY = 0.99


@dataclass(frozen=True)
class Quantiles:
    """A distribution: values (P,) in order, spread evenly over their ranks."""

    values: Floats

    @classmethod
    def of(cls, values: Floats) -> Quantiles:
        """The distribution of values (N,)."""
        ordered = np.sort(values)
        if len(ordered) > POINTS:
            ordered = ordered[np.round(np.linspace(0, len(ordered) - 1, POINTS)).astype(np.int64)]
        return cls(ordered)

    @property
    def few(self) -> bool:
        """Whether there are so few values that none lies between two of them."""
        return len(np.unique(self.values)) <= FEW

    def normal(self, values: Floats) -> Floats:
        """The normal quantiles (N,) of the ranks of values (N,)."""
        below = np.searchsorted(self.values, values, side="left")
        upto = np.searchsorted(self.values, values, side="right")
        return normal_quantile((below + upto + 1) / 2 / (len(self.values) + 1))

    def value(self, normal: Floats) -> Floats:
        """The values (N,) of normal quantiles (N,)."""
        share, count = normal_share(normal), len(self.values)
        if self.few:
            return self.values[np.clip((share * count).astype(np.int64), 0, count - 1)]
        return np.interp(share * count - 0.5, np.arange(count), self.values)

    def within(self, values: Floats) -> Floats:
        """Values (N,) beyond the ends mirrored at them: cut off, they would pile up there."""
        low, high = self.values[0], self.values[-1]
        mirrored = np.where(values < low, 2 * low - values, np.where(values > high, 2 * high - values, values))
        inside: Floats = np.clip(mirrored, low, high)
        return inside

    def nearest(self, values: Floats) -> Floats:
        """The values that occur nearest to values (N,)."""
        known = np.unique(self.values)
        found: Floats = known[np.abs(values[:, None] - known).argmin(1)]
        return found


@dataclass(frozen=True)
class Channel:
    """One channel: its distribution without trend, whether it is taken by ranks, what its rhythm leaves, rounding.

    decimals: None where there are any. slope: of the trend, a row; middle: the position at which it is 0.
    """

    own: Quantiles
    left: Quantiles
    by_rank: bool
    decimals: int | None
    slope: float
    middle: float

    @property
    def constant(self) -> bool:
        """Whether there is only one value."""
        return bool(self.own.values[0] == self.own.values[-1]) and self.slope == 0

    def first(self, values: Floats, position: Floats) -> Floats:
        """Values (N,) at positions (N,) without trend, by ranks or in deviations."""
        plain = values - self.slope * (position - self.middle)
        return self.own.normal(plain) if self.by_rank else (plain - self._center) / self._scale

    def last(self, first: Floats, position: Floats) -> Floats:
        """The inverse of `first`, within the range and rounded as the channel is."""
        plain = self.own.value(first) if self.by_rank else first * self._scale + self._center
        plain = self.own.nearest(plain) if self.own.few else self.own.within(plain)
        plain = plain + self.slope * (position - self.middle)
        return plain if self.decimals is None else np.round(plain, self.decimals)

    @property
    def _center(self) -> float:
        return float(self.own.values.mean())

    @property
    def _scale(self) -> float:
        return float(self.own.values.std()) or 1.0


@dataclass(frozen=True)
class Shape:
    """How values (N, C) become about normal ones that know neither trend nor clock, and back."""

    channels: tuple[Channel, ...]
    rhythms: tuple[Rhythm, ...]

    def inside(self, values: Floats, position: Floats) -> Floats:
        """What a model learns (N, C) of values (N, C) without gaps at positions (N,) in rows."""
        plain = self._plain(values, position)
        return np.stack([c.left.normal(plain[:, k]) for k, c in enumerate(self.channels)], axis=1)

    def outside(self, drawn: Floats, position: Floats) -> Floats:
        """Values (N, C) of what a model drew (N, C) for positions (N,)."""
        plain = np.stack([c.left.value(drawn[:, k]) for k, c in enumerate(self.channels)], axis=1)
        for rhythm in reversed(self.rhythms):
            level, spread = rhythm.at(position)
            plain = plain * spread + level
        return np.stack([c.last(plain[:, k], position) for k, c in enumerate(self.channels)], axis=1)

    def _plain(self, values: Floats, position: Floats) -> Floats:
        plain = np.stack([c.first(values[:, k], position) for k, c in enumerate(self.channels)], axis=1)
        for rhythm in self.rhythms:
            level, spread = rhythm.at(position)
            plain = (plain - level) / spread
        return plain

    def state(self) -> tuple[dict[str, Floats], dict[str, Any]]:
        """Arrays and plain values."""
        arrays: dict[str, Floats] = {}
        for k, channel in enumerate(self.channels):
            arrays |= {f"own/{k}": channel.own.values, f"left/{k}": channel.left.values}
        for k, rhythm in enumerate(self.rhythms):
            arrays |= {f"level/{k}": rhythm.level, f"spread/{k}": rhythm.spread}
        channels = [
            {"by_rank": c.by_rank, "decimals": c.decimals, "slope": c.slope, "middle": c.middle} for c in self.channels
        ]
        return arrays, {"channels": channels, "periods": [rhythm.period for rhythm in self.rhythms]}

    @classmethod
    def restore(cls, arrays: Mapping[str, Floats], settings: Mapping[str, Any]) -> Shape:
        """The inverse of `state`."""
        channels = tuple(
            Channel(Quantiles(arrays[f"own/{k}"]), Quantiles(arrays[f"left/{k}"]), **one)
            for k, one in enumerate(settings["channels"])
        )
        periods = enumerate(settings["periods"])
        return cls(channels, tuple(Rhythm(p, arrays[f"level/{k}"], arrays[f"spread/{k}"]) for k, p in periods))


def learn_shape(series: Sequence[Series]) -> Shape:
    """The shape of one series or several of the same channels; unknown values are bridged.

    Rhythms are looked for where there is a calendar, or a single series.
    """
    values = np.concatenate([filled(one.values) for one in series])
    position = np.concatenate([positions(one) for one in series])
    clock = series[0].clock
    searched = bool(clock.seconds) or len(series) == 1
    known = np.concatenate([one.values for one in series])  # between gaps there are other decimals
    decimals = [decimals_of(known[:, c]) for c in range(known.shape[1])]
    ways = [_channels(values, position, by_rank, len(series) > 1, decimals) for by_rank in (False, True)]
    rhythms = [_rhythms(way, values, position, clock) if searched else ((), 0.0) for way in ways]
    better = int(rhythms[1][1] > rhythms[0][1])
    plain = Shape(ways[better], rhythms[better][0])
    left = plain._plain(values, position)
    channels = tuple(
        Channel(c.own, Quantiles.of(left[:, k]), c.by_rank, c.decimals, c.slope, c.middle)
        for k, c in enumerate(plain.channels)
    )
    return Shape(channels, plain.rhythms)


def positions(series: Series) -> Floats:
    """Where each row stands (N,) in rows of its clock: seconds since 1970 by the step where there is a calendar."""
    return np.asarray(series.times / (series.clock.step or 1.0), np.float64)


def filled(values: Floats) -> Floats:
    """Values (N, C) with straight lines over gaps."""
    return np.stack([bridged(values[:, c]) for c in range(values.shape[1])], axis=1)


def _rhythms(
    channels: tuple[Channel, ...], values: Floats, position: Floats, clock: Clock
) -> tuple[tuple[Rhythm, ...], float]:
    """The rhythms, and the share of the variance that they explain, a mean over channels."""
    plain = Shape(channels, ())._plain(values, position)
    found = find_rhythms(plain, position, clock)
    whole = plain.var(0)
    left = Shape(channels, found)._plain(values, position) if found else plain
    for rhythm in reversed(found):
        left = left * rhythm.at(position)[1]
    live = whole > 0
    return found, float((1 - left[:, live].var(0) / whole[live]).mean()) if live.any() else 0.0


def _channels(
    values: Floats, position: Floats, by_rank: bool, several: bool, decimals: Sequence[int | None]
) -> tuple[Channel, ...]:
    made = []
    for c in range(values.shape[1]):
        slope, middle = (0.0, 0.0) if several else _trend(values[:, c], position)
        own = Quantiles.of(values[:, c] - slope * (position - middle))
        made.append(Channel(own, own, by_rank, decimals[c], slope, middle))
    return tuple(made)


def _trend(values: Floats, position: Floats) -> tuple[float, float]:
    """Slope a row and middle of a trend that explains most of the series; 0 where there is none."""
    middle = float(position.mean())
    time = position - middle
    variance, whole = float(time @ time), float(np.square(values - values.mean()).sum())
    if len(values) < 20 or not variance or not whole:
        return 0.0, middle
    slope = float(time @ values) / variance
    # A walk drifts as far as a trend does, but a trend goes on at the same pace in all quarters.
    quarters = np.array_split(np.arange(len(values)), 4)
    paces = [float(np.polyfit(time[rows], values[rows], 1)[0]) for rows in quarters]
    steady = bool(slope) and min(pace / slope for pace in paces) > 0.3
    return (slope, middle) if slope**2 * variance > TREND * whole and steady else (0.0, middle)


def decimals_of(values: Floats) -> int | None:
    """The fewest decimals that write nearly all known values (N,) exactly; None where that takes more than nine.

    Nearly: rows of one stamp became their mean, which has more.
    """
    known = values[~np.isnan(values)][:100_000]
    scale = np.abs(known).max(initial=0.0)
    for digits in range(MOST_DECIMALS + 1):
        if (np.abs(np.round(known, digits) - known) <= 1e-12 * max(scale, 1.0)).mean() >= NEARLY:
            return digits
    return None


def normal_quantile(share: Floats) -> Floats:
    """The standard normal quantile of shares in 0..1."""
    import torch

    return np.asarray(torch.special.ndtri(torch.from_numpy(np.clip(share, 1e-12, 1 - 1e-12))).numpy(), np.float64)


def normal_share(quantile: Floats) -> Floats:
    """The share of a standard normal distribution below each value."""
    import torch

    return np.asarray(torch.special.ndtr(torch.from_numpy(np.ascontiguousarray(quantile))).numpy(), np.float64)
