"""Rows that do not belong, as a task: scored against reference rows, alarmed at a stated rate, with a reason each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.anomaly import conformal_p, needed_length
from genapps.errors import InputError, UsageError
from genapps.metrics.distributions import Floats
from genapps.threads import threads
from genapps_tabular.anomaly_model import (
    ENSEMBLE,
    AnomalyModel,
    Asked,
    check_family,
    fit_anomalies,
    held_rate,
    names_of,
    updated,
)
from genapps_tabular.anomaly_reasons import Reason, contributions, reasons_for, to_json
from genapps_tabular.checks import SchemaLike, check_rows, read, resolve_schema
from genapps_tabular.clusters import free_names, with_columns, write_with
from genapps_tabular.features import Features
from genapps_tabular.fitting import Watch, provenance_of
from genapps_tabular.progress import Progress
from genapps_tabular.unread import lost_cells

RATE = 0.01
FEWEST = 10  # reference rows
EXPLAINED = 1_000  # of the rows with an alarm, the strangest
DIGITS = 6
MANY = 5  # times the rate from where on alarms are no exceptions
ADDED = ("anomaly_score", "anomaly_p_value", "is_anomaly", "anomaly_reason")


@dataclass(frozen=True)
class Anomaly:
    """A row with an alarm: its number, from 1 for the first below the header, and why."""

    row: int
    score: float
    p_value: float
    reasons: tuple[Reason, ...]

    @property
    def words(self) -> str:
        """The reasons in one line."""
        return "; ".join(reason.words for reason in self.reasons) or "unusual as a whole"


@dataclass(frozen=True)
class Promise:
    """The share of normal rows that may raise an alarm, and the share of clean rows that do so, where that is known."""

    asked: float
    held: float | None
    rows: int
    clean: bool

    @property
    def kept(self) -> bool:
        """Whether there are enough clean rows for the rate that is asked."""
        return self.clean and self.rows >= needed_length(self.asked)

    @property
    def words(self) -> str:
        """As people read it."""
        if not self.clean:
            return (
                f"no clean rows were given, so the strangest have alarms, a share of {self.asked:.3g}, anomalies or "
                "not; a false-alarm rate can be promised where rows known to be normal are given to train on"
            )
        if not self.kept:
            return (
                f"cannot promise a false-alarm rate of {self.asked:.3g} from {self.rows:,} clean rows, so no row has "
                f"an alarm: that needs {needed_length(self.asked):,}; ask for {1 / (self.rows + 1):.2g} or more"
            )
        held = "" if self.held is None else f"; among clean rows that were not learnt: {self.held:.2g}"
        return f"asked: a false alarm in {1 / self.asked:,.0f} normal rows (a rate of {self.asked:.3g}){held}"


@dataclass(frozen=True)
class Detection:
    """Rows with an alarm, the strangest first; `rows` is the table with four more columns, None where it was written.

    scores, p_values: (N,) of all rows. alarms: how many rows have one.
    """

    rows: Any
    columns: tuple[str, ...]
    anomalies: tuple[Anomaly, ...]
    promise: Promise
    notes: tuple[str, ...]
    model: AnomalyModel
    scores: Floats
    p_values: Floats
    written: int
    alarms: int

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON; of the rows only numbers and reasons."""
        return {
            "rows": self.written,
            "alarms": self.alarms,
            "anomalies": [
                {
                    "row": found.row,
                    "score": round(found.score, DIGITS),
                    "p_value": round(found.p_value, DIGITS),
                    "reasons": to_json(found.reasons),
                }
                for found in self.anomalies
            ],
            "false_alarm_rate": {
                "asked": self.promise.asked,
                "held": self.promise.held,
                "reference_rows": self.promise.rows,
                "clean": self.promise.clean,
                "promised": self.promise.kept,
            },
            "members": [name for name, _ in self.model.members],
            "columns": list(self.columns),
            "notes": list(self.notes),
            "provenance": self.model.provenance,
        }


