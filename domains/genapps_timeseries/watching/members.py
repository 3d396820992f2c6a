"""What looks at one channel of a stream: each member takes one value at a time and says how strange it is.

All of them see the channel on the scale of its warm-up, hold bounded memory, and look at nothing that is yet to come.
A score's unit does not matter, since it is ranked among the scores of normal rows. While `learn` is false, the members
go on looking but what they hold to be normal stays as it was.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np

from genapps_timeseries.series import Floats

DAY = 86400.0
_THURSDAY, _FRIDAY = 3, 4  # counted from Monday; times are counted from a Thursday
_RECENT = 0.1  # the share of the newest value in what the last values were like
_NEAR = 0.1  # of its width: how much a range grows at most with a value beyond it
_MOST = 1e300
_YOUNG = 32.0  # values after which what was learnt anew is half sure
_WIDEST = 1e6  # widths by which a range is widened at once at most
_OUTER = (0.01, 0.99)  # quantiles of the warm-up that lie well within the range of normal values


class Member:
    """One way to look. kind: what an anomaly is called that it saw first."""

    kind: ClassVar[str] = ""
    numbers: ClassVar[tuple[str, ...]] = ()  # attributes that are single numbers
    arrays: ClassVar[tuple[str, ...]] = ()  # attributes that are arrays or deques
    expected = math.nan  # what was expected instead of the last value, where the member can say

    def step(self, value: float, kept: float, time: float, learn: bool) -> float:
        """How strange the next value is, NaN where that cannot be told yet.

        kept: the value within the range of normal ones, which is what a memory holds, so that one extreme value does
        not echo for as long as it lasts. time: seconds.
        """
        raise NotImplementedError

    def forget(self) -> None:
        """What was normal is so no more: let the next values count as much as those of a beginning."""

    def state(self) -> dict[str, Floats]:
        """All that was learnt, as plain arrays."""
        kept = {name: np.asarray(getattr(self, name), np.float64) for name in self.arrays}
        return {**kept, "numbers": np.asarray([getattr(self, name) for name in self.numbers], np.float64)}

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on where `state` was taken. Raises KeyError or ValueError for arrays of another member."""
        for name, number in zip(self.numbers, state["numbers"].tolist(), strict=True):
            setattr(self, name, number)
        for name in self.arrays:
            held, array = getattr(self, name), np.asarray(state[name], np.float64)
            if isinstance(held, deque):
                held.clear()
                held.extend(array.tolist())
            elif held.shape != array.shape:
                raise ValueError(f"{name} of shape {array.shape} instead of {held.shape}")
            else:
                setattr(self, name, array.copy())


class Reach(Member):
    """How far a value lies beyond all that was seen, as a share of that range."""

    kind = "spike"
    numbers = ("low", "high")

    def __init__(self) -> None:
        self.low = self.high = math.nan

    def step(self, value: float, kept: float, time: float, learn: bool) -> float:
        """0 within the range."""
        low, high = self.low, self.high
        if low != low:
            self.low = self.high = value
            return 0.0
        beyond = max(value - high, low - value)
        if beyond <= 0:
            return 0.0
        width = (high - low) or 1.0
        if learn:
            self.low = min(low, max(value, low - _NEAR * width))
            self.high = max(high, min(value, high + _NEAR * width))
        return beyond / width


class Level(Member):
    """The mean of the last `length` values beside its own long memory."""

    kind = "level shift"
    numbers = ("total", "middle", "count", "unsure")
    arrays = ("recent",)

    def __init__(self, length: int = 8, memory: int = 300) -> None:
        self.length, self.slowest = length, 1 / memory
        self.recent: deque[float] = deque(maxlen=length)
        self.total = self.middle = self.count = self.unsure = 0.0

    def step(self, value: float, kept: float, time: float, learn: bool) -> float:
        """The distance of the short mean from the long one."""
        recent = self.recent
        if len(recent) == self.length:
            self.total -= recent[0]
        recent.append(kept)
        self.total += kept
        if len(recent) < self.length:
            return math.nan
        mean = self.total / self.length
        apart, self.expected = mean - self.middle, self.middle
        if learn:
            self.count += 1
            self.middle += max(self.slowest, 1 / self.count) * apart
        return abs(apart) / (1 + self.unsure / max(self.count, 1.0))

    def forget(self) -> None:
        """The long memory begins anew, and is not relied upon before it is long again."""
        self.count, self.unsure = 0.0, _YOUNG


