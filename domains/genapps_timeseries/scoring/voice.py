"""Scores of one member of any unit as what it says in an ensemble."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.series import Floats

LOWEST, HIGHEST = -3.0, 10.0  # of a z-score: none outvotes all others
RARE = 0.99  # up to here scores of the normal part are usual
LONGEST = 5.0  # times as far as that from the median: more counts no more
WEIGHT = 5.0  # of what is beyond the usual, in the same unit


@dataclass(frozen=True)
class Voice:
    """mean and deviation: of all scores at hand. middle and usual: the median of the normal part, and how far above it
    its highest hundredth begins. worth: the weight among the members."""

    mean: float
    deviation: float
    middle: float
    usual: float
    worth: float = 1.0

    @classmethod
    def of(cls, reference: Floats, others: Floats | None, known: NDArray[np.bool_], worth: float = 1.0) -> Self:
        """From scores (R,) of the normal part where it is `known` (R,), and of what is judged (M,), if it is at hand.

        All at hand set the scale together, in whatever order they come, so that no part of them is favored.
        """
        kept = reference[known] if known.any() else reference
        middle, rare = (float(q) for q in np.quantile(kept, [0.5, RARE]))
        usual = (rare - middle) or float(kept.max()) - middle
        both = kept if others is None else np.concatenate([kept, others])
        usual = usual or float(both.std()) or 1.0
        return cls(float(both.mean()), float(both.std()) or 1.0, middle, usual, worth)

    def __call__(self, scores: Floats) -> Floats:
        """What scores (N,) say: their clipped z-score, and more where they are beyond nearly all of the normal part.

        The z-score favors members to which something stands out from the rest; the second term those to which it
        stands out from what is normal.
        """
        z = np.clip((scores - self.mean) / self.deviation, LOWEST, HIGHEST)
        beyond = np.clip((scores - self.middle) / self.usual, 1, LONGEST) - 1
        said: Floats = self.worth * (z + WEIGHT * beyond)
        return said

    def state(self) -> dict[str, float]:
        """Everything as plain numbers."""
        found: dict[str, Any] = asdict(self)
        return found
