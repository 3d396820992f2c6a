"""The page on what was found in a log: lines over time with marks, and each finding with its lines and reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from genapps.report.charts import WIDTH, chart, tag
from genapps.report.files import write_files
from genapps.report.page import Block, Facts, Figure, Figures, Level, Page, Section, Table, Terms, render
from genapps.report.text import clip
from genapps.wording import counted
from genapps_logs.detection import Detected
from genapps_logs.findings import Finding
from genapps_logs.rates import width_words
from genapps_logs.summary import detected_head, places

MOST = 200  # findings on the page
BARS = 160
_KINDS = {
    "new": "New messages",
    "rare": "Rare messages",
    "step": "Unusual steps",
    "missing": "Missing steps",
    "count": "Unusual counts",
    "burst": "Bursts",
    "silence": "Silences",
    "value": "Unusual values",
}


def write_report(found: Detected, target: str | Path) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps(found.to_json(), ensure_ascii=False, indent=1, default=str)
    write_files(target, render(page_of(found)), figures)


def page_of(found: Detected) -> Page:
    """The page of what was found."""
    count = len(found.findings)
    level: Level = "good" if not count else "usable" if count < 10 else "poor"
    words = counted(count, "finding") if count else "nothing"
    facts = [counted(found.lines, "line"), f"format {found.format}"]
    facts += [counted(found.normal_lines, "normal line")] if found.normal_lines else []
    facts += [f"{counted(found.sessions, 'session')}, {found.sessions_in_alarm:,} in alarm"] if found.sessions else []
    return Page(
        title=clip(found.log),
        subject="Log report",
        level=level,
        word=words[0].upper() + words[1:],
        verdict=detected_head(found),
        facts=tuple(facts),
        headline=(),
        sections=tuple(_sections(found)),
        footer="The page shows lines of the log: it is as confidential as the log. It loads nothing from elsewhere.",
    )


def _sections(found: Detected) -> Iterator[Section]:
    if found.timeline:
        picture = Figure("Lines over time", timeline(found), below=_span(found), wide=True)
        lead = "Each bar is a stretch of time; a mark below it is a finding that begins there."
        yield Section("time", "Over time", lead, (Figures((picture,)),))
    for kind, title in _KINDS.items():
        chosen = [finding for finding in found.findings if finding.kind == kind]
        if chosen:
            yield Section(kind, title, "", tuple(_blocks(title, chosen)))
    words = [("Promise", sentence) for sentence in found.promises]
    words += [("Note", sentence) for sentence in found.notes]
    if words:
        yield Section("promise", "What was promised", "", (Terms("Promises and notes", tuple(words)),))
    facts = (("Log", clip(found.log)), ("Sessions by", found.grouping or "nothing"), ("Lines", f"{found.lines:,}"))
    yield Section("provenance", "Provenance", "What was looked at.", (Facts(facts),))


def _blocks(title: str, chosen: list[Finding]) -> Iterator[Block]:
    rows = tuple(
        (finding.id, finding.time, places(finding), finding.reason, clip(finding.text, 300))
        for finding in chosen[:MOST]
    )
    yield Table(title, ("id", "time", "where", "why", "line"), rows)
    if len(chosen) > MOST:
        yield Facts((("Not shown", f"{len(chosen) - MOST:,} more"),))


def timeline(found: Detected) -> Markup:
    """Lines over time as bars, with a mark below each stretch in which a finding begins."""
    counts, low, step = binned(found.timeline, found.width)
    top, base = 4.0, 96.0
    highest = max(counts) or 1
    width = WIDTH / len(counts)
    path = "".join(
        f"M{place * width:.1f} {base}V{base - (base - top) * count / highest:.1f}h{max(width * 0.9, 0.3):.1f}V{base}z"
        for place, count in enumerate(counts)
        if count
    )
    marks = sorted({int((seconds - low) // step) for finding in found.findings if (seconds := _seconds(finding, low))})
    signs = "".join(f"M{(place + 0.5) * width:.1f} {base + 3}l-3 6h6z" for place in marks if 0 <= place < len(counts))
    parts = [tag("path", class_="real", d=path), tag("path", class_="synthetic", d=signs)]
    return chart(
        f"{counted(sum(counts), 'line')} over time, marks at {counted(len(marks), 'place')}",
        108,
        *parts,
        kind="histogram",
    )


def binned(timeline: tuple[tuple[float, int], ...], width: int) -> tuple[list[int], float, float]:
    """Counts of at most BARS stretches of equal length, where the first begins, and how long each is in seconds."""
    low, high = timeline[0][0], timeline[-1][0] + width
    step = max((high - low) / BARS, float(width))
    counts = [0] * max(1, min(BARS, round((high - low) / step)))
    for start, count in timeline:
        counts[min(int((start - low) // step), len(counts) - 1)] += count
    return counts, low, step


def _seconds(finding: Finding, low: float) -> float | None:
    """When a finding begins; a stamp without a year is of the timeline's."""
    if not finding.time:
        return None
    text = finding.time
    if len(text) < 15:
        text = f"{datetime.fromtimestamp(low, UTC).year}-{text}"
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _span(found: Detected) -> str:
    low, high = found.timeline[0][0], found.timeline[-1][0] + found.width
    start = datetime.fromtimestamp(low, UTC).strftime("%m-%d %H:%M")
    end = datetime.fromtimestamp(high, UTC).strftime("%m-%d %H:%M")
    return f"{start} to {end}, {width_words(high - low)} in all"
