"""What is normal of one series: learnt from its normal part, robustly, with all that judging other rows takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.anomaly import conformal_p
from genapps.errors import InputError, UsageError
from genapps.metrics.ranges import segments
from genapps_timeseries.members.base import Task
from genapps_timeseries.members.neighbors import Neighbors
from genapps_timeseries.scoring.detector import Detector, DetectorSettings, Scored
from genapps_timeseries.scoring.examples import nearest
from genapps_timeseries.scoring.filling import fill
from genapps_timeseries.scoring.moments import WIDTH
from genapps_timeseries.scoring.surprise import Surprise
from genapps_timeseries.scoring.windows import window_of
from genapps_timeseries.series import Clock, Floats, Series

Mask = NDArray[np.bool_]

FEWEST = 8  # rows of a normal part
CHECKED = 20_000  # rows of a normal part that are checked for dirt at once
DOUBTFUL = 0.1  # of the normal part that is checked
BEYOND = 1.75  # times the highest normal score: what is beyond is dirt
QUICK = 1.15  # likewise, at the quick look
HABIT, TWICE = 0.5, 2  # of the distance to the rest within which two others make a stretch a habit
WHOLE = 2**19  # rows that are judged at once; longer series go by blocks
PERIODS = 2  # of a given length, at least, are in the normal part
KEPT = 100_000  # rows of a normal part that are kept to be gone on with


@dataclass(frozen=True)
class Accepted:
    """An event that somebody said was normal: its values (L, C), with a window around, and the channels it was in."""

    values: Floats
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Normal:
    """What is normal of one series.

    values: (R, C) rows it was learnt from, oldest first, NaN where unknown or strange. times: (R,). reference: (K,)
    scores of normal rows, as if each had not been learnt, oldest first. middle, spread: (C,) of the channels' scores.
    residuals: C arrays of value less expectation, ascending. longest: (2, C) rows for which a channel stayed the same,
    and was unknown, at most. dirty: (R,) rows that were found to be strange and are not learnt. window: rows of a
    period, or of what stands for it. accepted: events that somebody said were normal.
    """

    channels: tuple[str, ...]
    clock: Clock
    detector: Detector
    values: Floats
    times: Floats
    reference: Floats
    middle: Floats
    spread: Floats
    residuals: tuple[Floats, ...]
    longest: NDArray[np.int64]
    dirty: Mask
    window: int
    name: str = ""
    accepted: tuple[Accepted, ...] = ()

    def shares(self, channels: Floats) -> Floats:
        """Each channel's share (N, C) in how strange rows are, after its scores (N, C); the shares of a row sum to 1.

        Squares of how far a score is above the usual one, so that many dull channels do not hide a strange one.
        """
        excess = np.clip((np.nan_to_num(channels, nan=-np.inf) - self.middle) / self.spread, 0, 1e6) ** 2
        total = excess.sum(axis=1, keepdims=True)
        shares: Floats = np.where(total > 0, excess / np.where(total > 0, total, 1), 1 / channels.shape[1])
        return shares

    def band(self, rate: float) -> tuple[Floats, Floats]:
        """How far below and above its expectation each channel (C,) is in all but a share `rate` of normal rows."""
        low, high = [], []
        for found in self.residuals:
            last = len(found) - 1
            place = min(max(int(np.floor(rate / 2 * (last + 2))) - 1, 0), last)
            low.append(found[place] if len(found) else np.nan)
            high.append(found[last - place] if len(found) else np.nan)
        return np.array(low), np.array(high)

    def own_p(self, scores: Floats) -> Floats:
        """P-values (M,) of rows of the reference, each among the others, by their scores (M,)."""
        count = len(self.reference)
        return np.clip((conformal_p(self.reference, scores) * (count + 1) - 1) / count, 1 / count, 1.0)


@dataclass(frozen=True)
class Learnt:
    """What is normal, and the scores of the rows it was learnt from, dirty rows as rows that are judged."""

    normal: Normal
    scored: Scored


def learn(part: Series, others: Floats | None, settings: DetectorSettings, *, robust: bool = True) -> Learnt:
    """What is normal after a part (R, C) that is; `others` (M, C) are the rows to be judged, where they are at hand.

    robust: rows that are far stranger than the rest of the part are left out, and the rest is learnt anew. Raises
    InputError for a part with too few known rows.
    """
    values = part.values
    _enough(values, part.name)
    if settings.window > len(values) // PERIODS:
        raise UsageError(
            f"--season of {settings.window:,} rows: the normal part has {len(values):,}, which is less than"
            f" {PERIODS} of them; give a shorter one, or more that is normal with --train"
        )
    window = settings.window or max(window_of(_bridged(column)) for column in values.T)
    others = None if others is None or len(others) > WHOLE or not len(others) else others
    dirty = dirty_rows(values, settings, window) if robust else np.zeros(len(values), bool)
    detector = Detector(settings).fit(_without(values, dirty), others)
    scored = _merged(detector.reference, detector, values, dirty)
    clean = _without(values, dirty)
    blank = Normal(
        part.channels,
        part.clock,
        detector,
        clean,
        part.times,
        *_told(clean, detector, ~dirty, part.name),
        longest=_longest(clean, values),
        dirty=dirty,
        window=window,
        name=part.name,
    )
    return Learnt(blank, scored)


def extend(normal: Normal, new: Floats, times: Floats, *, joined: bool = False) -> Learnt:
    """What is normal after more rows (M, C) that are, but for those that hardly are, learnt anew from the last of both.

    joined: whether they follow the rows that are known; else rows near the seam are no part of the reference.
    """
    seam = 0 if joined else normal.window
    strange = dirty_rows(new, normal.detector.settings, normal.window)
    values = np.concatenate([normal.values, np.full((seam, new.shape[1]), np.nan), _without(new, strange)])
    clock = np.concatenate([normal.times, np.full(seam, times[0] if len(times) else 0.0), times])
    usable = np.ones(len(values), bool)
    if seam:
        usable[max(len(normal.values) - seam, 0) : len(normal.values) + 2 * seam] = False
    dirty = np.concatenate([normal.dirty, np.zeros(seam, bool), strange])
    cut = slice(-KEPT, None)
    values, clock, usable, dirty = values[cut], clock[cut], usable[cut] & ~dirty[cut], dirty[cut]
    _enough(values, normal.name)
    detector = Detector(normal.detector.settings).fit(values)
    made = Normal(
        normal.channels,
        normal.clock,
        detector,
        values,
        clock,
        *_told(values, detector, usable, normal.name),
        longest=np.maximum(normal.longest, _longest(new, new)),
        dirty=dirty,
        window=normal.window,
        name=normal.name,
        accepted=normal.accepted,
    )
    return Learnt(made, detector.reference)


def _enough(values: Floats, name: str) -> None:
    known = int(np.isfinite(values).any(axis=1).sum())
    if known < FEWEST:
        raise InputError(
            f"{name or 'the normal part'}: {known} rows with a value, and it takes {FEWEST} or more to tell what "
            "is normal; give more rows, or another --train"
        )


def _told(
    values: Floats, detector: Detector, usable: Mask, name: str
) -> tuple[Floats, Floats, Floats, tuple[Floats, ...]]:
    """The reference, the channels' middle and spread, and the residuals, of usable rows of a normal part (R, C)."""
    reference = detector.reference
    usable = usable & np.isfinite(reference.scores)
    if not usable.any():
        raise InputError(f"{name or 'the normal part'}: no row of it can be judged; give more rows, or another --train")
    middle, spread = scale_of(reference.channels[usable])
    residuals = (values - reference.expected)[usable]
    return reference.scores[usable], middle, spread, tuple(np.sort(c[np.isfinite(c)]) for c in residuals.T)


