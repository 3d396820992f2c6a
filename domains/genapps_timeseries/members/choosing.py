"""What `--family` names: one judge instead of the ensemble, or the one that finds most of what is put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from genapps.anomaly.foreign import PYOD, pyod
from genapps.errors import UsageError
from genapps.metrics.ranges import auc_pr
from genapps.suggest import did_you_mean
from genapps_timeseries.injection.inject import injected
from genapps_timeseries.members.base import Arrays, Member, Task
from genapps_timeseries.members.family import FAMILIES
from genapps_timeseries.members.foreign import ForeignMember
from genapps_timeseries.series import Floats

AUTO = "auto"
LEARNT = 0.6  # of the normal part, while families are compared on the rest
FEWEST, MOST = 3, 10  # anomalies that are put in: fewer say nothing
ROOM = 3  # windows of the rest for each


def check_family(name: str) -> None:
    """Raises UsageError for a name that stands for no judge, MissingExtra where PyOD is asked for and missing."""
    if name.startswith(PYOD):
        pyod(name, 0)
    elif name not in ("ensemble", AUTO, *FAMILIES):
        known = ["ensemble", *FAMILIES, AUTO]
        raise UsageError(
            f"unknown family {name!r}; choose from {', '.join(known)} or pyod:NAME.{did_you_mean(name, known)}"
        )


def member_of(family: str) -> Member:
    """The judge that a family's name stands for, which has learnt nothing yet."""
    check_family(family)
    if family == AUTO:
        return Best()
    return ForeignMember(family) if family.startswith(PYOD) else FAMILIES[family]()


def restored(name: str, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Member:
    """The member with this `Member.name` that `state` was taken from."""
    kinds: dict[str, type[Member]] = {Best.name: Best, ForeignMember.name: ForeignMember, **FAMILIES}
    return kinds[name].from_state(arrays, settings)


class Best:
    """The family that finds most of the anomalies that are put into the last part of the normal part.

    tried: each family's area under the precision-recall curve there, the best first; empty where it is too short.
    """

    name: ClassVar[str] = AUTO
    reference: Floats
    tried: tuple[tuple[str, float], ...] = ()

    def fit(self, task: Task) -> Self:
        """Compare, then learn all of the normal part (R,)."""
        self.tried = compared(task)
        self.chosen: Member = FAMILIES[self.tried[0][0] if self.tried else "gmm"]().fit(task)
        self.reference = self.chosen.reference
        return self

    def score(self, values: Floats) -> Floats:
        """Scores (N,) of points (N,)."""
        return self.chosen.score(values)

    def state(self) -> tuple[Arrays, dict[str, Any]]:
        """The chosen one's, and how it was chosen."""
        arrays, settings = self.chosen.state()
        return arrays, {**settings, "chosen": self.chosen.name, "tried": [list(pair) for pair in self.tried]}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]) -> Self:
        """The member that `state` was taken from."""
        made = cls()
        made.chosen = FAMILIES[settings["chosen"]].from_state(arrays, settings)
        made.tried = tuple((str(name), float(worth)) for name, worth in settings["tried"])
        made.reference = made.chosen.reference
        return made


def compared(task: Task) -> tuple[tuple[str, float], ...]:
    """Each family's area under the precision-recall curve for anomalies put into the last part of the normal part."""
    cut = int(LEARNT * len(task.normal))
    rest, seed = task.normal[cut:], int(task.generator.integers(2**62))
    count = min(len(rest) // (ROOM * task.window), MOST)
    if count < FEWEST:
        return ()
    made = injected(rest, np.random.default_rng(seed), count=count, window=task.window)
    values = np.where(np.isnan(made.values), rest, made.values)  # nothing arriving is no matter of families
    if not made.events:
        return ()
    found = []
    for name, kind in FAMILIES.items():
        judge = kind().fit(Task(task.normal[:cut], task.window, np.random.default_rng(seed)))
        found.append((name, round(auc_pr(made.labels, judge.score(values)), 4)))
    return tuple(sorted(found, key=lambda pair: -pair[1]))
