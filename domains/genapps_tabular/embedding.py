"""Rows as a few numbers each (dimensionality reduction), as a task: the features, and what they keep of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from genapps.errors import UsageError
from genapps.io.artifact import read_header
from genapps.io.writers import TableWriter
from genapps.metrics.distributions import Floats
from genapps.report.files import check_report
from genapps.report.measured import Finding, Measured
from genapps.suggest import did_you_mean
from genapps_tabular.checks import SchemaLike, check_rows, check_target, read, resolve_schema
from genapps_tabular.clusters import free_names, with_columns
from genapps_tabular.config import TabularConfig
from genapps_tabular.embedding_checks import Kept, check_features, judge_features
from genapps_tabular.feature_model import DOMAIN, FeatureModel, fit_features
from genapps_tabular.fitting import Run
from genapps_tabular.judging import split
from genapps_tabular.model import TableModel
from genapps_tabular.progress import Progress
from genapps_tabular.schema import Schema

FAMILIES = ("vae", "rbm")  # whose models have features
DIMENSIONS = 8
Learnt = FeatureModel | TableModel


@dataclass(frozen=True)
class Embedding:
    """Features of each row; `rows` are None where they went to a file. `columns` are the names of the features.

    `kept` is what the report draws its aggregated figures from; it is no part of the JSON.
    """

    rows: Any
    columns: tuple[str, ...]
    measures: tuple[Measured, ...]
    verdict: Finding
    notes: tuple[str, ...]
    model: Learnt
    written: int
    kept: Kept

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON; no row."""
        return {
            "family": self.model.family,
            "columns": list(self.columns),
            "measures": [measure.to_json() for measure in self.measures],
            "verdict": asdict(self.verdict),
            "notes": list(self.notes),
            "written": self.written,
            "provenance": self.model.provenance,
        }


