"""The page of `evaluate`: every measure beside its controls, how properties are spread, and some of the molecules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rdkit import Chem

from genapps.report import charts
from genapps.report.charts import Mark
from genapps.report.page import Block, Figures, Level, Score, Scores, Section, legend
from genapps.report.page import Figure as Chart
from genapps.report.text import clip, figure, percent, tick
from genapps_molecule.evaluating.judging import PUBLISHED_N, Figure, Judged
from genapps_molecule.evaluating.looking import Look, Spread
from genapps_molecule.evaluating.measures import NAMES
from genapps_molecule.report.page import grid
from genapps_molecule.report.sheet import Sheet, short
from genapps_molecule.report.told import Told
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.properties import PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADLINE = ("valid", "unique@1000", "FCD", "SNN", "IntDiv", "Novelty")
_ALONE = ("valid", "unique@1000", "unique@10000", "Novelty", "IntDiv", "IntDiv2", "Scaffolds", "Filters")
_GROUPS = {
    "The list by itself": _ALONE,
    "Beside the reference": ("FCD", "SNN", "Frag", "Scaf"),
    "Properties": tuple(NAMES.values()),
}
# How far the FCD may lie above that of as many real molecules. Of the models that MOSES publishes with 30,000 molecules
# the neural ones have 0.07 to 0.56, those that combine fragments 4.2, n-grams 5.5, a hidden Markov model 24.
_NEAR, _FAR = 1.0, 4.0
_ALERTS = ("mcf", "pains")


def show_judged(path: str | Path, judged: Judged, source: str | Path) -> None:
    """Write the page of a list that was judged, and its figures beside it as JSON."""
    sheet = Sheet()
    if judged.look is not None:
        sheet.add(*_molecules(judged.look))
    spreads = () if judged.look is None else judged.look.spreads
    figures = {**judged.to_json(), "distributions": {one.name: vars(one) for one in spreads}}
    grid(path, sheet, told_of(judged, source, len(sheet)), sections=tuple(_sections(judged)), figures=figures)


def told_of(judged: Judged, source: str | Path, shown: int) -> Told:
    """The words of the page."""
    level, word = _level(judged)
    name = clip(Path(source).name, 60)
    return Told(
        title=f"{judged.molecules:,} molecules of {name}",
        subject="Molecules judged",
        level=level,
        word=word,
        verdict=" ".join(_verdict(judged)),
        facts=(f"{judged.rows:,} rows", f"beside {clip(judged.reference, 60)}"),
        headline=tuple(_score(one, one.published is not None) for one in _chosen(judged)),
        reasons=judged.dropped,
        reasons_title="Why rows are no molecules",
        notes=judged.notes,
        shown=f"All {shown:,}" if shown == judged.molecules else f"{shown:,} of the {judged.molecules:,}",
    )


def _excess(judged: Judged) -> float | None:
    """By how much the first FCD lies above that of as many real molecules; None where either is not known."""
    found = next((one for one in judged.figures if _kind(one) == "FCD"), None)
    return None if found is None or found.floor is None else found.value - found.floor


def _level(judged: Judged) -> tuple[Level, str]:
    if judged["valid"] < 0.5:
        return "poor", "Most rows are no molecules"
    if judged["unique@10000"] < 0.5:
        return "poor", "Most molecules are repeated"
    excess = _excess(judged)
    if excess is None:
        return "usable", "Measured without FCD"
    if excess > _FAR:
        return "poor", "Far from the reference"
    return ("good", "Near the reference") if excess <= _NEAR else ("usable", "Not near the reference")


def _verdict(judged: Judged) -> Iterator[str]:
    yield f"{percent(judged['valid'])} of {judged.rows:,} rows are molecules."
    found = next((one for one in judged.figures if _kind(one) == "FCD"), None)
    if found is not None:
        real = f", where as many real molecules reach {figure(found.floor)}" if found.floor is not None else ""
        yield f"Their Fréchet ChemNet distance is {figure(found.value)}{real}."
    novelty = next((one for one in judged.figures if one.key == "Novelty"), None)
    if novelty is not None:
        yield f"{percent(novelty.value)} of the distinct ones are not in the training set."


def _kind(one: Figure) -> str:
    return one.key.split("/")[0]


def _chosen(judged: Judged) -> Iterator[Figure]:
    for kind in _HEADLINE:
        yield from [one for one in judged.figures if _kind(one) == kind][:1]


def _score(one: Figure, published: bool) -> Score:
    """A figure with its controls; a place for the published one where there are `published` ones of other figures."""
    marks = [Mark("synthetic", "This list", one.value), Mark("ceiling", "Real molecules", one.floor)]
    if published:
        marks.append(Mark("floor", f"CharRNN, n {PUBLISHED_N:,}", one.published))
    return Score(clip(one.key), tuple(marks), one.better, one.n, one.words)


def _sections(judged: Judged) -> Iterator[Section]:
    published = any(one.published is not None for one in judged.figures)
    tables: Sequence[Block] = [
        Scores(title, tuple(_score(one, published) for one in judged.figures if _kind(one) in kinds))
        for title, kinds in _GROUPS.items()
        if any(_kind(one) in kinds for one in judged.figures)
    ]
    lead = (
        "Beside each figure stands what as many real molecules reach: where the list reaches it too, no more can be "
        "told. Figures of different numbers of molecules do not compare; their distances to those of real ones do, "
        "nearly."
    )
    yield Section("measures", "Measures", lead, tuple(tables))
    if judged.look is not None and judged.look.spreads:
        words = f"This list in color, {clip(judged.reference, 60)} in grey. The figure is how far they are apart."
        charts_of = tuple(_chart(one, judged) for one in judged.look.spreads)
        yield Section("spreads", "Distributions", words, (Figures(charts_of),))


def _chart(spread: Spread, judged: Judged) -> Chart:
    name, edges = short(spread.name), spread.edges
    ends = (edges[0], edges[len(edges) // 2], edges[-1])
    return Chart(
        title=name,
        subtitle=PROPERTIES[spread.name].words,
        aside=figure(judged[NAMES[spread.name]]),
        chart=charts.histogram_overlay(
            edges,
            spread.reference,
            spread.own,
            ticks=[(edge, tick(float(f"{edge:.3g}"))) for edge in ends],
            label=f"{name}: distribution in the list and in the reference, from {tick(edges[0])} to {tick(edges[-1])}",
        ),
        below=legend((("synthetic", "this list"), ("real", clip(judged.reference, 40)))),
    )


def _molecules(look: Look) -> tuple[dict[str, list[object]], list[Chem.Mol]]:
    """The columns of the molecules with their alerts, and the molecules."""
    mols = [Chem.MolFromSmiles(text) for text in look.columns["smiles"]]
    alerts = Alerts.named(_ALERTS)
    return {**look.columns, "alerts": ["; ".join(alerts.hits(mol)) for mol in mols]}, mols
