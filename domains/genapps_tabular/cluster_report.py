"""The report on a clustering: where the clusters lie, why so many, what sets each apart, whether they hold.

Only aggregated figures reach the page: smoothed densities, shares, means; never a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from markupsafe import Markup

from genapps.report import charts, scatter
from genapps.report.files import write_files
from genapps.report.page import Block, Facts, Figure, Figures, Page, Scores, Section, Table, Terms, render
from genapps.report.text import clip, figure, percent, value
from genapps_tabular.clustering import sample_of
from genapps_tabular.clusters import Cluster, Clustering
from genapps_tabular.features import Axes
from genapps_tabular.meanings import PROVENANCE
from genapps_tabular.plane import discriminant
from genapps_tabular.profiles import Line
from genapps_tabular.report import finite

DRAWN = 20_000  # rows that the picture is computed from
MOST_LINES = 30  # of the profile
A_COLUMN = 3  # lines of it that one column may have
LIMIT = 1.5  # standard deviations at the full color
OWN = "These clusters"
SUBJECT = "Cluster report"


def write_clusters(made: Clustering, target: Path, *, title: str, seed: int) -> None:
    """Write the page and, beside it with the suffix .json, its figures: both whole or not at all."""
    figures = json.dumps(finite({"title": title, **made.to_json()}), ensure_ascii=False, indent=1, default=str)
    write_files(target, render(cluster_page(made, title, seed)), figures)


def cluster_page(made: Clustering, title: str, seed: int) -> Page:
    """The page of a clustering."""
    count = len(made.clusters)
    clusters = "1 cluster" if count == 1 else f"{count} clusters"
    columns = len(made.model.features.features)
    return Page(
        title=title,
        subject=SUBJECT,
        level=made.verdict.level,
        word=made.verdict.word,
        verdict=made.verdict.text,
        facts=(f"{made.written:,} rows", f"{columns:,} columns used", clusters, f"{made.search.covariance} covariance"),
        headline=tuple(m.score(OWN) for m in made.measures if m.value is not None),
        sections=tuple(_sections(made, seed)),
        footer="Aggregated figures only: no row of the table is on this page. It loads nothing from elsewhere.",
    )


def _sections(made: Clustering, seed: int) -> Iterator[Section]:
    yield _map(made, seed)
    if len(made.clusters) > 1:
        yield _profile(made)
    yield _number(made)
    if made.measures:
        scores = Scores("The figures and their controls", tuple(m.score(OWN) for m in made.measures))
        lead = (
            "Each figure stands beside the same figure of a table whose columns were shuffled, each on its own: there "
            "the rows have no groups, and what is left is chance and the shapes of single columns."
        )
        yield Section("measures", "Measures", lead, (scores,))
    yield _columns(made)
    facts = tuple((PROVENANCE.get(k, clip(k)), value(k, given)) for k, given in made.model.provenance.items())
    yield Section("provenance", "Provenance", "What made these clusters.", (Facts(facts),))


def _map(made: Clustering, seed: int) -> Section:
    features = made.model.features
    both = sample_of(np.column_stack([made.values, made.labels]), DRAWN, seed, 3)
    values, labels = both[:, :-1], both[:, -1].astype(np.int64)
    codes = features.encode(values)
    points = Axes.fit(features.space, codes)(codes)
    placed = points @ discriminant(points, labels)
    names = [str(cluster.number) for cluster in made.clusters]
    label = f"Where {len(names)} clusters lie on the plane that separates them best"
    picture = scatter.density_map(placed, labels - 1, names, label=label, named=True)
    words = [f"{c.number}: {percent(c.share)}" for c in made.clusters]
    lead = (
        "The plane on which the clusters lie farthest apart (discriminant coordinates). The areas of each color hold "
        "30, 60 and 90 % of a cluster's rows, smoothed; the number stands in its middle. Clusters that overlap here "
        "may still be apart in other columns."
    )
    shown = Figure("Clusters on a plane", picture, below=scatter.names_of(words), wide=True)
    return Section("map", "Picture", lead, (Figures((shown,)),))


def _profile(made: Clustering) -> Section:
    chosen = _chosen(made.lines)
    heads = [str(cluster.number) for cluster in made.clusters]
    hidden = [c.size < 5 for c in made.clusters]
    rows = [[0.0 if gone else float(x) for x, gone in zip(line.strength, hidden, strict=True)] for line in chosen]
    names = [line.name for line in chosen]
    heat = scatter.heat_table(names, heads, rows, label="How far each cluster lies from the others", limit=LIMIT)
    ends = Markup("{0}{1}{2}").format(
        f"less by {LIMIT}", charts.ramp({"real": "less", "synthetic": "more"}), f"more by {LIMIT} standard deviations"
    )
    blocks: tuple[Block, ...] = (
        Figures((Figure("Columns by cluster", heat, below=ends, wide=True),)),
        Terms("In words", tuple((_name(c), _words(c)) for c in made.clusters)),
    )
    lead = (
        "How far each cluster lies from all other rows, in standard deviations of the column (of a category: of having "
        "it). Blue is more, grey is less."
    )
    return Section("profile", "What sets them apart", lead, blocks)


def _chosen(lines: list[Line]) -> list[Line]:
    """The lines in which clusters differ most, in the order of the table."""
    ranked = sorted(lines, key=lambda line: -float(np.abs(line.strength).max()))
    taken: list[Line] = []
    for line in ranked:
        if len(taken) < MOST_LINES and sum(line.feature is other.feature for other in taken) < A_COLUMN:
            taken.append(line)
    return [line for line in lines if any(line is other for other in taken)]


def _name(cluster: Cluster) -> str:
    return f"Cluster {cluster.number}: {percent(cluster.share)} ({cluster.size:,} rows)"


def _words(cluster: Cluster) -> str:
    if cluster.size < 5:
        return "Fewer than five rows: not described."
    return clip("; ".join(trait.words for trait in cluster.traits) or "Like the others in every single column.", 600)


def _number(made: Clustering) -> Section:
    curve = made.search.curve
    head = ("Clusters", *(f"BIC, {name} covariance" for name in made.search.bic))
    lines = {name: dict(line) for name, line in made.search.bic.items()}
    rows = tuple((str(k), *(figure(line[k]) if k in line else "–" for line in lines.values())) for k, _ in curve)
    sizes = tuple((str(c.number), f"{c.size:,}", percent(c.share)) for c in made.clusters)
    blocks: list[Block] = [Table("Sizes", ("Cluster", "Rows", "Share"), sizes, numbers=2)]
    if len(curve) > 1:
        drawn = charts.curve(curve, made.search.clusters, label="Criterion by number of clusters, lower is better")
        best = Figure(
            "Criterion by number of clusters", drawn, aside=str(made.search.clusters), subtitle="lower is better"
        )
        blocks = [Figures((best,)), *blocks, Table("The criterion", head, rows, numbers=len(lines), folded=True)]
    lead = (
        f"Chosen on {made.search.rows:,} rows by the Bayesian information criterion: "
        "minus twice the log-likelihood, plus a price for each parameter. The lowest wins."
    )
    if len(curve) == 1:
        lead = "This many clusters were asked for."
    return Section("number", "How many", lead, tuple(blocks))


def _columns(made: Clustering) -> Section:
    features = made.model.features
    used = [(clip(feature.name), clip(feature.facet.column.kind, 20), feature.words) for feature in features.features]
    left = [(clip(name), "", f"left out: {why}") for name, why in features.left_out]
    table = Table("Columns and how they were taken", ("Column", "Kind", "Taken as"), (*used, *left))
    return Section(
        "columns", "Columns", "Missing values count for nothing: a row is placed by what is known of it.", (table,)
    )
