"""Mined templates as lines for people and as files for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from typing import Any

from genapps_logs.tasks import Mined, Row

WIDTH = 110  # characters of a template on the screen
COLUMNS = tuple(field.name for field in fields(Row))


def table_lines(mined: Mined, top: int) -> Iterator[str]:
    """What was read, then the most frequent templates, a line each."""
    yield head_line(mined)
    shown = mined.rows[:top]
    cells = [("id", "lines", "share", "first", "template"), *(_cells(row) for row in shown)]
    widths = [max(len(line[place]) for line in cells) for place in range(4)]
    for line in cells:
        left = f"{line[0]:<{widths[0]}}  {line[1]:>{widths[1]}}  {line[2]:>{widths[2]}}  {line[3]:>{widths[3]}}"
        yield f"{left}  {line[4]}"
    rest = mined.rows[top:]
    if rest:
        yield f"and {len(rest):,} more with {sum(row.count for row in rest):,} lines; -o FILE writes them all"


def head_line(mined: Mined) -> str:
    """The result in one line."""
    known = f", {mined.new:,} of them new" if mined.knew else ""
    return f"{mined.log}: {mined.lines:,} lines of the format {mined.format}, {len(mined.rows):,} templates{known}"


def to_json(mined: Mined) -> dict[str, Any]:
    """Every figure."""
    return {
        "log": mined.log,
        "format": mined.format,
        "lines": mined.lines,
        "unmatched": mined.unmatched,
        "notes": list(mined.notes),
        "templates": [asdict(row) for row in mined.rows],
    }


def _json(mined: Mined) -> str:
    return json.dumps(to_json(mined), ensure_ascii=False, indent=1) + "\n"


def _json_lines(mined: Mined) -> str:
    return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in mined.rows)


def _csv(mined: Mined) -> str:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in mined.rows:
        values = {**asdict(row), "share": f"{row.share:.6g}", "is_new": str(row.is_new).lower()}
        writer.writerow([values[name] for name in COLUMNS])
    return target.getvalue()


WRITERS: dict[str, Callable[[Mined], str]] = {".csv": _csv, ".json": _json, ".jsonl": _json_lines}


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    template = "".join(letter if letter.isprintable() else "·" for letter in row.template[: WIDTH + 1])
    template = template if len(template) <= WIDTH else template[: WIDTH - 1] + "…"
    name = f"{row.id} new" if row.is_new else row.id
    return name, f"{row.count:,}", f"{100 * row.share:.1f} %", f"{row.first_line:,}", template
