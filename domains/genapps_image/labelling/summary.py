"""What was labelled, as rows of a table, as lines for a person, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from genapps.report.text import clip
from genapps.wording import counted
from genapps_image.labelling.judging import FEWEST, SURE, Estimate
from genapps_image.labelling.tasks import Labelled, told

_DIGITS = 4
_SHOWN = 10  # doubted labels and classes that are told one by one


def table(made: Labelled) -> pa.Table:
    """A row an image, in their order."""
    rows = made.rows
    return pa.table(
        {
            "file": pa.array([row.name for row in rows], pa.string()),
            "label": pa.array([row.label for row in rows], pa.string()),
            "probability": pa.array([_rounded(row.chance) for row in rows], pa.float64()),
            "known": pa.array(["yes" if row.known else "no" for row in rows], pa.string()),
            "second": pa.array([row.second for row in rows], pa.string()),
            "second_probability": pa.array([_rounded(row.second_chance) for row in rows], pa.float64()),
            "note": pa.array([row.note for row in rows], pa.string()),
        }
    )


def lines(made: Labelled, *, learnt: bool) -> Iterator[str]:
    """For a person: what was known, how right the rest is, how much of it is sure, and what is doubted."""
    labeller, others = made.labeller, [row for row in made.rows if not row.known]
    codec = labeller.codec
    color = {1: "black and white" if labeller.view.levels == 2 else "grey", 3: "RGB", 4: "RGBA"}[codec.channels]
    known = len(made.rows) - len(others)
    yield f"images      {len(made.rows):,}, {codec.height} x {codec.width}, {color}; {known:,} with a label"
    counts = Counter(row.label for row in made.rows if row.known)
    yield f"classes     {_listed(counts if known else None, labeller.classes)}"
    if learnt:
        yield f"learnt in   {labeller.card['seconds']:.0f} CPU seconds"
    if made.estimate is not None:
        yield from _right(made.estimate, labeller.classes, learnt)
    if others:
        sure = sum((row.chance or 0) >= SURE for row in others)
        yield f"labelled    {counted(len(others), 'image')}, {sure:,} of them at least {SURE:.0%} sure"
        yield f"            {_listed(Counter(row.label for row in others), labeller.classes)}"
    for row in made.doubted[:_SHOWN]:
        yield f"doubted     {clip(row.name)}: known as {clip(row.label, 40)}, {row.note} ({row.second_chance:.0%})"
    if len(made.doubted) > _SHOWN:
        yield f"            and {len(made.doubted) - _SHOWN:,} more"


def _right(found: Estimate, classes: tuple[str, ...], learnt: bool) -> Iterator[str]:
    how = "each by a lesser model that was not shown it" if learnt else "none of which was learnt from"
    yield (
        f"right       {found.accuracy:.1%} (95 %: {found.low:.0%} to {found.high:.0%}): {found.right:,} of "
        f"{counted(found.held_out, 'known label')}, {how}"
    )
    yield f"            always naming the commonest class: {found.majority:.1%}"
    if found.sure:
        yield f"            where it was at least {SURE:.0%} sure: {found.sure_right:,} of {found.sure:,}"
    each = [
        (right / held, name, right, held) for name, (right, held) in zip(classes, found.by_class, strict=True) if held
    ]
    worst = [one for one in sorted(each) if one[0] < found.accuracy - 0.1 and one[3] >= FEWEST // 2][:3]
    if worst:
        told = ", ".join(f"{clip(name, 30)} {right} of {held}" for _, name, right, held in worst)
        yield f"            least well told: {told}"


def to_json(made: Labelled) -> dict[str, Any]:
    """Every figure."""
    labeller, others = made.labeller, [row for row in made.rows if not row.known]
    return {
        "images": len(made.rows),
        "known": len(made.rows) - len(others),
        "labelled": len(others),
        "sure": sum((row.chance or 0) >= SURE for row in others),
        "classes": list(labeller.classes),
        "labels": {name: sum(row.label == name for row in others) for name in labeller.classes},
        **labeller.codec.to_json(),
        "levels": labeller.view.levels,
        "temperature": labeller.temperature,
        "estimate": None if made.estimate is None else told(made.estimate, labeller.classes),
        "doubted": [
            {"file": row.name, "label": row.label, "probably": row.second, "probability": _rounded(row.second_chance)}
            for row in made.doubted
        ],
        "learnt": dict(labeller.card),
        "notes": made.notes,
        "skipped": [{"name": one.name, "reason": one.reason} for one in made.skipped],
    }


def _rounded(chance: float | None) -> float | None:
    return None if chance is None else round(chance, _DIGITS)


def _listed(counts: Counter[str] | None, classes: tuple[str, ...]) -> str:
    """The classes, with how many images each has where that is given."""
    told = [clip(name, 30) + (f": {counts[name]:,}" if counts is not None else "") for name in classes[:_SHOWN]]
    return ", ".join(told) + (f" and {len(classes) - _SHOWN:,} more" if len(classes) > _SHOWN else "")
