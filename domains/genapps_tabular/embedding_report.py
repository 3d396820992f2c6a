"""The report on features: two pictures, by features and by principal components, and what the features keep.

Only aggregated figures reach the page: smoothed densities and measures; never a row.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from genapps.metrics.distributions import Codes, Floats
from genapps.report import scatter
from genapps.report.files import write_files
from genapps.report.page import Facts, Figure, Figures, Page, Scores, Section, render
from genapps.report.text import clip, tick, value
from genapps_tabular.embedding import Embedding
from genapps_tabular.embedding_checks import OWN, Kept
from genapps_tabular.meanings import PROVENANCE
from genapps_tabular.plane import principal
from genapps_tabular.report import finite

MOST_GROUPS = 8  # colors of a picture; the rarer categories are one
SUBJECT = "Feature report"


def write_embedding(made: Embedding, target: Path, *, title: str, color: str | None) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps(finite({"title": title, **made.to_json()}), ensure_ascii=False, indent=1, default=str)
    write_files(target, render(embedding_page(made, title, color)), figures)


def embedding_page(made: Embedding, title: str, color: str | None) -> Page:
    """The page of an embedding."""
    scores = tuple(measure.score(OWN) for measure in made.measures)
    facts = tuple((PROVENANCE.get(k, clip(k)), value(k, given)) for k, given in made.model.provenance.items())
    lead = (
        "Each figure stands beside the same figure of as many principal components of the table, and of as many random "
        "directions."
    )
    sections = [_pictures(made, color)]
    if scores:
        sections.append(Section("measures", "Measures", lead, (Scores("What the features keep", scores),)))
    sections.append(Section("provenance", "Provenance", "What made these features.", (Facts(facts),)))
    return Page(
        title=title,
        subject=SUBJECT,
        level=made.verdict.level,
        word=made.verdict.word,
        verdict=made.verdict.text,
        facts=(f"{made.written:,} rows", f"{len(made.columns)} features", f"{made.model.family} model"),
        headline=tuple(score for score in scores if score.marks[0].value is not None)[:6],
        sections=tuple(sections),
        footer="Aggregated figures only: no row of the table is on this page. It loads nothing from elsewhere.",
    )


def _pictures(made: Embedding, color: str | None) -> Section:
    kept = made.kept
    name, groups, labels = colors(kept, color or best_told(made))
    there = groups >= 0
    figures = []
    for title, rows in (("By features", kept.z[0]), ("By the columns themselves", kept.points[0])):
        spread = rows.std(axis=0)
        scaled = rows / np.where(spread > 0, spread, 1) if rows is kept.z[0] else rows
        ways, shares = principal(scaled)
        label = f"{title}: rows on their two directions of most variance, colored by {name}"
        picture = scatter.density_map((scaled @ ways)[there], groups[there], labels, label=label)
        held = f"two directions hold {shares.sum():.0%} of the variance"
        figures.append(Figure(title, picture, subtitle=held, below=scatter.names_of(labels), wide=True))
    lead = (
        f"Rows on the two directions of most variance, of the features and of the columns, colored by {clip(name)}. "
        "The areas of each color hold 30, 60 and 90 % of its rows, smoothed."
    )
    return Section("picture", "Picture", lead, (Figures(tuple(figures)),))


def best_told(made: Embedding) -> str | None:
    """The column of categories that the features tell best."""
    told = [(m.value, m.key.removeprefix("auc:")) for m in made.measures if m.key.startswith("auc:") and m.value]
    return max(told)[1] if told else None


def colors(kept: Kept, wanted: str | None) -> tuple[str, Codes, list[str]]:
    """The column that rows are colored by, their groups (N,), -1 where missing, and the groups' names.

    Frequent categories, the others as one; a number in quarters. A column without a value of its own colors nothing.
    """
    names = [feature.name for feature in kept.columns]
    if wanted not in names:
        return (wanted or "nothing"), np.zeros(len(kept.z[0]), np.int64), ["all rows"]
    j = names.index(wanted)
    feature, values = kept.columns[j], kept.values[0][:, j]
    if feature.kind == "category":
        return wanted, *_frequent(values, list(feature.labels))
    known = values[~np.isnan(values)]
    cuts = np.unique(np.quantile(known, [0.25, 0.5, 0.75])) if len(known) else np.zeros(0)
    ends = [tick(float(f"{x:.3g}")) for x in cuts]
    labels = [f"up to {ends[0]}" if ends else "all", *(f"{a} to {b}" for a, b in pairwise(ends))]
    labels += [f"above {ends[-1]}"] if ends else []
    if feature.facet.role == "moment":
        labels = [f"quarter {k + 1}" for k in range(len(labels))]
    groups = np.where(np.isnan(values), -1, np.searchsorted(cuts, np.nan_to_num(values), side="left"))
    return wanted, groups.astype(np.int64), labels


def _frequent(values: Floats, labels: list[str]) -> tuple[Codes, list[str]]:
    codes = np.nan_to_num(values, nan=-1).astype(np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=len(labels))
    order = np.argsort(-counts, kind="stable")
    shown = order if len(order) <= MOST_GROUPS else order[: MOST_GROUPS - 1]
    place = np.full(len(labels), len(shown))
    place[shown] = np.arange(len(shown))
    rest = ["all others"] if len(shown) < len(order) else []
    return np.where(codes >= 0, place[codes], -1), [labels[k] for k in shown] + rest
