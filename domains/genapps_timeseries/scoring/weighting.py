"""What members are worth on a channel, by anomalies that are put into its own normal part; no label is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from genapps.errors import InputError
from genapps.metrics.ranges import vus_pr
from genapps_timeseries.injection.inject import injected
from genapps_timeseries.members.base import Member, Task
from genapps_timeseries.series import Floats

# Kinds that any judge of values could see; what arrives late or never is told without a judge.
KINDS = (
    "spike", "level", "trend", "noise", "shape", "speed", "flatline", "flip", "scale", "cutoff", "contextual",
    "missing",
)  # fmt: skip
LESSONS = 4000  # points of the normal part, the last ones: half to learn from, half to put anomalies into
FEWEST, MOST, ROOM = 3, 12, 3  # anomalies that are put in, and windows for each
ROUNDS = 2
POWER = 0.5  # of what was found, so that a few drawn anomalies do not silence a member


def worths(task: Task, kinds: Sequence[Callable[[], Member]]) -> Floats:
    """Weights (M,) of mean 1 for members: the root of the area under the curve of VUS-PR that each reaches.

    Equal where the normal part is too short to tell. Each member learns the first half of the normal part and judges
    the second with anomalies put in (the best way to choose without labels: Liu et al., "TSB-AutoAD", 2025).
    """
    normal = task.normal[-LESSONS:]
    half = len(normal) // 2
    count = min(MOST, (len(normal) - half) // (ROOM * task.window))
    if len(kinds) < 2 or count < FEWEST or task.effort < 1:
        return np.ones(len(kinds))
    known = None if task.known is None else task.known[-LESSONS:][:half]
    lesson = Task(normal[:half], task.window, task.generator, known=known)
    members = [kind().fit(lesson) for kind in kinds]
    found = []
    for _ in range(ROUNDS):
        try:
            made = injected(normal[half:], task.generator, kinds=KINDS, count=count, window=task.window)
        except InputError:
            break
        if made.labels.any():
            found.append([vus_pr(made.labels, member.score(made.values), task.window) for member in members])
    if not found:
        return np.ones(len(kinds))
    worth = np.maximum(np.mean(found, axis=0), 1e-6) ** POWER
    weights: Floats = worth / worth.mean()
    return weights
