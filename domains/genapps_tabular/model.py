"""A learnt table: the codec that reads its rows, the model that learnt them, and where both came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import torch

import genapps
from genapps.errors import InputError
from genapps.io.artifact import read_artifact, write_artifact
from genapps.io.shards import SHARD_ROWS, map_shards, shard_counts
from genapps.models import load as load_family
from genapps.spaces import Columns, Constraint
from genapps.threads import threads
from genapps_tabular.checks import Back, Given, check_count, conditions_of, read, same
from genapps_tabular.codec import TableCodec
from genapps_tabular.conditions import Condition

DOMAIN = "tabular"


def generators(seed: int, *path: int) -> tuple[np.random.Generator, torch.Generator]:
    """Independent numpy and torch generators for one place in a run: a pure function of (seed, path)."""
    for_numpy, for_torch = np.random.SeedSequence([seed, *path]).spawn(2)
    state = int(for_torch.generate_state(1, np.uint64)[0])
    return np.random.default_rng(for_numpy), torch.Generator().manual_seed(state)


@dataclass
class TableModel:
    """A codec and a model fitted to one table. `back` turns Arrow rows into the kind of table the user brought."""

    codec: TableCodec
    model: Any
    family: str
    provenance: dict[str, Any] = field(default_factory=dict)
    measures: dict[str, Any] = field(default_factory=dict)
    back: Back = same

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all; no pickle in it."""
        arrays, codec = self.codec.state()
        tensors, settings = self.model.state()
        tree = {f"codec/{name}": np.asarray(array) for name, array in arrays.items()}
        tree |= {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        header = {
            "genapps_version": genapps.__version__,
            "family": self.family,
            "domain": DOMAIN,
            "space": self.codec.space.to_json(),
            "codec": codec,
            "model": settings,
            "provenance": self.provenance,
            "measures": self.measures,
        }
        write_artifact(path, tree, header)

    @classmethod
    def load(cls, path: str | Path) -> TableModel:
        """Read a model file. Raises InputError where it is damaged, of a newer version, or not a model of tables."""
        artifact = read_artifact(path)
        header = artifact.header
        if header.get("domain") != DOMAIN:
            raise InputError(
                f"{path}: a model of {header.get('domain')!r}, not of tables; give a file written by 'fit'"
            )
        space = Columns.from_json(header["space"])
        tensors = {name: torch.from_numpy(array) for name, array in branch(artifact.tensors, "model").items()}
        return cls(
            codec=TableCodec.from_state(branch(artifact.tensors, "codec"), header["codec"]),
            model=load_family(header["family"], space, tensors, header["model"]),
            family=header["family"],
            provenance=header.get("provenance", {}),
            measures=header.get("measures", {}),
        )

    def shard(
        self,
        k: int,
        n: int,
        *,
        seed: int,
        given: Given = None,
        present: Sequence[str] = (),
        temperature: float = 1.0,
    ) -> pa.Table:
        """Shard k of a sample of n rows: a pure function of its arguments.

        In columns of `present` no value is missing. `SHARD_ROWS` rows, the last shard fewer. Raises UsageError for an
        unknown column or an impossible condition.
        """
        conditions = conditions_of(given, self.codec.schema)
        first = k * SHARD_ROWS
        for_codec, for_model = generators(seed, k)
        with threads(1), torch.inference_mode():  # one order of sums: the same bytes in every process
            codes = self.model.sample(
                min(SHARD_ROWS, n - first),
                given=(*self.codec.constraints(conditions), *self.codec.present(present)),
                temperature=temperature,
                generator=for_model,
            )
            return self.codec.decode(codes.cpu().numpy(), for_codec, conditions=conditions, first_row=first, seed=seed)

    def shards(
        self, n: int, *, seed: int = 0, given: Given = None, temperature: float = 1.0, workers: int = 1
    ) -> Iterator[pa.Table]:
        """The n rows as shards in order; the same rows whatever the number of workers.

        With more than one worker the model goes to the spawned processes by a temporary model file, read once by each.
        """
        check_count(n)
        conditions = conditions_of(given, self.codec.schema)
        self.codec.constraints(conditions)  # a condition that cannot hold is refused before any work
        counts = shard_counts(n)
        if workers <= 1 or len(counts) == 1:
            for k in range(len(counts)):
                yield self.shard(k, n, seed=seed, given=conditions, temperature=temperature)
            return
        with TemporaryDirectory(prefix="genapps-") as folder:
            path = Path(folder) / "model.genapps"
            self.save(path)
            yield from map_shards(_maker, (str(path), n, seed, conditions, temperature), counts, workers)

    def draw(self, n: int, *, seed: int = 0, given: Given = None, present: Sequence[str] = ()) -> pa.Table:
        """n rows as one Arrow table; in columns of `present` no value is missing."""
        shards = range(len(shard_counts(n)))
        return pa.concat_tables([self.shard(k, n, seed=seed, given=given, present=present) for k in shards])

    def sample(self, n: int, *, seed: int = 0, given: Given = None, temperature: float = 1.0) -> Any:
        """n synthetic rows, as the kind of table the model was fitted to; the same seed gives the same rows."""
        return self.back(pa.concat_tables(list(self.shards(n, seed=seed, given=given, temperature=temperature))))

    def fill(self, table: pa.Table, *, seed: int = 0) -> pa.Table:
        """An Arrow table like `table` whose missing values are drawn from the model given the values of their row."""
        parts = [
            self._fill_shard(table.slice(first, SHARD_ROWS), first, seed) for first in range(0, len(table), SHARD_ROWS)
        ]
        return pa.concat_tables(parts) if parts else table

    def _fill_shard(self, table: pa.Table, first: int, seed: int) -> pa.Table:
        for_codec, for_model = generators(seed, first // SHARD_ROWS)
        codes = torch.from_numpy(self.codec.encode(table, missing="unknown"))
        with threads(1), torch.inference_mode():  # one order of sums: the same bytes in every process
            full = self.model.impute(codes, given=self.present(), generator=for_model)
            return self.codec.decode(full.cpu().numpy(), for_codec, first_row=first, seed=seed)

    def present(self) -> tuple[Constraint, ...]:
        """The constraints that say: no value of a learnt column is missing."""
        return self.codec.present([name for name, parts in self.codec.parts.items() if parts])

    def log_prob(self, data: Any) -> Any:
        """Log-likelihood of each row in nats, shape (N,), tagged exact, bound or estimate."""
        table, _, _ = read(data)
        self.codec.schema.check(table)
        with torch.inference_mode():
            return self.model.log_prob(torch.from_numpy(self.codec.encode(table)))

    def transform(self, data: Any) -> np.ndarray:
        """Features (N, F) float64 of each row. Raises UsageError for a family that learns none."""
        table, _, _ = read(data)
        self.codec.schema.check(table)
        parts = []
        with threads(1):
            for first in range(0, max(len(table), 1), SHARD_ROWS):
                codes = self.codec.encode(table.slice(first, SHARD_ROWS))
                parts.append(self.model.transform(torch.from_numpy(codes)).double().cpu().numpy())
        return np.concatenate(parts)


def _maker(
    path: str, n: int, seed: int, conditions: dict[str, Condition], temperature: float
) -> Callable[[int, int], pa.Table]:
    """In a worker process: the model once from its file, then any of its shards."""
    model = TableModel.load(path)
    return lambda k, _: model.shard(k, n, seed=seed, given=conditions, temperature=temperature)


def branch(tensors: Mapping[str, np.ndarray], name: str) -> dict[str, Any]:
    """The tensors below one branch of the tree, by their names inside it."""
    return {key[len(name) + 1 :]: value for key, value in tensors.items() if key.startswith(name + "/")}
