"""From scores of good images to alarms at a promised rate of false ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genapps.anomaly import conformal_p, needed_length
from genapps.errors import UsageError
from genapps.metrics.distributions import Floats

RATE = 0.01
KEPT = 50_000  # reference scores


@dataclass(frozen=True)
class Promise:
    """rate: the share of good images that may raise an alarm. reference: (R,) scores of good images, ascending.

    held: the share of good images in alarm where every second one is judged by the others; None where there are few.
    lowered: whether more than the usual rate is promised, since nobody asked for one and good images are few.
    """

    rate: float
    reference: Floats
    held: float | None
    lowered: bool

    @classmethod
    def of(cls, scores: Floats, rate: float | None) -> Promise:
        """After scores (R,) of good images in no order; without a rate the usual one, or what R images can promise.

        Raises UsageError for a rate that nobody can mean.
        """
        if rate is not None and not 0 < rate <= 0.5:
            raise UsageError(
                f"a false-alarm rate of {rate:g}: give a number above 0, at most 0.5; 0.01 is 1 image in 100"
            )
        least = 1 / (len(scores) + 1)
        chosen = max(RATE, least) if rate is None else rate
        held = None
        if len(scores) >= 2 * needed_length(chosen):
            held = float((conformal_p(scores[::2], scores[1::2]) <= chosen).mean())
        kept = np.sort(scores)
        if len(kept) > KEPT:
            kept = kept[np.linspace(0, len(kept) - 1, KEPT).round().astype(int)]
        return cls(chosen, kept, held, rate is None and chosen > RATE)

    @property
    def possible(self) -> bool:
        """Whether the good images are enough for the rate."""
        return len(self.reference) >= needed_length(self.rate)

    @property
    def threshold(self) -> float:
        """The score above which there is an alarm; infinite where the rate cannot be promised."""
        allowed = math.floor(self.rate * (len(self.reference) + 1) + 1e-9)
        return float(self.reference[-allowed]) if allowed else math.inf

    def p(self, scores: Floats) -> Floats:
        """The share (N,) of good images that are as strange, each image counted among them."""
        return conformal_p(self.reference, scores)

    @property
    def words(self) -> str:
        """As people read it."""
        count = len(self.reference)
        if not self.possible:
            return (
                f"cannot promise a false-alarm rate of {self.rate:.3g} from {count:,} good images, so none has an "
                f"alarm: that needs {needed_length(self.rate):,}; ask for {1 / (count + 1):.2g} or more"
            )
        held = "" if self.held is None else f"; among good images that were not learnt: {self.held:.2g}"
        why = f", the least that {count:,} good images can promise" if self.lowered else ""
        return f"a false alarm in {1 / self.rate:,.0f} good images at most (a rate of {self.rate:.2g}{why}){held}"
