"""Alarms as they were told: numbers (N,), rows of one number being one alarm, 0 where there is none.

A column of yes and no has an alarm for each run of rows. What `detect` writes numbers its events, and an event may hold
calm rows between those in alarm, or begin where another one ends: runs of rows would be more alarms, or fewer, than a
person was told of.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.metrics import ranges
from genapps.metrics.ranges import EventScores
from genapps_timeseries.series import Codes, Floats

Mask = NDArray[np.bool_]


def numbered(flags: Any) -> Codes:
    """The runs of true values in flags (N,), numbered from 1."""
    raised = np.asarray(flags, bool)
    return np.where(raised, np.cumsum(np.diff(raised, prepend=False) & raised), 0)


def counted(alarms: Codes) -> int:
    """How many alarms there are."""
    return len(np.unique(alarms[alarms > 0]))


def event_scores(truth: Mask, alarms: Codes) -> EventScores:
    """True events (N,) that were found and missed, alarms (N,) that touch one and that touch none.

    Raises InputError for lengths that differ.
    """
    found = ranges.event_scores(truth, alarms > 0)
    true = counted(np.where(truth, alarms, 0))
    return EventScores(found.found, found.missed, true, counted(alarms) - true)


def false_per_week(truth: Mask, alarms: Codes, times: Floats) -> float | None:
    """Alarms that touch no event, in a week of recorded time outside events; None where no time is left.

    times: (N,) seconds. A row stands for one step, the median one, so that gaps are no quiet time.
    """
    steps = np.diff(times)
    steps = steps[steps > 0]
    weeks = float((~truth).sum() * np.median(steps) / ranges.WEEK) if len(steps) else 0.0
    return event_scores(truth, alarms).false_alarms / weeks if weeks else None


def shuffled(alarms: Codes, generator: np.random.Generator) -> Codes:
    """As many alarms of the same lengths at random places of as many rows, none over another."""
    lengths = generator.permutation(np.unique_counts(alarms[alarms > 0]).counts)
    free = len(alarms) - int(lengths.sum())
    before = np.sort(generator.integers(0, free + 1, len(lengths)))  # free rows before each
    starts = before + np.cumsum(lengths) - lengths
    placed = np.zeros(len(alarms), np.int64)
    for number, (start, length) in enumerate(zip(starts, lengths, strict=True), 1):
        placed[start : start + length] = number
    return placed
