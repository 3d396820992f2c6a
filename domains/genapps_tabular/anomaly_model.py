"""How strange rows are, by an ensemble calibrated on rows that it did not learn.

Each member's score is put on one scale, asinh of its robust z among reference rows, and the mean is ranked among the
reference's means: the share of reference rows that are as strange is the p-value (conformal prediction, Vovk et al.
2005; here across folds, Barber et al. 2021). Among clean rows a p-value of at most 0.01 comes once in 100 rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import genapps
from genapps.anomaly import conformal_p
from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps.metrics.distributions import Floats
from genapps.suggest import did_you_mean
from genapps_tabular.anomaly_members import (
    FEW,
    KINDS,
    MANY,
    PYOD,
    Family,
    Foreign,
    Member,
    Neighbors,
    kind_of,
)
from genapps_tabular.anomaly_reasons import usual_of
from genapps_tabular.features import Features
from genapps_tabular.model import branch
from genapps_tabular.progress import Progress, Step

DOMAIN = "tabular anomalies"
ENSEMBLE = "ensemble"
FAMILIES = ("gmm", "vae", "rbm", "gan")
SLOW = ("vae", "rbm", "gan")  # fitted twice, not once a fold
FOLDS = 5
KEPT = 50_000  # reference scores that are kept
UNHEARD = 4.0  # what a cell that holds what was never seen adds to a row's score
FITTING = (0, 11)


@dataclass(frozen=True)
class AnomalyModel:
    """Members by name, the scale of each, and the reference's scores, sorted.

    clean: whether the reference rows are known to be normal; else they are the rows that are judged. mixture: of all
    reference rows, which tells why a row is strange. usual: (features,) nats that each column costs a reference row.
    """

    features: Features
    members: tuple[tuple[str, Member], ...]
    center: Floats
    scale: Floats
    reference: Floats
    clean: bool
    mixture: Family
    usual: Floats
    provenance: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)

    def score(self, codes: Floats, unheard: NDArray[np.bool_]) -> Floats:
        """How strange each row of a batch (N, D) is, (N,); unheard: (N, features) cells of what was never seen."""
        raw = np.column_stack([member.score(codes) for _, member in self.members])
        found: Floats = combined(raw, self.center, self.scale) + UNHEARD * unheard.sum(axis=1)
        return found

    def p_value(self, scores: Floats) -> Floats:
        """The share (N,) of reference rows that are at least as strange, counting the row itself."""
        return conformal_p(self.reference, scores)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all; no pickle in it."""
        tree: dict[str, Any] = {
            "center": self.center,
            "scale": self.scale,
            "reference": self.reference,
            "usual": self.usual,
        }
        parts = []
        for number, (name, member) in enumerate((*self.members, ("why", self.mixture))):
            arrays, settings = member.state()
            tree |= {f"member/{number}/{key}": np.asarray(array) for key, array in arrays.items()}
            parts.append({"name": name, "kind": kind_of(member), "settings": settings})
        header = {
            "genapps_version": genapps.__version__,
            "family": "+".join(name for name, _ in self.members),
            "domain": DOMAIN,
            "space": self.features.space.to_json(),
            "codec": self.features.to_json(),
            "model": {"members": parts, "clean": self.clean},
            "provenance": self.provenance,
            "measures": self.measures,
        }
        write_artifact(path, tree, header)

    @classmethod
    def load(cls, path: str | Path) -> AnomalyModel:
        """Read a model file. Raises InputError where it is damaged, of a newer version, or of another kind."""
        artifact = read_artifact(path)
        header = artifact.header
        if header.get("domain") != DOMAIN:
            raise InputError(f"{path}: a model of {header.get('domain')!r}; give a file written by 'detect --save'")
        features = Features.from_json(header["codec"])
        restored = []
        for number, part in enumerate(header["model"]["members"]):
            arrays = branch(artifact.tensors, f"member/{number}")
            restored.append((part["name"], KINDS[part["kind"]].restore(features.space, arrays, part["settings"])))
        *members, (_, mixture) = restored
        named = artifact.tensors
        return cls(
            features,
            tuple(members),
            named["center"],
            named["scale"],
            named["reference"],
            bool(header["model"]["clean"]),
            mixture,
            named["usual"],
            header["provenance"],
            header["measures"],
        )


