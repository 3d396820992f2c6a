"""How far the channel is from its middle for a while, whatever its course: long excursions, and floods of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.scoring.windows import running_mean
from genapps_timeseries.series import Floats


class Level:
    """The root mean square about the normal median, over a window around each point.

    It is what sub-sequence PCA as TSB-AD has it comes to: distances to all directions, over their shares of the
    variance, are nearly the size of the window alone.
    """

    name: ClassVar[str] = "level"
    reference: Floats

    def fit(self, task: Task) -> Self:
        """Only the middle is learnt.

        A normal part of a few periods has few whole windows, which are much alike: a reference of these alone would be
        so narrow that every other window is far beyond it. The parts of windows at its ends say how far they may lie.
        """
        self.window = task.window
        known = task.normal if task.known is None or not task.known.any() else task.normal[task.known]
        self.middle = float(np.median(known))
        self.reference = self._sizes(task.normal, partial=True)
        return self

    def score(self, values: Floats) -> Floats:
        """Sizes (N,)."""
        return self._sizes(values)

    def _sizes(self, values: Floats, *, partial: bool = False) -> Floats:
        return np.sqrt(np.maximum(running_mean((values - self.middle) ** 2, self.window, partial=partial), 0))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The middle, and the reference."""
        return {"reference": self.reference}, {"window": self.window, "middle": self.middle}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = cls()
        made.window, made.middle, made.reference = int(settings["window"]), settings["middle"], arrays["reference"]
        return made
