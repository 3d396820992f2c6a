"""Events that somebody said were normal: their rows join what is normal, and their like is no event any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from genapps_timeseries.detection.events import Found
from genapps_timeseries.detection.judging import Judged
from genapps_timeseries.detection.learning import Learnt, Normal, extend
from genapps_timeseries.scoring.detector import Scored
from genapps_timeseries.scoring.examples import nearest
from genapps_timeseries.wording import counted

LIKE = 0.5  # of the distance to what is normal else, within which an event is like an accepted one


def accept(normal: Normal, judged: Judged, events: Sequence[Found]) -> Learnt:
    """What is normal once the rows of events are.

    They are learnt with a window around them, so that they have neighbors, and their new scores, those that the same
    rows would get if they came again, join the reference as its newest. Where the first part of the judged rows was
    what is normal, the learnt scores are of that part.
    """
    series, first = judged.series, len(normal.values)
    others = series.values[judged.normal :] if judged.normal else None
    for event in events:
        begin, end = _around(event, judged, normal.window)
        piece, times = series.values[begin:end], series.times[begin:end]
        learnt = extend(normal, piece, times, others, counted=False, keep=None)
        rows = slice(event.first - begin, event.last + 1 - begin)
        scores = learnt.normal.detector.score(piece).scores[rows]
        reference = np.concatenate([learnt.normal.reference, scores[np.isfinite(scores)]])
        longest = np.maximum(learnt.normal.longest, _stretch(event, normal))
        normal = replace(learnt.normal, reference=reference, longest=longest, accepted=(*normal.accepted, piece.copy()))
    found = normal.detector.reference
    return Learnt(normal, Scored(found.scores[:first], found.channels[:first], found.expected[:first]))


def without_accepted(events: Sequence[Found], judged: Judged, normal: Normal) -> tuple[list[Found], tuple[str, ...]]:
    """The events that are like no accepted one, numbered anew, and what is to be said of the others."""
    kept = [event for event in events if not _is_like(event, judged, normal)]
    count = len(events) - len(kept)
    said = f"{counted(count, 'event')} like accepted ones {'is' if count == 1 else 'are'} not told"
    return [replace(event, id=k) for k, event in enumerate(kept, 1)], (said,) if count else ()


def _is_like(event: Found, judged: Judged, normal: Normal) -> bool:
    """Whether an accepted stretch is much more like an event than what is normal else."""
    if not normal.accepted or not event.by_score:
        return False
    c = normal.channels.index(event.channels[0][0])
    pattern = judged.series.values[event.first : event.last + 1, c]
    usual = normal.values[: len(normal.values) - sum(map(len, normal.accepted)), c]
    _, far = nearest(usual, pattern)
    return any(nearest(piece[:, c], pattern)[1] < LIKE * far for piece in normal.accepted)


def _around(event: Found, judged: Judged, window: int) -> tuple[int, int]:
    return max(event.first - window, 0), min(event.last + 1 + window, len(judged.series))


def _stretch(event: Found, normal: Normal) -> NDArray[np.int64]:
    """The longest stretches that an event makes normal (2, C)."""
    made = np.zeros((2, len(normal.channels)), np.int64)
    which = {"flatline": 0, "gap": 1, "missing": 1}.get(event.kind)
    if which is not None:
        for name, _ in event.channels:
            made[which, normal.channels.index(name)] = event.last - event.first + 1
    return made
