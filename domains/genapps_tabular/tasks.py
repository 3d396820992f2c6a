"""What a person asks of a table, as plain functions: fit, sample, synthesize, impute, evaluate.

Tables come as pandas, polars or pyarrow, or as the path of a file, and go back as the same kind (a path as pyarrow).
`encoding` is that of a text file, UTF-8 where it is None.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from genapps.report.files import check_report
from genapps_tabular.checks import (
    AUTO,
    SDV,
    Given,
    SchemaLike,
    check_count,
    check_family,
    check_rows,
    check_same_columns,
    check_target,
    conditions_of,
    read,
    refuse_for_sdv,
    resolve_schema,
)
from genapps_tabular.conditions import Condition
from genapps_tabular.config import TabularConfig
from genapps_tabular.destination import Destination
from genapps_tabular.evaluation import Evaluation
from genapps_tabular.fitting import Run, fit_table
from genapps_tabular.gaps import fill_gaps, gaps_in, may_be_told, write_filled
from genapps_tabular.judging import JUDGED_ROWS, SEEDS, Judge, measures_of, split
from genapps_tabular.leaderboard import Trial, choose
from genapps_tabular.metrics import evaluate_tables
from genapps_tabular.model import TableModel
from genapps_tabular.progress import Progress
from genapps_tabular.report import write_report
from genapps_tabular.schema import Schema


@dataclass(frozen=True)
class Synthesis:
    """What synthesize made: `rows` are None where they went to a file, `model` is None where SDV made them."""

    rows: Any
    written: int
    model: TableModel | None
    evaluation: Evaluation
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imputation:
    """A table whose gaps are filled (None where it went to a file); how many of each column were filled, and left.

    `model` is None where there was nothing that one could fill, so that none learnt.
    """

    rows: Any
    filled: dict[str, int]
    left: dict[str, int]
    model: TableModel | None


def fit(
    data: Any,
    *,
    config: TabularConfig | None = None,
    schema: SchemaLike = None,
    encoding: str | None = None,
    progress: Progress | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> TableModel:
    """Learn every row of a table; family "auto" first tries the engines on a part of it and keeps the better one.

    Raises InputError where there is nothing to learn from, UsageError for settings that cannot be.
    """
    config = config or TabularConfig()
    refuse_for_sdv(config.family, {}, "a model file")
    table, back, name = read(data, encoding)
    check_rows(table, name)
    run = Run(name, progress, Path(checkpoint) if checkpoint else None, resume)
    return replace(_learn(table, config, resolve_schema(table, schema, name), run), back=back)


def _learn(table: pa.Table, config: TabularConfig, schema: Schema, run: Run) -> TableModel:
    """Learn every row of an Arrow table."""
    if config.family == AUTO:
        config, _ = choose(table, schema, config, progress=run.progress)
    return fit_table(table, schema, config, run)


def sample(
    model: TableModel | str | Path,
    n: int,
    *,
    given: Given = None,
    seed: int = 0,
    output: str | Path | None = None,
    workers: int = 1,
    spreadsheet_safe: bool = False,
    progress: Progress | None = None,
) -> Any:
    """n rows of a model or a model file; streamed to `output` in bounded memory where one is named (then None).

    The same model, n and seed give the same rows, and the same bytes, whatever the number of workers.
    """
    model = model if isinstance(model, TableModel) else TableModel.load(model)
    destination = Destination(output, spreadsheet_safe, progress)
    rows, _ = destination.take(model.shards(n, seed=seed, given=given, workers=workers), n)
    return None if rows is None else model.back(rows)


def synthesize(
    data: Any,
    n: int | None = None,
    *,
    output: str | Path | None = None,
    report: str | Path | None = None,
    model: str | Path | None = None,
    config: TabularConfig | None = None,
    schema: SchemaLike = None,
    encoding: str | None = None,
    given: Given = None,
    target: str | None = None,
    workers: int = 1,
    spreadsheet_safe: bool = False,
    progress: Progress | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> Synthesis:
    """Learn a table, make n rows like its own (as many as it has, where n is None) and judge them on rows kept unseen.

    `output`, `report` and `model` name files to write; rows that go to `output` are streamed and not returned. `target`
    is the column whose prediction measures usefulness. A table of fewer than 100 rows is learnt whole and judged
    without unseen rows, and the notes say so. Raises UsageError and InputError before training wherever it can know.
    """
    check_report(report)
    config = config or TabularConfig()
    table, back, name = read(data, encoding)
    n = len(table) if n is None else n
    check_rows(table, name)
    check_count(n)
    check_target(target, table)
    schema = resolve_schema(table, schema, name)
    conditions = conditions_of(given, schema)
    judge = Judge(*split(table, config.holdout, config.seed), schema, target, config.seed, progress)
    destination = Destination(output, spreadsheet_safe, progress)
    refuse_for_sdv(config.family, conditions, model)
    if config.family.startswith(SDV):
        made = _by_peer(config, n, judge, destination)
    else:
        run = Run(name, progress, Path(checkpoint) if checkpoint else None, resume)
        made = _by_model(config, n, judge, destination, run, conditions, workers)
    if made.model and model:
        made.model.save(model)
    if report:
        write_report(made.evaluation, Path(report), title=f"Rows like {Path(name).name}")
    learnt = made.model and replace(made.model, back=back)
    return replace(made, model=learnt, rows=None if made.rows is None else back(made.rows))


def _by_model(
    config: TabularConfig,
    n: int,
    judge: Judge,
    destination: Destination,
    run: Run,
    conditions: dict[str, Condition],
    workers: int,
) -> Synthesis:
    """Rows of a model of our own."""
    trials: tuple[Trial, ...] = ()
    if config.family == AUTO:
        config, trials = choose(judge.train, judge.schema, config, target=judge.target, progress=run.progress)
    model = fit_table(judge.train, judge.schema, config, replace(run, reserved=judge.unseen))
    shards = model.shards(n, seed=config.seed, given=conditions, workers=workers)
    rows, first = destination.take(shards, n, keep=0 if conditions else JUDGED_ROWS)
    evaluation = judge.model(model, first)
    return Synthesis(rows, n, replace(model, measures=measures_of(evaluation)), evaluation, trials, judge.notes(first))


def _by_peer(config: TabularConfig, n: int, judge: Judge, destination: Destination) -> Synthesis:
    """Rows of one of SDV's synthesizers."""
    from genapps_tabular.peers import fit_sample

    name, drawn = config.family.removeprefix(SDV), max(n, judge.size)
    table, provenance = fit_sample(name, judge.train, judge.schema, drawn, config.seed)
    rows, _ = destination.take([table.slice(0, n)], n)
    evaluation = judge.rows(
        table.slice(0, max(judge.size, min(n, JUDGED_ROWS))),
        {"family": config.family, "seed": config.seed, **provenance},
    )
    return Synthesis(rows, n, None, evaluation)


