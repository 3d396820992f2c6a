"""The page of `propose`: what was asked, drawn and dropped, what was promised of each molecule, and the molecules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rdkit import Chem

from genapps.report.text import percent
from genapps_molecule.report.page import grid
from genapps_molecule.report.sheet import Sheet
from genapps_molecule.report.told import Promise, Told
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.measures import figures

if TYPE_CHECKING:
    from genapps_molecule.proposing.tasks import Order, Proposed

_CHECKED = 2_000  # molecules of which it is looked up again whether the promises hold


def show_proposed(path: str | Path, found: Proposed, order: Order) -> None:
    """Write the page, and its figures beside it as JSON."""
    sheet = Sheet()
    for mols, columns in found.lots():
        sheet.add(columns, mols)
    grid(path, sheet, told_of(found, order), figures=found.to_json())


def told_of(found: Proposed, order: Order) -> Told:
    """The words of the page."""
    told, few = found.told, len(found) < order.n
    kept = promises(found.smiles, order)
    broken = any(one.held < one.of for one in kept)
    return Told(
        title=f"{len(found):,} proposed molecules",
        subject="Molecules proposed",
        level="poor" if broken else "usable" if few else "good",
        word="A promise is not kept" if broken else "Fewer than asked" if few else "Done",
        verdict=" ".join(_verdict(found, order)),
        facts=(f"seed {order.seed}", f"{found.seconds:.1f} s"),
        counts=tuple(_counts(found, order)),
        reasons=told.reasons,
        promises=kept,
        notes=found.notes,
    )


def _verdict(found: Proposed, order: Order) -> Iterator[str]:
    yield f"{len(found):,} of the {order.n:,} molecules that were asked for are here."
    if found.told.drawn:
        yield f"{percent(found.told.share)} of {found.told.drawn:,} draws were as wished."
    if found.judged:
        yield f"A guided search looked at {found.judged:,} molecules."
    alerts = found.columns.get("alerts")
    if alerts is not None and len(found):
        yield f"{percent(sum(not one for one in alerts) / len(found))} have no alert of PAINS, BRENK or MCF."
    learnt = found.columns.get("in_training")
    if learnt is not None and len(found):
        yield f"{percent(1 - float(np.mean(learnt)))} were not among those that the model learnt from."


def _counts(found: Proposed, order: Order) -> Iterator[tuple[str, str]]:
    yield "Asked for", f"{order.n:,}"
    yield "Delivered", f"{len(found):,}"
    if found.told.drawn:
        yield "Drawn", f"{found.told.drawn:,}"
        yield "Yield", percent(found.told.share)
    if found.judged:
        yield "Looked at by a search", f"{found.judged:,}"
    if order.wish is not None:
        yield "Ranges", order.wish.text
    if order.filters:
        yield "Without alerts of", ", ".join(order.filters)


def promises(smiles: Sequence[str], order: Order) -> tuple[Promise, ...]:
    """What holds of every molecule, looked up in the texts themselves, of the first 2,000 where there are more."""
    texts = list(smiles[:_CHECKED])
    if not texts:
        return ()
    mols = [Chem.MolFromSmiles(text) for text in texts]
    there = [mol for mol in mols if mol is not None]
    written = [Chem.MolToSmiles(mol) if mol is not None else None for mol in mols]
    held: list[tuple[str, int]] = [
        ("can be read", len(there)),
        ("canonical", sum(one == text for one, text in zip(written, texts, strict=True))),
        ("there once", len(set(texts))),
    ]
    shape = order.shape
    if shape.scaffold is not None:
        held.append(("contains the scaffold", sum(not shape.scaffold.reason(mol) for mol in there)))
    if shape.pieces is not None:
        held.append(("links the two pieces", sum(not shape.pieces.reason(mol) for mol in there)))
    if shape.likeness is not None:
        held.append(("as similar to a lead as asked", sum(not reason for reason in shape.likeness.accepts(there))))
    if order.wish is not None:
        met = order.wish.meets(figures(there, order.wish.names))
        held.append((f"in range: {order.wish.text}", int(met.sum())))
    if order.filters:
        alerts = Alerts.named(order.filters)
        held.append((f"no alert of {', '.join(order.filters)}", sum(not alerts.hits(mol) for mol in there)))
    if order.novel_to:
        held.append(("not in --novel-to", sum(text not in order.novel_to for text in texts)))
    return tuple(Promise(words, count, len(texts)) for words, count in held)
