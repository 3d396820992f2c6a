"""How strange rows are, by an ensemble calibrated on rows that it did not learn.

Each member's score is put on one scale, asinh of its robust z among reference rows, and the mean is ranked among the
reference's means: the share of reference rows that are as strange is the p-value (conformal prediction, Vovk et al.
2005; here across folds, Barber et al. 2021). Among clean rows a p-value of at most 0.01 comes once in 100 rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import genapps
from genapps.anomaly import conformal_p, robust_scale
from genapps.anomaly.foreign import FOREST, PYOD, pyod
from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps.metrics.distributions import Floats
from genapps.suggest import did_you_mean
from genapps.training import TrainingConfig
from genapps_tabular.anomaly_codes import NAME as AUTOREGRESSIVE
from genapps_tabular.anomaly_codes import Cells
from genapps_tabular.anomaly_members import FEW, KINDS, MANY, Explainer, Family, Member, Neighbors, Points, kind_of
from genapps_tabular.anomaly_reasons import usual_of
from genapps_tabular.clustering import sample_of
from genapps_tabular.features import Features
from genapps_tabular.model import branch
from genapps_tabular.progress import Progress, Step

DOMAIN = "tabular anomalies"
ENSEMBLE = "ensemble"
FAMILIES = ("gmm", AUTOREGRESSIVE, "vae", "rbm", "gan")
SLOW = (AUTOREGRESSIVE, "vae", "rbm", "gan")  # fitted twice, not once a fold
FOLDS = 5
KEPT = 50_000  # reference scores that are kept
ROWS = 20_000  # reference rows that are kept
PLACE = 3  # of these in the randomness of samples
UNHEARD = 4.0  # what a cell that holds what was never seen adds to a row's score
FITTING = (0, 11)


@dataclass(frozen=True)
class Asked:
    """Which judges a model has. settings: of families by section, as `anomaly_config.asked` gives them."""

    family: str = ENSEMBLE
    seed: int = 0
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def training(self) -> TrainingConfig | None:
        """How to learn, where that is said."""
        given = self.settings.get("training")
        return TrainingConfig(**given) if given else None

    def own(self, family: str) -> Mapping[str, Any]:
        """The settings of one family."""
        return self.settings.get(family, {})


@dataclass(frozen=True)
class AnomalyModel:
    """Members by name, the scale of each, and the reference's scores, sorted.

    clean: whether the reference rows are known to be normal; else they are the rows that are judged. why: what tells
    why a row is strange, learnt from all reference rows. usual: (features,) nats that each column costs such a row.
    rows: (R, D) reference rows, at most 20,000, and what was asked of them: to learn them again beside others.
    """

    features: Features
    members: tuple[tuple[str, Member], ...]
    center: Floats
    scale: Floats
    reference: Floats
    clean: bool
    why: Explainer
    usual: Floats
    rows: Floats
    asked: Asked
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
            "rows": self.rows.astype(np.float32),
        }
        parts = []
        for number, (name, member) in enumerate((*self.members, ("why", self.why))):
            arrays, settings = member.state()
            tree |= {f"member/{number}/{key}": np.asarray(array) for key, array in arrays.items()}
            parts.append({"name": name, "kind": kind_of(member), "settings": settings})
        header = {
            "genapps_version": genapps.__version__,
            "family": "+".join(name for name, _ in self.members),
            "domain": DOMAIN,
            "space": self.features.space.to_json(),
            "codec": self.features.to_json(),
            "model": {"members": parts, "clean": self.clean, "asked": asdict(self.asked)},
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
        if "asked" not in header["model"]:
            raise InputError(f"{path}: written by an earlier version of genapps; make it again with 'detect --save'")
        features = Features.from_json(header["codec"])
        restored = []
        for number, part in enumerate(header["model"]["members"]):
            arrays = branch(artifact.tensors, f"member/{number}")
            restored.append((part["name"], KINDS[part["kind"]].restore(features.space, arrays, part["settings"])))
        *members, (_, why) = restored
        named = artifact.tensors
        return cls(
            features,
            tuple(members),
            named["center"],
            named["scale"],
            named["reference"],
            bool(header["model"]["clean"]),
            why,
            named["usual"],
            named["rows"].astype(np.float64),
            Asked(**header["model"]["asked"]),
            header["provenance"],
            header["measures"],
        )


def combined(raw: Floats, center: Floats, scale: Floats) -> Floats:
    """Members' scores (N, M) as one (N,): the mean of asinh of their robust z, which no member can drown."""
    found: Floats = np.arcsinh((raw - center) / scale).mean(axis=1)
    return found