def _longest(clean: Floats, values: Floats) -> NDArray[np.int64]:
    return np.array([[longest_same(c) for c in clean.T], [longest_unknown(c) for c in values.T]])


def dirty_rows(values: Floats, settings: DetectorSettings, window: int) -> Mask:
    """Rows (R,) of a normal part that are hardly normal, told by a detector that did not learn them.

    The strangest tenth is left out and what remains is learnt; a stretch of that tenth is dirt where it is then far
    beyond all that remained. Rows that are merely the highest of normal ones are not: they are then about as high as
    the next highest.
    """
    dirty = np.zeros(len(values), bool)
    for start in range(0, len(values), CHECKED):
        part = values[start : start + CHECKED]
        if np.isfinite(part).any(axis=1).sum() >= 5 * FEWEST and _is_doubtful(part, window):
            dirty[start : start + CHECKED] = _dirt(part, settings, window)
    return dirty


def _is_doubtful(values: Floats, window: int) -> bool:
    """Whether the strangest tenth of a channel is beyond the rest of it, by neighbors alone: a quick look first."""
    for column in values.T:
        if len(np.unique(column[np.isfinite(column)])) < FEWEST:
            continue
        scores = _neighbors(fill(column, 1).values, window).reference
        doubtful = scores > np.quantile(scores, 1 - DOUBTFUL)
        rest, judged = fill(np.where(doubtful, np.nan, column), max(3, window // 2))
        near = _neighbors(rest, window)
        surprise = Surprise.of(np.where(judged & ~doubtful, near.reference, np.nan))
        again = surprise(near.score(fill(column, 1).values))[doubtful]
        if again.size and again.max() > QUICK * surprise.rare:
            return True
    return False


def _neighbors(values: Floats, window: int) -> Neighbors:
    return Neighbors().fit(Task(values, window, np.random.default_rng(0)))


def _dirt(values: Floats, settings: DetectorSettings, window: int) -> Mask:
    nothing = np.zeros(len(values), bool)
    scores = np.nan_to_num(Detector(settings).fit(values).reference.scores)
    doubtful = scores > np.quantile(scores, 1 - DOUBTFUL)
    first, last = segments(~doubtful)
    for begin, end in zip(first, last, strict=True):  # what lies between two doubtful stretches
        if end - begin < window // 4 and begin > 0 and end + 1 < len(values):
            doubtful[begin : end + 1] = True
    rest = _without(values, doubtful)
    if not doubtful.any() or np.isfinite(rest).any(axis=1).sum() < 4 * FEWEST:
        return nothing
    detector = Detector(settings).fit(rest)
    known = detector.reference.scores[np.isfinite(detector.reference.scores)]
    if not len(known):
        return nothing
    again = detector.score(values)
    scores = np.nan_to_num(again.scores)
    found = [(b, e) for b, e in _runs(doubtful) if scores[b : e + 1].max() > BEYOND * known.max()]
    for begin, end in found:
        c = int(np.nan_to_num(again.channels[begin : end + 1]).max(axis=0).argmax())
        others = [values[b : e + 1, c] for b, e in found if b != begin]
        if not _is_habit(values[begin : end + 1, c], others, rest[:, c]):
            nothing[begin : end + 1] = True
    return nothing


def _is_habit(stretch: Floats, others: list[Floats], rest: Floats) -> bool:
    """Whether a strange stretch comes again and again: at least two others are much more like it than the rest is."""
    _, far = nearest(rest, stretch)
    short = [stretch[: len(other)] for other in others]
    return sum(nearest(other, part)[1] < HABIT * far for other, part in zip(others, short, strict=True)) >= TWICE


def _runs(flags: Mask) -> list[tuple[int, int]]:
    first, last = segments(flags)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def scale_of(scores: Floats) -> tuple[Floats, Floats]:
    """Median and upper spread (C,) of channels' scores (R, C), NaN left out: how far the highest fortieth is."""
    middle, spread = np.zeros(scores.shape[1]), np.ones(scores.shape[1])
    for c, column in enumerate(scores.T):
        known = column[np.isfinite(column)]
        if len(known):
            middle[c], high = np.quantile(known, [0.5, 0.975])
            spread[c] = high - middle[c] or known.std() or 1.0
    return middle, spread


def longest_same(values: Floats) -> int:
    """The most rows in a run for which values (N,) stayed the same; 1 where they always change."""
    same = np.diff(values) == 0
    first, last = segments(same)
    return int((last - first).max()) + 2 if len(first) else 1


def longest_unknown(values: Floats) -> int:
    """The most rows in a run that are unknown (N,)."""
    first, last = segments(np.isnan(values))
    return int((last - first).max()) + 1 if len(first) else 0


def score_blocks(detector: Detector, values: Floats, window: int, size: int = WHOLE) -> Iterator[tuple[int, Scored]]:
    """Scores of rows (N, C) in blocks, with where each begins; a block knows two windows, or stretches, around it."""
    margin = max(2 * window, 2 * WIDTH)
    for start in range(0, len(values), size):
        stop = min(start + size, len(values))
        first = max(start - margin, 0)
        made = detector.score(values[first : min(stop + margin, len(values))])
        cut = slice(start - first, stop - first)
        yield start, Scored(made.scores[cut], made.channels[cut], made.expected[cut])


def _merged(reference: Scored, detector: Detector, values: Floats, dirty: Mask) -> Scored:
    """The normal part's own scores, those of dirty rows as if they were to be judged."""
    if not dirty.any():
        return reference
    judged = detector.score(values)
    column = dirty[:, None]
    return Scored(
        np.where(dirty, judged.scores, reference.scores),
        np.where(column, judged.channels, reference.channels),
        np.where(column, judged.expected, reference.expected),
    )


def _without(values: Floats, dirty: Mask) -> Floats:
    return np.where(dirty[:, None], np.nan, values) if dirty.any() else values


def _bridged(values: Floats) -> Floats:
    known = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), known, values[known]) if len(known) else np.zeros(len(values))