def detect(
    data: Any,
    *,
    train: Any = None,
    model: AnomalyModel | str | Path | None = None,
    update: Any = None,
    save: str | Path | None = None,
    family: str = ENSEMBLE,
    false_alarm_rate: float = RATE,
    output: str | Path | None = None,
    report: str | Path | None = None,
    schema: SchemaLike = None,
    encoding: str | None = None,
    seed: int = 0,
    cpu_threads: int = 1,
    spreadsheet_safe: bool = False,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    explain: bool = True,
    progress: Progress | None = None,
) -> Detection:
    """The table with a score, a p-value, whether that is an alarm and why, for each row.

    train: rows known to be normal; without them the table is its own reference, and the strangest rows have the alarms.
    model: an earlier reference, or its file; update: more normal rows that it goes on with. family: the ensemble, gmm,
    autoregressive, vae, rbm, gan, or pyod:NAME; settings: of families' own, by family, and of training.
    explain: whether rows with an alarm get reasons. Raises UsageError for what does not go together, InputError for
    tables that cannot be used.
    """
    check_family(family)
    if not 0 < false_alarm_rate < 1:
        raise UsageError(f"a false-alarm rate lies between 0 and 1, not {false_alarm_rate}; 0.01 is one row in 100")
    if model is not None and (train is not None or (save is not None and update is None)):
        raise UsageError("a saved model brings its reference rows; leave train and save out")
    if update is not None and model is None:
        raise UsageError("update goes on with a saved model; give it as model, or the rows as train")
    table, back, name = read(data, encoding)
    with threads(cpu_threads):
        if model is None:
            asked = Asked(family, seed, settings or {})
            learnt, own = _learn(table, name, train, schema, encoding, asked, progress)
        else:
            learnt, own = model if isinstance(model, AnomalyModel) else AnomalyModel.load(model), None
            if update is not None:
                learnt, own = _go_on(learnt, update, encoding, progress)
        check_rows(table, name, 1)
        learnt.features.check(table, name)
        values = learnt.features.read(table)
        codes, unheard = learnt.features.encode(values), lost_cells(learnt.features, table, values)
        if train is None and model is None:
            assert own is not None
            scores = np.where(np.isnan(own), learnt.score(codes, unheard), own)
            ranks = conformal_p(scores, scores) * (len(scores) + 1) / len(scores) - 1 / len(scores)
        else:
            scores = learnt.score(codes, unheard)
            ranks = learnt.p_value(scores)
        alarms = ranks <= false_alarm_rate
        explained = _explained(learnt, table, codes, unheard, alarms & explain, scores, seed)
    held = held_rate(own, false_alarm_rate) if own is not None and learnt.clean else None
    promise = Promise(false_alarm_rate, held, len(learnt.reference), learnt.clean)
    if save is not None:
        replace(learnt, measures={"reference_rows": len(learnt.reference), "held": held}).save(save)
    names = free_names(ADDED, table.column_names)
    ranked = sorted(explained, key=lambda row: -scores[row])
    found = tuple(Anomaly(row + 1, float(scores[row]), float(ranks[row]), explained[row]) for row in ranked)
    made = Detection(
        rows=None,
        columns=names,
        anomalies=found,
        promise=promise,
        notes=(*_notes(learnt, names, int(alarms.sum())), *_drift(found, alarms, false_alarm_rate, learnt.clean)),
        model=learnt,
        scores=scores,
        p_values=ranks,
        written=len(table),
        alarms=int(alarms.sum()),
    )
    added = _columns(made, alarms)
    if report is not None:
        from genapps_tabular.anomaly_report import write_detection

        write_detection(made, Path(report), title=name)
    if output is None:
        return replace(made, rows=back(with_columns(table, added)))
    source = str(data) if isinstance(data, str | Path) else ""
    write_with(table, added, source, str(output), encoding, spreadsheet_safe)
    return made


