"""Groups of rows that are alike, as a task: the table with its clusters, what sets them apart, whether they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genapps.errors import UsageError
from genapps.io.splice import append_cells
from genapps.io.writers import TableWriter
from genapps.report.files import check_report
from genapps.report.measured import Finding, Measured
from genapps.threads import threads
from genapps_tabular.checks import SchemaLike, check_rows, read, resolve_schema
from genapps_tabular.cluster_checks import check_model, judge_clusters
from genapps_tabular.clustering import ClusterModel, Search, check_clusters, fit_clusters
from genapps_tabular.features import Features
from genapps_tabular.fitting import Watch, provenance_of
from genapps_tabular.gaps import suffix
from genapps_tabular.profiles import Line, Trait, lines_of, traits_of
from genapps_tabular.progress import Progress
from genapps_tabular.unread import Unread, unread_in

MOST = 20  # clusters that are tried where nothing else is asked for
ADDED = ("cluster", "cluster_probability")
DIGITS = 4  # of a probability
SEEDS = 2**32
ENOUGH = 0.9  # of what all components gain: the fewest clusters that reach it are worth a look


@dataclass(frozen=True)
class Cluster:
    """One group: its number (1 is the largest), its rows, its share of them, and what sets it apart."""

    number: int
    size: int
    share: float
    traits: tuple[Trait, ...]


@dataclass(frozen=True)
class Clustering:
    """A table with its clusters; `rows` are None where they went to a file. `columns` are the names of the two added.

    `values` and `labels` are what the report draws its aggregated figures from; they are no part of the JSON. `unread`
    is what a saved clustering could make nothing of.
    """

    rows: Any
    columns: tuple[str, str]
    clusters: tuple[Cluster, ...]
    search: Search
    measures: tuple[Measured, ...]
    verdict: Finding
    notes: tuple[str, ...]
    model: ClusterModel
    written: int
    values: Any = None
    labels: Any = None
    unread: tuple[Unread, ...] = ()

    @property
    def lines(self) -> list[Line]:
        """Everything that the clusters may differ in."""
        return lines_of(self.model.features, self.values, self.labels, len(self.clusters))

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON; no row."""
        return {
            "clusters": [asdict(cluster) for cluster in self.clusters],
            "chosen": len(self.clusters),
            "covariance": self.search.covariance,
            "bic": {name: dict(line) for name, line in self.search.bic.items()},
            "columns": list(self.columns),
            "measures": [measure.to_json() for measure in self.measures],
            "verdict": asdict(self.verdict),
            "notes": list(self.notes),
            "unread": {unread.column: unread.cells for unread in self.unread},
            "written": self.written,
            "provenance": self.model.provenance,
        }


def cluster(
    data: Any,
    *,
    clusters: int | None = None,
    most: int = MOST,
    model: ClusterModel | str | Path | None = None,
    save: str | Path | None = None,
    output: str | Path | None = None,
    report: str | Path | None = None,
    schema: SchemaLike = None,
    encoding: str | None = None,
    seed: int = 0,
    cpu_threads: int = 1,
    spreadsheet_safe: bool = False,
    progress: Progress | None = None,
) -> Clustering:
    """Find groups of rows that are alike: the table with a column `cluster` (1 is the largest) and its probability.

    clusters: how many; None chooses 1..`most` by the Bayesian information criterion. model: a clustering, or its file,
    that rows are assigned to instead. save, output, report: files to write. cpu_threads: 0 is all. Gaps are summed
    over. Raises UsageError for more clusters than rows, InputError for a table with nothing to tell rows apart by.
    """
    if model is not None and (clusters is not None or save is not None):
        raise UsageError("a saved clustering has its clusters and its file already; leave clusters and save out")
    if most < 1:
        raise UsageError(f"cannot try {most} clusters; ask for 1 or more")
    check_report(report)
    table, back, name = read(data, encoding)
    watch = Watch()
    with threads(cpu_threads):
        if model is None:
            check_rows(table, name)
            check_clusters(clusters, len(table))
            features = Features.fit(table, resolve_schema(table, schema, name), name)
            values = features.read(table)
            codes = features.encode(values)
            learnt = fit_clusters(features, codes, clusters=clusters, most=most, seed=seed % SEEDS, progress=progress)
            measures = check_model(learnt, values, seed % SEEDS, progress)
            finding = judge_clusters(learnt, measures, chosen=clusters is None)
        else:
            learnt = model if isinstance(model, ClusterModel) else ClusterModel.load(model)
            learnt.features.check(table, name)
            check_rows(table, name, 1)
            values = learnt.features.read(table)
            codes, measures = learnt.features.encode(values), ()
            finding = Finding(
                "good", "Assigned", f"Each row is given one of the {len(learnt.order)} clusters of a saved model."
            )
        labels, sure = learnt.assign(codes)
    sizes = np.bincount(labels, minlength=len(learnt.order) + 1)[1:]
    if model is None:
        width = len(str(len(sizes)))  # so that names sort as numbers do
        shares = {f"cluster_{k + 1:0{width}}": round(float(n / len(table)), 4) for k, n in enumerate(sizes)}
        figures = {measure.key: measure.value for measure in measures}
        learnt = replace(
            learnt,
            provenance=provenance_of(table, seed, watch.read()),
            measures={"clusters": len(learnt.order), **figures, **shares},
        )
    names = free_names(ADDED, table.column_names)
    made = Clustering(
        rows=None,
        columns=names,
        clusters=_described(learnt.features, values, labels, sizes),
        search=learnt.search,
        measures=measures,
        verdict=finding,
        notes=tuple(_notes(learnt, names, clusters is None and model is None)),
        model=learnt,
        written=len(table),
        values=values,
        labels=labels,
        unread=() if model is None else tuple(unread_in(learnt.features, table, values)),
    )
    added = {names[0]: pa.array(labels), names[1]: pa.array(np.round(sure, DIGITS))}
    if save:
        learnt.save(save)
    if report:
        from genapps_tabular.cluster_report import write_clusters

        write_clusters(made, Path(report), title=f"Clusters of {Path(name).name}", seed=seed % SEEDS)
    if output is not None:
        write_with(
            table, added, str(data) if isinstance(data, str | Path) else "", str(output), encoding, spreadsheet_safe
        )
        return made
    return replace(made, rows=back(with_columns(table, added)))


