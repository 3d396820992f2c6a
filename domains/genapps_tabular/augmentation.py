"""A larger training set for one target column, and the measured answer to whether it helps (see `gain`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genapps.errors import UsageError
from genapps_tabular.checks import AUTO, SchemaLike, check_rows, check_target, read, refuse_for_sdv, resolve_schema
from genapps_tabular.columns.base import as_text, flat
from genapps_tabular.conditions import Equals
from genapps_tabular.config import TabularConfig
from genapps_tabular.destination import Destination
from genapps_tabular.fitting import Run, fit_table
from genapps_tabular.gain import REAL, REPEATED, SYNTHETIC, Gain, Scores, Task, collect, gain, measures, score, verdict
from genapps_tabular.gaps import gaps_of
from genapps_tabular.judging import SEEDS
from genapps_tabular.leaderboard import Trial, choose, with_budget
from genapps_tabular.measuring import Gauge
from genapps_tabular.model import TableModel
from genapps_tabular.progress import Progress, labelled
from genapps_tabular.schema import Schema

FEWEST_ROWS = 50  # below, rows held back to measure the gain would say nothing
MOST_CLASSES = 10  # a number with more distinct values is a quantity to predict, not a class
TEST_SHARE, TEST_ROWS = 0.25, 10_000  # rows held back on each split
ALL = ""  # the class of rows that are added without a view to their class


@dataclass(frozen=True)
class Augmentation:
    """The larger training set (None where it went to a file) and the measured gain.

    `added` counts synthetic rows by class, under "" where classes were not balanced. `scores` are those of real rows,
    real and repeated rows, real and synthetic rows, in this order; `gains` are the last one's over the first two.
    """

    rows: Any
    written: int
    model: TableModel
    target: str
    task: Task
    added: dict[str, int]
    scores: tuple[Scores, ...]
    gains: tuple[Gain, ...]
    verdict: str
    trials: tuple[Trial, ...] = ()

    @property
    def helped(self) -> bool:
        """Whether synthetic rows gain more than chance explains."""
        return self.gains[0].sure


def augment(
    train: Any,
    target: str,
    *,
    n: int | None = None,
    balance: bool = False,
    splits: int = 3,
    marker: str | None = None,
    output: str | Path | None = None,
    config: TabularConfig | None = None,
    schema: SchemaLike = None,
    encoding: str | None = None,
    spreadsheet_safe: bool = False,
    progress: Progress | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> Augmentation:
    """The real rows and n synthetic ones (as many as there are real ones, where n is None), and what they gain.

    `balance` gives rare classes more rows, by sampling given the class, until all are as frequent as the most frequent
    (or n rows are spent). `marker` names a further column that is true in synthetic rows. The gain is measured on
    `splits` splits of the table; each split trains its own generator, so this takes `splits` + 1 fits, which share
    a time budget. Raises UsageError for a target that cannot be predicted, InputError for a table with too few rows.
    """
    config = config or TabularConfig()
    refuse_for_sdv(config.family, {}, "a model")
    table, back, name = read(train, encoding)
    check_rows(table, name, FEWEST_ROWS)
    check_target(target, table)
    check_marker(marker, table)
    schema = resolve_schema(table, schema, name)
    plan = Plan(schema, target, task_of(table, schema, target, balance), balance, n)
    trials: tuple[Trial, ...] = ()
    if config.family == AUTO:
        config, trials = choose(table, schema, config, target=target, progress=progress)
    config = with_budget(config, 1 / (splits + 1))
    known = table.filter(pc.invert(gaps_of(table.column(target), schema[target])))
    check_rows(known, f"{name}: column {target!r}", FEWEST_ROWS)
    run = Run(name, progress, Path(checkpoint) if checkpoint else None, resume)
    scores = plan.compare(known, config, splits, run)
    model = replace(fit_table(table, schema, config, run), back=back)
    wanted = plan.wanted(known)
    made = plan.synthetic(model, wanted, config.seed).cast(table.schema)
    parts = [table, made] if marker is None else [_marked(table, marker, False), _marked(made, marker, True)]
    rows, _ = Destination(output, spreadsheet_safe, progress).take(parts, len(table) + len(made))
    real, repeated, synthetic = scores
    deciding = measures(plan.task, balance)[0]
    gains = (gain(synthetic, real, deciding), gain(synthetic, repeated, deciding))
    return Augmentation(
        rows=None if rows is None else back(rows),
        written=len(table) + len(made),
        model=model,
        target=target,
        task=plan.task,
        added=wanted,
        scores=scores,
        gains=gains,
        verdict=verdict(target, scores, gains),
        trials=trials,
    )


def task_of(table: pa.Table, schema: Schema, target: str, balance: bool) -> Task:
    """Whether the target is a class or a quantity. Raises UsageError for one that is neither, or cannot be balanced."""
    kind = schema[target].kind
    if kind in ("category", "boolean"):
        return "classification"
    if kind != "number":
        raise UsageError(
            f"column {target!r} is of kind {kind}, which cannot be predicted; choose a category or a number"
        )
    if pc.count_distinct(table.column(target)).as_py() <= MOST_CLASSES:
        return "classification"
    if balance:
        raise UsageError(f"column {target!r} is a number, and only classes can be balanced; leave out balance")
    return "regression"


def check_marker(marker: str | None, table: pa.Table) -> None:
    """Raises UsageError where the marker would be a second column of its name."""
    if marker is not None and marker in table.column_names:
        raise UsageError(f"the table has a column {marker!r} already; choose another name for the marker")


@dataclass(frozen=True)
class Plan:
    """Which rows to add for which target."""

    schema: Schema
    target: str
    task: Task
    balance: bool
    n: int | None

    def labels(self, table: pa.Table) -> np.ndarray:
        """The target (N,) as text."""
        return np.asarray(as_text(flat(table.column(self.target))).to_numpy(zero_copy_only=False), dtype=str)

    def wanted(self, table: pa.Table) -> dict[str, int]:
        """How many rows to add: of each class where classes are balanced, else under ""."""
        if not self.balance:
            return {ALL: len(table) if self.n is None else self.n}
        names, counts = np.unique(self.labels(table), return_counts=True)
        return dict(zip((str(name) for name in names), level(counts, self.n), strict=True))

    def synthetic(self, model: TableModel, wanted: dict[str, int], seed: int) -> pa.Table:
        """The rows to add, from the model's own conditional distribution of each class; the target is never missing."""
        parts = []
        for k, (label, count) in enumerate(wanted.items()):
            if count:
                given = None if label == ALL else {self.target: Equals(label)}
                present = [self.target] if label == ALL else []
                parts.append(model.draw(count, seed=_seed(seed, k), given=given, present=present))
        return pa.concat_tables(parts) if parts else model.draw(1, seed=seed).slice(1)

    def repeated(self, table: pa.Table, wanted: dict[str, int], generator: np.random.Generator) -> pa.Table:
        """As many rows of the same classes, drawn from the table itself with replacement."""
        labels = self.labels(table)
        chosen = [
            generator.choice(np.flatnonzero(labels == label) if label != ALL else len(table), count)
            for label, count in wanted.items()
            if count
        ]
        return table.take(np.concatenate([np.empty(0, np.int64), *chosen]))

    def compare(self, table: pa.Table, config: TabularConfig, splits: int, run: Run) -> tuple[Scores, ...]:
        """Real rows, real and repeated rows, real and synthetic rows: scored on the same unseen rows of each split."""
        results: list[tuple[dict[str, float], ...]] = []
        for k, (train, test) in enumerate(self._splits(table, splits, config.seed)):
            model = fit_table(train, self.schema, replace(config, seed=config.seed + k), _of_split(run, k, splits))
            wanted = self.wanted(train)
            generator = np.random.default_rng(np.random.SeedSequence([config.seed, 0, 6, k]))
            added = (
                None,
                self.repeated(train, wanted, generator),
                self.synthetic(model, wanted, config.seed + k).cast(train.schema),
            )
            results.append(tuple(self._score(train, extra, test, config.seed) for extra in added))
        names = (REAL, REPEATED, SYNTHETIC)
        return tuple(collect(name, column) for name, column in zip(names, zip(*results, strict=True), strict=True))

    def _splits(self, table: pa.Table, splits: int, seed: int) -> Iterator[tuple[pa.Table, pa.Table]]:
        from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

        labels = self.labels(table)
        share = min(TEST_SHARE, TEST_ROWS / len(table))
        even = self.task == "classification" and np.unique(labels, return_counts=True)[1].min() >= 2
        splitter = (StratifiedShuffleSplit if even else ShuffleSplit)(
            splits, test_size=share, random_state=seed % SEEDS
        )
        for train, test in splitter.split(labels, labels):
            yield table.take(np.sort(train)), table.take(np.sort(test))

    def _score(self, train: pa.Table, extra: pa.Table | None, test: pa.Table, seed: int) -> dict[str, float]:
        gauge = Gauge.fit(self.schema, train, test)
        place = next(d for d, f in enumerate(gauge.facets) if f.column.name == self.target and f.role != "word")
        features = [d for d, facet in enumerate(gauge.facets) if facet.column.name != self.target]

        def measure(table: pa.Table) -> tuple[Any, Any]:
            values = gauge.measure(table)
            values = values[~np.isnan(values[:, place])]
            return values[:, features], values[:, place]

        rows = train if extra is None else pa.concat_tables([train, extra])
        return score(self.task, measure(rows), measure(test), gauge.categorical[features], seed % SEEDS)


