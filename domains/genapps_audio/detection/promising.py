"""From scores of normal clips to alarms at a promised rate of false ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from genapps.anomaly import conformal_p, needed_length
from genapps.errors import UsageError
from genapps.metrics.distributions import Codes, Floats

RATE = 0.01


@dataclass(frozen=True)
class Promise:
    """rate: the share of normal clips that may raise an alarm. reference, part: (R,) scores of normal clips, and the
    panel that gave each, as the only one that had not learnt it.

    held: the share of normal clips in alarm where every second one is judged by the others; None where there are few.
    lowered: whether more than the usual rate is promised, since nobody asked for one and normal clips are few.
    """

    rate: float
    reference: Floats
    part: Codes
    held: float | None
    lowered: bool

    @classmethod
    def of(cls, scores: Floats, part: Codes, rate: float | None) -> Promise:
        """After scores (R,) of normal clips in no order; without a rate the usual one, or what R clips can promise.

        Raises UsageError for a rate that nobody can mean.
        """
        if rate is not None and not 0 < rate <= 0.5:
            raise UsageError(
                f"a false-alarm rate of {rate:g}: give a number above 0, at most 0.5; 0.01 is 1 clip in 100"
            )
        least = 1 / (len(scores) + 1)
        chosen = max(RATE, least) if rate is None else rate
        held = None
        if len(scores) >= 2 * needed_length(chosen):
            held = float((conformal_p(scores[::2], scores[1::2]) <= chosen).mean())
        return cls(chosen, scores, part, held, rate is None and chosen > RATE)

    @property
    def possible(self) -> bool:
        """Whether the normal clips are enough for the rate."""
        return len(self.reference) >= needed_length(self.rate)

    @property
    def threshold(self) -> float:
        """About the score above which there is an alarm; infinite where the rate cannot be promised.

        About, since each panel puts a clip beside its own normal ones.
        """
        allowed = math.floor(self.rate * (len(self.reference) + 1) + 1e-9)
        return float(np.sort(self.reference)[-allowed]) if allowed else math.inf

    def p(self, scores: Any) -> float:
        """The share of normal clips that are as strange, a clip of scores (K,) by each panel counted among them.

        Cross-conformal: a normal clip counts where the panel that had not learnt it finds the new one no stranger.
        Where panels agree the rate is kept; at worst it is about twice as high (Barber et al. 2021, theorem 4).
        """
        own = np.asarray(scores, np.float64)[self.part]
        above = int((self.reference >= own).sum())
        return (1 + above) / (len(self.reference) + 1)

    @property
    def words(self) -> str:
        """As people read it."""
        count = len(self.reference)
        if not self.possible:
            return (
                f"cannot promise a false-alarm rate of {self.rate:.3g} from {count:,} normal clips, so none has an "
                f"alarm: that needs {needed_length(self.rate):,}; ask for {1 / (count + 1):.2g} or more"
            )
        held = "" if self.held is None else f"; among normal clips that were not learnt: {self.held:.2g}"
        why = f", the least that {count:,} normal clips can promise" if self.lowered else ""
        return f"a false alarm in {1 / self.rate:,.0f} normal clips at most (a rate of {self.rate:.2g}{why}){held}"
