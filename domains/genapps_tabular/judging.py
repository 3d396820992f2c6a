"""The honest split: rows that a model never sees, and the judgement of its rows against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from genapps.errors import UsageError
from genapps_tabular.evaluation import Evaluation
from genapps_tabular.metrics import evaluate_tables
from genapps_tabular.model import TableModel
from genapps_tabular.schema import Schema

HOLDOUT_ROWS = 10_000  # more unseen rows than this make no figure of the report steadier
FEWEST_TO_SPLIT = 100  # below, unseen rows would judge by chance and cost rows that the model needs
JUDGED_ROWS = 10_000  # synthetic rows that the figures stand on, at most


def split(table: pa.Table, holdout: float, seed: int) -> tuple[pa.Table, pa.Table | None]:
    """Rows to learn from and rows to judge on, drawn by seed: share `holdout`, at most 10,000; None below 100 rows."""
    if not 0 <= holdout < 1:
        raise UsageError(f"holdout is a share of the rows from 0 up to 1, not {holdout}")
    count = min(int(len(table) * holdout), HOLDOUT_ROWS)
    if len(table) < FEWEST_TO_SPLIT or count == 0:
        return table, None
    order = np.random.default_rng(np.random.SeedSequence([seed, 0, 2])).permutation(len(table))
    return table.take(np.sort(order[count:])), table.take(np.sort(order[:count]))


@dataclass(frozen=True)
class Judge:
    """The rows a model learnt, those it never saw, and what else a judgement needs."""

    train: pa.Table
    unseen: pa.Table | None
    schema: Schema
    target: str | None = None
    seed: int = 0

    @property
    def size(self) -> int:
        """How many synthetic rows the figures stand on."""
        return min(len(self.train), JUDGED_ROWS)

    def rows(self, synthetic: pa.Table, provenance: dict[str, Any]) -> Evaluation:
        """Judge these rows."""
        return evaluate_tables(
            self.train,
            synthetic,
            self.unseen,
            schema=self.schema,
            target=self.target,
            seed=self.seed,
            provenance=provenance,
        )

    def model(self, model: TableModel, made: pa.Table | None) -> Evaluation:
        """Judge a model by rows it `made`, or by other rows of it where those are fewer than the figures need."""
        fresh = made is None or len(made) < self.size
        synthetic = model.draw(self.size, seed=self.seed + 1) if fresh else made
        provenance = {"family": model.family, **model.provenance, "judged_on_other_rows": fresh}
        return self.rows(synthetic, provenance)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        if self.unseen is not None:
            return ()
        return (f"{len(self.train)} rows and none kept unseen: judged on the rows it learnt, which flatters a copy",)


def measures_of(evaluation: Evaluation) -> dict[str, float | None]:
    """The figures of a model file: each measure's value by its key."""
    return {measure.key: measure.value for measure in evaluation.measures}
