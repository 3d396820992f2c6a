"""The page of `score` and `filter`: how many rows there were, why some are not here, and the molecules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from genapps.report.text import clip, percent
from genapps_molecule.report.page import grid
from genapps_molecule.report.sheet import Sheet
from genapps_molecule.report.told import Told

if TYPE_CHECKING:
    from genapps_molecule.screening.judging import Order
    from genapps_molecule.screening.tasks import Screened

_OFFENDERS = 5  # rows that could not be read, which are told one by one


def show_screened(path: str | Path, sheet: Sheet, found: Screened, order: Order, source: str) -> None:
    """Write the page of the molecules in the sheet, and its figures beside it as JSON."""
    grid(path, sheet, told_of(found, order, source), figures=found.to_json())


def told_of(found: Screened, order: Order, source: str) -> Told:
    """The words of the page."""
    what = "kept of" if order.choose else "of"
    return Told(
        title=f"{found.kept:,} molecules {what} {clip(Path(source).name, 60)}",
        subject="Molecules filtered" if order.choose else "Molecules scored",
        level="usable" if found.broken else "good",
        word="Some rows could not be read" if found.broken else "Done",
        verdict=" ".join(_verdict(found, order)),
        counts=tuple(_counts(found, order)),
        reasons=found.reasons,
        notes=tuple(
            f"{found.unit} {row:,}: {clip(text, 60)}: {reason}" for row, text, reason in found.offenders[:_OFFENDERS]
        ),
    )


def _verdict(found: Screened, order: Order) -> Iterator[str]:
    yield f"{found.kept:,} of {found.read:,} rows are here ({percent(found.kept / max(found.read, 1))})."
    if found.broken:
        yield f"{found.broken:,} could not be read."
    if order.filters and not order.choose and found.kept:
        yield f"{percent(found.alerted / found.kept)} of the molecules have an alert of {', '.join(order.filters)}."


def _counts(found: Screened, order: Order) -> Iterator[tuple[str, str]]:
    yield "Rows read", f"{found.read:,}"
    yield "Not to be read", f"{found.broken:,}"
    yield "Molecules here", f"{found.kept:,}"
    if order.where:
        yield "Ranges", order.where
    if order.filters:
        yield "Without alerts of" if order.choose else "Alerts looked for", ", ".join(order.filters)
