"""The detector of a stream: one row in, one p-value out, causal, with bounded memory and a bounded amount of work.

A channel is looked at by several members (`members`); each one's score is ranked among its own last normal
ones, and the mean surprise -log10 p of the two that are most surprised is the channel's. What that is worth is
calibrated on the surprise of normal rows, so that the promised rate holds however the members depend on one another.
Nothing is fitted to what an anomaly is thought to look like. The first rows, the warm-up, are learnt and not judged.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from genapps.anomaly import Calibration, Calibrator, Panel, exact_length
from genapps.anomaly.reference import Reference
from genapps.errors import InputError, UsageError
from genapps_timeseries.series import Floats
from genapps_timeseries.watching.members import (
    Forecast,
    Level,
    Light,
    Member,
    Reach,
    Restless,
    Scale,
    Season,
    Windows,
)

DEFAULT, LIGHT = "ensemble", "light"
FAMILIES: dict[str, tuple[Callable[[], Member], ...]] = {
    DEFAULT: (Level, partial(Level, 32), Forecast, Season, Windows, Reach, Restless),
    LIGHT: (Light,),
}
LONGEST = 10_000  # rows of a reference at most
PATIENCE = 30  # rows in alarm after which a shift is accepted
_GRACE = 4  # times as many until what is still strange is taken for normal
_RANKED = 4000  # rows of each member's reference
_SPAN = 3  # times the rows that a rate needs at least are held to promise it
RARE = 12.0  # no surprise is larger: nothing is known of anything rarer than one in 10^12
_SURE = 0.01  # of the rate: the p-value of what is strange by rule
_FEWEST = 30  # scores before a member has a say
_QUIET, _LOUDER, _FAINT = 100, 1.5, 0.8  # an onset within so many rows of the last must surprise so much more
_RUN = 10  # rows without a value, or with the same one, beyond three times the longest such run so far are strange


@dataclass(frozen=True)
class Details:
    """Why the last row is as strange as it is. shares: (C,) of the channels; then of the first of them."""

    shares: tuple[float, ...]
    channel: int
    kind: str
    value: float
    expected: float

    @property
    def sign(self) -> float:
        """1 above what was expected, -1 below, 0 where that is not known."""
        return float((self.value > self.expected) - (self.value < self.expected))


class Ranked:
    """A member and its last normal scores, among which the next one is ranked."""

    def __init__(self, member: Member, length: int) -> None:
        self.member, self.length = member, length
        self.first: list[float] = []  # scores until there are enough to rank among
        self.reference: Reference | None = None

    def learn(self, score: float) -> None:
        """Take a normal row's score."""
        if self.reference is not None:
            self.reference.learn(score)
            return
        self.first.append(score)
        if len(self.first) >= _FEWEST:
            self.reference, self.first = Reference(self.first, self.length), []

    def state(self) -> dict[str, Floats]:
        """Everything, as plain arrays."""
        kept = {f"member.{name}": array for name, array in self.member.state().items()}
        ranks = {} if self.reference is None else self.reference.state()
        return {
            **kept,
            **{f"ranks.{name}": a for name, a in ranks.items()},
            "first": np.asarray(self.first, np.float64),
        }

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on where `state` was taken."""
        self.member.restore(part(state, "member."))
        ranks = part(state, "ranks.")
        self.reference = Reference.restore(dict(ranks)) if ranks else None
        self.first = state["first"].tolist()


class Channel:
    """One channel: how surprising is its next value? family: a name of FAMILIES."""

    def __init__(self, family: str) -> None:
        self.scale = Scale(np.empty(0))
        self.plain = family == LIGHT  # a single member, whose score is taken as it is: a rank less to pay for
        self.looks = [Ranked(make(), _RANKED) for make in FAMILIES[family]]
        self.own: list[float] = []  # each member's p-value for the last row
        self.value = math.nan
        self.last = math.nan
        self.absent = self.longest = 0.0  # rows without a value, and the longest run of them
        self.same = self.longest_same = 0.0  # rows with the same value
        self.excused = 0.0  # 1 where the present run was accepted
        self.stuck = False  # no value, or the same one, for longer than could be expected
        self.unlearnt: deque[tuple[float, float]] = deque(maxlen=PATIENCE)  # the last values and times that were not
        self._scores: list[float] = []

    def begin(self, values: Floats, times: Sequence[float]) -> Floats:
        """Learn a warm-up (N,) and tell its surprises, as later rows of the same scores would have them at least."""
        self.scale = Scale(values)
        scores = np.array([self._look(v, t, True) for v, t in zip(values.tolist(), times, strict=True)])
        self.longest = _longest(np.isnan(values))
        self.longest_same = _longest(values[1:] == values[:-1])
        if len(same := np.unique(values[np.isfinite(values)])) == 1:  # what never changed is not stuck
            self.last, self.excused = float(same[0]), 1.0
        if self.plain:
            return scores[:, 0]
        p = np.full(scores.shape, np.nan)
        for k, look in enumerate(self.looks):
            known = np.flatnonzero(np.isfinite(scores[:, k]))
            for score in scores[known, k].tolist():
                look.learn(score)
            if look.reference is not None:
                own = look.reference.own_p()
                p[known[-len(own) :], k] = own
        rare = np.minimum(-np.log10(np.maximum(p, 1e-300)), RARE).tolist()
        told = [[surprise for surprise in row if surprise == surprise] for row in rare]
        return np.array([_together(row) if row else math.nan for row in told])

    def _look(self, value: float, time: float, learn: bool) -> list[float]:
        if value != value:
            return [math.nan] * len(self.looks)
        if not learn:
            self.unlearnt.append((value, time))
        scaled, kept = self.scale(value, learn)
        return [look.member.step(scaled, kept, time, learn) for look in self.looks]

    def step(self, value: float, time: float, learn: bool) -> float:
        """The surprise of the next value; NaN where there is none."""
        self.value = value
        if value != value:
            self.absent += 1
            self.own, self._scores = [], []
            self.stuck = self.absent > _most(self.longest) and not self.excused
            return math.nan
        self.stuck = self._is_stuck(value)
        if self.plain:
            return self._look(value, time, learn)[0]
        self._scores = self._look(value, time, learn)
        self.own = [
            math.nan if score != score or look.reference is None else look.reference.smooth_p(score)
            for look, score in zip(self.looks, self._scores, strict=True)
        ]
        known = [min(-math.log10(p), RARE) if p > 0 else RARE for p in self.own if p == p]
        return _together(known) if known else math.nan

    def _is_stuck(self, value: float) -> bool:
        """Whether the same value came more often in a row than could be expected."""
        if self.absent:
            if self.absent <= _most(self.longest):
                self.longest = max(self.longest, self.absent)
            self.absent = self.excused = 0.0
        if value == self.last:
            self.same += 1
            return self.same > _most(self.longest_same) and not self.excused
        if self.longest_same < self.same <= _most(self.longest_same):
            self.longest_same = self.same
        self.same, self.last, self.excused = 0.0, value, 0.0
        return False

    def learn(self) -> None:
        """The last row was normal."""
        for look, score in zip(self.looks, self._scores, strict=False):
            if score == score:
                look.learn(score)

    def accept(self) -> None:
        """A shift that lasts is normal: its last rows are learnt after all, and what was normal before counts less."""
        self.excused = float(self.stuck)
        if self.stuck:
            return
        self.scale.widen(value for value, _ in self.unlearnt)
        for value, time in self.unlearnt:
            self._look(value, time, True)
        self.unlearnt.clear()
        for look in self.looks:
            look.member.forget()

    def explain(self) -> tuple[str, float]:
        """The kind by the member that is most surprised by the last row, and the value that was expected."""
        if self.value != self.value:
            return "missing", math.nan
        if self.stuck:
            return "flatline", math.nan
        surprised = [(p, k) for k, p in enumerate(self.own) if p == p]
        member = self.looks[min(surprised)[1] if surprised else 0].member
        expected = next((e for e in (look.member.expected for look in self.looks) if e == e), math.nan)
        expected = member.expected if member.expected == member.expected else expected
        return member.kind, self.scale.middle + self.scale.spread * expected

    def state(self) -> dict[str, Floats]:
        """Everything, as plain arrays."""
        numbers = [*(getattr(self.scale, n) for n in Scale.numbers), *(getattr(self, n) for n in _COUNTS)]
        looks = {f"{k}.{name}": array for k, look in enumerate(self.looks) for name, array in look.state().items()}
        unlearnt = np.asarray(self.unlearnt, np.float64).reshape(-1, 2)
        return {**looks, "numbers": np.asarray(numbers, np.float64), "unlearnt": unlearnt}

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on where `state` was taken."""
        numbers = state["numbers"].tolist()
        for name, number in zip(Scale.numbers, numbers[: len(Scale.numbers)], strict=True):
            setattr(self.scale, name, number)
        for name, number in zip(_COUNTS, numbers[len(Scale.numbers) :], strict=True):
            setattr(self, name, number)
        self.unlearnt.extend((value, time) for value, time in state["unlearnt"].tolist())
        for k, look in enumerate(self.looks):
            look.restore(part(state, f"{k}."))


