"""How often each message comes: counts in buckets of time, and which of them are bursts or silence.

Counts are judged by a negative binomial law around what is usual at that hour of the day, where a log is long enough
to tell, else at any time. What it takes to be an alarm is learnt from normal buckets: the most surprising message of
each is one score, so that the promised share is one of buckets, however many messages there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genapps.anomaly.conformal import needed_length
from genapps.anomaly.reference import Reference
from genapps.metrics.distributions import Floats
from genapps_logs.counting import burst_bits, silence_bits
from genapps_logs.order import Order

WIDTHS = (1, 10, 60, 300, 900, 3600, 21_600, 86_400)  # seconds of a bucket; each divides the next
MOST_BUCKETS = 2048
FEWEST_BUCKETS = 30
FEWEST_LINES = 20  # of a message whose rate is judged
SMALLEST_BURST = 5  # lines
REGULAR = 0.2  # share of the buckets that a message comes in before its silence says anything
MOST_MESSAGES = 200  # whose rates are judged, the most frequent ones
WHOLE = "log"  # the name of all lines together
_DAY = 86_400
_SEASON_DAYS = 3  # of the log, from which on hours of the day are told apart
_SHRUNK = 2.0  # buckets that an hour's mean is drawn to the overall one by
_DOUBTFUL = 50  # one in so many buckets of a log that is its own reference is left out of it
_BITS_ALONE = 10.0
_LONGEST_SILENCE = 10_000  # buckets that are gone through one by one


class Tally:
    """Lines of each message in buckets of time; buckets get wider where there would be too many."""

    def __init__(self, width: int = WIDTHS[0]) -> None:
        self.width = width
        self.counts: dict[str, dict[int, int]] = {}
        self._low = self._high = 0
        self._begun = False

    def add(self, name: str, time: float) -> None:
        """Count one line."""
        bucket = int(time // self.width)
        if not self._low <= bucket < self._high:
            self._reach(bucket)
            bucket = int(time // self.width)
        here = self.counts.get(name)
        if here is None:
            here = self.counts[name] = {}
        here[bucket] = here.get(bucket, 0) + 1

    def merge(self, other: Tally) -> None:
        """Take in what another one counted."""
        while other.width < self.width and other.counts:
            other.widen()
        for name, buckets in other.counts.items():
            for bucket, count in buckets.items():
                if not self._low <= bucket * other.width // self.width < self._high:
                    self._reach(bucket * other.width // self.width)
                here = self.counts.setdefault(name, {})
                place = bucket * other.width // self.width
                here[place] = here.get(place, 0) + count

    def _reach(self, bucket: int) -> None:
        low, high = (min(self._low, bucket), max(self._high, bucket + 1)) if self._begun else (bucket, bucket + 1)
        if high - low > 4 * MOST_BUCKETS * WIDTHS[-1] // self.width:
            low, high = bucket, bucket + 1  # a stamp of another age: what came before says nothing of now
            self.counts.clear()
        self._low, self._high, self._begun = low, high, True
        while self._high - self._low > MOST_BUCKETS and self.width < WIDTHS[-1]:
            self.widen()

    def widen(self) -> None:
        """Go on with the next wider buckets."""
        wider = WIDTHS[WIDTHS.index(self.width) + 1]
        times = wider // self.width
        for name, buckets in self.counts.items():
            merged: dict[int, int] = {}
            for bucket, count in buckets.items():
                merged[bucket // times] = merged.get(bucket // times, 0) + count
            self.counts[name] = merged
        self.width = wider
        self._low, self._high = self._low // times, (self._high - 1) // times + 1

    def frequent(self) -> dict[str, dict[int, int]]:
        """The messages whose rates are to be judged, all lines together the first."""
        whole: dict[int, int] = {}
        for buckets in self.counts.values():
            for bucket, count in buckets.items():
                whole[bucket] = whole.get(bucket, 0) + count
        sums = {name: sum(buckets.values()) for name, buckets in self.counts.items()}
        names = sorted((name for name in sums if sums[name] >= FEWEST_LINES), key=lambda name: (-sums[name], name))
        return {WHOLE: whole, **{name: self.counts[name] for name in names[:MOST_MESSAGES]}}


@dataclass(frozen=True)
class Usual:
    """What is usual of one message: the mean of a bucket at each hour (24,), all the same without a season, and spread:
    the variance is mean + spread * mean ** 2. regular: whether it comes often enough to be missed.
    """

    means: tuple[float, ...]
    spread: float
    regular: bool = True

    def mean(self, bucket: int, width: int) -> float:
        """In that bucket."""
        return self.means[bucket * width % _DAY // 3600]


@dataclass
class RateModel:
    """What is usual of each message, and how surprising normal buckets are.

    held: (B,) bits of the most surprising message of each normal bucket.
    """

    width: int
    usual: dict[str, Usual]
    held: Floats
    tally: Tally

    @classmethod
    def fit(cls, tally: Tally) -> RateModel | None:
        """Learn from normal lines; None where they are of too short a time."""
        tables = tally.frequent()
        whole = tables[WHOLE]
        if not whole or max(whole) - min(whole) - 1 < FEWEST_BUCKETS:
            return None
        first, last = min(whole) + 1, max(whole)  # the outer buckets are not whole
        usual = {name: _usual(buckets, first, last, tally.width) for name, buckets in tables.items()}
        watch = RateWatch(usual, tally.width)
        held = np.zeros(last - first)
        for bucket in range(first, last):
            found = watch.close(bucket, {name: buckets.get(bucket, 0) for name, buckets in tables.items()})
            held[bucket - first] = max((bits for _, bits, _, _ in found), default=0.0)
        return cls(tally.width, usual, held, tally)

    def reference(self, alone: bool = False) -> Reference:
        """What normal buckets come to. alone: without the highest, which may be what is to be found."""
        kept = np.sort(self.held)[: len(self.held) - len(self.held) // _DOUBTFUL] if alone else self.held
        return Reference(kept, len(kept))

    def sentence(self, rate: float) -> str:
        """What is promised of bursts and silence."""
        asked = f"asked: {rate:.3g} of normal stretches of {width_words(self.width)} in alarm"
        if len(self.held) >= needed_length(rate):
            return asked
        return f"{asked}; cannot be promised: it takes {needed_length(rate):,} of them, here are {len(self.held):,}"

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As plain JSON and arrays."""
        names = sorted(self.tally.counts)
        cells = [
            (place, bucket, count)
            for place, name in enumerate(names)
            for bucket, count in sorted(self.tally.counts[name].items())
        ]
        return {"width": self.width, "names": names}, {"cells": np.array(cells, np.int64).reshape(-1, 3)}


