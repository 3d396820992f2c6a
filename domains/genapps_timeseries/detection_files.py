"""The tasks detect and fit on files: series in; rows, events and what is normal out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genapps.io.atomic import replacing
from genapps.io.writers import TableWriter
from genapps_timeseries.detection import Detection, Wishes, detect
from genapps_timeseries.detection_rows import row_tables
from genapps_timeseries.inputs import Input, Progress, stamps
from genapps_timeseries.reading import Options, Reading, read
from genapps_timeseries.summary import event_json


@dataclass(frozen=True)
class Outputs:
    """Where results go: rows (.csv, .tsv, .jsonl, .parquet, "-"), events (.jsonl), what is normal (.genapps)."""

    rows: str | None = None
    events: str | Path | None = None
    model: str | Path | None = None


def detect_file(
    data: Any,
    columns: Options,
    wishes: Wishes,
    *,
    train: str | None = None,
    outputs: Outputs | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> Detection:
    """Find what does not belong to the series of a table, and write what is asked for.

    train: what is normal: a file, a number of first rows, or a time until which all is; the first quarter of each
    series where nothing is said. Raises UsageError for what does not go together, InputError for what cannot be used.
    """
    outputs = outputs or Outputs()
    with Input(data, encoding=encoding) as given:
        reading = read(given, columns, progress)
        detection = detect(reading.series, wishes)
        if outputs.rows is not None:
            write_rows(detection, given, reading, outputs.rows)
    if outputs.events is not None:
        write_events(detection, outputs.events)
    return detection


def write_rows(detection: Detection, given: Input, reading: Reading, target: str) -> None:
    """A row of results for each row of the input."""
    column = reading.clock.column
    texts = stamps(given, column, reading.rows)
    with TableWriter(target) as writer:
        for table in row_tables(detection, column, texts, reading.rows):
            writer.write(table)


def write_events(detection: Detection, target: str | Path) -> None:
    """The events, one JSON object a line."""
    clocks = {result.judged.series.name: result.judged.series.clock for result in detection.results}
    with replacing(target) as handle:
        for event in detection.events:
            line = json.dumps(event_json(event, clocks[event.series]), ensure_ascii=False)
            handle.write(f"{line}\n".encode())
