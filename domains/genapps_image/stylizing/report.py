"""The page on painted photographs: photograph, style and result, and how near the style came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from genapps.report.charts import Mark
from genapps.report.files import write_files
from genapps.report.page import Facts, Figure, Figures, Level, Page, Score, Section, Table, render
from genapps.report.text import clip
from genapps_image.showing import inlined, side_by_side
from genapps_image.stylizing.tasks import Outcome, Shown

_LISTED = 200


def write_report(outcome: Outcome, path: str | Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps({"title": title, **outcome.to_json()}, ensure_ascii=False, indent=1)
    write_files(path, render(page(outcome, title)), figures + "\n")


def page(outcome: Outcome, title: str) -> Page:
    """The page."""
    level, word, verdict = _verdict(outcome)
    how = "by a network that was learnt" if outcome.learnt else "each by itself"
    return Page(
        title=title,
        subject="Painted photographs",
        level=level,
        word=word,
        verdict=verdict,
        facts=(f"{len(outcome.written):,} photographs", how),
        headline=tuple(_scores(outcome)),
        sections=tuple(_sections(outcome)),
        footer="The page shows the pictures smaller than they are. It loads nothing from elsewhere.",
    )


def _verdict(outcome: Outcome) -> tuple[Level, str, str]:
    mean = outcome.mean
    if mean is None:
        return "usable", "Not measured", " ".join(outcome.notes) or "No photograph was painted."
    text = " ".join(f"{line[0].upper()}{line[1:]}." for line in outcome.lines())
    if mean.style < 0.9 * mean.colors:
        return "good", "In the style", text
    if mean.style < mean.photo:
        return "usable", "Hardly more than its colors", text
    return "poor", "Not in the style", text


def _scores(outcome: Outcome) -> Iterator[Score]:
    mean, n = outcome.mean, len(outcome.measured)
    if mean is None:
        return
    marks = [Mark("synthetic", "painted", mean.style), Mark("floor", "only its colors changed", mean.colors)]
    if outcome.within is not None:
        marks.append(Mark("ceiling", "halves of the style", outcome.within))
    yield Score("Distance to the style", tuple(marks), "lower", n, "sliced Wasserstein distance of patches, 3 scales")
    kept = (Mark("synthetic", "painted", mean.kept), Mark("ceiling", "the photograph", 1.0))
    yield Score("Structure kept", kept, "higher", n, "correlation of luminance, less mean and contrast around")


def _sections(outcome: Outcome) -> Iterator[Section]:
    if outcome.styles:
        pictures = [Figure(f"Style {k}", inlined(style, f"style {k}")) for k, style in enumerate(outcome.styles, 1)]
        yield Section("styles", "Style", "What they are painted after.", (Figures(tuple(pictures)),))
    if outcome.shown:
        lead = "Each photograph beside what became of it."
        yield Section("pictures", "Pictures", lead, (Figures(tuple(map(_pair, outcome.shown))),))
    if outcome.measured:
        rows = tuple(
            (clip(one.name, 60), *(f"{value:.3f}" for value in (one.style, one.colors, one.photo)), f"{one.kept:.2f}")
            for one in outcome.measured[:_LISTED]
        )
        head = ("Photograph", "Distance", "only its colors changed", "as it was", "Structure kept")
        yield Section("figures", "Each photograph", "", (Table("Distance to the style", head, rows, numbers=4),))
    facts = [(name.replace("_", " "), str(value)) for name, value in outcome.learnt.items()]
    facts += [("Note", sentence) for sentence in outcome.notes]
    facts += [(f"Skipped: {clip(one.name)}", one.reason) for one in outcome.skipped[:100]]
    if facts:
        told = Facts(tuple((clip(name), clip(value, 300)) for name, value in facts))
        yield Section("about", "About", "What was learnt, and what was met.", (told,))


def _pair(one: Shown) -> Figure:
    name, told = clip(one.name, 60), one.measured
    aside = f"distance to the style {told.style:.3f}, structure kept {told.kept:.2f}"
    return Figure(name, side_by_side([("the photograph", one.photo), ("painted", one.made)], name), aside, wide=True)
