"""The report on strange rows: how many, what was promised of them, how strange, and the strangest with their reasons.

Unlike other reports it names rows: the strangest ones, by number, with the cells that made them so.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
from markupsafe import Markup

from genapps.metrics.distributions import Floats
from genapps.report import charts
from genapps.report.charts import Mark
from genapps.report.files import write_files
from genapps.report.page import Facts, Figure, Figures, Level, Page, Score, Section, Table, legend, render
from genapps.report.text import clip, figure, percent, tick, value
from genapps_tabular.anomalies import Detection
from genapps_tabular.meanings import PROVENANCE
from genapps_tabular.report import finite

BINS = 40
SHOWN = 100  # rows of the table
COLUMNS = 20
SUBJECT = "Anomaly report"


def write_detection(made: Detection, target: Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps(finite({"title": title, **made.to_json()}), ensure_ascii=False, indent=1, default=str)
    write_files(target, render(detection_page(made, title)), figures)


def detection_page(made: Detection, title: str) -> Page:
    """The page of a detection."""
    level, word, verdict = _verdict(made)
    count = len(made.model.features.features)
    return Page(
        title=title,
        subject=SUBJECT,
        level=level,
        word=word,
        verdict=verdict,
        facts=(
            f"{made.written:,} rows",
            f"{count:,} columns used",
            f"{made.promise.rows:,} reference rows",
            f"judged by {', '.join(name for name, _ in made.model.members)}",
        ),
        headline=_headline(made),
        sections=tuple(
            section for section in (_scores(made), _rows(made), _columns(made), _provenance(made)) if section
        ),
        footer="The page names single rows and their values. It loads nothing from elsewhere.",
    )


def _verdict(made: Detection) -> tuple[Level, str, str]:
    share = made.alarms / max(made.written, 1)
    promise = made.promise.words
    said = f"{made.alarms:,} of {made.written:,} rows have an alarm ({percent(share)})"
    words = f"{said}. {promise[0].upper()}{promise[1:]}."
    if not made.alarms:
        return "good", "Nothing strange", words
    return ("usable" if share <= 5 * made.promise.asked else "poor"), "Strange rows", words


def _headline(made: Detection) -> tuple[Score, ...]:
    share = made.alarms / max(made.written, 1)
    marks = (Mark("synthetic", "These rows", share), Mark("ceiling", "Promised of normal rows", made.promise.asked))
    meaning = "The share of rows with an alarm, beside the share of normal rows that would have one."
    found = [Score("Alarms", marks, "lower", made.written, "", "", meaning)]
    if made.promise.held is not None:
        kept = (
            Mark("synthetic", "Held-out clean rows", made.promise.held),
            Mark("ceiling", "Promised", made.promise.asked),
        )
        meaning = "The share of clean rows with an alarm where they were not learnt: what the promise is worth."
        found.append(Score("Promise kept", kept, "lower", made.promise.rows, "", "", meaning))
    return tuple(found)


def _scores(made: Detection) -> Section:
    reference, judged = made.model.reference, made.scores
    low = min(float(reference[0]), float(judged.min()))
    high = max(float(np.quantile(reference, 0.999)), float(np.quantile(judged, 0.999)), low + 1e-9)
    edges = np.linspace(low, high, BINS + 1)
    alarmed = judged[made.p_values <= made.promise.asked]
    threshold = float(alarmed.min()) if len(alarmed) else float("nan")
    ticks = [(low, tick(low)), (high, tick(high))]
    if low < threshold < high:
        ticks.insert(1, (threshold, f"alarm {tick(threshold)}"))
    picture = charts.histogram_overlay(
        edges.tolist(), _shares(reference, edges), _shares(judged, edges), ticks=ticks, label="How strange rows are"
    )
    aside = f"alarm from {figure(threshold)}" if len(alarmed) else "no alarm"
    below = legend((("real", "reference rows"), ("synthetic", "these rows")))
    shown = Figure("Scores", picture, aside=aside, below=Markup(below), wide=True)
    lead = (
        "The score of each row, higher is stranger, beside those of reference rows to judges that had not learnt them."
    )
    return Section("scores", "How strange", lead, (Figures((shown,)),))


def _shares(scores: Floats, edges: Floats) -> list[float]:
    counts = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0]
    found: list[float] = (counts / max(len(scores), 1)).tolist()
    return found


def _rows(made: Detection) -> Section | None:
    if not made.anomalies:
        return None
    rows = tuple(
        (f"{a.row:,}", f"{a.score:.2f}", f"{a.p_value:.2g}", clip(a.words, 400)) for a in made.anomalies[:SHOWN]
    )
    more = f" The {SHOWN} strangest of {made.alarms:,}." if made.alarms > SHOWN else ""
    lead = f"Each with the cells that the reference would not have there, and what it would.{more}"
    table = Table("The strangest rows", ("Row", "Score", "p-value", "Why"), rows, numbers=0)
    return Section("rows", "Strange rows", lead, (table,))


def _columns(made: Detection) -> Section | None:
    named = Counter(reason.column for a in made.anomalies for reason in a.reasons)
    if not named:
        return None
    rows = tuple((clip(column), f"{count:,}") for column, count in named.most_common(COLUMNS))
    lead = "How often each column is among the reasons; one that leads by far may itself have changed."
    return Section("columns", "Columns", lead, (Table("Columns named", ("Column", "Rows"), rows, numbers=1),))


def _provenance(made: Detection) -> Section:
    facts = tuple((PROVENANCE.get(k, clip(k)), value(k, given)) for k, given in made.model.provenance.items())
    notes = tuple(("Note", clip(note, 300)) for note in made.notes)
    return Section("provenance", "Provenance", "What judged these rows.", (Facts((*facts, *notes)),))
