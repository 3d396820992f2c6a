"""From scores of good images to alarms at a promised rate of false ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genapps.anomaly import conformal_p
from genapps.anomaly.alarm_rate import AlarmRate
from genapps.metrics.distributions import Floats

KEPT = 50_000  # reference scores


@dataclass(frozen=True)
class Promise(AlarmRate):
    """Of images; the reference is ascending."""

    thing: ClassVar[str] = "image"
    normal: ClassVar[str] = "good"

    @classmethod
    def of(cls, scores: Floats, rate: float | None) -> Promise:
        """After scores (R,) of good images in no order. Raises UsageError for a rate that nobody can mean."""
        found, held, lowered = cls.chosen(scores, rate)
        kept = np.sort(scores)
        if len(kept) > KEPT:
            kept = kept[np.linspace(0, len(kept) - 1, KEPT).round().astype(int)]
        return cls(found, kept, held, lowered)

    def p(self, scores: Floats) -> Floats:
        """The share (N,) of good images that are as strange, each image counted among them."""
        return conformal_p(self.reference, scores)
