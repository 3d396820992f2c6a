"""The tasks detect and fit on files: series in; rows, events and what is normal out."""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import genapps
from genapps.errors import InputError, UsageError
from genapps.io.atomic import replacing
from genapps.io.writers import TableWriter
from genapps_timeseries.detection.model import SeriesModel
from genapps_timeseries.detection.rows import row_tables
from genapps_timeseries.detection.summary import event_json
from genapps_timeseries.detection.tasks import Detection, detect, dirt, extended, fit, unseen
from genapps_timeseries.detection.training_part import training_parts
from genapps_timeseries.detection.wishes import Wishes
from genapps_timeseries.reading.files import Options, Reading, read
from genapps_timeseries.reading.inputs import Input, Progress, stamps


@dataclass(frozen=True)
class Places:
    """Where results go: rows (.csv, .tsv, .jsonl, .parquet, "-"), events (.jsonl), what is normal (.genapps), page."""

    rows: str | None = None
    events: str | Path | None = None
    model: str | Path | None = None
    report: str | Path | None = None


def detect_file(
    data: Any,
    columns: Options | None = None,
    wishes: Wishes | None = None,
    *,
    train: Any = None,
    model: str | Path | None = None,
    accepted: Collection[int] = (),
    places: Places | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> Detection:
    """Find what does not belong to the series of a table, and write what is asked for.

    train: what is normal: a file, a number of first rows, a share of them, or a time until which all is; the first
    quarter of each series where nothing is said. model: a file of what was learnt earlier; what is accepted is
    remembered there, or where the model goes. Raises UsageError for what does not go together, InputError for what
    cannot be used.
    """
    places, wishes, columns = places or Places(), wishes or Wishes(), columns or Options()
    wishes.check()
    if model is not None and train is not None:
        raise UsageError("a model brings what is normal; leave out --train, or the model")
    known = SeriesModel.load(model) if model is not None else None
    if known is not None:
        wishes = wishes.after(known.wishes)
    with Input(data, encoding=encoding) as given:
        reading = read(given, columns, progress)
        parts = None if train is None else training_parts(reading.series, train, columns, encoding=encoding)
        normals = None if known is None else known.normals
        with _told_of(given):
            detection = detect(reading.series, wishes, parts=parts, normals=normals, accepted=accepted)
        if places.rows is not None:
            write_rows(detection, given, reading, places.rows)
    if places.report is not None:
        from genapps_timeseries.detection.report import write_report  # only a report needs a template engine

        write_report(detection, places.report, title="stdin" if str(data) == "-" else Path(str(data)).name)
    if places.events is not None:
        write_events(detection, places.events)
    target = places.model or (model if accepted else None)
    if target is not None:
        before = {} if known is None else known.normals
        SeriesModel({**before, **detection.normals}, wishes, provenance(reading, wishes)).save(target)
    return detection


def fit_file(
    data: Any,
    output: str | Path,
    columns: Options | None = None,
    wishes: Wishes | None = None,
    *,
    train: Any = None,
    update: str | Path | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> tuple[SeriesModel, tuple[str, ...]]:
    """Learn what is normal of the series of a table, all of it or the part `train`, and save that.

    update: a file of what is known already, from which it goes on. Gives the model and what was met. Raises as
    `detect_file`.
    """
    wishes, columns = wishes or Wishes(), columns or Options()
    wishes.check()
    known = SeriesModel.load(update) if update is not None else None
    if known is not None:
        wishes = wishes.after(known.wishes)
    with Input(data, encoding=encoding) as given:
        reading = read(given, columns, progress)
        parts = None if train is None else training_parts(reading.series, train, columns, encoding=encoding)
    series = reading.series if parts is None else [part.series for part in parts]
    notes = [note for one in reading.series for note in one.notes]
    if known is not None:
        with _told_of(given):
            series, left_out = unseen(known.normals, series)
            normals = extended(known.normals, series)
        notes += left_out
    else:
        with _told_of(given):
            learnt = fit(series, wishes)
        normals = {name: one.normal for name, one in learnt.items()}
        notes += [note for one in learnt.values() for note in dirt(one, "the rows")]
    before = 0 if known is None else int(known.provenance.get("rows", 0))
    rows = before + sum(int((one.rows >= 0).sum()) + len(one.copies) for one in series)
    made = SeriesModel(normals, wishes, {**provenance(reading, wishes), "rows": rows})
    made.save(output)
    return made, tuple(dict.fromkeys(notes))


@contextmanager
def _told_of(given: Input) -> Iterator[None]:
    """What is wrong with the series of an input is said with its name, which they do not know."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{given.name}: {error}") from error


def provenance(reading: Reading, wishes: Wishes) -> dict[str, Any]:
    """What was learnt from, when, and by which version."""
    return {
        "rows": reading.rows,
        "series": len(reading.series),
        "channels": len(reading.series[0].channels),
        "seed": wishes.seed,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"genapps": genapps.__version__, "python": platform.python_version(), "numpy": np.__version__},
    }


def write_rows(detection: Detection, given: Input, reading: Reading, target: str) -> None:
    """A row of results for each row of the input."""
    clock = reading.clock
    texts = stamps(given, clock.column, reading.rows, hours=clock.hours)
    with TableWriter(target) as writer:
        for table in row_tables(detection, clock.title, texts, reading.rows):
            writer.write(table)


def write_events(detection: Detection, target: str | Path) -> None:
    """The events, one JSON object a line."""
    clocks = {result.judged.series.name: result.judged.series.clock for result in detection.results}
    with replacing(target) as handle:
        for event in detection.events:
            line = json.dumps(event_json(event, clocks[event.series]), ensure_ascii=False)
            handle.write(f"{line}\n".encode())
