"""Results as lines for people and as files for programs."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

from genapps.wording import counted
from genapps_logs.detection import Detected
from genapps_logs.findings import Finding
from genapps_logs.fitting import Fitted
from genapps_logs.rates import width_words
from genapps_logs.sequences import SequenceModel
from genapps_logs.tasks import Mined, Row

WIDTH = 110  # characters of a template on the screen
COLUMNS = tuple(field.name for field in fields(Row))
FINDING_COLUMNS = tuple(field.name for field in fields(Finding))


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
        yield f"and {len(rest):,} more with {counted(sum(row.count for row in rest), 'line')}; -o FILE writes them all"


def head_line(mined: Mined) -> str:
    """The result in one line."""
    known = f", {mined.new:,} of them new" if mined.knew else ""
    found = counted(len(mined.rows), "template")
    return f"{mined.log}: {counted(mined.lines, 'line')} of the format {mined.format}, {found}{known}"


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


def detected_lines(found: Detected) -> Iterator[str]:
    """The findings, three lines each: what and why, where, and the line itself; then what was promised."""
    yield detected_head(found)
    for finding in found.findings:
        yield f"{finding.id}  {finding.kind}: {finding.reason}"
        yield f"    {places(finding)}"
        yield f"    {shown(finding.text, 2 * WIDTH)}"
    if found.sessions:
        alarms = f"{found.sessions_in_alarm:,} in alarm"
        yield f"{counted(found.sessions, 'session')} by {found.grouping}, {alarms}"
    yield from found.promises


def places(finding: Finding) -> str:
    """Where a finding is: the numbers of its first lines, how many more there are, and the sessions."""
    lines = ", ".join(f"{line:,}" for line in finding.lines)
    more = f" and {finding.count - len(finding.lines):,} more" if finding.count > len(finding.lines) else ""
    said = f"line {lines}{more}" if len(finding.lines) == 1 else f"lines {lines}{more}"
    if not finding.sessions:
        return said
    names = ", ".join(shown(name, 60) for name in finding.sessions)
    return f"{said}; session{'' if len(finding.sessions) == 1 else 's'} {names}"


_WORDS = {"step": "unusual step", "missing": "missing step", "count": "unusual count", "burst": "burst"}
_WORDS |= {"silence": "silence", "value": "unusual value"}


def detected_head(found: Detected) -> str:
    """The result in one line, and what normal lines would have brought."""
    kinds = Counter(finding.kind for finding in found.findings)
    new, rare = kinds["new"], kinds["rare"]
    others = "".join(f", {counted(kinds[kind], words)}" for kind, words in _WORDS.items() if kinds[kind])
    said = f"{found.log}: {counted(found.lines, 'line')} of the format {found.format}, "
    if found.expected_new_lines is None:
        return f"{said}{counted(rare, 'rare template')}{others}"
    expected = f"of as many normal lines {found.expected_new_lines:.1f} would be of new ones"
    return f"{said}{counted(new, 'new template')}, {rare:,} rare{others}; {expected}"


def fitted_lines(fitted: Fitted) -> Iterator[str]:
    """What was learnt, a line a part."""
    model = fitted.model
    yield f"{fitted.log}: {counted(fitted.lines, 'line')} of the format {model.templates.format}"
    yield f"templates   {len(model.templates.templates):,}"
    if model.sequences is not None:
        learnt = model.sequences
        yield f"sessions    {learnt.seen:,} by {learnt.grouping.words}, scored by {' and '.join(members(learnt))}"
    if model.rates is not None:
        stretches = f"{len(model.rates.held):,} stretches of {width_words(model.rates.width)}"
        yield f"rates       of {counted(len(model.rates.usual) - 1, 'template')} in {stretches}"
    judged = sum(place.usual() is not None for found in model.places.values() for place in found)
    yield f"values      in {counted(judged, 'variable place')}"


def members(model: SequenceModel) -> tuple[str, ...]:
    """The names of what scores sequences."""
    return tuple(scorer.name for scorer in model.scorers)


def as_text(suffix: str, whole: dict[str, Any], rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """A result as a file of that suffix: all of it as JSON, or its rows as JSON lines or CSV."""
    if suffix == ".json":
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
    if suffix == ".jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return target.getvalue()


def shown(text: str, width: int = WIDTH) -> str:
    """Text for the screen: cut, and nothing in it that a terminal would obey."""
    safe = "".join(letter if letter.isprintable() else "·" for letter in text[: width + 1])
    return safe if len(safe) <= width else safe[: width - 1] + "…"


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else value


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    name = f"{row.id} new" if row.is_new else row.id
    return name, f"{row.count:,}", f"{100 * row.share:.1f} %", f"{row.first_line:,}", shown(row.template)
