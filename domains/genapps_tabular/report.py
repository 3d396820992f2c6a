"""The report on a synthetic table: an evaluation as one HTML page, and the same figures as JSON beside it.

Only aggregated data reaches the page: shares of bins and categories, dependences, measures; never a row.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from markupsafe import Markup

from genapps.report import charts
from genapps.report.charts import Mark
from genapps.report.files import write_files
from genapps.report.page import (
    Block,
    Facts,
    Figure,
    Figures,
    Page,
    Score,
    Scores,
    Section,
    Table,
    Terms,
    legend,
)
from genapps.report.page import render as render_page
from genapps.report.text import clip, figure, known, percent, plain, tick, value
from genapps_tabular.evaluation import ColumnView, Evaluation, Measure, PairView
from genapps_tabular.meanings import CONTROLS, GROUPS, HEADLINE, MEANINGS, PROVENANCE
from genapps_tabular.schema import kind_words

MOST_DRAWN = 60  # columns with a chart; all others are a line of a table
MOST_LISTED = 1000  # lines of that table
MOST_MAPPED = 24  # columns of a heat map: more would not be legible
MOST_PAIRS = 10
SUBJECT = "Synthetic table report"


def write_report(evaluation: Evaluation, target: Path, *, title: str) -> None:
    """Write the page to `target` and the same figures to the same name with the suffix .json, both whole or not at all.

    Raises UsageError if `target` itself ends in .json.
    """
    write_files(target, render(evaluation, title), to_json(evaluation, title))


def render(evaluation: Evaluation, title: str) -> str:
    """The page as one HTML document, under 2 MB however many columns there are."""
    return render_page(
        Page(
            title=title,
            subject=SUBJECT,
            level=evaluation.verdict.level,
            verdict=evaluation.verdict.text,
            facts=tuple(_facts_line(evaluation)),
            headline=_headline(evaluation.measures),
            sections=tuple(_sections(evaluation)),
            footer="Aggregated figures only: no row of either table is on this page. It loads nothing from elsewhere.",
        )
    )


def to_json(evaluation: Evaluation, title: str) -> str:
    """The figures of the page as JSON, what is not finite as null."""
    return json.dumps({"title": title, **finite(evaluation.to_json())}, ensure_ascii=False, indent=1, default=str)


def finite(given: Any) -> Any:
    """Plain JSON: floats to six digits, what is not finite as null."""
    if isinstance(given, dict):
        return {str(key): finite(inner) for key, inner in given.items()}
    if isinstance(given, (list, tuple)):
        return [finite(inner) for inner in given]
    if isinstance(given, float):
        return float(f"{given:.6g}") if math.isfinite(given) else None
    return given if given is None or isinstance(given, (bool, int, str)) else _plain(given)


def _plain(given: Any) -> Any:
    """A number of numpy's as Python's, anything else as text without lone surrogates, which UTF-8 has no bytes for."""
    return finite(given.item()) if hasattr(given, "item") else str(given)


# The first screen ----------------------------------------------------------------------------------------------------


def _facts_line(evaluation: Evaluation) -> Iterator[str]:
    names = {"real": "real rows", "synthetic": "synthetic rows", "holdout": "rows kept unseen"}
    for key, name in names.items():
        if key in evaluation.rows:
            yield f"{evaluation.rows[key]:,} {name}"
    yield f"{len(evaluation.columns):,} columns"
    if family := evaluation.provenance.get("family"):
        yield f"{clip(family, 40)} model"


def _headline(measures: Sequence[Measure]) -> tuple[Score, ...]:
    """Up to six figures: the ones that say most, in the order of reading; those that could be had."""
    had = {measure.key: measure for measure in measures if known(measure.value)}
    chosen = [had[key] for key in HEADLINE if key in had]
    chosen += [measure for measure in had.values() if measure not in chosen]
    order = {group: i for i, group in enumerate(GROUPS)}
    return tuple(_score(measure) for measure in sorted(chosen[:6], key=lambda m: order[m.group]))


def _score(measure: Measure) -> Score:
    marks = (
        Mark("synthetic", "Synthetic", measure.value),
        Mark("ceiling", CONTROLS["ceiling"][0], measure.ceiling),
        Mark("floor", CONTROLS["floor"][0], measure.floor),
        Mark("copied", CONTROLS["copied"][0], measure.copied),
    )
    return Score(
        name=clip(measure.name),
        marks=marks,
        better=measure.better,
        n=measure.n,
        protocol=clip(measure.protocol, 400),
        note=clip(measure.note, 400),
        group=GROUPS[measure.group],
    )


# The sections --------------------------------------------------------------------------------------------------------


def _sections(evaluation: Evaluation) -> Iterator[Section]:
    yield _measures(evaluation.measures)
    if evaluation.columns:
        yield _columns(evaluation.columns)
    if evaluation.pairs is not None and len(evaluation.pairs.columns) > 1:
        yield _pairs(evaluation.pairs)
    yield Section("provenance", "Provenance", "What made these rows.", (Facts(tuple(_provenance(evaluation))),))
    yield _explanations(evaluation.measures)


def _measures(measures: Sequence[Measure]) -> Section:
    tables = tuple(
        Scores(name, tuple(_score(m) for m in measures if m.group == group))
        for group, name in GROUPS.items()
        if any(m.group == group for m in measures)
    )
    lead = (
        "Each figure stands beside the same figure for three controls: other real rows (as good as it gets), columns "
        "drawn independently (what remains when all relations are lost) and a plain copy of the training rows."
    )
    return Section("measures", "Measures", lead, tables)


def _columns(columns: Sequence[ColumnView]) -> Section:
    ranked = sorted(columns, key=_alike)
    drawn, listed = ranked[:MOST_DRAWN], ranked[MOST_DRAWN : MOST_DRAWN + MOST_LISTED]
    lead = (
        "Real in grey, synthetic in blue, the least alike first. The figure is how alike the two are: 1 is the same. "
        "The end bins of a number hold what lies beyond them."
    )
    blocks: list[Block] = [Figures(tuple(_figure(column) for column in drawn))]
    if len(ranked) > len(drawn):
        lead += f" Drawn are the {len(drawn)} least alike of {len(ranked):,}; the others are in the list below them."
        rest = len(ranked) - len(drawn) - len(listed)
        title = f"The other {len(listed):,} columns"
        title += f" ({rest:,} more alike still are left out)" if rest else ""
        head = ("Column", "Kind", "Alike", "Missing, real", "Missing, synthetic")
        blocks.append(Table(title, head, tuple(_line(column) for column in listed), numbers=3, folded=True))
    return Section("columns", "Columns", lead, tuple(blocks))


def _alike(column: ColumnView) -> float:
    """What the columns are ranked by: the shape or the missing share, whichever is further off."""
    shape = column.similarity if known(column.similarity) and column.similarity is not None else 1.0
    return min(shape, 1 - abs(column.missing_real - column.missing_synthetic))


def _line(column: ColumnView) -> tuple[str, ...]:
    shares = (percent(column.missing_real), percent(column.missing_synthetic))
    return (
        clip(column.name),
        clip(kind_words(column.kind, column.missing_real == 1), 20),
        figure(column.similarity),
        *shares,
    )


def _figure(column: ColumnView) -> Figure:
    missing = Markup()
    if column.missing_real or column.missing_synthetic:
        real, synthetic = percent(column.missing_real), percent(column.missing_synthetic)
        missing = Markup("Missing ") + legend((("real", real), ("synthetic", synthetic)))
    return Figure(
        title=clip(column.name, 60),
        subtitle=clip(kind_words(column.kind, column.missing_real == 1), 20),
        aside=figure(column.similarity),
        chart=_chart(column),
        below=missing,
    )


def _chart(column: ColumnView) -> Markup:
    name = clip(column.name, 60)
    real, synthetic = ([s if known(s) else 0.0 for s in x] for x in (column.real, column.synthetic))
    if not column.numeric or len(column.labels) != len(real) + 1 or not real:
        label = f"{name}: shares of {len(column.labels)} categories in the real and the synthetic rows"
        return charts.category_bars(column.labels[: len(real)], real, synthetic, label=label)
    edges = positions(column.labels)
    label = (
        f"{name}: distribution of the real and the synthetic rows from {_edge(column.labels[0])} "
        f"to {_edge(column.labels[-1])}"
    )
    return charts.histogram_overlay(edges, real, synthetic, ticks=_ticks(edges, column.labels), label=label)


def _ticks(edges: Sequence[float], labels: Sequence[str]) -> list[tuple[float, str]]:
    """The ends of the axis and about its middle; whole numbers where each bin holds one of them."""
    shown = [(edge, _edge(label)) for edge, label in zip(edges, labels, strict=True)]
    if all(b - a == 1 and a % 1 == 0.5 for a, b in pairwise(edges)):
        shown = [(edge + 0.5, tick(edge + 0.5)) for edge in edges[:-1]]
    middle = (shown[0][0] + shown[-1][0]) / 2
    return sorted({shown[0], min(shown, key=lambda mark: abs(mark[0] - middle)), shown[-1]})


def positions(labels: Sequence[str]) -> list[float]:
    """Where bin edges lie on their axis: as numbers or dates if all are and they rise, else evenly spaced."""
    for read in (_as_number, _as_date):
        try:
            edges = [read(label) for label in labels]
        except ValueError:
            continue
        span = edges[-1] - edges[0]
        if math.isfinite(span) and all(b - a > span * 1e-9 for a, b in pairwise(edges)):
            return edges
    return [float(i) for i in range(len(labels))]


def _as_number(label: str) -> float:
    return float(label.replace(",", ""))


def _as_date(label: str) -> float:
    return (datetime.fromisoformat(label).replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()


def _edge(label: str) -> str:
    """A bin's edge in few characters: a short number, a date without its midnight, a time without its seconds."""
    try:
        return tick(_as_number(label))
    except ValueError:
        return clip(label.removesuffix(":00").removesuffix("T00:00").replace("T", " "), 16)