def level(counts: np.ndarray, n: int | None) -> list[int]:
    """How many to add to each count so that all become as equal as n additions allow; None: all as high as the highest.

    >>> level(np.array([10, 4, 1]), None)
    [0, 6, 9]
    >>> level(np.array([10, 4, 1]), 5)
    [0, 1, 4]
    """
    top = int(counts.max())
    if n is None:
        return [int(top - count) for count in counts]
    added = np.zeros(len(counts), np.int64)
    order = np.argsort(counts, kind="stable")
    rest = n
    for k in range(1, len(counts) + 1):  # raise the k lowest to the next one's height, as far as n reaches
        lowest = order[:k]
        height = counts[lowest] + added[lowest]
        step = (int(counts[order[k]]) - int(height[0])) * k if k < len(counts) else rest
        share, more = divmod(min(step, rest), k)
        added[lowest] += share
        added[lowest[:more]] += 1
        rest -= min(step, rest)
        if not rest:
            break
    return [int(count) for count in added]


def _of_split(run: Run, k: int, splits: int) -> Run:
    """The run of one split: its progress by its number, its checkpoint under a name of its own."""
    path = run.checkpoint and run.checkpoint.with_name(f"{run.checkpoint.stem}.split{k + 1}.checkpoint")
    return replace(run, progress=labelled(run.progress, f"split {k + 1} of {splits}"), checkpoint=path)


def _marked(table: pa.Table, marker: str, synthetic: bool) -> pa.Table:
    return table.append_column(marker, pa.array(np.full(len(table), synthetic)))


def _seed(seed: int, k: int) -> int:
    """A seed of its own for the rows of each class."""
    return int(np.random.SeedSequence([seed, 0, 5, k]).generate_state(1, np.uint64)[0] >> np.uint64(1))
