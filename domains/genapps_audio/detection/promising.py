"""From scores of normal clips to alarms at a promised rate of false ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from genapps.anomaly.alarm_rate import AlarmRate
from genapps.metrics.distributions import Codes, Floats


@dataclass(frozen=True)
class Promise(AlarmRate):
    """Of clips. part: (R,) the panel that scored each normal clip, as the only one that had not learnt it.

    The threshold is about right only, since each panel puts a clip beside its own normal ones.
    """

    thing: ClassVar[str] = "clip"
    normal: ClassVar[str] = "normal"

    part: Codes

    @classmethod
    def of(cls, scores: Floats, part: Codes, rate: float | None) -> Promise:
        """After scores (R,) of normal clips. Raises UsageError for a rate that nobody can mean."""
        found, held, lowered = cls.chosen(scores, rate)
        return cls(found, scores, held, lowered, part)

    def p(self, scores: Any) -> float:
        """The share of normal clips that are as strange, a clip of scores (K,) by each panel counted among them.

        Cross-conformal: a normal clip counts where the panel that had not learnt it finds the new one no stranger.
        Where panels agree the rate is kept; at worst it is about twice as high (Barber et al. 2021, theorem 4).
        """
        own = np.asarray(scores, np.float64)[self.part]
        above = int((self.reference >= own).sum())
        return (1 + above) / (len(self.reference) + 1)
