"""The page of a search: how far it came by calls, what was asked of it, and the best molecules with pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from genapps.report.charts import Mark
from genapps.report.lines import Curve, lines
from genapps.report.page import Figure, Figures, Score, Section
from genapps.report.text import figure, percent
from genapps_molecule.optimizing.ledger import Ledger, top_means
from genapps_molecule.report.page import grid
from genapps_molecule.report.sheet import Sheet
from genapps_molecule.report.told import Told

if TYPE_CHECKING:
    from genapps_molecule.optimizing.tasks import Optimized

_POINTS = 300  # of the trace


def write_report(path: str | Path, found: Optimized, ledger: Ledger) -> None:
    """Write the page, and its figures beside it as JSON."""
    sheet = Sheet()
    sheet.add(found.delivered.columns, found.delivered.mols)
    grid(path, sheet, told_of(found), sections=(trace(ledger),), figures=found.to_json())


def trace(ledger: Ledger) -> Section:
    """The best score and the mean of the ten best, over the calls."""
    every = max(1, len(ledger) // _POINTS)
    best, ten = (top_means(ledger.values, k, every) for k in (1, 10))
    ten[: 9 // every] = np.nan  # before there are ten
    chart = lines(
        [Curve("real", best), Curve("synthetic", ten)],
        label=f"best score and mean of the ten best over {len(ledger):,} calls",
        ends=("first call", f"call {len(ledger):,}"),
        high=200.0,
    )
    words = Markup('<span class="real">best</span> <span class="synthetic">mean of the ten best</span>')
    lead = "A call is a molecule that was not asked about before."
    return Section("trace", "Score over calls", lead, (Figures((Figure("So far", chart, below=words, wide=True),)),))


def told_of(found: Optimized) -> Told:
    """The words of the page."""
    share = found.delivered.alerted / max(len(found.delivered.mols), 1)
    scores = (("Best", found.best), ("Mean of the ten best", found.top10), ("Area under it", found.area))
    return Told(
        title=found.order.objective,
        subject="Molecules towards an objective",
        level="usable" if found.failed else "good",
        verdict=(
            f"The best of {found.calls:,} molecules has {figure(found.best)}; {found.ended}."
            f" {percent(share)} of those delivered have an alert of PAINS, BRENK or MCF."
        ),
        facts=(found.order.method, f"seed {found.order.seed}", f"{found.seconds:.0f} s"),
        counts=tuple(_counts(found)),
        reasons=found.reasons,
        reasons_title="Why molecules have no score",
        notes=found.notes,
        headline=tuple(
            Score(name, (Mark("synthetic", name.lower(), value),), "higher", n=found.calls) for name, value in scores
        ),
    )


def _counts(found: Optimized) -> Iterator[tuple[str, str]]:
    order = found.order
    yield "Objective", order.objective
    yield "Start", order.start or "draws of the shipped model"
    yield "Calls", f"{found.calls:,} of {order.calls:,}"
    if found.failed:
        yield "Without a score", f"{found.failed:,}"
    if order.where:
        yield "Ranges", order.where
    if order.filters:
        yield "Without alerts of", ", ".join(order.filters)
    yield "Delivered", f"{len(found.delivered.mols):,}"
    yield "One minus the mean similarity of two", figure(found.delivered.diversity)
