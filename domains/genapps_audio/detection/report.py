"""The report on odd clips: how many, what was promised, the oddest as spectrograms with their events framed.

Unlike other reports it shows the data: small spectrograms of the oddest clips.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from markupsafe import Markup

from genapps.metrics.distributions import Floats
from genapps.report import charts
from genapps.report.charts import Mark
from genapps.report.files import write_files
from genapps.report.page import Block, Facts, Figure, Figures, Level, Page, Score, Section, Table, legend, render
from genapps.report.text import clip, figure, percent, tick
from genapps_audio.detection.places import clock, hertz
from genapps_audio.detection.summary import resampled_words, to_json
from genapps_audio.detection.tasks import Detection, Shown

BINS = 40
SUBJECT = "Odd clips"
_EVENTS = 50  # that are listed


@dataclass(frozen=True)
class Item:
    """An odd clip on the page."""

    name: str
    data: str
    alarm: bool
    score: str
    p: str
    kind: str
    words: str


@dataclass(frozen=True)
class Spectrograms:
    """A block: odd clips, each as a picture with its event framed."""

    kind: ClassVar[str] = "spectrograms"
    items: tuple[Item, ...]


def write_report(made: Detection, target: str | Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps({"title": title, **to_json(made)}, ensure_ascii=False, indent=1, default=str)
    write_files(target, render(page(made, title), package="genapps_audio.detection"), figures)


def page(made: Detection, title: str) -> Page:
    """The page of a detection."""
    level, word, verdict = _verdict(made)
    windows = f"{len(made.rows):,} windows of {made.recordings:,} clips" if _cut(made) else f"{len(made.rows):,} clips"
    return Page(
        title=title,
        subject=SUBJECT,
        level=level,
        word=word,
        verdict=verdict,
        facts=(
            windows,
            *((told,) if (told := resampled_words(made)) else ()),
            f"{len(made.promise.reference):,} normal clips judged by what had not learnt them",
            *((f"{len(made.skipped):,} files skipped",) if made.skipped else ()),
        ),
        headline=_headline(made),
        sections=tuple(
            section
            for section in (_oddest(made), _events(made), _scores(made), _known(made), _made_of(made))
            if section
        ),
        footer="The page shows small spectrograms of the clips. It loads nothing from elsewhere.",
    )


def _cut(made: Detection) -> bool:
    return len(made.rows) > made.recordings


def _verdict(made: Detection) -> tuple[Level, str, str]:
    count, what = len(made.rows), "windows" if _cut(made) else "clips"
    words = f"{made.alarms:,} of {count:,} {what} have an alarm ({percent(made.alarms / count)}). "
    words += f"Promised: {made.promise.words}."
    if not made.promise.possible:
        return "usable", "No promise", words
    if not made.alarms:
        return "good", "No alarm", words
    return ("usable" if made.alarms <= 5 * made.promise.rate * count + 1 else "poor"), "Odd clips", words


def _headline(made: Detection) -> tuple[Score, ...]:
    """What is known to be right or wrong; how many alarms there are says the verdict, and is neither."""
    found: list[Score] = []
    truth = made.truth or {}
    if truth.get("auroc") is not None:
        own = (Mark("synthetic", "Clips", truth["auroc"]), Mark("floor", "Chance", 0.5))
        found.append(Score("Clips told apart (AUROC)", own, "higher", truth["clips"]))
    if truth.get("good"):
        kept = (
            Mark("synthetic", "Known good", truth["false_alarms"] / truth["good"]),
            Mark("ceiling", "Promised", made.promise.rate),
        )
        found.append(Score("False alarms", kept, "lower", truth["good"]))
    elif made.promise.held is not None:
        kept = (Mark("synthetic", "Held-out normal", made.promise.held), Mark("ceiling", "Promised", made.promise.rate))
        found.append(Score("Promise kept", kept, "lower", len(made.promise.reference)))
    return tuple(found)


def _oddest(made: Detection) -> Section | None:
    if not made.shown:
        return None
    lead = "The oddest first. From dark to light: how loud. The frame: when and in which band a clip is oddest."
    blocks: tuple[Block, ...] = (Spectrograms(tuple(_item(one) for one in made.shown)),)
    return Section("oddest", "The oddest", lead, blocks)


def _item(one: Shown) -> Item:
    row = one.row
    data = f"data:image/png;base64,{base64.b64encode(one.picture).decode()}"
    return Item(row.title, data, row.alarm, f"{row.score:.3g}", f"{row.p_value:.2g}", row.kind or "", row.words)


def _events(made: Detection) -> Section | None:
    if not made.events or not _cut(made):
        return None
    rows = tuple(
        (
            clip(one.name),
            f"{clock(one.place.begin)} to {clock(one.place.end)}",
            f"{hertz(one.place.low)} to {hertz(one.place.high)}",
            one.grade,
            f"{one.p_value:.2g}",
        )
        for one in made.events[:_EVENTS]
    )
    more = len(made.events) - len(rows)
    lead = "Windows in alarm that follow one another." + (f" The first of {len(made.events):,}." if more > 0 else "")
    return Section(
        "events", "Events", lead, (Table("Events", ("Clip", "When", "Band", "Grade", "p"), rows, numbers=1),)
    )


def _scores(made: Detection) -> Section:
    reference, judged = np.sort(made.promise.reference), np.array([row.score for row in made.rows])
    low = min(float(reference[0]), float(judged.min()))
    high = max(float(reference[-1]), float(np.quantile(judged, 0.99)), low + 1e-9)
    edges = np.linspace(low, high, BINS + 1)
    threshold = made.promise.threshold
    ticks = [(low, tick(low)), (high, tick(high))]
    if low < threshold < high:
        ticks.insert(1, (threshold, f"alarm {tick(threshold)}"))
    picture = charts.histogram_overlay(
        edges.tolist(), _shares(reference, edges), _shares(judged, edges), ticks=ticks, label="How odd clips are"
    )
    aside = f"alarm above about {figure(threshold)}" if np.isfinite(threshold) else "no alarm"
    below = legend((("real", "normal clips"), ("synthetic", "these clips")))
    shown = Figure("Scores", picture, aside=aside, below=Markup(below), wide=True)
    lead = "The score of each clip, higher is odder, beside those of normal clips to judges that had not learnt them."
    return Section("scores", "How odd", lead, (Figures((shown,)),))


def _shares(scores: Floats, edges: Floats) -> list[float]:
    counts = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0]
    found: list[float] = (counts / max(len(scores), 1)).tolist()
    return found


def _known(made: Detection) -> Section | None:
    if made.truth is None:
        return None
    kinds: dict[str, float | None] = made.truth["auroc_by_kind"]
    rows = tuple((clip(kind), figure(value)) for kind, value in kinds.items())
    lead = "The clips' folders say what each is: how well each kind is told apart from the good ones."
    return Section("known", "What is known", lead, (Table("AUROC of clips", ("Kind", "AUROC"), rows, numbers=1),))


def _made_of(made: Detection) -> Section:
    facts: Sequence[tuple[str, str]] = (
        ("Judged by", made.model.judge.words()),
        *((clip(key.replace("_", " ")), clip(value, 200)) for key, value in made.model.provenance.items()),
        *((f"Skipped: {clip(one.name)}", clip(one.reason, 200)) for one in made.skipped[:100]),
    )
    return Section("provenance", "Provenance", "What judged these clips.", (Facts(tuple(facts)),))
