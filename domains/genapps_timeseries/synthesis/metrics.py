"""How like real ones new series are, and whether they only repeat them: each figure beside its controls.

All compare with real rows that were kept from the model. Ceiling: the rows that it learnt from, compared in the same
way. Floor: these rows in random order. Copied: stretches of these rows one after the other, which is as like as can be
and invents nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genapps.metrics.distributions import ks_similarity
from genapps.metrics.neighbors import MixedDistance, nearest, reach
from genapps.metrics.transfer import regression_scores
from genapps.metrics.trees import fit_trees
from genapps.report.measured import Control, Measured
from genapps_timeseries.series import Codes, Floats
from genapps_timeseries.synthesis.families import echoes
from genapps_timeseries.synthesis.windows import windows_of

LENGTH = 32  # rows of the windows that are compared
WINDOWS = 600  # of each side, at most
LAGS = 60
FOLDS, ROUNDS = 4, 60  # of the trees that tell windows apart
HISTORY = 8  # rows that a forecast looks at
BLOCK = 50  # rows of the stretches of a copy
Sequences = Sequence[Floats]
Better = Literal["higher", "lower", "half"]
Figure = Callable[[Sequences], float | None]


@dataclass(frozen=True)
class Sides:
    """Series (T, C) without gaps: learnt from, kept from the model, and made."""

    learnt: Sequences
    unseen: Sequences
    made: Sequences


def measure(sides: Sides, seed: int = 0, threads: int = 1, before: Sequence[Measured] = ()) -> tuple[Measured, ...]:
    """All figures of new series beside those of their controls; `before`: measures of the same real rows, which have
    the same controls.
    """
    known = {one.key: one.controls for one in before}
    generator = np.random.default_rng(seed)
    mixed = [one[generator.permutation(len(one))] for one in sides.learnt]
    copied = _blocks(sides.learnt, sum(map(len, sides.made)), generator)
    found = []
    for key, name, better, protocol, figure in _figures(sides, seed, threads):
        controls = known.get(key) or (
            Control("ceiling", "other real rows", figure(sides.learnt) if key not in _OWN else None),
            Control("floor", "shuffled rows", figure(mixed)),
            Control("copied", "copied stretches", figure([copied])),
        )
        found.append(Measured(key, name, better, figure(sides.made), controls, WINDOWS, protocol))
    return tuple(found)


def score_of(measures: Sequence[Measured]) -> float:
    """How unlike real rows these are in one number, 0 being ideal: the mean of the distances and of what is lacking."""
    figures = {m.key: m.value for m in measures}
    gaps = [figures.get(key) for key in ("margins", "steps", "echoes", "spectrum", "crossing")]
    apart, reached = figures["two_sample_auc"], figures["coverage"]
    gaps += [None if apart is None else max(2 * apart - 1, 0.0), None if reached is None else 1 - reached]
    known = [gap for gap in gaps if gap is not None]
    return float(np.mean(known)) if known else 1.0


_OWN = frozenset({"copied_rows"})  # rows that were learnt from are copies of themselves


def _figures(sides: Sides, seed: int, threads: int) -> Iterator[tuple[str, str, Better, str, Figure]]:
    unseen = sides.unseen
    yield ("two_sample_auc", "Told apart from real windows", "half",
           f"area under the ROC curve of boosted trees over windows of {LENGTH} rows and their features",
           lambda one: apart(unseen, one, seed, threads))  # fmt: skip
    yield ("forecast", "Learnt here, forecast there", "higher",
           "R2 of the next change in real rows, told by trees that learnt from these rows (TSTR)",
           lambda one: _forecast(one, unseen, seed, threads))  # fmt: skip
    yield ("margins", "Distance of values", "lower", "Kolmogorov-Smirnov distance, a mean over channels",
           lambda one: _margins(unseen, one))  # fmt: skip
    yield ("steps", "Distance of changes", "lower", "Kolmogorov-Smirnov distance of first differences",
           lambda one: _margins([np.diff(o, axis=0) for o in unseen], [np.diff(o, axis=0) for o in one]))  # fmt: skip
    yield ("echoes", "Distance of autocorrelations", "lower", f"mean absolute difference at lags 1 to {LAGS}",
           lambda one: _echo_distance(unseen, one))  # fmt: skip
    yield ("spectrum", "Distance of spectra", "lower", "mean absolute difference of the cumulated shares of power",
           lambda one: _spectrum_distance(unseen, one))  # fmt: skip
    if unseen[0].shape[1] > 1:
        yield ("crossing", "Distance of correlations", "lower",
               "mean absolute difference of correlations between channels, at lags -2 to 2",
               lambda one: cross_distance(unseen, one))  # fmt: skip
    yield ("coverage", "Real windows reached", "higher",
           "share of real windows with a new one among their 5 nearest (coverage)",
           lambda one: _coverage(unseen, one, seed))  # fmt: skip
    yield ("nearness", "Distance from what was learnt", "higher",
           "to the nearest learnt window over that to the nearest kept one, median; 0 is a copy",
           lambda one: _nearness(sides, one, seed))  # fmt: skip
    yield ("copied_rows", "Longest copied stretch", "lower", "rows in a row that are those of a learnt stretch",
           lambda one: float(longest_copy(sides.learnt, one)))  # fmt: skip


def apart(unseen: Sequences, one: Sequences, seed: int, threads: int) -> float | None:
    """Mean area of folds, each a stretch of time: windows that share rows must not lie on both sides of a test."""
    from sklearn.metrics import roc_auc_score

    real, made = (_placed(side) for side in (unseen, one))
    count = min(WINDOWS, len(real[1]), len(made[1]))
    if count < 40:
        return None
    chosen = [np.linspace(0, len(side[1]) - 1, count).astype(np.int64) for side in (real, made)]
    rows = np.concatenate([_features(side[0][k]) for side, k in zip((real, made), chosen, strict=True)])
    place = np.stack([side[1][k] for side, k in zip((real, made), chosen, strict=True)])
    sides, areas = np.repeat([1, 0], count), []
    for told in np.array_split(np.arange(count), FOLDS):
        first, last = place[:, told[:1]], place[:, told[-1:]]
        learnt = ((place <= first - LENGTH) | (place >= last + LENGTH)).ravel()
        if len(np.unique(sides[learnt])) < 2:  # of a short series all windows share rows with these
            continue
        told = np.concatenate([told, count + told])
        trees = fit_trees(rows[learnt], sides[learnt], np.zeros(rows.shape[1], bool), classes=True, seed=seed,
                          rounds=ROUNDS, threads=threads)  # fmt: skip
        scores = trees.probabilities(rows[told])[1] if trees else np.zeros(len(told))
        areas.append(roc_auc_score(sides[told], scores))
    return float(np.mean(areas)) if areas else None


def _features(windows: Floats) -> Floats:
    """Windows (n, W, C) as values, and what trees would be slow to find in them: roughness, slopes, echoes."""
    steps = np.diff(windows, axis=1)
    middle = windows - windows.mean(1, keepdims=True)
    power = np.square(middle).mean(1) + 1e-12
    echo = [(middle[:, :-k] * middle[:, k:]).mean(1) / power for k in (1, 2, 4, 8)]
    size, bend = np.abs(steps), np.abs(np.diff(steps, axis=1)).mean(1)
    levels = [windows.mean(1), windows.std(1), windows.min(1), windows.max(1)]
    rough = [size.mean(1), steps.std(1), size.max(1), (steps == 0).mean(1), bend]
    return np.concatenate([windows[:, ::2].reshape(len(windows), -1), *echo, *levels, *rough], axis=1)


def _forecast(learn: Sequences, test: Sequences, seed: int, threads: int) -> float | None:
    """R2 of the next change, a mean over channels."""
    scores = []
    for c in range(test[0].shape[1]):
        (x, y), (unseen, truth) = _pairs(learn, c, seed), _pairs(test, c, seed)
        if min(len(x), len(unseen)) < 30:
            return None
        found = regression_scores((x, y), (unseen, truth), np.zeros(x.shape[1], bool), seed=seed, threads=threads)
        if found is not None:
            scores.append(max(found.r2, -1.0))
        if len(scores) == 4:
            break
    return float(np.mean(scores)) if scores else None


def _pairs(sequences: Sequences, channel: int, seed: int) -> tuple[Floats, Floats]:
    """Histories (n, HISTORY * C) about their last row, and the next change (n,) of a channel."""
    windows = _windows(sequences, seed, HISTORY + 1, 3 * WINDOWS)
    last = windows[:, -2]
    x = np.concatenate([last, (windows[:, :-2] - last[:, None]).reshape(len(windows), -1)], axis=1)
    return x, windows[:, -1, channel] - last[:, channel]


def _margins(unseen: Sequences, one: Sequences) -> float | None:
    a, b = np.concatenate(unseen), np.concatenate(one)
    gaps = [ks_similarity(a[:, c], b[:, c]) for c in range(a.shape[1])]
    return 1 - float(np.mean([gap for gap in gaps if gap is not None]))


def _echo_distance(unseen: Sequences, one: Sequences) -> float:
    lags = max(1, min(LAGS, max(map(len, unseen)) // 3, max(map(len, one)) // 3))
    gaps = [
        np.abs(echoes([o[:, c] for o in unseen], lags) - echoes([o[:, c] for o in one], lags)).mean()
        for c in range(unseen[0].shape[1])
    ]
    return float(np.mean(gaps))


def _spectrum_distance(unseen: Sequences, one: Sequences) -> float | None:
    length = min(256, max(map(len, unseen)), max(map(len, one)))
    shares = [_power(side, length) for side in (unseen, one)]
    if shares[0] is None or shares[1] is None:
        return None
    return float(np.abs(shares[0].cumsum(0) - shares[1].cumsum(0)).mean())


def _power(sequences: Sequences, length: int) -> Floats | None:
    """The share of power (F, C) at each frequency above 0, by windows of a Hann shape (Welch, 1967)."""
    windows = windows_of(list(sequences), length, max(1, length // 2))
    if not len(windows):
        return None
    shape = np.hanning(length)[:, None]
    power = np.square(np.abs(np.fft.rfft((windows - windows.mean(1, keepdims=True)) * shape, axis=1)))[:, 1:].mean(0)
    total = power.sum(0)
    return np.asarray(power / np.where(total > 0, total, 1.0), np.float64)


def cross_distance(unseen: Sequences, one: Sequences) -> float:
    """The mean absolute difference of the correlations between channels at lags -2 to 2."""
    gaps = []
    for lag in range(-2, 3):
        a, b = (_crossing(side, lag) for side in (unseen, one))
        off = ~np.eye(len(a), dtype=bool)
        gaps.append(np.abs(a - b)[off].mean())
    return float(np.mean(gaps))


def _crossing(sequences: Sequences, lag: int) -> Floats:
    """Correlations (C, C) of channels with each other `lag` rows later; 0 where a channel is constant."""
    k = abs(lag)
    pairs = [(one[: len(one) - k], one[k:]) for one in sequences if len(one) > k + 2]
    first, later = (np.concatenate(side) for side in zip(*pairs, strict=True))
    if lag < 0:
        first, later = later, first
    first, later = first - first.mean(0), later - later.mean(0)
    scale = np.outer(first.std(0), later.std(0))
    return np.asarray(first.T @ later / len(first) / np.where(scale > 0, scale, np.inf), np.float64)


def _coverage(unseen: Sequences, one: Sequences, seed: int) -> float | None:
    real, made = (_flat(_windows(side, seed)) for side in (unseen, one))
    count = min(len(real), len(made))
    if not count:
        return None
    metric = MixedDistance.fit(real, np.zeros(real.shape[1], bool))
    found = reach(metric, real[:count], made[:count])
    return None if found is None else found.coverage


def _nearness(sides: Sides, one: Sequences, seed: int) -> float | None:
    """The median over windows of the distance to the nearest learnt one over that to the nearest kept one."""
    kept = sides.unseen
    if one is sides.learnt:  # the control: some kept rows, which owe nothing to those learnt from
        one, kept = kept[:1], kept[1:]
    if not one or not kept:
        return None
    # A copy is found only where the window that it repeats is among the references.
    most = int(np.clip(2_000_000 // (LENGTH * one[0].shape[1]), WINDOWS, 5_000))
    made = _flat(_windows(one, seed, most=WINDOWS // 2))
    learnt, unseen = (_flat(_windows(side, seed, most=most)) for side in (sides.learnt, kept))
    if not min(len(made), len(learnt), len(unseen)):
        return None
    metric = MixedDistance.fit(np.concatenate([learnt, unseen]), np.zeros(made.shape[1], bool))
    near, far = nearest(metric, made, learnt).distance, nearest(metric, made, unseen).distance
    return float(np.median(near / np.maximum(far, 1e-9)))


def longest_copy(learnt: Sequences, made: Sequences) -> int:
    """Rows of the longest stretch of `made` that is, value by value, one of `learnt`.

    Stretches that hold fewer than three different rows count for nothing: a resting channel rests alike everywhere.
    """
    codes = _coded([*learnt, *made])
    source, target = codes[: len(learnt)], codes[len(learnt) :]
    low, high = 0, max((len(one) for one in target), default=0) + 1
    while high - low > 1:  # a stretch of n rows holds stretches of fewer, but for those that do not count
        middle = (low + high) // 2
        if _shares(source, target, middle):
            low = middle
        else:
            high = middle
    return low


def _coded(sequences: Sequences) -> list[np.ndarray]:
    """Rows as whole numbers, equal where all their values are."""
    rows = np.unique(np.concatenate(sequences), axis=0, return_inverse=True)[1].reshape(-1)
    return np.split(rows, np.cumsum([len(one) for one in sequences])[:-1])


def _shares(source: list[np.ndarray], target: list[np.ndarray], length: int) -> bool:
    known = {window.tobytes() for one in source for window in _runs(one, length)}
    return any(window.tobytes() in known for one in target for window in _runs(one, length))


def _runs(codes: np.ndarray, length: int) -> Iterator[np.ndarray]:
    if len(codes) < length:
        return
    for window in np.lib.stride_tricks.sliding_window_view(codes, length):
        if len(set(window[:64].tolist())) >= min(3, length):
            yield window


def _windows(sequences: Sequences, seed: int, length: int = LENGTH, most: int = WINDOWS) -> Floats:
    """At most so many windows, spread evenly; shorter ones where no sequence is as long."""
    windows = windows_of(list(sequences), length)
    if len(windows) <= most:
        return np.asarray(windows)
    return np.asarray(windows[np.sort(np.random.default_rng(seed).choice(len(windows), most, replace=False))])


def _placed(sequences: Sequences) -> tuple[Floats, Codes]:
    """All windows (n, LENGTH, C), and where each begins (n,), counted so that those of two sequences share no row."""
    sizes = [len(one) for one in sequences]
    starts = np.cumsum([0, *(size + LENGTH for size in sizes[:-1])])
    begun = [start + np.arange(max(size - LENGTH + 1, 0)) for start, size in zip(starts, sizes, strict=True)]
    return windows_of(list(sequences), LENGTH), np.concatenate(begun)


def _flat(windows: Floats) -> Floats:
    return windows.reshape(len(windows), int(np.prod(windows.shape[1:])))


def _blocks(sequences: Sequences, rows: int, generator: np.random.Generator) -> Floats:
    """Stretches of rows at random places, one after the other (Künsch, 1989)."""
    long = [one for one in sequences if len(one) > BLOCK] or list(sequences)
    parts, done = [], 0
    while done < rows:
        one = long[int(generator.integers(len(long)))]
        start = int(generator.integers(0, max(len(one) - BLOCK, 0) + 1))
        parts.append(one[start : start + BLOCK])
        done += len(parts[-1])
    return np.concatenate(parts)[:rows]