def _learn(
    table: pa.Table,
    name: str,
    train: Any,
    schema: SchemaLike,
    encoding: str | None,
    asked: Asked,
    progress: Progress | None,
) -> tuple[AnomalyModel, Floats]:
    """A model of the reference rows, and their own scores."""
    watch = Watch()
    reference, called = table, name
    if train is not None:
        reference, _, called = read(train, encoding)
    if len(reference) < FEWEST:
        rows = "1 row" if len(reference) == 1 else f"{len(reference)} rows"
        raise InputError(f"{called}: holds {rows}, and this needs {FEWEST} or more; give more rows")
    features = Features.fit(reference, resolve_schema(reference, schema, called), called, plain=True)
    codes = features.encode(features.read(reference))
    learnt, own = fit_anomalies(features, codes, clean=train is not None, asked=asked, progress=progress)
    return replace(learnt, provenance=provenance_of(reference, asked.seed, watch.read())), own


def _go_on(
    model: AnomalyModel, update: Any, encoding: str | None, progress: Progress | None
) -> tuple[AnomalyModel, Floats]:
    """The model of its own reference rows and of these, and the scores of all."""
    watch = Watch()
    table, _, name = read(update, encoding)
    check_rows(table, name, 1)
    model.features.check(table, name)
    codes = model.features.encode(model.features.read(table))
    learnt, own = updated(model, codes, progress)
    made = provenance_of(table, model.asked.seed, watch.read())
    return replace(learnt, provenance={**made, "rows": len(learnt.reference), "went_on_from": model.provenance}), own


def _explained(
    model: AnomalyModel,
    table: pa.Table,
    codes: Floats,
    unheard: NDArray[np.bool_],
    alarms: NDArray[np.bool_],
    scores: Floats,
    seed: int,
) -> dict[int, tuple[Reason, ...]]:
    """The reasons of the strangest rows with an alarm, by their place."""
    flagged = np.flatnonzero(alarms)
    flagged = np.sort(flagged[np.argsort(-scores[flagged], kind="stable")[:EXPLAINED]])
    if not len(flagged):
        return {}
    given = contributions(model.features, model.why, codes[flagged], model.usual)
    flags, judged = unheard[flagged], codes[flagged]
    found = reasons_for(model.features, model.why, table.take(flagged), judged, given, flags, model.rows, seed)
    return dict(zip(flagged.tolist(), found, strict=True))


def _columns(made: Detection, alarms: NDArray[np.bool_]) -> dict[str, pa.Array]:
    words = {found.row - 1: found.words for found in made.anomalies}
    reasons = [words.get(row, "") if alarm else None for row, alarm in enumerate(alarms.tolist())]
    columns = (
        pa.array(np.round(made.scores, DIGITS)),
        pa.array(np.round(made.p_values, DIGITS)),
        pa.array(alarms),
        pa.array(reasons, pa.string()),
    )
    return dict(zip(made.columns, columns, strict=True))


def _drift(found: tuple[Anomaly, ...], alarms: NDArray[np.bool_], rate: float, clean: bool) -> Iterator[str]:
    """A word where so many rows have an alarm that it is the rows as a whole which differ from the reference."""
    share = float(alarms.mean())
    if not clean or share < MANY * rate or alarms.sum() < MANY:
        return
    named = Counter(reason.column for anomaly in found for reason in anomaly.reasons[:1])
    columns = ", ".join(f"{column!r} ({count:,})" for column, count in named.most_common(3))
    yield (
        f"{share:.0%} of the rows have an alarm where {rate:.2g} would be normal: they differ from the clean rows as a "
        f"whole, most often in {columns or 'no single column'}; rows of the same time or place may judge better"
    )


def _notes(model: AnomalyModel, names: tuple[str, ...], alarms: int) -> Iterator[str]:
    yield from model.features.notes
    yield f"judged by {names_of(model.members)}"
    if names != ADDED:
        yield f"the table has such columns already: the new ones are {', '.join(map(repr, names))}"
    if alarms > EXPLAINED:
        yield f"reasons are given for the {EXPLAINED:,} strangest of {alarms:,} rows with an alarm"