# Pairs ---------------------------------------------------------------------------------------------------------------


def _pairs(pairs: PairView) -> Section:
    kept = _most_changed(pairs)
    names = [pairs.columns[i] for i in kept]
    real, synthetic = (_part(matrix, kept) for matrix in (pairs.real, pairs.synthetic))
    change = [[s - r for r, s in zip(x, y, strict=True)] for x, y in zip(real, synthetic, strict=True)]
    most, moved = _limit(real, synthetic), _limit(change)
    maps = (
        Figure(
            "Real rows",
            charts.heat_map(names, real, tone="real", limit=most, label="Dependence of each pair, real rows"),
            below=_ramp(("0", f"{most:.1f}"), {"real": "dependence"}),
        ),
        Figure(
            "Synthetic rows",
            charts.heat_map(names, synthetic, tone="synthetic", limit=most, label="Dependence, synthetic rows"),
            below=_ramp(("0", f"{most:.1f}"), {"synthetic": "dependence"}),
        ),
        Figure(
            "Difference",
            charts.heat_map(names, change, tone="change", limit=moved, label="Synthetic minus real dependence"),
            below=_ramp(
                (f"weaker by {moved:.1f}", f"stronger by {moved:.1f}"), {"real": "weaker", "synthetic": "stronger"}
            ),
        ),
    )
    lead = (
        "How strongly each pair of columns depends on each other, from 0 to 1: the fuller the color, the stronger. "
        "The columns stand in the same order from left to right as from top to bottom."
    )
    if len(kept) < len(pairs.columns):
        lead += f" Drawn are the {len(kept)} of {len(pairs.columns):,} columns whose dependences changed most."
    return Section("pairs", "Pairs", lead, (Figures(maps), _changed_pairs(pairs)))


