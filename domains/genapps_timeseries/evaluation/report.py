"""The report on an evaluation: the figures with their controls, then the kinds of anomalies that were found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from genapps.report.files import write_files
from genapps.report.page import Page, Scores, Section, Table, render
from genapps.report.text import clip, percent
from genapps_timeseries.evaluation.scores import Evaluation

OWN = "These scores"
SUBJECT = "Evaluation of anomalies found"
HEADLINE = ("vus_pr", "auc_pr", "event_precision", "event_recall", "false_alarms_per_week", "delay")


def write_evaluation(made: Evaluation, target: Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps({"title": title, **made.to_json()}, ensure_ascii=False, indent=1, default=str)
    write_files(target, render(evaluation_page(made, title)), figures)


def evaluation_page(made: Evaluation, title: str) -> Page:
    """The page of an evaluation."""
    alarms = () if made.alarms is None else (f"{made.alarms:,} alarms ({made.alarms_are})",)
    anomalous = f"{percent(made.anomalous / made.rows)} anomalous"
    return Page(
        title=clip(title),
        subject=SUBJECT,
        level=made.verdict.level,
        word=made.verdict.word,
        verdict=made.verdict.text,
        facts=(f"{made.rows:,} rows", f"{made.events:,} events", anomalous, *alarms),
        headline=tuple(m.score(OWN) for m in made.measures if m.key in HEADLINE and m.value is not None),
        sections=tuple(_sections(made)),
        footer="Aggregated figures only. The page loads nothing from elsewhere.",
    )


def _sections(made: Evaluation) -> Iterator[Section]:
    scores = Scores("The figures and their controls", tuple(m.score(OWN) for m in made.measures))
    lead = (
        "Random is what a random score, or as many alarms of the same lengths at random places, would get. Always "
        "alarm is one alarm over everything: it finds each event, and every normal row is in alarm."
    )
    yield Section("measures", "Measures", lead, (scores,))
    if made.kinds:
        rows = tuple((clip(k.kind), str(k.events), str(k.found), percent(k.found / k.events)) for k in made.kinds)
        table = Table("Events with an alarm in them", ("Kind", "Events", "Found", "Share"), rows, numbers=3)
        yield Section("kinds", "Kinds", "Which kinds of anomalies were found.", (table,))
