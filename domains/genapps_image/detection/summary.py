"""What was found, as lines for a person, as JSON, and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from genapps.report.text import clip
from genapps.wording import counted
from genapps_image.detection.model import OddModel
from genapps_image.detection.promising import Promise
from genapps_image.detection.tasks import DIGITS, Detection, Row, by_score

COLUMNS = ("anomaly_score", "anomaly_p_value", "is_anomaly", "anomaly_reason")


def table(rows: tuple[Row, ...]) -> pa.Table:
    """A row an image: the columns that every `detect` adds, then the box in pixels and the nearest good image."""
    boxes = [row.region for row in rows]
    return pa.table(
        {
            "image": pa.array([row.name for row in rows], pa.string()),
            "anomaly_score": pa.array([round(row.score, DIGITS) for row in rows], pa.float64()),
            "anomaly_p_value": pa.array([round(row.p_value, DIGITS) for row in rows], pa.float64()),
            "is_anomaly": pa.array([row.alarm for row in rows], pa.bool_()),
            "anomaly_reason": pa.array([row.words if row.alarm else "" for row in rows], pa.string()),
            "left": pa.array([box.left for box in boxes], pa.int64()),
            "top": pa.array([box.top for box in boxes], pa.int64()),
            "width": pa.array([box.width for box in boxes], pa.int64()),
            "height": pa.array([box.height for box in boxes], pa.int64()),
            "nearest_good": pa.array([row.nearest for row in rows], pa.string()),
        }
    )


def lines(made: Detection, shown: int = 10) -> Iterator[str]:
    """For a person: how many alarms, what is promised, the oddest, and how good that was where it is known."""
    yield from learnt_lines(made.model)
    yield f"alarms      {made.alarms:,} of {counted(len(made.rows), 'image')}"
    yield f"promised    {made.promise.words}"
    for row in list(by_score(tuple(row for row in made.rows if row.alarm)))[:shown]:
        yield f"odd         {clip(row.name)}: p {row.p_value:.2g}, {clip(row.words, 160)}"
    if made.alarms > shown:
        yield f"            and {made.alarms - shown:,} more"
    if made.truth is not None:
        yield from _truth(made.truth)


def _truth(truth: dict[str, Any]) -> Iterator[str]:
    if truth["image_auroc"] is not None:
        kinds = ", ".join(f"{clip(k, 30)} {v:.3f}" for k, v in truth["image_auroc_by_kind"].items() if v is not None)
        yield f"known       image AUROC {truth['image_auroc']:.3f} ({kinds})"
    if truth["pixel_auroc"] is not None:
        yield f"            pixel AUROC {truth['pixel_auroc']:.3f}"
    if truth["images_without_mask"] and truth["images_without_mask"] < truth["odd"]:
        yield f"            {counted(truth['images_without_mask'], 'odd image')} without a mask that fits"
    yield (
        f"            {truth['found']:,} of {counted(truth['odd'], 'odd image')} found, "
        f"{truth['false_alarms']:,} of {counted(truth['good'], 'good image')} in alarm"
    )


def learnt_lines(model: OddModel) -> Iterator[str]:
    """What judges, and why that one was chosen."""
    yield f"judged by   {model.judge.words()}"
    yield f"            since {model.why}"
    if model.provenance.get("linked_images"):
        yield f"note        {linked_words(model.provenance)}"


def linked_words(provenance: dict[str, Any]) -> str:
    """What good images that are near copies or overlap mean for the promise."""
    among, count = provenance["linked_images"], provenance["good_images"]
    told = f"{among:,} of {count:,} good images are near copies of others or overlap them"
    if provenance["linked_apart"]:
        return f"{told}; none was judged by what had learnt the same places"
    return f"{told}, too many to be kept apart: more alarms than promised may come"


def to_json(made: Detection) -> dict[str, Any]:
    """Every figure."""
    return {
        "images": len(made.rows),
        "alarms": made.alarms,
        "anomalies": [
            {
                "image": row.name,
                "score": round(row.score, DIGITS),
                "p_value": round(row.p_value, DIGITS),
                "box": [row.region.left, row.region.top, row.region.width, row.region.height],
                "nearest_good": row.nearest,
            }
            for row in by_score(tuple(row for row in made.rows if row.alarm))
        ],
        **learnt_json(made.model, made.promise),
        "truth": made.truth,
        "skipped": [{"name": one.name, "reason": one.reason} for one in made.skipped],
    }


def learnt_json(model: OddModel, promise: Promise) -> dict[str, Any]:
    """What judges, and what it promises."""
    return {
        "judge": {"kind": model.judge.kind, "words": model.judge.words(), "why": model.why},
        "false_alarm_rate": {
            "asked": promise.rate,
            "held": promise.held,
            "reference_images": len(promise.reference),
            "promised": promise.possible,
            "threshold": promise.threshold,
        },
        "provenance": model.provenance,
    }