def _ramp(ends: tuple[str, str], tones: dict[str, str]) -> Markup:
    return Markup("{0}{1}{2}").format(ends[0], charts.ramp(tones), ends[1])


def _limit(*matrices: Sequence[Sequence[float]]) -> float:
    """The end of a color scale: the largest figure off the diagonal, rounded up to a tenth."""
    figures = (abs(x) for m in matrices for i, row in enumerate(m) for j, x in enumerate(row) if i != j and known(x))
    return max(1, math.ceil(10 * max(figures, default=0.0) - 1e-9)) / 10


def _part(matrix: Sequence[Sequence[float]], kept: Sequence[int]) -> list[list[float]]:
    return [[matrix[i][j] for j in kept] for i in kept]


def _change(pairs: PairView, i: int, j: int) -> float:
    change = abs(pairs.synthetic[i][j] - pairs.real[i][j])
    return change if math.isfinite(change) else 0.0


def _most_changed(pairs: PairView) -> list[int]:
    """The columns to draw, in the order of the table: those with the largest summed change."""
    everyone = range(len(pairs.columns))
    if len(everyone) <= MOST_MAPPED:
        return list(everyone)
    total = {i: sum(_change(pairs, i, j) for j in everyone if j != i) for i in everyone}
    return sorted(sorted(everyone, key=lambda i: -total[i])[:MOST_MAPPED])


def _changed_pairs(pairs: PairView) -> Table:
    everyone = range(len(pairs.columns))
    ranked = sorted(((i, j) for i in everyone for j in everyone if i < j), key=lambda ij: -_change(pairs, *ij))
    rows = tuple(
        (
            f"{clip(pairs.columns[i], 40)} × {clip(pairs.columns[j], 40)}",
            figure(pairs.real[i][j]),
            figure(pairs.synthetic[i][j]),
            figure(pairs.similarity[i][j]),
        )
        for i, j in ranked[:MOST_PAIRS]
    )
    return Table("Pairs that changed most", ("Pair", "Real", "Synthetic", "Alike"), rows, numbers=3)


# Provenance and words ------------------------------------------------------------------------------------------------


def _provenance(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    rows = {
        f"{key}_rows": n for key, n in evaluation.rows.items() if key != "real" or "rows" not in evaluation.provenance
    }
    given = {**evaluation.provenance, **rows}
    known_keys = [key for key in PROVENANCE if key in given]
    for key in [*known_keys, *(key for key in given if key not in PROVENANCE)][:40]:
        yield PROVENANCE.get(key, plain(key)), value(key, given[key])


def _explanations(measures: Sequence[Measure]) -> Section:
    controls = Terms("The controls", tuple(CONTROLS.values()))
    meanings = tuple((clip(m.name), MEANINGS[m.key]) for m in measures if m.key in MEANINGS)
    blocks = (Terms("The measures", meanings), controls) if meanings else (controls,)
    return Section("reading", "How to read this", "", blocks)