def tally_of(card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Tally:
    """The counts that `RateModel.to_json` kept. Raises ValueError where they are none."""
    if card["width"] not in WIDTHS:
        raise ValueError("no width of a bucket")
    tally = Tally(int(card["width"]))
    names = list(map(str, card["names"]))
    for place, bucket, count in arrays["cells"].tolist():
        tally.counts.setdefault(names[place], {})[bucket] = count
    found = [bucket for buckets in tally.counts.values() for bucket in buckets]
    if found:
        tally._low, tally._high, tally._begun = min(found), max(found) + 1, True
    return tally


def _usual(buckets: Mapping[int, int], first: int, last: int, width: int) -> Usual:
    counts = np.array([buckets.get(bucket, 0) for bucket in range(first, last)], np.float64)
    hours = np.arange(first, last) * width % _DAY // 3600
    means = _means(counts, hours, _SHRUNK)
    days = len(counts) * width / _DAY
    # A season is believed if the first two thirds of the log foretell the last third better by it.
    if width > 3600 or days < _SEASON_DAYS or not _foretells(counts, hours):
        means = np.full(24, counts.mean())
    expected = np.maximum(means[hours], 1e-9)
    spread = float(((counts - expected) ** 2 - counts).sum() / (expected**2).sum())
    regular = bool((counts > 0).mean() >= REGULAR)
    return Usual(tuple(np.maximum(means, 1e-9).tolist()), max(spread, 0.0), regular)


def _means(counts: Floats, hours: np.ndarray, drawn: float) -> Floats:
    total, number = np.bincount(hours, counts, 24), np.bincount(hours, minlength=24)
    found: Floats = (total + drawn * counts.mean()) / (number + drawn)
    return found


def _foretells(counts: Floats, hours: np.ndarray) -> bool:
    cut = 2 * len(counts) // 3
    seen, new = counts[:cut], counts[cut:]
    by_hour = np.maximum(_means(seen, hours[:cut], _SHRUNK)[hours[cut:]], 1e-9)
    flat = max(float(seen.mean()), 1e-9)
    gain = (new * np.log(by_hour / flat) - by_hour + flat).sum()
    return bool(gain > 0)


class RateWatch:
    """Buckets in, surprises out: silence adds up from bucket to bucket."""

    def __init__(self, usual: Mapping[str, Usual], width: int) -> None:
        self.usual, self.width = usual, width
        self.silent: dict[str, list[float]] = {}  # bits so far, buckets

    def close(self, bucket: int, counts: Mapping[str, int]) -> list[tuple[str, float, int, float]]:
        """(name, bits, count, usual count) of each message; of a silence the usual count of all of it."""
        found = []
        for name, usual in self.usual.items():
            count, mean = counts.get(name, 0), usual.mean(bucket, self.width)
            if count:
                self.silent.pop(name, None)
                bits = 0.0
                if count > mean and count >= SMALLEST_BURST:
                    bits = burst_bits(count, mean, usual.spread)
                elif count < mean and usual.regular:
                    bits = silence_bits(count, mean, usual.spread)
                found.append((name, bits, count, mean))
            elif usual.regular:
                run = self.silent.setdefault(name, [0.0, 0.0, 0.0])
                run[0] += silence_bits(0, mean, usual.spread)
                run[1] += 1
                run[2] += mean
                found.append((name, run[0], 0, run[2]))
        return found


def width_words(width: float) -> str:
    """A length of time in words: 10 s, 5 min, 2 h, 3 days."""
    for unit, seconds in (("day", 86_400), ("h", 3600), ("min", 60)):
        if width >= seconds and (width % seconds == 0 or width >= 10 * seconds):
            number = round(width / seconds)
            return f"{number} {unit}{'s' if unit == 'day' and number > 1 else ''}"
    return f"{width:.3g} s"


@dataclass(frozen=True)
class Stretch:
    """A bucket in alarm of one message: where, how many lines, how many are usual.

    buckets: how long it has been silent; 1 for a burst. line, text: the first line of a burst, the last one before
    silence.
    """

    name: str
    kind: str
    bucket: int
    bits: float
    p: float
    count: int
    mean: float
    buckets: int
    line: int
    text: str


class RateJudge:
    """Counts lines as they come, and says at the end of each bucket what was a burst or is silent."""

    def __init__(self, model: RateModel, rate: float, alone: bool = False) -> None:
        self.model = model
        self.watch = RateWatch(model.usual, model.width)
        self._reference = model.reference(alone)
        self.threshold = self._reference.quantile(rate)
        if alone:  # nothing is known to be normal: what is told must be rare by the law itself, however often one looks
            self.threshold = max(self.threshold, math.log2(len(model.held) * len(model.usual)) + _BITS_ALONE)
        self.bucket: int | None = None
        self.partial = True  # the first bucket begins somewhere in its middle
        self.here: dict[str, list[Any]] = {}  # count, first line, its text, last line, its text
        self.last: dict[str, tuple[int, str]] = {}
        self.first = (0, "")  # line of the log, which stands for what never came in it
        self.order = Order()

    def take(self, name: str, time: float, line: int, text: str) -> list[Stretch]:
        """Count one line; returns the stretches that end before it, or before the one that its stamp confirms."""
        found: list[Stretch] = []
        for at, (what, number, shown) in self.order.take(time, self.model.width, line, (name, line, text)):
            bucket = int(at // self.model.width)
            if self.bucket is None:
                self.bucket, self.first = bucket, (number, shown)
            elif bucket > self.bucket:
                found += self._advance(bucket)
            elif bucket < self.bucket:
                self._restart(bucket)
            mine = self.here.setdefault(what, [0, number, shown, number, shown])
            mine[0] += 1
            mine[3], mine[4] = number, shown
        return found

    def _restart(self, bucket: int) -> None:
        """The clock was set back: begin anew at the time that it is now."""
        self.bucket, self.partial = bucket, True
        self.here.clear()
        self.watch.silent.clear()

    def _advance(self, bucket: int) -> list[Stretch]:
        assert self.bucket is not None
        found: list[Stretch] = []
        for place in range(self.bucket, min(bucket, self.bucket + _LONGEST_SILENCE)):
            found += self._close(place)
        self.bucket = bucket
        return found

    def _close(self, bucket: int) -> list[Stretch]:
        here, self.here = self.here, {}
        counts = {name: mine[0] for name, mine in here.items()}
        counts[WHOLE] = sum(counts.values())
        if here:
            first = min(here.values(), key=lambda mine: mine[1])
            last = max(here.values(), key=lambda mine: mine[3])
            here[WHOLE] = [counts[WHOLE], *first[1:3], *last[3:5]]
        for name, mine in here.items():
            if name in self.model.usual:
                self.last[name] = mine[3], mine[4]
        if self.partial:
            self.partial = False
            return []
        found = []
        rows = self.watch.close(bucket, counts)
        all_silent = not counts[WHOLE] and any(name == WHOLE and bits > self.threshold for name, bits, _, _ in rows)
        for name, bits, count, mean in rows:
            if bits <= self.threshold or (all_silent and name != WHOLE):
                continue
            burst = count > mean
            run = 1 if count else int(self.watch.silent[name][1])
            line, text = (here[name][1], here[name][2]) if count else self.last.get(name, self.first)
            p = self._reference.p(bits)[0]
            kind = "burst" if burst else "silence"
            found.append(Stretch(name, kind, bucket, bits, p, count, mean, run, line, text))
        if all_silent:  # which says why each message is: one that stays away is missed from its end on
            self.watch.silent = {WHOLE: self.watch.silent[WHOLE]}
        return found

    def state(self) -> dict[str, Any]:
        """All that was counted so far, as plain JSON."""
        return {
            "bucket": self.bucket,
            "partial": self.partial,
            "here": self.here,
            "last": self.last,
            "first": list(self.first),
            "silent": self.watch.silent,
            "order": self.order.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.bucket, self.partial, self.here = state["bucket"], state["partial"], state["here"]
        self.first = (int(state["first"][0]), str(state["first"][1]))
        self.last = {name: (line, text) for name, (line, text) in state["last"].items()}
        self.watch.silent = state["silent"]
        self.order.restore(state["order"])