def impute(
    data: Any,
    *,
    model: TableModel | str | Path | None = None,
    output: str | Path | None = None,
    config: TabularConfig | None = None,
    schema: SchemaLike = None,
    encoding: str | None = None,
    progress: Progress | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> Imputation:
    """Fill the gaps of a table by draws from a model given what is known of each row; other cells stay as they are.

    Without a `model`, one learns from the table itself, unless it has no gap that could be filled. Gaps of identifiers,
    free text and columns without any value cannot be known and are left. A text file that goes to an `output` of its
    own format keeps its every other byte.
    Raises InputError where the table does not fit the model.
    """
    config = config or TabularConfig()
    table, back, name = read(data, encoding)
    learnt: TableModel | None = None
    if model is None:
        refuse_for_sdv(config.family, {}, "a model")
        check_family(config.family)
        check_rows(table, name)
        found = resolve_schema(table, schema, name)
        gaps = gaps_in(table, found)
        if may_be_told(gaps, found):
            learnt = _learn(table, config, found, Run(name, progress, Path(checkpoint) if checkpoint else None, resume))
    else:
        learnt = model if isinstance(model, TableModel) else TableModel.load(model)
        gaps = gaps_in(table, resolve_schema(table, learnt.codec.schema, name))
    filled = fill_gaps(learnt, table, gaps, config.seed)
    if output is not None:
        write_filled(filled, str(data) if isinstance(data, str | Path) else "", str(output), encoding)
    rows = back(filled.rows) if output is None else None
    return Imputation(rows, filled.counts, filled.left, learnt and replace(learnt, back=back))


def evaluate(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    target: str | None = None,
    schema: SchemaLike = None,
    encoding: str | None = None,
    report: str | Path | None = None,
    seed: int = 0,
) -> Evaluation:
    """Judge synthetic rows from any source: `real` are those they were made from, `holdout` real rows never shown.

    Raises InputError where the tables do not have the same columns.
    """
    check_report(report)
    table, _, name = read(real, encoding)
    others = []
    for data in (synthetic, holdout):
        other, _, other_name = (None, None, "") if data is None else read(data, encoding)
        if other is not None:
            check_same_columns(other, table, other_name, name)
        others.append(other)
    check_target(target, table)
    schema = resolve_schema(table, schema, name)
    evaluation = evaluate_tables(table, others[0], others[1], schema=schema, target=target, seed=seed % SEEDS)
    if report:
        write_report(evaluation, Path(report), title=f"Synthetic rows beside {Path(name).name}")
    return evaluation