def plan_clusters(
    data: Any, model: str | Path | None, schema: SchemaLike, encoding: str | None, clusters: int | None
) -> tuple[int, list[tuple[str, str]]]:
    """The number of rows, and how each column would be taken. Raises as the task itself would."""
    table, _, name = read(data, encoding)
    check_rows(table, name, 1 if model else 2)
    if model:
        features = ClusterModel.load(model).features
        features.check(table, name)
    else:
        check_clusters(clusters, len(table))
        features = Features.fit(table, resolve_schema(table, schema, name), name)
    taken = [(feature.name, feature.words) for feature in features.features]
    return len(table), taken + [(column, f"left out: {why}") for column, why in features.left_out]


def with_columns(table: pa.Table, added: Mapping[str, pa.Array]) -> pa.Table:
    """The table with further columns behind its own."""
    for name, values in added.items():
        table = table.append_column(name, values)
    return table


def free_names(wanted: Sequence[str], taken: Sequence[str]) -> Any:
    """The names as they are wanted, or all with one suffix where the table has such columns."""
    number = 1
    while set(_numbered(wanted, number)) & set(taken):
        number += 1
    return _numbered(wanted, number)


def _numbered(names: Sequence[str], number: int) -> tuple[str, ...]:
    return tuple(names) if number == 1 else tuple(f"{name}_{number}" for name in names)


def write_with(
    table: pa.Table,
    added: Mapping[str, pa.Array],
    source: str,
    output: str,
    encoding: str | None,
    spreadsheet_safe: bool = False,
) -> None:
    """Write the table with further columns: byte for byte the source beside them where both are text of a format."""
    if not spreadsheet_safe and source not in ("", "-") and (output == "-" or suffix(source) == suffix(output)):
        cells = {name: pa.chunked_array([pc.cast(values, pa.string())]) for name, values in added.items()}
        if append_cells(source, output, table.column_names, cells, len(table), encoding):
            return
    with TableWriter(output, spreadsheet_safe=spreadsheet_safe) as writer:
        writer.write(with_columns(table, added))


def _described(features: Features, values: Any, labels: Any, sizes: Any) -> tuple[Cluster, ...]:
    lines = lines_of(features, values, labels, len(sizes)) if len(sizes) > 1 else []
    rows = int(sizes.sum())
    return tuple(
        Cluster(k + 1, int(size), float(size / rows), traits_of(lines, k, int(size), rows))
        for k, size in enumerate(sizes)
    )


def _notes(model: ClusterModel, names: tuple[str, str], chosen: bool) -> Iterator[str]:
    yield from model.features.notes
    if names != ADDED:
        yield f"the table has such columns already: the new ones are {names[0]!r} and {names[1]!r}"
    curve = model.search.curve
    if chosen and not model.search.ended:
        gain = curve[0][1] - min(value for _, value in curve)
        enough = next(k for k, value in curve if curve[0][1] - value >= ENOUGH * gain)
        yield (
            f"the criterion still falls at {model.search.clusters} clusters, the most that were tried; {enough} "
            f"clusters have {ENOUGH:.0%} of its gain"
        )
    if len(model.order) < model.search.clusters:
        yield f"{model.search.clusters - len(model.order)} of the clusters are nearest to no row and were dropped"
