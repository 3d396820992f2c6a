"""The report on new series: the verdict, real and new rows drawn one above the other, values, echoes, all figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genapps.report import charts
from genapps.report.files import write_files
from genapps.report.lines import Curve, lines
from genapps.report.page import Block, Facts, Figure, Figures, Page, Scores, Section, Table, legend, render
from genapps.report.text import clip, figure, tick
from genapps_timeseries.reading.clock import moment
from genapps_timeseries.series import Floats, Series
from genapps_timeseries.synthesis.families import echoes

if TYPE_CHECKING:
    from genapps_timeseries.synthesis.tasks import Parts, Synthesis

OWN = "These rows"
SUBJECT = "New series"
HEADLINE = ("two_sample_auc", "forecast", "echoes", "margins", "coverage", "nearness")
DRAWN = 1_000  # rows of a picture
MOST_CHANNELS = 12
BINS, LAGS = 30, 100
KEY = legend([("real", "learnt from"), ("synthetic", "new")])


def write_synthesis(made: Synthesis, parts: Parts, drawn: Sequence[Floats], target: Path, *, title: str) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps({"title": title, **made.to_json()}, ensure_ascii=False, indent=1, default=str)
    write_files(target, render(synthesis_page(made, parts.learnt[0], drawn[0], title)), figures)


def synthesis_page(made: Synthesis, real: Series, new: Floats, title: str) -> Page:
    """The page; `new` (N, C) are rows drawn for the times of `real`."""
    assert made.verdict is not None
    return Page(
        title=clip(title),
        subject=SUBJECT,
        level=made.verdict.level,
        word=made.verdict.word,
        verdict=made.verdict.text,
        facts=(f"{made.rows:,} rows", f"{len(made.channels)} channels", f"by {made.family}", *made.rhythms),
        headline=tuple(m.score(OWN) for m in made.measures if m.key in HEADLINE and m.value is not None),
        sections=tuple(_sections(made, real, new)),
        footer="The page loads nothing from elsewhere.",
    )


def _sections(made: Synthesis, real: Series, new: Floats) -> Iterator[Section]:
    shown = _shown(real)
    lead = "A stretch of the rows that were learnt from, and new rows drawn for the same times."
    if len(shown) < len(made.channels):
        lead += f" The first {len(shown)} of {len(made.channels)} channels that vary."
    yield Section("course", "Course", lead, (Figures(tuple(_courses(real, new, shown))),))
    lead = "How often each value occurs, and how alike values are that lie so many rows apart."
    both = (*_histograms(real, new, shown), *_echoes(real, new, shown))
    yield Section("shape", "Values and echoes", lead, (Figures(both),))
    lead = (
        "Each figure beside the same figure of the real rows that were learnt from, of these in random order, and of "
        "stretches copied from them. All compare with rows that the model did not see."
    )
    blocks: list[Block] = [Scores("The figures and their controls", tuple(m.score(OWN) for m in made.measures))]
    if len(made.trials) > 1:
        rows = tuple((t.family, figure(t.unlike), figure(t.seconds)) for t in made.trials)
        blocks.append(Table("Families tried", ("Family", "Unlike real rows", "CPU seconds"), rows, numbers=2))
    yield Section("measures", "Measures", lead, tuple(blocks))
    if made.notes:
        facts = tuple((str(k + 1), clip(note, 300)) for k, note in enumerate(made.notes))
        yield Section("notes", "What was met", "And what was done about it.", (Facts(facts),))


def _shown(real: Series) -> list[int]:
    spans = [np.ptp(column[~np.isnan(column)]) if (~np.isnan(column)).any() else 0.0 for column in real.values.T]
    return [c for c, span in enumerate(spans) if span > 0][:MOST_CHANNELS]


def _courses(real: Series, new: Floats, shown: Sequence[int]) -> Iterator[Figure]:
    rows = min(len(real), DRAWN)
    clock = real.clock
    ends = (clip(moment(clock, float(real.times[0]))), clip(moment(clock, float(real.times[rows - 1]))))
    for c in shown:
        name = clip(real.channels[c])
        above = lines([Curve("real", real.values[:rows, c])], label=f"{name}: learnt from", ends=ends, high=90.0)
        below = lines([Curve("synthetic", new[:rows, c])], label=f"{name}: new", ends=ends, high=90.0)
        yield Figure(name, above + below, below=KEY, wide=True)


def _histograms(real: Series, new: Floats, shown: Sequence[int]) -> Iterator[Figure]:
    for c in shown:
        a = real.values[:, c][~np.isnan(real.values[:, c])]
        b = new[:, c]
        low, high = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
        edges = np.linspace(low, high, BINS + 1)
        shares = [np.histogram(side, edges)[0] / max(len(side), 1) for side in (a, b)]
        ticks = [(float(edge), tick(float(edge))) for edge in (edges[0], edges[BINS // 2], edges[-1])]
        name = clip(real.channels[c])
        chart = charts.histogram_overlay(
            edges.tolist(), shares[0].tolist(), shares[1].tolist(), ticks=ticks, label=f"Values of {name}"
        )
        yield Figure(name, chart, subtitle="values", below=KEY)


def _echoes(real: Series, new: Floats, shown: Sequence[int]) -> Iterator[Figure]:
    lags = max(2, min(LAGS, len(real) // 3))
    for c in shown:
        a = real.values[:, c]
        a = np.interp(np.arange(len(a)), np.flatnonzero(~np.isnan(a)), a[~np.isnan(a)])
        curves = [Curve("real", echoes([a], lags)), Curve("synthetic", echoes([new[:, c]], lags))]
        name = clip(real.channels[c])
        chart = lines(curves, label=f"Autocorrelation of {name}", ends=("1 row", f"{lags} rows"), high=130, wide=320)
        yield Figure(name, chart, subtitle="autocorrelation", below=KEY)