class Forecast(Member):
    """The error of a linear forecast from the last values, fitted by recursive least squares with slow forgetting.

    (Ljung, "System identification", 2nd edition, 1999, section 11.2.) Errors beyond six times their usual size are
    learnt from as if they were of that size.
    """

    kind = "shape"
    numbers = ("usual", "count")
    arrays = ("past", "weights", "spread")

    def __init__(self, order: int = 8, keep: float = 0.9995) -> None:
        self.order, self.keep = order, keep
        self.past, self.weights = np.zeros(order + 1), np.zeros(order + 1)
        self.past[order] = 1.0  # the constant
        self.weights[0] = 1.0  # at first: as before
        self.spread = np.eye(order + 1) * 10
        self.usual = self.count = 0.0

    def step(self, value: float, kept: float, time: float, learn: bool) -> float:
        """The distance from what was forecast."""
        past = self.past
        self.expected = float(past @ self.weights)
        error = value - self.expected
        if learn:
            self._learn(past, error)
        past[1 : self.order] = past[: self.order - 1]
        past[0] = kept
        return abs(error) if self.count > self.order else math.nan

    def _learn(self, past: Floats, error: float) -> None:
        self.count += 1
        most = 6 * self.usual
        bounded = max(-most, min(error, most)) if self.count > 4 * self.order else error
        gain = self.spread @ past
        shrink = self.keep + float(past @ gain)
        self.weights += gain * (bounded / shrink)
        self.spread -= np.multiply.outer(gain, gain / shrink)
        self.spread *= 1 / self.keep
        self.usual += max(0.005, 1 / self.count) * (abs(bounded) - self.usual)
        if self.count % 256 == 0 and not float(self.spread.trace()) < 1e6:  # nothing new came for long
            self.spread = np.eye(self.order + 1) * 10

    def forget(self) -> None:
        """Errors of any size are learnt from again."""
        self.count = 0.0
        self.spread = np.eye(self.order + 1) * 10


class Season(Member):
    """The distance from what is usual at this time of day; Saturdays and Sundays are days of their own."""

    kind = "shape"
    numbers = ("offset",)
    arrays = ("means", "days", "day", "total", "count")

    def __init__(self, bins: int = 48, newest: float = 0.2) -> None:
        self.bins, self.newest = bins, newest
        self.means, self.days, self.total, self.count = (np.zeros(3 * bins) for _ in range(4))
        self.day = np.full(3 * bins, -1.0)
        self.offset = 0.0  # how far the last values were from what is usual

    def step(self, value: float, kept: float, time: float, learn: bool) -> float:
        """NaN before the same time of such a day was seen once."""
        if time != time:
            return math.nan
        day, place = divmod(time, DAY)
        weekday = (day + _THURSDAY) % 7
        at = min(int(place / DAY * self.bins), self.bins - 1) + self.bins * int(max(weekday - _FRIDAY, 0))
        if self.day[at] != day:
            self._turn(at, day)
        self.expected = float(self.means[at]) if self.days[at] else math.nan
        if learn:
            self.total[at] += kept
            self.count[at] += 1
        apart = value - self.expected
        if apart == apart:
            self.offset += _RECENT * (kept - self.expected - self.offset)
        return abs(apart)

    def forget(self) -> None:
        """The whole day is as much higher or lower as the last values were."""
        self.means += self.offset
        self.total += self.offset * self.count
        self.offset = 0.0

    def _turn(self, at: int, day: float) -> None:
        if self.count[at]:
            self.days[at] += 1
            share = max(self.newest, 1 / float(self.days[at]))
            self.means[at] += share * (self.total[at] / self.count[at] - self.means[at])
        self.day[at], self.total[at], self.count[at] = day, 0.0, 0.0


