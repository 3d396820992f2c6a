"""What was found, as lines for a person, as JSON, and as rows of tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from genapps.report.text import clip
from genapps.wording import counted
from genapps_audio.detection.model import OddModel
from genapps_audio.detection.promising import Promise
from genapps_audio.detection.tasks import DIGITS, Detection, Heard, Row, by_score

SECONDS, HERTZ = 3, 1  # digits


def table(rows: tuple[Row, ...]) -> pa.Table:
    """A row a window: the columns that every `detect` adds, then when and in which band it is oddest."""
    columns: dict[str, tuple[list[Any], pa.DataType]] = {
        "clip": ([row.name for row in rows], pa.string()),
        "from_second": ([round(row.start, SECONDS) for row in rows], pa.float64()),
        "to_second": ([round(row.end, SECONDS) for row in rows], pa.float64()),
        "anomaly_score": ([round(row.score, DIGITS) for row in rows], pa.float64()),
        "anomaly_p_value": ([round(row.p_value, DIGITS) for row in rows], pa.float64()),
        "is_anomaly": ([row.alarm for row in rows], pa.bool_()),
        "anomaly_reason": ([row.words if row.alarm else "" for row in rows], pa.string()),
        "event_from_second": ([round(row.place.begin, SECONDS) for row in rows], pa.float64()),
        "event_to_second": ([round(row.place.end, SECONDS) for row in rows], pa.float64()),
        "event_from_hz": ([round(row.place.low, HERTZ) for row in rows], pa.float64()),
        "event_to_hz": ([round(row.place.high, HERTZ) for row in rows], pa.float64()),
        "nearest_good": ([row.nearest for row in rows], pa.string()),
    }
    return pa.table({name: pa.array(values, kind) for name, (values, kind) in columns.items()})


def events_table(events: tuple[Heard, ...]) -> pa.Table:
    """A row an event."""
    columns: dict[str, tuple[list[Any], pa.DataType]] = {
        "event": (list(range(1, len(events) + 1)), pa.int64()),
        "clip": ([one.name for one in events], pa.string()),
        "from_second": ([round(one.place.begin, SECONDS) for one in events], pa.float64()),
        "to_second": ([round(one.place.end, SECONDS) for one in events], pa.float64()),
        "peak_second": ([round(one.peak, SECONDS) for one in events], pa.float64()),
        "from_hz": ([round(one.place.low, HERTZ) for one in events], pa.float64()),
        "to_hz": ([round(one.place.high, HERTZ) for one in events], pa.float64()),
        "windows": ([one.windows for one in events], pa.int64()),
        "p_value": ([round(one.p_value, DIGITS) for one in events], pa.float64()),
        "score": ([round(one.score, DIGITS) for one in events], pa.float64()),
        "grade": ([one.grade for one in events], pa.string()),
        "reason": ([one.reason for one in events], pa.string()),
    }
    return pa.table({name: pa.array(values, kind) for name, (values, kind) in columns.items()})


def lines(made: Detection, shown: int = 10) -> Iterator[str]:
    """For a person: how many alarms, what is promised, the oddest, and how good that was where it is known."""
    yield from learnt_lines(made.model)
    cut = len(made.rows) > made.recordings
    of = counted(len(made.rows), "window") if cut else counted(made.recordings, "clip")
    several = f" of {counted(made.recordings, 'clip')}, {counted(len(made.events), 'event')}" if cut else ""
    yield f"alarms      {made.alarms:,} of {of}{several}"
    yield f"promised    {made.promise.words}"
    if note := resampled_words(made):
        yield f"note        {note}"
    if cut:
        told = [f"{clip(one.name)}: p {one.p_value:.2g}, {clip(one.reason, 200)}" for one in _worst(made.events)]
    else:
        told = [f"{clip(row.name)}: p {row.p_value:.2g}, {clip(row.words, 200)}" for row in _odd(made)]
    for line in told[:shown]:
        yield f"odd         {line}"
    if len(told) > shown:
        yield f"            and {len(told) - shown:,} more"
    if made.truth is not None:
        yield from _truth(made.truth)


def _odd(made: Detection) -> Iterator[Row]:
    return by_score([row for row in made.rows if row.alarm])


def _worst(events: tuple[Heard, ...]) -> list[Heard]:
    return sorted(events, key=lambda one: -one.severity)


def _truth(truth: dict[str, Any]) -> Iterator[str]:
    if truth["auroc"] is not None:
        kinds = ", ".join(f"{clip(k, 30)} {v:.3f}" for k, v in truth["auroc_by_kind"].items() if v is not None)
        yield f"known       AUROC {truth['auroc']:.3f} ({kinds})"
    yield (
        f"            {truth['found']:,} of {truth['odd']:,} odd ones found, "
        f"{truth['false_alarms']:,} of {truth['good']:,} good ones in alarm"
    )


def resampled_words(made: Detection) -> str:
    """What became of clips of other rates; empty where there were none."""
    if not made.resampled:
        return ""
    told = f"{counted(made.resampled, 'clip')} brought to the {made.model.cut.rate:,} Hz of those that were learnt"
    lower = f"; {made.lower:,} had less: what they lack above may make them odd" if made.lower else ""
    return told + lower


def learnt_lines(model: OddModel) -> Iterator[str]:
    """What judges, and of what."""
    yield f"judged by   {model.judge.words()}"
    told = model.provenance
    brought = f", {told['resampled']:,} of them from other rates" if told.get("resampled") else ""
    yield f"            at {model.cut.rate:,} Hz, long clips in windows of {model.cut.seconds:g} s{brought}"
    if told.get("recordings", 5) < 5:
        yield (
            f"note        all from {counted(told['recordings'], 'recording')}: windows that resemble their neighbours "
            "promise more than other days may keep"
        )


def to_json(made: Detection) -> dict[str, Any]:
    """Every figure."""
    return {
        "clips": made.recordings,
        "windows": len(made.rows),
        "alarms": made.alarms,
        "anomalies": [_anomaly(row) for row in _odd(made)],
        "events": events_table(made.events).to_pylist(),
        "resampled": made.resampled,
        **learnt_json(made.model, made.promise),
        "truth": made.truth,
        "skipped": [{"name": one.name, "reason": one.reason} for one in made.skipped],
    }


def _anomaly(row: Row) -> dict[str, Any]:
    place = row.place
    return {
        "clip": row.name,
        "from_second": round(row.start, SECONDS),
        "to_second": round(row.end, SECONDS),
        "score": round(row.score, DIGITS),
        "p_value": round(row.p_value, DIGITS),
        "event_seconds": [round(place.begin, SECONDS), round(place.end, SECONDS)],
        "event_hz": [round(place.low, HERTZ), round(place.high, HERTZ)],
        "reason": row.words,
        "nearest_good": row.nearest,
    }


def learnt_json(model: OddModel, promise: Promise) -> dict[str, Any]:
    """What judges, and what it promises."""
    return {
        "judge": {"words": model.judge.words(), "window_seconds": model.cut.seconds, "rate": model.cut.rate},
        "false_alarm_rate": {
            "asked": promise.rate,
            "held": promise.held,
            "reference_clips": len(promise.reference),
            "promised": promise.possible,
            "threshold": promise.threshold,
        },
        "provenance": model.provenance,
    }
