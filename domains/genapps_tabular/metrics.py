"""How a synthetic table is judged: fidelity, usefulness and privacy beside their controls, and a verdict in words."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa

from genapps.errors import InputError, UsageError
from genapps_tabular.evaluation import Evaluation, Measure
from genapps_tabular.fidelity import diversity_measures, paired, shape_measures, two_sample
from genapps_tabular.measuring import Gauge, Sides, independent
from genapps_tabular.privacy import privacy_measures, share_nearer_error
from genapps_tabular.schema import Schema
from genapps_tabular.usefulness import usefulness_measures
from genapps_tabular.verdict import judge
from genapps_tabular.views import column_views, pair_view

FEWEST = 50  # rows of a table below which nothing that learns or looks for neighbors says anything

Progress = Callable[[str], None]


def evaluate_tables(
    real: pa.Table,
    synthetic: pa.Table,
    holdout: pa.Table | None = None,
    *,
    schema: Schema,
    target: str | None = None,
    seed: int = 0,
    max_rows: int = 10_000,
    provenance: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge `synthetic` rows by the `real` rows that they were learnt from and by unseen ones (`holdout`).

    Measures that learn use at most `max_rows` rows of each table, drawn by `seed`; nearness at most twice as many
    training rows; copies are looked for among all. Without a target, usefulness is that for the last column of few
    categories, or else for the last number. A measure that cannot be had is None, with a note. `progress` hears what is
    measured next. Raises UsageError for an unknown target and InputError for a table that is empty or lacks a column.
    """
    tell = progress or (lambda _: None)
    _check(schema, target, {"real": real, "synthetic": synthetic, "unseen": holdout})
    gauge = Gauge.fit(schema, real, *(table for table in (holdout, synthetic) if table is not None))
    sides = take_sides(gauge, real, synthetic, holdout, max_rows=max_rows, seed=seed)
    tell("two-sample test")
    measures: list[Measure] = [two_sample(sides, seed=seed)]
    tell("columns and pairs")
    chosen, pairs = paired(sides)
    measures += shape_measures(sides, chosen, pairs)
    tell("modes")
    measures += diversity_measures(sides)
    tell("usefulness")
    measures += usefulness_measures(sides, target, seed=seed)
    tell("privacy")
    measures += privacy_measures(sides, schema, real, synthetic, holdout)
    rows = {"real": len(real), "synthetic": len(synthetic)} | ({} if holdout is None else {"holdout": len(holdout)})
    return Evaluation(
        measures=tuple(measures),
        columns=column_views(sides),
        pairs=pair_view(sides, chosen, pairs),
        verdict=judge(measures, rows, share_nearer_error(sides)),
        rows=rows,
        provenance=provenance or {},
    )


def take_sides(
    gauge: Gauge, real: pa.Table, synthetic: pa.Table, holdout: pa.Table | None, *, max_rows: int, seed: int
) -> Sides:
    """Rows of each table drawn without replacement by `seed`, and the control of independent columns."""
    generator = np.random.default_rng([seed, 0x6D65])

    def draw(table: pa.Table, most: int) -> pa.Table:
        return table.take(generator.permutation(len(table))[:most])

    train = gauge.measure(draw(real, 2 * max_rows))
    made = gauge.measure(draw(synthetic, max_rows))
    unseen = None if holdout is None or len(holdout) < FEWEST else gauge.measure(draw(holdout, max_rows))
    why = "no unseen rows were given" if holdout is None else f"only {len(holdout)} unseen rows, {FEWEST} are needed"
    if min(len(real), len(synthetic)) < FEWEST:
        few = min(("training", len(real)), ("synthetic", len(synthetic)), key=lambda side: side[1])
        unseen, why = None, f"only {few[1]} {few[0]} rows, {FEWEST} are needed"
    return Sides(
        gauge=gauge,
        near=train,
        real=train[:max_rows],
        synthetic=made,
        unseen=unseen,
        independent=independent(gauge, train[:max_rows], generator),
        enough=min(len(real), len(synthetic)) >= FEWEST,
        why="" if unseen is not None else why,
    )


def _check(schema: Schema, target: str | None, tables: dict[str, pa.Table | None]) -> None:
    if target is not None and target not in schema.names:
        near = get_close_matches(target, schema.names, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"the columns are {', '.join(schema.names[:20])}"
        raise UsageError(f"no column {target!r} to predict: {remedy}")
    for side, table in tables.items():
        if table is None:
            continue
        lacking = [name for name in schema.names if name not in table.column_names]
        if lacking:
            raise InputError(f"the {side} table has no column {lacking[0]!r}: give tables with the same columns")
        if not len(table) and side != "unseen":
            raise InputError(f"the {side} table has no rows: nothing can be judged")
