"""The form that all judges of one channel have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.series import Floats

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Task:
    """What a member is to learn from.

    normal: (R,) points of the normal part, without NaN, in order of time. others: (M,) points that are to be judged and
    are at hand already, or nothing: a member may look for their like among themselves. window: points of one period,
    or of what stands for it. generator: the source of every random choice. known: (R,) false where `normal` only
    bridges a hole, which is nothing to learn from; all are known without it. effort: 0..1, the share of the usual time
    that may be spent.
    """

    normal: Floats
    window: int
    generator: np.random.Generator
    others: Floats | None = None
    known: NDArray[np.bool_] | None = None
    effort: float = 1.0


class Member(Protocol):
    """Judges the points of one channel; higher is stranger. Values never hold NaN; the caller fills holes."""

    name: ClassVar[str]
    reference: Floats  # (R,) scores of the normal part, as if each point had not been learnt

    def fit(self, task: Task) -> Self:
        """Learn."""
        ...

    def score(self, values: Floats) -> Floats:
        """Scores (N,) of points (N,); where `task.others` were these points, nothing is its own neighbor."""
        ...

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """Everything that was learnt, as arrays and plain JSON."""
        ...

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        ...
