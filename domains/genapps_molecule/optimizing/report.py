"""The page of a search: how far it came by calls, what was asked of it, and the best molecules to look through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from genapps.report.charts import Mark
from genapps.report.lines import Curve, lines
from genapps.report.page import Figure, Figures, Score, Section
from genapps.report.text import clip, figure, percent
from genapps_molecule.optimizing.ledger import Ledger, top_means
from genapps_molecule.report import Told, grid

if TYPE_CHECKING:
    from genapps_molecule.optimizing.tasks import Optimized

_POINTS = 300


def write_report(path: str | Path, found: Optimized, ledger: Ledger) -> None:
    """Write the page and its figures beside it as JSON."""
    grid(path, found.delivered.columns, told_of(found), sections=(_trace(ledger),), figures=found.to_json())


def told_of(found: Optimized) -> Told:
    """The words of the page."""
    return Told(
        title=found.order.objective,
        subject="Molecules towards an objective",
        level="usable" if found.failed else "good",
        verdict=" ".join(_verdict(found)),
        facts=(f"{found.calls:,} calls", found.order.method, f"seed {found.order.seed}", f"{found.seconds:.0f} s"),
        headline=(
            Score("Best", (Mark("synthetic", "best", found.best),), "higher", n=found.calls),
            Score("Mean of the ten best", (Mark("synthetic", "ten best", found.top10),), "higher", n=found.calls),
            Score("Area under it", (Mark("synthetic", "area", found.area),), "higher", n=found.calls),
        ),
        counts=tuple(_asked(found)),
        reasons=found.reasons,
        reasons_title="Why molecules have no score",
        notes=(*found.notes, *(f"row {one.row}: {clip(one.text, 60)}: {one.reason}" for one in found.dropped[:5])),
    )


def _verdict(found: Optimized) -> Iterator[str]:
    there = len(found.delivered.rows)
    yield f"The best of {found.calls:,} molecules has {figure(found.best)}; {found.ended}."
    yield f"{there:,} are delivered; {percent(found.delivered.alerted / max(there, 1))} of them have alerts of PAINS,"
    yield f"BRENK or MCF. One minus the mean similarity of two is {figure(found.delivered.diversity)}."


def _asked(found: Optimized) -> Iterator[tuple[str, str]]:
    order = found.order
    yield "Objective", clip(order.objective, 200)
    yield "Start", clip(order.start or "draws of the shipped model", 100)
    yield "Ranges", order.where or "none"
    yield "Filters", ", ".join(order.filters) or "none"
    yield "Calls without a score", f"{found.failed:,}"


def _trace(ledger: Ledger) -> Section:
    every = max(1, len(ledger) // _POINTS)
    best, ten = (top_means(ledger.values, k, every) for k in (1, 10))
    trace = lines(
        [Curve("real", best), Curve("synthetic", ten)],
        label=f"best score and mean of the ten best over {len(ledger):,} calls",
        ends=("first call", f"call {len(ledger):,}"),
        high=200.0,
    )
    words = Markup('<span class="real">best</span> <span class="synthetic">mean of the ten best</span>')
    block = Figures((Figure("Best so far", trace, below=words, wide=True),))
    return Section("trace", "Score over calls", "A call is a molecule that was not asked about before.", (block,))


__all__ = ["told_of", "write_report"]
