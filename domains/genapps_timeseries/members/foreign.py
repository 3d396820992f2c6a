"""Any detector of PyOD as a judge of a series: of its windows, as the families see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps.anomaly.foreign import Foreign
from genapps_timeseries.members.base import Arrays, Task
from genapps_timeseries.members.family_windows import View, as_rows, held_out, unlearnt
from genapps_timeseries.series import Floats

LESSONS = 4000  # windows that a detector learns, and that a model file keeps
NUMBERS = 32  # of a channel in a window


class ForeignMember:
    """A detector by name, `pyod:NAME` or `forest`, over windows of one channel (N,) or of several (N, C)."""

    name: ClassVar[str] = "foreign"
    reference: Floats

    def __init__(self, detector: str) -> None:
        self.detector = detector

    def fit(self, task: Task) -> Self:
        """Learn the normal part, (R,) or (R, C); a fifth of it is also judged by a detector of the rest."""
        normal, seed = as_rows(task.normal), int(task.generator.integers(2**32))
        self.view = View.fit(normal, task.window, NUMBERS)
        held = held_out(len(normal), self.view.length)
        honest = self._learnt(normal, ~held, seed).score(normal) if held.any() else np.zeros(len(normal))
        self._learnt(normal, np.ones(len(normal), bool), seed)
        self.reference = unlearnt(self.score(normal), honest, held)
        return self

    def _learnt(self, normal: Floats, allowed: NDArray[np.bool_], seed: int) -> Self:
        self.judge = Foreign.fit(self.detector, self.view.lessons(normal, allowed, LESSONS), seed)
        return self

    def score(self, values: Floats) -> Floats:
        """Scores (N,) of points (N,) or rows (N, C)."""
        return self.view.score(as_rows(values), lambda rows: self.judge.score(rows.astype(np.float32)))

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The windows that were learnt, and how."""
        arrays, settings = self.view.state()
        learnt, how = self.judge.state()
        return {**arrays, **learnt, "reference": self.reference}, {**settings, "judge": how}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from; the detector is fitted again."""
        made = cls(settings["judge"]["name"])
        made.view, made.judge = View.from_state(arrays, settings), Foreign.from_state(arrays, settings["judge"])
        made.reference = arrays["reference"]
        return made