class Stream:
    """One series of C channels, a row at a time.

    family: DEFAULT or LIGHT. rate: promised share of normal rows in alarm. Raises UsageError for another family.
    """

    def __init__(self, channels: int, family: str = DEFAULT, rate: float = 0.001) -> None:
        if family not in FAMILIES:
            raise UsageError(f"--family {family}: watch knows {' and '.join(FAMILIES)}")
        self.family, self.rate = family, rate
        length = exact_length(rate, min(_SPAN * Calibration(rate).rows(0), LONGEST))
        self.settings = Calibration(rate, length=length, patience=_GRACE * PATIENCE, aloof=True)
        self.channels = [Channel(family) for _ in range(channels)]
        self.judge: Calibrator | Panel | None = None
        self.row = 0  # rows judged
        self.p = self.surprise = math.nan  # of the last row
        self.accepted = False  # a shift that lasts was taken for normal; whoever asks sets it back
        self.used = list(range(channels))  # channels that had values in the warm-up; the others are left alone
        self._surprises: list[float] = []
        self._own: list[float] = []  # of several channels, each one's p-value for the last row
        self._learn = True
        self._open = self._calm = 0  # rows in alarm, and those without since
        self._onset = (-math.inf, 0.0)  # the row of the last onset and how surprising it was

    def begin(self, times: Sequence[float], values: Any) -> None:
        """Learn the warm-up: times (N,) in seconds, values (N, C), NaN where unknown.

        A channel without values is left alone from then on. Raises InputError where all are.
        """
        table = np.asarray(values, np.float64)
        found = np.stack([channel.begin(table[:, c], times) for c, channel in enumerate(self.channels)], axis=1)
        self.used = np.flatnonzero(np.isfinite(found).sum(axis=0) >= _FEWEST).tolist()
        if not self.used:
            raise InputError(f"no channel has enough values in the {len(table):,} rows of the warm-up")
        alone = len(self.used) == 1
        normal = found[:, self.used]
        self.judge = Calibrator(normal[:, 0], self.settings) if alone else Panel(normal, self.settings, "least")

    def step(self, time: float, values: Sequence[float]) -> float:
        """The p-value of the next row, NaN where it holds no value; an alarm is p <= rate."""
        judge, learn, channels = self.judge, self._learn, self.channels
        if len(values) != len(channels) or judge is None:
            raise InputError("a stream is judged after its warm-up, a value for each of its channels")
        self._surprises = [channels[c].step(values[c], time, learn) for c in self.used]
        self.row += 1
        if any(channels[c].stuck for c in self.used):  # nothing to be ranked: that is a rule
            self.surprise, p, learnt = RARE, self.rate * _SURE, False
        elif isinstance(judge, Calibrator):
            self.surprise = self._surprises[0]
            p, learnt = judge.step(self.surprise), judge.learnt
        else:
            self.surprise = max((s for s in self._surprises if s == s), default=math.nan)
            p, self._own = judge.step(self._surprises)
            learnt = judge.learnt
        self.p = p
        self._follow(p)
        if learnt:
            for c in self.used:
                channels[c].learn()
        return p

    def _follow(self, p: float) -> None:
        """Whether the members may learn from the next row, and whether a shift has lasted long enough to be accepted.

        The members begin anew first; only where they still find it strange after some time does the judge accept it,
        since what it takes for normal once it goes by for long.
        """
        if p <= self.rate:
            self._open, self._calm = self._open + 1, 0
        elif p == p and self._open:
            self._calm += 1
            if self._calm >= self.settings.gap:
                self._open = 0
        self._learn = self._open == 0 or self._open > PATIENCE
        if p <= self.rate and self._open % PATIENCE == 0:
            self.accepted = True
            for c in self._at_fault():
                self.channels[c].accept()

    def _at_fault(self) -> list[int]:
        """The channels that the last row is in alarm for."""
        stuck = [c for c in self.used if self.channels[c].stuck]
        if stuck or len(self.used) == 1:
            return stuck or self.used
        most = max(self.rate, min(p for p in self._own if p == p))
        return [c for c, p in zip(self.used, self._own, strict=True) if p <= most]

    def onset(self) -> float:
        """How likely something begins with the last row, 0..1: silent after an onset, unless it gets much stranger."""
        surprise = min(-math.log10(self.p), RARE) if self.family == LIGHT and self.p > 0 else self.surprise
        if surprise != surprise:
            return 0.0
        row, before = self._onset
        if self.row - row <= _QUIET and surprise <= _LOUDER * before:
            return 0.0
        if surprise >= _FAINT:
            self._onset = (self.row, surprise)
        return surprise / (1 + surprise)

    def details(self) -> Details:
        """Why the last row is as strange as it is."""
        stuck = [float(self.channels[c].stuck) for c in self.used]
        weights = [0.0] * len(self.channels)
        for c, surprise in zip(self.used, stuck if any(stuck) else self._surprises, strict=True):
            weights[c] = max(surprise, 0.0) if surprise == surprise else 0.0
        total = math.fsum(weights)
        shares = tuple(w / total if total > 0 else 1 / len(weights) for w in weights)
        top = max(range(len(shares)), key=lambda c: shares[c])
        kind, expected = self.channels[top].explain()
        return Details(shares, top, kind, self.channels[top].value, expected)

    def state(self) -> dict[str, Floats]:
        """All that was learnt, as plain arrays."""
        assert self.judge is not None
        numbers = np.asarray([self.row, self._learn, self._open, self._calm, self.accepted, *self._onset], np.float64)
        channels = {
            f"channel.{c}.{n}": a for c, channel in enumerate(self.channels) for n, a in channel.state().items()
        }
        judge = {f"judge.{name}": array for name, array in self.judge.state().items()}
        return {**channels, **judge, "numbers": numbers, "used": np.asarray(self.used, np.float64)}

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on where `state` was taken from a stream of the same settings. Raises InputError for arrays of another."""
        try:
            row, learn, opened, calm, accepted, at, before = state["numbers"].tolist()
            for c, channel in enumerate(self.channels):
                channel.restore(part(state, f"channel.{c}."))
            kept = dict(part(state, "judge."))
            self.used = [int(c) for c in state["used"].tolist()]
            alone = len(self.used) == 1
            self.judge = Calibrator.restore(kept, self.settings) if alone else None
            self.judge = self.judge or Panel.restore(kept, self.settings, "least")
        except (KeyError, ValueError) as error:
            raise InputError(f"a saved stream that does not fit: {error}") from None
        self.row, self._learn, self.accepted, self._onset = int(row), bool(learn), bool(accepted), (at, before)
        self._open, self._calm = int(opened), int(calm)


_COUNTS = ("last", "absent", "longest", "same", "longest_same", "excused")


def _together(surprises: list[float]) -> float:
    """What members that know something say together: the mean of the two that are most surprised."""
    if len(surprises) < 2:
        return surprises[0]
    first, second = surprises[0], surprises[1]
    first, second = (first, second) if first >= second else (second, first)
    for surprise in surprises[2:]:
        if surprise > second:
            first, second = (surprise, first) if surprise > first else (first, surprise)
    return (first + second) / 2


def _most(longest: float) -> float:
    return 3 * longest + _RUN


def part(state: Mapping[str, Floats], prefix: str) -> dict[str, Floats]:
    """The arrays under a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def _longest(flags: Any) -> float:
    run = most = 0
    for flag in flags.tolist():
        run = run + 1 if flag else 0
        most = max(most, run)
    return float(most)
