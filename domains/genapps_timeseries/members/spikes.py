"""Single points that stand out from both of their neighbors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.scoring.windows import reach_of, tent
from genapps_timeseries.series import Floats


class Spikes:
    """The smaller of a point's two first differences where it lies beyond both neighbors, else nothing."""

    name: ClassVar[str] = "spikes"
    reference: Floats

    def fit(self, task: Task) -> Self:
        """Nothing is learnt but how far around a point its score falls off."""
        self.reach = reach_of(task.window)
        self.reference = self.score(task.normal)
        return self

    def score(self, values: Floats) -> Floats:
        """Heights (N,)."""
        before, after = np.diff(values, prepend=values[:1]), -np.diff(values, append=values[-1:])
        heights = np.where(before * after > 0, np.minimum(np.abs(before), np.abs(after)), 0)
        return tent(heights, self.reach)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The reach, and the reference."""
        return {"reference": self.reference}, {"reach": self.reach}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = cls()
        made.reach, made.reference = int(settings["reach"]), arrays["reference"]
        return made
