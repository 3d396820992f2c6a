"""The page of a search: how far it came by calls, what was asked of it, and the best molecules with pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup
from rdkit.Chem.Draw import rdMolDraw2D

from genapps.report.charts import Mark
from genapps.report.files import write_files
from genapps.report.lines import Curve, lines
from genapps.report.page import Facts, Figure, Figures, Page, Score, Section, Table, render
from genapps.report.text import figure, percent
from genapps_molecule.optimizing.genetic import parsed
from genapps_molecule.optimizing.ledger import Ledger, top_means

if TYPE_CHECKING:
    from genapps_molecule.optimizing.tasks import Optimized

_POINTS = 300
_PICTURES = 24
_WIDTH, _HEIGHT = 250, 180


def write_report(path: str | Path, found: Optimized, ledger: Ledger) -> None:
    """Write the page and its figures beside it as JSON."""
    write_files(path, render(page_of(found, ledger)), json.dumps(_finite(found.to_json()), indent=1) + "\n")


def _finite(figures: dict[str, object]) -> dict[str, object]:
    return {key: None if isinstance(value, float) and value != value else value for key, value in figures.items()}


def page_of(found: Optimized, ledger: Ledger) -> Page:
    """The page."""
    every = max(1, len(ledger) // _POINTS)
    best, ten = (top_means(ledger.values, k, every) for k in (1, 10))
    trace = lines(
        [Curve("real", best), Curve("synthetic", ten)],
        label=f"best score and mean of the ten best over {len(ledger):,} calls",
        ends=("first call", f"call {len(ledger):,}"),
        high=200.0,
    )
    words = Markup('<span class="real">best</span> <span class="synthetic">mean of the ten best</span>')
    return Page(
        title=found.order.objective,
        subject="Molecules towards an objective",
        level="usable" if found.failed else "good",
        word="Done",
        verdict=f"The best of {found.calls:,} molecules has {figure(found.best)}; {found.ended}.",
        facts=(f"{found.calls:,} calls", found.order.method, f"seed {found.order.seed}", f"{found.seconds:.0f} s"),
        headline=(
            Score("Best", (Mark("synthetic", "best", found.best),), "higher", n=found.calls),
            Score("Mean of the ten best", (Mark("synthetic", "ten best", found.top10),), "higher", n=found.calls),
            Score("Area under it", (Mark("synthetic", "area", found.area),), "higher", n=found.calls),
        ),
        sections=(
            Section(
                "trace",
                "Score over calls",
                "A call is a molecule that was not asked about before.",
                (Figures((Figure("Best so far", trace, below=words, wide=True),)),),
            ),
            _best(found),
            _asked(found),
        ),
    )


def _best(found: Optimized) -> Section:
    columns = found.delivered.columns
    pictures = tuple(
        Figure(f"{rank}. {figure(score)}", picture(smiles), below=alerts or scaffold)
        for rank, smiles, score, alerts, scaffold in list(
            zip(*(columns[name] for name in ("rank", "smiles", "score", "alerts", "scaffold")), strict=True)
        )[:_PICTURES]
    )
    share = found.delivered.alerted / max(len(found.delivered.rows), 1)
    lead = (
        f"{len(found.delivered.rows):,} molecules are delivered; {percent(share)} of them have alerts of PAINS, BRENK"
        f" or MCF. One minus the mean similarity of two is {figure(found.delivered.diversity)}."
    )
    return Section("best", "The best", lead, (Figures(pictures),))


def _asked(found: Optimized) -> Section:
    order = found.order
    facts = (
        ("Objective", order.objective),
        ("Start", order.start or "draws of the shipped model"),
        ("Ranges", order.where or "none"),
        ("Filters", ", ".join(order.filters) or "none"),
        ("Calls without a score", f"{found.failed:,}"),
    )
    rows = tuple((reason, f"{count:,}") for reason, count in found.reasons.items())
    table = (Table("Why molecules have no score", ("Reason", "Molecules"), rows, numbers=1),) if rows else ()
    return Section("asked", "What was asked", "", (Facts(facts), *table))


def picture(smiles: str) -> Markup:
    """A molecule as SVG."""
    drawer = rdMolDraw2D.MolDraw2DSVG(_WIDTH, _HEIGHT)
    drawer.drawOptions().clearBackground = False  # type: ignore[assignment]
    drawer.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(parsed(smiles)))
    drawer.FinishDrawing()
    text = drawer.GetDrawingText()
    return Markup(text[text.index("<svg") :])


__all__ = ["page_of", "picture", "write_report"]