def combined(raw: Floats, center: Floats, scale: Floats) -> Floats:
    """Members' scores (N, M) as one (N,): the mean of asinh of their robust z, which no member can drown."""
    found: Floats = np.arcsinh((raw - center) / scale).mean(axis=1)
    return found


def check_family(name: str) -> None:
    """Raises UsageError for what is no detector of rows."""
    if name in (ENSEMBLE, *FAMILIES) or name.startswith(PYOD):
        return
    known = [ENSEMBLE, *FAMILIES]
    near = did_you_mean(name, known)
    raise UsageError(f"unknown detector {name!r}; choose from {', '.join(known)} or pyod:NAME.{near}")


def fit_members(
    features: Features, codes: Floats, family: str, clean: bool, seed: int, options: Mapping[str, Any]
) -> tuple[tuple[str, Member], ...]:
    """The members that a name stands for, fitted on a batch (N, D).

    The ensemble is nearest neighbors and a mixture. Where anomalies may be among the rows, more neighbors are asked,
    the mixture leaves the strangest rows out, and an isolation forest joins them.
    """
    space = features.space
    if family.startswith(PYOD):
        return ((family, Foreign.fit(space, codes, family, seed)),)
    if family == "gmm":
        return (("gmm", Family.mixture(space, codes, seed, trimmed=not clean)),)
    if family != ENSEMBLE:
        return ((family, Family.fit(space, codes, family, options, seed)),)
    near = Neighbors.fit(space, codes, FEW if clean else MANY, seed)
    found: list[tuple[str, Member]] = [
        ("neighbors", near),
        ("gmm", Family.mixture(space, codes, seed, trimmed=not clean)),
    ]
    if not clean:
        found.append(("forest", Foreign.fit(space, codes, "forest", seed)))
    return tuple(found)


def fit_anomalies(
    features: Features,
    codes: Floats,
    *,
    family: str,
    clean: bool,
    seed: int,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[AnomalyModel, Floats]:
    """A model of reference rows (N, D), and how strange each of them is to members that did not learn it, (N,).

    With a family that learns slowly one fifth of the rows is judged by members of the others; its scores stand for all.
    """
    options = options or {}
    order = np.random.default_rng(np.random.SeedSequence([seed, *FITTING])).permutation(len(codes))
    count = min(FOLDS, len(codes))
    folds = [order[k::count] for k in range(count)]
    folds = folds[:1] if family in SLOW else folds
    raw: Floats | None = None
    for number, fold in enumerate(folds):
        if progress:
            progress(Step("judging rows by the others", number, len(folds)))
        rest = np.ones(len(codes), bool)
        rest[fold] = False
        members = fit_members(features, codes[rest], family, clean, seed, options)
        if raw is None:
            raw = np.full((len(codes), len(members)), np.nan)
        raw[fold] = np.column_stack([member.score(codes[fold]) for _, member in members])
    assert raw is not None
    known = raw[~np.isnan(raw).any(axis=1)]
    center, scale = _scale_of(known)
    own = combined(raw, center, scale)
    if progress:
        progress(Step("learning all rows", 0, 1))
    members = fit_members(features, codes, family, clean, seed, options)
    mixture = next((m for name, m in members if name == "gmm" and isinstance(m, Family)), None)
    mixture = mixture or Family.mixture(features.space, codes, seed, trimmed=not clean)
    reference = np.sort(own[~np.isnan(own)])
    if len(reference) > KEPT:
        reference = reference[np.linspace(0, len(reference) - 1, KEPT).round().astype(int)]
    usual = usual_of(features, mixture, codes)
    return AnomalyModel(features, members, center, scale, reference, clean, mixture, usual), own


def _scale_of(raw: Floats) -> tuple[Floats, Floats]:
    """Median and robust deviation (M,) of members' scores (n, M); 1 where they do not vary."""
    low, center, high = np.quantile(raw, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / 1.349
    spread = np.where(spread > 0, spread, raw.std(axis=0))
    return center, np.where(spread > 0, spread, 1.0)


def held_rate(own: Floats, rate: float) -> float | None:
    """The share of alarms among every second reference row, with the others as reference; None where there are few."""
    known = own[~np.isnan(own)]
    if len(known) < 2 / rate:
        return None
    return float((conformal_p(known[::2], known[1::2]) <= rate).mean())


def names_of(members: Sequence[tuple[str, Member]]) -> str:
    """The members in words."""
    return ", ".join(name for name, _ in members)
