"""Is there anything to a clustering? Figures beside those of a table whose columns have nothing in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genapps.metrics.distributions import Codes, Floats
from genapps.report.measured import Control, Finding, Measured
from genapps_tabular.clustering import FITTING, ClusterModel, fit_mixture, log_likelihoods, probabilities, sample_of
from genapps_tabular.features import Axes, Features
from genapps_tabular.progress import Progress, Step

CHECKED = 10_000  # rows that the figures stand on, half of them for either fit
COMPARED = 2_000  # rows whose distances are measured
FEWEST = 20  # rows a cluster that the checks need
STABLE = (0.8, 0.5)  # adjusted Rand index from which clusters are clear, and still worth a look
CONTROL = "Shuffled columns"
MOST_GAIN = 30.0  # nats of one row, either way: a row far from all others must not decide for them
SAME_GAIN = 1.1  # the gain has to exceed that of shuffled columns by this factor, or single columns explain it


@dataclass(frozen=True)
class _Trial:
    """What a number of clusters does for one table: the gain in likelihood, and how it holds and separates."""

    gain: float
    stability: float
    silhouette: float | None
    certainty: float


def check_model(
    model: ClusterModel, values: Floats, seed: int, progress: Progress | None = None
) -> tuple[Measured, ...]:
    """The figures of a clustering of rows `values` (N, F), as `Features.read` gives them, beside their controls."""
    k = len(model.order)
    rows = sample_of(values, CHECKED, seed, 1)
    if k < 2:
        return ()
    if len(rows) < FEWEST * k:
        why = f"not measured: needs {FEWEST} rows a cluster"
        return tuple(Measured(key, name, "higher", None, note=why) for key, name, _ in _NAMES)
    generator = np.random.default_rng(np.random.SeedSequence([seed, *FITTING, 2]))
    rows = rows[generator.permutation(len(rows))]
    if progress:
        progress(Step("checking the clusters", 0, 2))
    own = _trial(model, model.features, rows, seed)
    control = None
    if rows.shape[1] > 1:
        if progress:
            progress(Step("checking the clusters", 1, 2))
        shuffled = np.column_stack([column[generator.permutation(len(rows))] for column in rows.T])
        control = _trial(model, model.features, shuffled, seed)
    found = []
    for key, name, protocol in _NAMES:
        floor = Control("floor", CONTROL, getattr(control, key) if control else None)
        note = "" if control else "a single column has nothing to shuffle"
        n = min(len(rows), COMPARED) if key == "silhouette" else len(rows)
        found.append(Measured(key, name, "higher", getattr(own, key), (floor,), n, protocol, note))
    return tuple(found)


_NAMES = (
    (
        "stability",
        "Stability (adjusted Rand index)",
        "Two mixtures learn one half of the rows each and divide all of them: 1 is the same division, 0 chance.",
    ),
    (
        "gain",
        "What clusters explain (nats a row)",
        "Mean log-likelihood of one half of the rows under clusters learnt from the other, less that under one "
        "component; of a single row at most 30 nats count.",
    ),
    (
        "silhouette",
        "Separation (silhouette)",
        "How much nearer rows lie to their own cluster than to the next one, from -1 to 1 (Rousseeuw, 1987).",
    ),
    ("certainty", "Certainty", "The mean probability of the cluster that a row is given."),
)


def _trial(model: ClusterModel, features: Features, rows: Floats, seed: int) -> _Trial:
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    space, k, covariance = features.space, len(model.order), model.search.covariance
    codes = features.encode(rows)
    halves = codes[: len(codes) // 2], codes[len(codes) // 2 :]
    fits = [fit_mixture(space, half, k, covariance, seed + place) for place, half in enumerate(halves)]
    shares = [probabilities(fit, space, codes) for fit in fits]
    divisions: list[Codes] = [share.argmax(axis=1) for share in shares]
    single = fit_mixture(space, halves[0], 1, covariance, seed)
    gains = log_likelihoods(fits[0], space, halves[1]) - log_likelihoods(single, space, halves[1])
    points = Axes.fit(space, codes)(codes[:COMPARED])
    found = divisions[0][:COMPARED]
    apart = 1 < len(np.unique(found)) < len(found)
    return _Trial(
        gain=float(np.clip(gains, -MOST_GAIN, MOST_GAIN).mean()),
        stability=float(adjusted_rand_score(*divisions)),
        silhouette=float(silhouette_score(points, found)) if apart else None,
        certainty=float(shares[0].max(axis=1).mean()),
    )


def judge_clusters(model: ClusterModel, measures: tuple[Measured, ...], chosen: bool) -> Finding:
    """In words, whether there are clusters. `chosen`: whether the number was chosen by the criterion."""
    k = len(model.order)
    if k < 2:
        why = "no division into groups pays for its parameters" if chosen else "one was asked for, or all rows agree"
        return Finding("poor", "No clusters", f"One component explains the table best: {why}.")
    figures = {measure.key: measure for measure in measures}
    stability, gain = figures.get("stability"), figures.get("gain")
    if stability is None or stability.value is None:
        return Finding(
            "usable", "Unchecked", f"{k} clusters, too few rows for each to check whether they would come back."
        )
    text = f"{k} clusters. {_stable(stability.value)}"
    if gain is not None and gain.value is not None and gain.controls[0].value is not None:
        floor = gain.controls[0].value
        if gain.value <= max(SAME_GAIN * floor, floor + 0.01):
            words = (
                f"{k} components describe the shapes of single columns: a table with every column shuffled on its own "
                f"gains as much from them ({gain.value:.2f} nats a row, shuffled {floor:.2f}). The rows fall into no "
                "groups."
            )
            return Finding("poor", "No clusters", words)
        text += (
            f" They explain {gain.value:.2f} nats a row more than one component does (shuffled columns {floor:.2f})."
        )
    if not model.search.ended and chosen:
        text += (
            " The criterion still falls at the most that were tried: the table has no small number of groups, and this "
            "one is a matter of choice."
        )
    level = 0 if stability.value >= STABLE[0] else 1 if stability.value >= STABLE[1] else 2
    grade = (("good", "Clear clusters"), ("usable", "Soft clusters"), ("poor", "Unstable clusters"))[level]
    return Finding(grade[0], grade[1], text)  # type: ignore[arg-type]


def _stable(value: float) -> str:
    if value >= STABLE[0]:
        return f"Either half of the rows gives the same ones (adjusted Rand index {value:.2f}; 1 is the same)."
    if value >= STABLE[1]:
        return (
            f"Either half of the rows gives much the same ones, but not at their borders (adjusted Rand index "
            f"{value:.2f}; 1 is the same)."
        )
    return (
        f"The halves of the rows give different ones (adjusted Rand index {value:.2f}; 1 is the same): do not build on "
        "them."
    )