def embed(
    data: Any,
    *,
    dimensions: int | None = None,
    model: Learnt | str | Path | None = None,
    save: str | Path | None = None,
    keep: Sequence[str] = (),
    color: str | None = None,
    target: str | None = None,
    output: str | Path | None = None,
    report: str | Path | None = None,
    config: TabularConfig | None = None,
    schema: SchemaLike = None,
    encoding: str | None = None,
    progress: Progress | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> Embedding:
    """Each row as `dimensions` numbers z1, z2, ... in the order of the rows, behind the columns of `keep`.

    dimensions: None is what the settings of the family say where that is not their default, and else 8. config.family:
    vae (the default here) or rbm; one fifth of the rows is kept from it for the figures. target: a column that the
    model does not see, so that predicting it from the features is a fair test. color: the column that the picture is
    colored by. save: where the model goes, so that other rows get the same features; model: such a one or its file, or
    a model of these families that makes rows. Raises UsageError for an unknown column or a model without
    features, InputError for a table with nothing to learn from.
    """
    if model is not None and save is not None:
        raise UsageError("a saved model has its file already; leave save out")
    check_report(report)
    config = feature_config(config, dimensions)
    table, back, name = read(data, encoding)
    check_target(target, table)
    for column in (*keep, *([color] if color else [])):
        if column not in table.column_names:
            raise UsageError(f"no column {column!r} in {name}.{did_you_mean(column, table.column_names)}")
    seed, notes = config.seed, list[str]()
    if model is None:
        check_rows(table, name)
        found = resolve_schema(table, schema, name)
        seen = Schema(tuple(column for column in found.columns if column.name != target))
        train, unseen = split(table, config.holdout, seed)
        run = Run(name, progress, Path(checkpoint) if checkpoint else None, resume)
        learnt: Learnt = fit_features(train.select(list(seen.names)), seen, config, run)
        if unseen is None:
            notes.append(f"all {len(table)} rows were learnt, none kept unseen: the figures are those of learnt rows")
    else:
        learnt = load_features(model) if isinstance(model, str | Path) else model
        check_family(learnt.family)
        check_rows(table, name, 1)
        seen = learnt.schema if isinstance(learnt, FeatureModel) else learnt.codec.schema
        present = [column for column in table.column_names if column in seen.names]
        resolve_schema(table.select(present), seen, name)
        train, unseen = split(table, config.holdout, seed)
        found = resolve_schema(table, schema, name)
        if target in seen.names:
            notes.append(f"the model has learnt the column {target!r}, so predicting it from the features is no test")
    if isinstance(learnt, FeatureModel):
        notes += learnt.features.notes
    told = {"identifier": "an identifier", "text": "free text", "constant": "constant"}
    kinds = {column.name: column.kind for column in found.columns}
    if target is not None and kinds.get(target) in told:
        notes.append(f"column {target!r} is {told[kinds[target]]}: how well the features predict it was not measured")
    features = learnt.transform(table.select(list(seen.names)))
    kept = Kept.of(learnt, table, train, unseen, found, seen, target, features, seed)
    measures = check_features(kept, progress)
    columns = free_names([f"z{k + 1}" for k in range(features.shape[1])], list(keep))
    made = Embedding(
        rows=None,
        columns=columns,
        measures=measures,
        verdict=judge_features(measures),
        notes=tuple(notes),
        model=learnt,
        written=len(table),
        kept=kept,
    )
    if save is not None and isinstance(learnt, FeatureModel):
        figures = {measure.key: measure.value for measure in measures}
        replace(learnt, measures=figures).save(save)
    if report:
        from genapps_tabular.embedding_report import write_embedding

        write_embedding(made, Path(report), title=f"Features of {Path(name).name}", color=color or target)
    rows = _rows(table, keep, columns, features)
    if output is None:
        return replace(made, rows=back(rows))
    with TableWriter(output) as writer:
        writer.write(rows)
    return made


def feature_config(config: TabularConfig | None, dimensions: int | None) -> TabularConfig:
    """The settings with so many features.

    Raises UsageError for a family without features, and for a number that contradicts the settings.
    """
    config = config or TabularConfig(family=FAMILIES[0])
    key, size = size_of(config)
    free = size == size_of(TabularConfig(family=config.family))[1]
    if dimensions is None:
        dimensions = DIMENSIONS if free else size
    if dimensions < 1:
        raise UsageError(f"cannot make {dimensions} features; ask for 1 or more")
    if not free and dimensions != size:
        raise UsageError(f"{dimensions} dimensions contradict the setting {key} = {size}; leave one of them out")
    own: Any = getattr(config, config.family)
    size_name: dict[str, Any] = {key.partition(".")[2]: dimensions}
    sized: dict[str, Any] = {config.family: replace(own, **size_name)}
    return replace(config, **sized)


def size_of(config: TabularConfig) -> tuple[str, int]:
    """The setting that is the number of features, and its value: the first one of a family is its size.

    Raises UsageError for a family without features.
    """
    check_family(config.family)
    own: Any = getattr(config, config.family)
    name = fields(own)[0].name
    return f"{config.family}.{name}", int(getattr(own, name))


def load_features(path: str | Path) -> Learnt:
    """A saved model that has features of rows. Raises InputError where it is damaged or of another kind."""
    kind = FeatureModel if read_header(Path(path)).get("domain") == DOMAIN else TableModel
    return kind.load(path)


def check_family(family: str) -> None:
    """Raises UsageError for a family whose models have no features."""
    if family not in FAMILIES:
        raise UsageError(f"the {family} family has no features of a row; choose {' or '.join(FAMILIES)}")


def _rows(table: pa.Table, keep: Sequence[str], columns: Sequence[str], features: Floats) -> pa.Table:
    values = {name: pa.array(np.round(features[:, k], 6)) for k, name in enumerate(columns)}
    return with_columns(table.select(list(dict.fromkeys(keep))), values) if keep else pa.table(values)
