"""The report on recognized words: how right they are, which are taken for which, what was rejected, and where in a clip
each state of a word's model is.

Unlike other reports it shows the data: small spectrograms of a few clips.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from markupsafe import Markup

from genapps.report import charts, scatter
from genapps.report.charts import Mark
from genapps.report.files import write_files
from genapps.report.page import Block, Facts, Figure, Figures, Level, Page, Score, Section, Table, legend, render
from genapps.report.text import clip, percent, tick
from genapps_audio.recognition.aligned import picture
from genapps_audio.recognition.summary import to_json
from genapps_audio.recognition.tasks import Recognized, Row, Shown

SUBJECT = "Spoken words"
_LISTED = 100  # rejected clips
_MOST = 40  # words in a table of who is taken for whom
_BINS = 40


@dataclass(frozen=True)
class Item:
    """A clip on the page."""

    name: str
    data: str
    words: str


@dataclass(frozen=True)
class Alignments:
    """A block: clips as spectrograms, cut into states."""

    kind: ClassVar[str] = "alignments"
    items: tuple[Item, ...]


def write_report(made: Recognized, target: str | Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps({"title": title, **to_json(made)}, ensure_ascii=False, indent=1, default=str)
    write_files(target, render(page(made, title), package="genapps_audio.recognition"), figures)


def page(made: Recognized, title: str) -> Page:
    """The page of a recognition."""
    level, word, verdict = _verdict(made)
    learnt = sum(made.recognizer.card.get("clips", {}).values())
    sections = (_confused(made), _aligned(made), _rejected(made), _scores(made), _made_of(made))
    return Page(
        title=title,
        subject=SUBJECT,
        level=level,
        word=word,
        verdict=verdict,
        facts=(
            f"{len(made.recognizer.words.names):,} words learnt from {learnt:,} clips",
            *((f"{len(made.rows):,} heard",) if made.rows else ()),
            *((f"{len(made.skipped):,} files skipped",) if made.skipped else ()),
        ),
        headline=_headline(made),
        sections=tuple(section for section in sections if section),
        footer="The page shows small spectrograms of the clips. It loads nothing from elsewhere.",
    )


def _told(made: Recognized) -> dict[str, Any] | None:
    """What held-out clips said when the words were learnt."""
    found: dict[str, Any] | None = made.recognizer.card.get("estimate")
    return found


def _verdict(made: Recognized) -> tuple[Level, str, str]:
    said = _told(made)
    if said is None:
        return "usable", "Not measured", f"{made.recognizer.promise}."
    low, high = said["interval"]
    how = f"{said['voices_held_out']} voices, each held out" if said["voices_held_out"] else "clips held out"
    words = f"{percent(said['accuracy'])} of {said['held_out']:,} clips are named rightly ({how}; 95 % interval "
    words += f"{percent(low)} to {percent(high)}). Promised: {made.recognizer.promise}."
    if low <= said["majority"]:
        return "poor", "No better than guessing", words
    return ("good" if said["accuracy"] >= 0.9 else "usable"), "", words


def _headline(made: Recognized) -> tuple[Score, ...]:
    found: list[Score] = []
    said = _told(made)
    if said is not None:
        marks = (Mark("synthetic", "Held-out clips", said["accuracy"]), Mark("floor", "Commonest", said["majority"]))
        found.append(Score("Words named rightly", marks, "higher", said["held_out"]))
        if said["known_rejected"] is not None and made.recognizer.confidence is not None:
            kept = (
                Mark("synthetic", "Known words", said["known_rejected"]),
                Mark("ceiling", "Promised", made.recognizer.confidence.rate),
            )
            found.append(Score("Known words rejected", kept, "lower", said["held_out"]))
        if said["left_out_words_rejected"] is not None and made.recognizer.confidence is not None:
            out = (
                Mark("synthetic", "Left-out words", said["left_out_words_rejected"]),
                Mark("floor", "By chance", made.recognizer.confidence.rate),
            )
            found.append(Score("Other words rejected", out, "higher", said["held_out"]))
    if made.known is not None:
        right, count = made.known
        found.append(
            Score("New clips named rightly", (Mark("synthetic", "By folder", right / count),), "higher", count)
        )
    return tuple(found)


def _confused(made: Recognized) -> Section | None:
    said = _told(made)
    if said is None or not said["held_out"]:
        return None
    names, table = said["words"], np.asarray(said["confusion"], float)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    blocks: list[Block] = []
    if len(names) <= _MOST:
        heat = scatter.heat_table(names, names, shares.tolist(), label="Share of each word's clips heard as each word")
        blocks.append(Figures((Figure("A row is what was said, a column what was heard", heat, wide=True),)))
    wrong = [(table[i, j], i, j) for i in range(len(names)) for j in range(len(names)) if i != j and table[i, j]]
    rows = tuple(
        (clip(names[i]), clip(names[j]), f"{int(count):,} of {int(table[i].sum()):,}")
        for count, i, j in sorted(wrong, key=lambda one: -one[0])[:15]
    )
    if rows:
        blocks.append(Table("Taken for another most often", ("Said", "Heard", "Clips"), rows, numbers=1))
    if said["by_voice"]:
        voices = tuple((clip(voice), percent(share)) for voice, share in sorted(said["by_voice"].items()))
        blocks.append(Table("By voice", ("Voice", "Named rightly"), voices, numbers=1))
    lead = "Clips judged by models that had not learnt them; nothing is rejected here."
    return Section("confusion", "Which word is taken for which", lead, tuple(blocks))


def _aligned(made: Recognized) -> Section | None:
    if not made.shown:
        return None
    items = tuple(_item(one, made) for one in made.shown)
    lead = "Each model is a chain of states that is passed once, from left to right: a line is where the next begins."
    return Section("states", "Where each state is", lead, (Alignments(items),))


def _item(one: Shown, made: Recognized) -> Item:
    data = base64.b64encode(picture(one.wave, one.states, made.recognizer.front)).decode()
    row = one.row
    outcome = f"rejected, {row.reason}; nearest is {one.word}" if row.reason else f"{row.word}, {percent(row.chance)}"
    return Item(_title(row, made), f"data:image/png;base64,{data}", outcome)


def _title(row: Row, made: Recognized) -> str:
    return f"{row.name} at {row.onset:.4g} s" if made.segmented else row.name


def _rejected(made: Recognized) -> Section | None:
    out = [row for row in made.rows if row.reason]
    if not out:
        return None
    rows = tuple(
        (clip(_title(row, made)), clip(row.runner), row.reason, "" if row.score is None else f"{row.score:.3g}")
        for row in out[:_LISTED]
    )
    lead = f"{len(out):,} of {len(made.rows):,} are taken for none of the words."
    lead += f" The first {_LISTED}." if len(out) > _LISTED else ""
    heads = ("Clip", "Nearest", "Why", "Score")
    return Section("rejected", "Rejected", lead, (Table("Rejected", heads, rows, numbers=1),))


def _scores(made: Recognized) -> Section | None:
    sure = made.recognizer.confidence
    judged = np.array([row.score for row in made.rows if row.score is not None])
    if sure is None or not len(judged):
        return None
    low, high = float(min(sure.reference[0], judged.min())), float(max(sure.reference[-1], np.quantile(judged, 0.99)))
    edges = np.linspace(low, max(high, low + 1e-9), _BINS + 1)
    ticks = [(low, tick(low)), (high, tick(high))]
    if low < sure.threshold < high:
        ticks.insert(1, (sure.threshold, f"none of the words {tick(sure.threshold)}"))
    shares = [
        (np.histogram(np.clip(one, edges[0], edges[-1]), edges)[0] / len(one)).tolist()
        for one in (sure.reference, judged)
    ]
    chart = charts.histogram_overlay(edges.tolist(), *shares, ticks=ticks, label="How strange clips are")
    below = Markup(legend((("real", "held-out clips of known words"), ("synthetic", "these clips"))))
    lead = "How strange each clip is beside clips of known words, to models that had not learnt those."
    return Section("scores", "How strange", lead, (Figures((Figure("Scores", chart, below=below, wide=True),)),))


def _made_of(made: Recognized) -> Section:
    card = made.recognizer.card
    counts = ", ".join(f"{word} {count}" for word, count in card.get("clips", {}).items())
    facts = (
        ("Clips of each word", clip(counts, 400)),
        ("States of each word", clip(", ".join(map(str, card.get("states", []))), 400)),
        ("Rate", f"{made.recognizer.front.rate:,} Hz"),
        ("Seed", str(card.get("seed", ""))),
        *((f"Skipped: {clip(one.name)}", clip(one.reason, 200)) for one in made.skipped[:100]),
    )
    return Section("provenance", "Provenance", "What the words were learnt from.", (Facts(facts),))