class Windows(Member):
    """The distance of the last values from the nearest of many stretches that were normal before."""

    kind = "shape"
    numbers = ("seen", "kept")
    arrays = ("window", "bank", "squares", "waiting")

    def __init__(self, length: int = 16, held: int = 256, every: int = 4) -> None:
        self.length, self.held, self.every = length, held, every
        self.window = np.zeros(length)
        self.bank, self.squares = np.zeros((held, length)), np.full(held, np.inf)
        self.delay = max(length // every, 1)  # a stretch is compared only once it does not overlap the present one
        self.waiting = np.zeros((self.delay, length))
        self.seen = self.kept = 0.0

    def step(self, value: float, kept: float, time: float, learn: bool) -> float:
        """NaN before a stretch is held."""
        window = self.window
        window[:-1] = window[1:]
        window[-1] = value
        score = math.nan
        stored = int(self.kept) - self.delay
        if stored > 0:
            most = min(stored, self.held)
            distances = self.squares[:most] - 2 * (self.bank[:most] @ window)
            score = math.sqrt(max(float(distances.min()) + float(window @ window), 0.0))
        window[-1] = kept
        if learn:
            self.seen += 1
            if self.seen >= self.length and self.seen % self.every == 0:
                self._keep()
        return score

    def _keep(self) -> None:
        place = int(self.kept) % self.delay
        if self.kept >= self.delay:
            at = (int(self.kept) - self.delay) % self.held
            self.bank[at] = self.waiting[place]
            self.squares[at] = float(self.waiting[place] @ self.waiting[place])
        self.waiting[place] = self.window
        self.kept += 1


class Restless(Member):
    """The size of the last differences beside what is usual: a frequency or a noise that changes."""

    kind = "frequency"
    numbers = ("last", "total", "usual", "count")
    arrays = ("recent",)

    def __init__(self, length: int = 24, memory: int = 300) -> None:
        self.length, self.slowest = length, 1 / memory
        self.recent: deque[float] = deque(maxlen=length)
        self.last = math.nan
        self.total = self.usual = self.count = 0.0

    def step(self, value: float, kept: float, time: float, learn: bool) -> float:
        """The log of the ratio, whichever way it goes."""
        move, self.last = kept - self.last, kept
        if move != move:
            return math.nan
        recent = self.recent
        if len(recent) == self.length:
            self.total -= recent[0]
        size = min(abs(move), 4 * self.usual or math.inf)  # a single jump is not a noise
        recent.append(size)
        self.total += size
        if len(recent) < self.length:
            return math.nan
        size = max(self.total, 0.0) / self.length
        score = abs(math.log((size + 1e-6 + 0.01 * self.usual) / (1.01 * self.usual + 1e-6))) if self.count else 0.0
        if learn:
            self.count += 1
            self.usual += max(self.slowest, 1 / self.count) * (size - self.usual)
        return score

    def forget(self) -> None:
        """What is usual begins anew."""
        self.count = 0.0


class Light(Member):
    """Two cheap looks in one number: the difference and the distance from an exponentially weighted mean."""

    kind = "spike"
    numbers = ("last", "middle", "usual", "moving", "count")

    def __init__(self, memory: int = 100) -> None:
        self.slowest = 1 / memory
        self.last = math.nan
        self.middle = self.usual = self.moving = self.count = 0.0

    def step(self, value: float, kept: float, time: float, learn: bool) -> float:
        """The larger of both, each beside its usual size."""
        self.count += 1
        apart, move = abs(value - self.middle), abs(value - self.last)
        self.expected = self.middle
        self.last = kept
        if move != move:
            self.middle = kept
            return math.nan
        usual, moving = self.usual, self.moving
        score = max(apart / (usual or 1.0), move / (moving or 1.0))
        if learn:
            share = 1 / self.count if self.count * self.slowest < 1 else self.slowest
            self.middle += share * (kept - self.middle)
            self.usual += share * (min(apart, 6 * usual or apart) - usual)
            self.moving += share * (min(move, 6 * moving or move) - moving)
        return score

    def forget(self) -> None:
        """The mean begins anew."""
        self.count = 0.0


class Scale:
    """The middle, the spread and the range of a channel's normal values, by which all its members see it.

    Beyond the range, which follows what is learnt, a value counts by the logarithm of its distance: it is seen how far
    out it is, and there is no number too large to reckon with.
    """

    numbers = ("middle", "spread", "low", "high")

    def __init__(self, values: Floats) -> None:
        known = values[np.isfinite(values)]
        self.middle, self.spread, self.low, self.high = 0.0, 1.0, -1.0, 1.0
        if not len(known):
            return
        self.middle = float(np.median(known))
        gaps = np.abs(known / 2 - self.middle / 2) * 2
        spread = float(1.4826 * np.median(gaps)) or float(gaps.mean()) or abs(self.middle) * 0.01
        self.spread = spread if 0 < spread < math.inf else 1.0
        low, high = ((np.quantile(known, _OUTER) / self.spread) - self.middle / self.spread).tolist()
        margin = (high - low) * _NEAR or 1.0
        self.low, self.high = low - margin, high + margin

    def __call__(self, value: float, learn: bool) -> tuple[float, float]:
        """The value on that scale, and the same within the range; `learn` lets the range follow."""
        scaled = value / self.spread - self.middle / self.spread
        low, high = self.low, self.high
        if low <= scaled <= high:
            return scaled, scaled
        width = high - low
        if scaled > high:
            beyond = math.log1p(min((scaled - high) / width, _MOST))
            if learn:
                self.high += width * min(beyond, _NEAR)
            return high + width * beyond, high
        beyond = math.log1p(min((low - scaled) / width, _MOST))
        if learn:
            self.low -= width * min(beyond, _NEAR)
        return low - width * beyond, low

    def widen(self, values: Iterable[float]) -> None:
        """Take values into the range."""
        scaled = [value / self.spread - self.middle / self.spread for value in values]
        most = _WIDEST * (self.high - self.low)
        self.low = max(min([self.low, *scaled]), self.low - most)
        self.high = min(max([self.high, *scaled]), self.high + most)