def check_family(name: str) -> None:
    """Raises UsageError for what is no detector of rows."""
    if name.startswith(PYOD):
        pyod(name, 0)
    if name in (ENSEMBLE, *FAMILIES) or name.startswith(PYOD):
        return
    known = [ENSEMBLE, *FAMILIES]
    near = did_you_mean(name, known)
    raise UsageError(f"unknown detector {name!r}; choose from {', '.join(known)} or pyod:NAME.{near}")


def fit_members(features: Features, codes: Floats, clean: bool, asked: Asked) -> tuple[tuple[str, Member], ...]:
    """The members that a name stands for, fitted on a batch (N, D).

    The ensemble is nearest neighbors and a mixture. Where anomalies may be among the rows, more neighbors are asked,
    the mixture leaves the strangest rows out, and an isolation forest joins them.
    """
    space, family, seed = features.space, asked.family, asked.seed
    if family.startswith(PYOD):
        return ((family, Points.fit(space, codes, family, seed)),)
    if family == "gmm":
        return (("gmm", Family.mixture(space, codes, seed, not clean, asked.own("gmm"))),)
    if family == AUTOREGRESSIVE:
        return ((family, Cells.fit(space, codes, asked.own(family), seed, asked.training)),)
    if family != ENSEMBLE:
        return ((family, Family.fit(space, codes, family, asked.own(family), seed, training=asked.training)),)
    near = Neighbors.fit(space, codes, FEW if clean else MANY, seed)
    found: list[tuple[str, Member]] = [
        ("neighbors", near),
        ("gmm", Family.mixture(space, codes, seed, not clean, asked.own("gmm"))),
    ]
    if not clean:
        found.append((FOREST, Points.fit(space, codes, FOREST, seed)))
    return tuple(found)


def fit_anomalies(
    features: Features, codes: Floats, *, clean: bool, asked: Asked, progress: Progress | None = None
) -> tuple[AnomalyModel, Floats]:
    """A model of reference rows (N, D), and how strange each of them is to members that did not learn it, (N,).

    With a family that learns slowly one fifth of the rows is judged by members of the others; its scores stand for all.
    """
    family, seed = asked.family, asked.seed
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
        members = fit_members(features, codes[rest], clean, asked)
        if raw is None:
            raw = np.full((len(codes), len(members)), np.nan)
        raw[fold] = np.column_stack([member.score(codes[fold]) for _, member in members])
    assert raw is not None
    known = raw[~np.isnan(raw).any(axis=1)]
    found = robust_scale(known)
    center, scale = found.middle, found.spread
    own = combined(raw, center, scale)
    if progress:
        progress(Step("learning all rows", 0, 1))
    members = fit_members(features, codes, clean, asked)
    why = next((m for name, m in members if name in ("gmm", AUTOREGRESSIVE) and isinstance(m, Family | Cells)), None)
    why = why or Family.mixture(features.space, codes, seed, not clean, asked.own("gmm"))
    reference = np.sort(own[~np.isnan(own)])
    if len(reference) > KEPT:
        reference = reference[np.linspace(0, len(reference) - 1, KEPT).round().astype(int)]
    usual = usual_of(features, why, codes)
    kept = sample_of(codes, ROWS, seed, PLACE)
    return AnomalyModel(features, members, center, scale, reference, clean, why, usual, kept, asked), own


def updated(model: AnomalyModel, codes: Floats, progress: Progress | None = None) -> tuple[AnomalyModel, Floats]:
    """The model of the reference rows it keeps and of more normal rows (n, D) of its space, learnt together.

    Columns keep their coding: a category that was never seen stays so. Raises UsageError for a model of rows that were
    not known to be normal.
    """
    if not model.clean:
        raise UsageError("the model was made of rows not known to be normal; make one with --train, then go on with it")
    both = np.concatenate([model.rows, codes])
    learnt, own = fit_anomalies(model.features, both, clean=True, asked=model.asked, progress=progress)
    return learnt, own


def held_rate(own: Floats, rate: float) -> float | None:
    """The share of alarms among every second reference row, with the others as reference; None where there are few."""
    known = own[~np.isnan(own)]
    if len(known) < 2 / rate:
        return None
    return float((conformal_p(known[::2], known[1::2]) <= rate).mean())


def names_of(members: Sequence[tuple[str, Member]]) -> str:
    """The members in words."""
    return ", ".join(name for name, _ in members)
