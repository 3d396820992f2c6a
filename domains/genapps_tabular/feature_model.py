"""A learnt reduction: the plain features of a table, the network that reads them, and how its latents are laid out.

The network learns numbers on a robust scale and categories as codes, so that rows that are alike stay near. Its latents
are all of one size, however much they tell: they are turned and scaled so that distances between them are those of the
rows that a linear model rebuilds from them, the most telling direction first, like principal components.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

import genapps
from genapps.errors import InputError
from genapps.io.artifact import read_artifact, write_artifact
from genapps.metrics.distributions import Floats
from genapps.models import build
from genapps.models import load as load_family
from genapps.threads import threads
from genapps_tabular.clustering import batch, sample_of
from genapps_tabular.config import TabularConfig
from genapps_tabular.features import CHUNK, Axes, Features
from genapps_tabular.fitting import FITTING, Run, Watch, provenance_of
from genapps_tabular.model import branch, generators
from genapps_tabular.schema import Schema

DOMAIN = "tabular features"
LAID_OUT = 20_000  # rows that the latents are laid out by
RIDGE = 1.0  # rows' worth of doubt in that
LEAST = 1e-4  # of the longest direction's square: those that tell nothing linearly keep what else they hold


@dataclass(frozen=True)
class FeatureModel:
    """Latents of a network, less `middle` (L,), times `turn` (L, L)."""

    features: Features
    network: Any
    family: str
    middle: Floats
    turn: Floats
    provenance: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        """The columns it reads."""
        return Schema(tuple(feature.facet.column for feature in self.features.features))

    def transform(self, table: pa.Table) -> Floats:
        """The features (N, L) of each row. Raises InputError where a column is missing."""
        self.features.check(table, "the table")
        return (self._latents(table) - self.middle) @ self.turn

    def _latents(self, table: pa.Table) -> Floats:
        parts = []
        with threads(1), torch.inference_mode():  # one order of sums: the same features everywhere
            for first in range(0, max(len(table), 1), CHUNK):
                codes = self.features.encode(self.features.read(table.slice(first, CHUNK)))
                found = self.network.transform(batch(self.features.space, codes))
                parts.append(np.asarray(found, np.float64).reshape(len(codes), -1))
        return np.concatenate(parts)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all; no row and no pickle in it."""
        tensors, settings = self.network.state()
        tree = {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        header = {
            "genapps_version": genapps.__version__,
            "family": self.family,
            "domain": DOMAIN,
            "space": self.features.space.to_json(),
            "codec": self.features.to_json(),
            "model": settings,
            "provenance": self.provenance,
            "measures": self.measures,
        }
        write_artifact(path, {**tree, "layout/middle": self.middle, "layout/turn": self.turn}, header)

    @classmethod
    def load(cls, path: str | Path) -> FeatureModel:
        """Read a model file. Raises InputError where it is damaged, of a newer version, or of another kind."""
        artifact = read_artifact(path)
        header = artifact.header
        if header.get("domain") != DOMAIN:
            raise InputError(f"{path}: a model of {header.get('domain')!r}; give a file written by 'embed --save'")
        features = Features.from_json(header["codec"])
        tensors = {name: torch.from_numpy(array) for name, array in branch(artifact.tensors, "model").items()}
        return cls(
            features=features,
            network=load_family(header["family"], features.space, tensors, header["model"]),
            family=header["family"],
            middle=artifact.tensors["layout/middle"],
            turn=artifact.tensors["layout/turn"],
            provenance=header["provenance"],
            measures=header["measures"],
        )


def fit_features(table: pa.Table, schema: Schema, config: TabularConfig, run: Run) -> FeatureModel:
    """Learn to reduce the rows of a table with the vae or rbm family.

    Raises InputError where no column tells rows apart.
    """
    watch = Watch()
    features = Features.fit(table, schema, run.name)
    codes = features.encode(features.read(table))
    network = build(config.family, features.space, **asdict(getattr(config, config.family)))
    with threads(config.threads):
        network.fit(
            batch(features.space, codes),
            generator=generators(config.seed, *FITTING)[1],
            training=config.training,
            progress=run.progress,
            checkpoint=run.checkpoint,
            resume=run.resume,
        )
    found = FeatureModel(features, network, config.family, np.zeros(0), np.zeros((0, 0)))
    some = sample_of(np.arange(len(table), dtype=float)[:, None], LAID_OUT, config.seed, 1)[:, 0].astype(int)
    latents = found._latents(table.take(some))
    middle, turn = layout(latents, Axes.fit(features.space, codes[some])(codes[some]))
    return replace(found, middle=middle, turn=turn, provenance=provenance_of(table, config.seed, watch.read()))


def layout(latents: Floats, points: Floats) -> tuple[Floats, Floats]:
    """The middle (L,) of latents (N, L) and the turn (L, L) that gives them the distances of what they tell of points.

    The points (N, P) are rebuilt from the latents by ridge regression; a direction's length is that of its share in
    them. Directions come by variance, each with its largest part positive.
    """
    middle, spread = latents.mean(axis=0), latents.std(axis=0)
    unit = np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9), 0.0)
    standard = (latents - middle) * unit
    gram = standard.T @ standard + RIDGE * np.eye(latents.shape[1])
    slopes = np.linalg.solve(gram, standard.T @ (points - points.mean(axis=0)))  # (L, P)
    squares, ways = np.linalg.eigh(slopes @ slopes.T)
    lengths = np.sqrt(np.maximum(squares, LEAST * max(float(squares[-1]), 1e-12)))
    turn = unit[:, None] * ways * lengths
    placed = (latents - middle) @ turn
    variances, axes = np.linalg.eigh(placed.T @ placed)
    turn = turn @ axes[:, np.argsort(-variances, kind="stable")]
    largest = np.take_along_axis(turn, np.abs(turn).argmax(axis=0)[None], axis=0)
    return middle, np.ascontiguousarray(turn * np.where(largest < 0, -1.0, 1.0))
