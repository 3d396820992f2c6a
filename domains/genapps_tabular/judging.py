"""The honest split: rows that a model never sees, and the judgement of its rows against them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa

from genapps_tabular.evaluation import Evaluation
from genapps_tabular.metrics import evaluate_tables
from genapps_tabular.model import TableModel
from genapps_tabular.progress import Progress, Step
from genapps_tabular.schema import Schema

HOLDOUT_ROWS = 10_000  # more unseen rows than this make no figure of the report steadier
FEWEST_TO_SPLIT = 100  # below, unseen rows would judge by chance and cost rows that the model needs
JUDGED_ROWS = 10_000  # synthetic rows that the figures stand on, at most
SEEDS = 2**32  # scikit-learn takes no larger seeds
MEASURED = 5  # groups of measures that an evaluation tells of


def split(table: pa.Table, holdout: float, seed: int) -> tuple[pa.Table, pa.Table | None]:
    """Rows to learn from and rows to judge on, drawn by seed: share `holdout`, at most 10,000; None below 100 rows."""
    held = min(int(len(table) * holdout), HOLDOUT_ROWS)
    if len(table) < FEWEST_TO_SPLIT or held == 0:
        return table, None
    order = np.random.default_rng(np.random.SeedSequence([seed, 0, 2])).permutation(len(table))
    return table.take(np.sort(order[held:])), table.take(np.sort(order[:held]))


@dataclass(frozen=True)
class Judge:
    """The rows a model learnt, those it never saw, and what else a judgement needs."""

    train: pa.Table
    unseen: pa.Table | None
    schema: Schema
    target: str | None = None
    seed: int = 0
    progress: Progress | None = None

    @property
    def size(self) -> int:
        """How many synthetic rows the figures stand on at least."""
        return min(len(self.train), JUDGED_ROWS)

    def rows(self, synthetic: pa.Table, provenance: dict[str, Any]) -> Evaluation:
        """Judge these rows."""
        return evaluate_tables(
            self.train,
            synthetic,
            self.unseen,
            schema=self.schema,
            target=self.target,
            seed=self.seed % SEEDS,
            provenance=provenance,
            progress=self._tell(),
        )

    def _tell(self) -> Callable[[str], None] | None:
        """What is measured next, as steps of judging."""
        if self.progress is None:
            return None
        tell, done = self.progress, count()
        return lambda measured: tell(Step("judging", next(done), MEASURED, message=measured))

    def model(self, model: TableModel, made: pa.Table | None) -> Evaluation:
        """Judge a model by rows it `made`, or by other rows of it where those do not do for the figures (`suits`)."""
        synthetic = made if self.suits(made) else model.draw(self.size, seed=self.seed + 1)
        return self.rows(synthetic, {"family": model.family, **model.provenance})

    def suits(self, made: pa.Table | None) -> bool:
        """Whether these rows are enough for the figures; None stands for rows that are not like the table at large."""
        return made is not None and len(made) >= self.size

    def notes(self, made: pa.Table | None) -> tuple[str, ...]:
        """What a reader of the figures must know."""
        notes = []
        if self.unseen is None:
            notes.append(f"all {len(self.train):,} rows were learnt, none kept unseen: the figures flatter a copy")
        if not self.suits(made):
            why = "conditions make the written rows unlike the table" if made is None else "fewer rows were written"
            notes.append(f"figures are those of {self.size:,} other rows of the same model, as {why}")
        return tuple(notes)


def measures_of(evaluation: Evaluation) -> dict[str, float | None]:
    """The figures of a model file: each measure's value by its key."""
    return {measure.key: measure.value for measure in evaluation.measures}
