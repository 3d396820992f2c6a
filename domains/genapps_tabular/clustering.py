"""Groups of rows that are alike: a mixture over plain features, as many components as the rows have evidence for.

Each component is a Gaussian for the numbers and a share for each category (latent classes; McLachlan and Peel, Finite
Mixture Models, 2000); how many there are is chosen by the Bayesian information criterion (Schwarz, 1978).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

import genapps
from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps.metrics.distributions import Codes, Floats
from genapps.models.gmm import GMM
from genapps.spaces import Columns
from genapps_tabular.features import CHUNK, Features
from genapps_tabular.model import DOMAIN as ROWS_DOMAIN
from genapps_tabular.model import branch, generators
from genapps_tabular.progress import Progress, Step

DOMAIN = "tabular clusters"
SEARCHED = 10_000  # rows that the number of clusters is chosen on
RESTARTED = 5_000  # rows up to which each fit is the best of several starts
STARTS = 3
PATIENCE = 3  # numbers of clusters in a row without a better criterion after which the search ends
ROWS_A_CLUSTER = 5  # the search asks for no more clusters than this allows
MOST_FULL = 10  # numbers up to which full covariances are tried: their parameters grow with the square
FLOOR = 0.01  # least variance of a number in a cluster, in units of its robust variance: one value is no cluster
TOLERANCE = 1e-4  # relative gain of the likelihood below which a fit ends
FITTING = (0, 7)  # the place of fitting clusters in a run's randomness (genapps_tabular.model.generators)
Covariance = Literal["diag", "full"]


@dataclass(frozen=True)
class Search:
    """What the criterion was for each number of clusters tried; `covariance` and `clusters` are the best of them."""

    clusters: int
    covariance: Covariance
    bic: dict[str, tuple[tuple[int, float], ...]]  # covariance -> (clusters, criterion), lower is better
    rows: int = 0  # it was chosen on
    ended: bool = True  # whether the criterion had begun to rise

    @property
    def curve(self) -> tuple[tuple[int, float], ...]:
        """The best criterion for each number of clusters."""
        best: dict[int, float] = {}
        for line in self.bic.values():
            for k, value in line:
                best[k] = min(value, best.get(k, value))
        return tuple(sorted(best.items()))


@dataclass(frozen=True)
class ClusterModel:
    """Features and the mixture over them; `order` has the component of each cluster, the largest cluster first."""

    features: Features
    mixture: Any
    order: tuple[int, ...]
    search: Search
    provenance: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)

    def assign(self, codes: Floats) -> tuple[Codes, Floats]:
        """The cluster 1..K (N,) of each row of a batch (N, D), and how probable it is (N,)."""
        labels, sure = np.empty(len(codes), np.int64), np.empty(len(codes))
        for first in range(0, len(codes), CHUNK):
            part = slice(first, first + CHUNK)
            shares = probabilities(self.mixture, self.features.space, codes[part])[:, list(self.order)]
            total = shares.sum(axis=1, keepdims=True)
            shares = np.where(total > 0, shares / np.where(total > 0, total, 1), 1 / len(self.order))
            labels[part] = shares.argmax(axis=1) + 1
            sure[part] = shares.max(axis=1)
        return labels, sure

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all; no row and no pickle in it."""
        tensors, settings = self.mixture.state()
        tree = {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        header = {
            "genapps_version": genapps.__version__,
            "family": "gmm",
            "domain": DOMAIN,
            "space": self.features.space.to_json(),
            "codec": self.features.to_json(),
            "model": {**settings, "order": list(self.order)},
            "search": {
                "clusters": self.search.clusters,
                "covariance": self.search.covariance,
                "bic": {name: [list(pair) for pair in line] for name, line in self.search.bic.items()},
                "rows": self.search.rows,
                "ended": self.search.ended,
            },
            "provenance": self.provenance,
            "measures": self.measures,
        }
        write_artifact(path, tree, header)

    @classmethod
    def load(cls, path: str | Path) -> ClusterModel:
        """Read a model file. Raises InputError where it is damaged, of a newer version, or not a clustering."""
        artifact = read_artifact(path)
        header = artifact.header
        if header.get("domain") != DOMAIN:
            kind = "a model that makes rows" if header.get("domain") == ROWS_DOMAIN else "a model of other data"
            raise InputError(f"{path}: {kind}, not a clustering; give a file written by 'cluster --save'")
        features = Features.from_json(header["codec"])
        tensors = {name: torch.from_numpy(array) for name, array in branch(artifact.tensors, "model").items()}
        settings = dict(header["model"])
        order = tuple(int(k) for k in settings.pop("order"))
        found = header["search"]
        bic = {name: tuple((int(k), float(v)) for k, v in line) for name, line in found["bic"].items()}
        search = Search(found["clusters"], found["covariance"], bic, found["rows"], found["ended"])
        mixture = GMM.from_state(features.space, tensors, settings)
        return cls(features, mixture, order, search, header["provenance"], header["measures"])


def fit_clusters(
    features: Features, codes: Floats, *, clusters: int | None, most: int, seed: int, progress: Progress | None = None
) -> ClusterModel:
    """Cluster a batch (N, D) of the features: `clusters` of them, or as many of 1..`most` as the criterion chooses.

    The number is chosen on at most 10,000 rows, the mixture learns them all. Raises UsageError for more clusters than
    rows.
    """
    check_clusters(clusters, len(codes))
    some = sample_of(codes, SEARCHED, seed, 0)
    counts = [clusters] if clusters else list(range(1, max(1, min(most, len(some) // ROWS_A_CLUSTER)) + 1))
    search, mixture = _search(features.space, some, counts, seed, progress)
    if len(some) < len(codes):
        if progress:
            progress(Step("learning all rows", 0, 1))
        mixture = fit_mixture(features.space, codes, search.clusters, search.covariance, seed)
    ordered = ClusterModel(features, mixture, tuple(range(search.clusters)), search)
    sizes = np.bincount(ordered.assign(codes)[0] - 1, minlength=search.clusters)
    order = np.argsort(-sizes, kind="stable")
    return ClusterModel(features, mixture, tuple(int(k) for k in order if sizes[k]), search)


def check_clusters(clusters: int | None, rows: int) -> None:
    """Raises UsageError for more clusters than rows."""
    if clusters is not None and not 1 <= clusters <= rows:
        raise UsageError(f"cannot make {clusters:,} clusters of {rows:,} rows; ask for 1 to {rows:,}, or for auto")


def fit_mixture(space: Columns, codes: Floats, clusters: int, covariance: Covariance, seed: int) -> Any:
    """A mixture of so many components over a batch (N, D)."""
    starts = STARTS if len(codes) <= RESTARTED and clusters > 1 else 1
    mixture = GMM(clusters, covariance_type=covariance, n_init=starts, reg_covar=FLOOR, tol=TOLERANCE, space=space)
    return mixture.fit(batch(space, codes), generator=generators(seed, *FITTING)[1])


def batch(space: Columns, codes: Floats) -> NDArray[Any]:
    """Codes (N, D) with NaN for unknown as a model takes them: integers, -1 for unknown, where all are categories."""
    return np.nan_to_num(codes, nan=-1.0).astype(np.int64) if space.discrete else codes.astype(np.float32)


def probabilities(mixture: Any, space: Columns, codes: Floats) -> Floats:
    """How probable each component is (N, K) for each row of a batch (N, D)."""
    return np.asarray(mixture.predict_proba(batch(space, codes)), np.float64)


def log_likelihoods(mixture: Any, space: Columns, codes: Floats) -> Floats:
    """The log-density (N,) of each row of a batch (N, D), in nats."""
    return np.asarray(mixture.log_prob(batch(space, codes)).values.double())


def sample_of(codes: Floats, most: int, seed: int, place: int) -> Floats:
    """At most so many rows of a batch, drawn by seed and kept in order."""
    if len(codes) <= most:
        return codes
    generator = np.random.default_rng(np.random.SeedSequence([seed, *FITTING, place]))
    return codes[np.sort(generator.choice(len(codes), most, replace=False))]


def _search(
    space: Columns, codes: Floats, counts: list[int], seed: int, progress: Progress | None
) -> tuple[Search, Any]:
    """The number of clusters and the kind of covariance with the least criterion, and the mixture that has it.

    Of many numbers only some are tried at first, until three in a row are no better, then those beside the best one.
    """
    continuous = sum(size == 0 for size in space.sizes)
    kinds: list[Covariance] = ["diag", "full"] if 2 <= continuous <= MOST_FULL else ["diag"]
    lines: dict[str, dict[int, float]] = {kind: {} for kind in kinds}
    best: tuple[float, int, Covariance, Any] | None = None
    total = len(kinds) * len(coarse(counts))

    def attempt(k: int, kind: Covariance) -> None:
        nonlocal best
        if progress:
            done = sum(map(len, lines.values()))
            progress(Step("choosing the number", done, max(total, done + 1), "", f"{k} clusters, {kind}"))
        mixture = fit_mixture(space, codes, k, kind, seed)
        lines[kind][k] = float(mixture.bic(batch(space, codes)))
        if best is None or lines[kind][k] < best[0]:
            best = (lines[kind][k], k, kind, mixture)

    for kind in kinds:
        for tried, k in enumerate(coarse(counts)):
            attempt(k, kind)
            lowest = min(range(tried + 1), key=list(lines[kind].values()).__getitem__)
            if tried - lowest >= PATIENCE:
                break
    assert best is not None
    chosen = best[2]
    ends = (*sorted(lines[chosen]), counts[-1] + 1)
    place = ends.index(best[1])
    for k in counts:
        if ends[max(place - 1, 0)] < k < ends[place + 1] and k not in lines[chosen]:
            attempt(k, chosen)
    ended = len(counts) == 1 or best[1] < counts[-1]
    found = {name: tuple(sorted(line.items())) for name, line in lines.items()}
    return Search(best[1], best[2], found, len(codes), ended), best[3]


def coarse(counts: list[int]) -> list[int]:
    """The numbers to try at first: the lower ones each, the higher ones in steps of a quarter, and the last.

    >>> coarse(list(range(1, 21)))
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 20]
    """
    chosen = [counts[0]]
    while chosen[-1] < counts[-1]:
        chosen.append(min(chosen[-1] + max(1, chosen[-1] // 4), counts[-1]))
    return chosen
