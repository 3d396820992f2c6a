"""A promised rate of false alarms from the scores of things that were held out and come in no order: images, clips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genapps.anomaly.conformal import conformal_p, needed_length
from genapps.errors import UsageError
from genapps.metrics.distributions import Floats

RATE = 0.01


@dataclass(frozen=True)
class AlarmRate:
    """rate: the share of normal things that may raise an alarm. reference: (R,) scores of normal ones not learnt.

    held: the share of those in alarm where every second one is judged by the others; None where there are few.
    lowered: whether more than the usual rate is promised, since nobody asked for one and normal things are few.
    One domain's subclass says what its things are called.
    """

    thing: ClassVar[str]
    normal: ClassVar[str]

    rate: float
    reference: Floats
    held: float | None
    lowered: bool

    @classmethod
    def chosen(cls, scores: Floats, rate: float | None) -> tuple[float, float | None, bool]:
        """rate, held and lowered after scores (R,): the usual rate, or what so many can promise, if nobody asks.

        Raises UsageError for a rate that nobody can mean.
        """
        if rate is not None and not 0 < rate <= 0.5:
            raise UsageError(
                f"a false-alarm rate of {rate:g}: give a number above 0, at most 0.5; 0.01 is 1 {cls.thing} in 100"
            )
        found = max(RATE, 1 / (len(scores) + 1)) if rate is None else rate
        held = None
        if len(scores) >= 2 * needed_length(found):
            held = float((conformal_p(scores[::2], scores[1::2]) <= found).mean())
        return found, held, rate is None and found > RATE

    @property
    def possible(self) -> bool:
        """Whether normal things are enough for the rate."""
        return len(self.reference) >= needed_length(self.rate)

    @property
    def threshold(self) -> float:
        """The score from which on there is an alarm; infinite where the rate cannot be promised."""
        allowed = math.floor(self.rate * (len(self.reference) + 1) + 1e-9)
        return float(np.sort(self.reference)[-allowed]) if allowed else math.inf

    @property
    def words(self) -> str:
        """As people read it."""
        count, things = len(self.reference), f"{self.normal} {self.thing}s"
        if not self.possible:
            return (
                f"cannot promise a false-alarm rate of {self.rate:.3g} from {count:,} {things}, so none has an "
                f"alarm: that needs {needed_length(self.rate):,}; ask for {1 / (count + 1):.2g} or more"
            )
        held = "" if self.held is None else f"; among {things} that were not learnt: {self.held:.2g}"
        why = f", the least that {count:,} {things} can promise" if self.lowered else ""
        return f"a false alarm in {1 / self.rate:,.0f} {things} at most (a rate of {self.rate:.2g}{why}){held}"
