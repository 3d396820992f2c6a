"""The report on odd images: how many, what was promised, the oddest with their heat beside the nearest good image.

Unlike other reports it shows the data: small pictures of the oddest images and of good ones.
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
from genapps_image.detection.summary import linked_words, to_json
from genapps_image.detection.tasks import Detection, Shown

BINS = 40
SUBJECT = "Odd images"


@dataclass(frozen=True)
class Picture:
    """One picture on the page; data is empty where there is none."""

    title: str
    data: str
    alt: str


@dataclass(frozen=True)
class Item:
    """An odd image on the page."""

    name: str
    pictures: tuple[Picture, ...]
    alarm: bool
    score: str
    p: str
    kind: str
    words: str


@dataclass(frozen=True)
class Pictures:
    """A block: odd images, each with its heat and the good image that is most like it."""

    kind: ClassVar[str] = "pictures"
    items: tuple[Item, ...]
    small: bool


def write_report(made: Detection, target: str | Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps({"title": title, **to_json(made)}, ensure_ascii=False, indent=1, default=str)
    write_files(target, render(page(made, title), package="genapps_image.detection"), figures)


def page(made: Detection, title: str) -> Page:
    """The page of a detection."""
    level, word, verdict = _verdict(made)
    return Page(
        title=title,
        subject=SUBJECT,
        level=level,
        word=word,
        verdict=verdict,
        facts=(
            f"{len(made.rows):,} images",
            *((linked_words(told),) if (told := made.model.provenance).get("linked_images") else ()),
            f"{len(made.promise.reference):,} good images judged by what had not learnt them",
            *((f"{len(made.skipped):,} files skipped",) if made.skipped else ()),
        ),
        headline=_headline(made),
        sections=tuple(section for section in (_oddest(made), _scores(made), _known(made), _made_of(made)) if section),
        footer="The page shows small pictures of the images. It loads nothing from elsewhere.",
    )


def _verdict(made: Detection) -> tuple[Level, str, str]:
    count = len(made.rows)
    words = f"{made.alarms:,} of {count:,} images have an alarm ({percent(made.alarms / count)}). "
    words += f"Promised: {made.promise.words}."
    if not made.promise.possible:
        return "usable", "No promise", words
    if not made.alarms:
        return "good", "No alarm", words
    return ("usable" if made.alarms <= 5 * made.promise.rate * count + 1 else "poor"), "Odd images", words


def _headline(made: Detection) -> tuple[Score, ...]:
    """What is known to be right or wrong; how many alarms there are says the verdict, and is neither."""
    found: list[Score] = []
    truth = made.truth or {}
    if truth.get("image_auroc") is not None:
        own = (Mark("synthetic", "Images", truth["image_auroc"]), Mark("floor", "Chance", 0.5))
        found.append(Score("Images told apart (AUROC)", own, "higher", truth["images"]))
    if truth.get("pixel_auroc") is not None:
        own = (Mark("synthetic", "Pixels", truth["pixel_auroc"]), Mark("floor", "Chance", 0.5))
        found.append(Score("Pixels told apart (AUROC)", own, "higher", truth["images"]))
    if truth.get("good"):
        kept = (
            Mark("synthetic", "Known good", truth["false_alarms"] / truth["good"]),
            Mark("ceiling", "Promised", made.promise.rate),
        )
        found.append(Score("False alarms", kept, "lower", truth["good"]))
    elif made.promise.held is not None:
        kept = (Mark("synthetic", "Held-out good", made.promise.held), Mark("ceiling", "Promised", made.promise.rate))
        found.append(Score("Promise kept", kept, "lower", len(made.promise.reference)))
    return tuple(found)


def _oddest(made: Detection) -> Section | None:
    if not made.shown:
        return None
    items = tuple(_item(one) for one in made.shown)
    small = made.model.judge.kind != "patches"
    lead = (
        "The oddest images first, each with its heat over it, red where it is oddest, and the good image most like it."
    )
    blocks: tuple[Block, ...] = (Pictures(items, small),)
    return Section("oddest", "The oddest", lead, blocks)


def _item(one: Shown) -> Item:
    row = one.row
    pictures = (
        Picture("image", _data(one.image), row.name),
        Picture("where", _data(one.heat), f"heat of {row.name}"),
        Picture("nearest good", "" if one.nearest is None else _data(one.nearest), row.nearest),
    )
    return Item(row.name, pictures, row.alarm, f"{row.score:.3g}", f"{row.p_value:.2g}", row.kind or "", row.words)


def _data(file: bytes) -> str:
    kind = "png" if file[:4] == b"\x89PNG" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def _scores(made: Detection) -> Section:
    reference, judged = made.promise.reference, np.array([row.score for row in made.rows])
    low = min(float(reference[0]), float(judged.min()))
    high = max(float(reference[-1]), float(np.quantile(judged, 0.99)), low + 1e-9)
    edges = np.linspace(low, high, BINS + 1)
    threshold = made.promise.threshold
    ticks = [(low, tick(low)), (high, tick(high))]
    if low < threshold < high:
        ticks.insert(1, (threshold, f"alarm {tick(threshold)}"))
    picture = charts.histogram_overlay(
        edges.tolist(), _shares(reference, edges), _shares(judged, edges), ticks=ticks, label="How odd images are"
    )
    aside = f"alarm above {figure(threshold)}" if np.isfinite(threshold) else "no alarm"
    below = legend((("real", "good images"), ("synthetic", "these images")))
    shown = Figure("Scores", picture, aside=aside, below=Markup(below), wide=True)
    lead = "The score of each image, higher is odder, beside those of good images to judges that had not learnt them."
    return Section("scores", "How odd", lead, (Figures((shown,)),))


def _shares(scores: Floats, edges: Floats) -> list[float]:
    counts = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0]
    found: list[float] = (counts / max(len(scores), 1)).tolist()
    return found


def _known(made: Detection) -> Section | None:
    if made.truth is None:
        return None
    kinds: dict[str, float | None] = made.truth["image_auroc_by_kind"]
    rows = tuple((clip(kind), figure(value)) for kind, value in kinds.items())
    lead = "The images' folders say what each shows: how well each kind is told apart from the good ones."
    return Section("known", "What is known", lead, (Table("AUROC of images", ("Kind", "AUROC"), rows, numbers=1),))


def _made_of(made: Detection) -> Section:
    facts: Sequence[tuple[str, str]] = (
        ("Judged by", made.model.judge.words()),
        ("Chosen since", made.model.why),
        *(
            (("Good images", linked_words(made.model.provenance)),)
            if made.model.provenance.get("linked_images")
            else ()
        ),
        *((clip(key.replace("_", " ")), clip(value, 200)) for key, value in made.model.provenance.items()),
        *((f"Skipped: {clip(one.name)}", clip(one.reason, 200)) for one in made.skipped[:100]),
    )
    return Section("provenance", "Provenance", "What judged these images.", (Facts(tuple(facts)),))
