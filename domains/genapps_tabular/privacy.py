"""Does a synthetic table give away the rows it was learnt from?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats
from genapps.metrics.neighbors import MixedDistance, nearer_share, nearest, nearness_error
from genapps_tabular.columns.base import as_text, flat
from genapps_tabular.evaluation import Measure
from genapps_tabular.fidelity import NOTHING
from genapps_tabular.measuring import UNMEASURED, Gauge, Sides
from genapps_tabular.schema import Schema

QUERIES = 3000  # rows whose nearest real row is looked for
RARE = 5  # a category seen in fewer training rows than this is rare


def privacy_measures(
    sides: Sides, schema: Schema, real: pa.Table, synthetic: pa.Table, holdout: pa.Table | None
) -> Iterator[Measure]:
    """Nearness, exact copies, rare categories and copied identifiers, each beside its controls."""
    yield share_nearer(sides)
    yield exact_copies(sides.gauge, real, synthetic, holdout)
    yield rare_leaks(sides)
    yield identifiers_copied(schema, real, synthetic, holdout)


def share_nearer(sides: Sides) -> Measure:
    """Share of synthetic rows nearer to a training row than to an unseen row; control: one half of the unseen rows."""
    train, unseen = sides.near, sides.unseen
    value = ceiling = floor = copied = None
    if unseen is not None and train.shape[1]:
        metric = MixedDistance.fit(train, sides.gauge.categorical)

        def share(queries: Floats, others: Floats) -> float | None:
            queries = queries[:QUERIES]
            return nearer_share(nearest(metric, queries, train), nearest(metric, queries, others))

        half = min(len(unseen) // 2, QUERIES)
        value, floor = share(sides.synthetic, unseen), share(sides.independent, unseen)
        copied = share(train, unseen)
        ceiling = share(unseen[:half], unseen[half:])
    return Measure(
        key="share_nearer",
        name="Nearer to training rows than to unseen rows",
        group="privacy",
        better="half",
        value=value,
        ceiling=ceiling,
        floor=floor,
        copied=copied,
        n=min(QUERIES, len(sides.synthetic)),
        protocol=_nearer_protocol(sides),
        note="" if value is not None else sides.why or NOTHING,
    )


def share_nearer_error(sides: Sides) -> float:
    """The standard error of that share; 0 without unseen rows."""
    unseen = 0 if sides.unseen is None else len(sides.unseen)
    return nearness_error(min(QUERIES, len(sides.synthetic)), len(sides.near), unseen) if unseen else 0.0


def _nearer_protocol(sides: Sides) -> str:
    unseen = 0 if sides.unseen is None else len(sides.unseen)
    text = (
        f"Nearest of {len(sides.near):,} training and {unseen:,} unseen rows to each synthetic row: numbers scaled to "
        "their range, one for each category that differs, ties shared."
    )
    if unseen and unseen != len(sides.near):
        text += " Rescaled for the unequal numbers: 0.5 is what unseen rows get, 1 a table of copies."
    return f"{text} Standard error {share_nearer_error(sides):.3f}." if unseen else text


def exact_copies(gauge: Gauge, real: pa.Table, synthetic: pa.Table, holdout: pa.Table | None) -> Measure:
    """Share of synthetic rows identical to a training row in all columns but identifiers and text; all rows count."""
    value = ceiling = copied = None
    if gauge.facets:
        train = gauge.hashes(real)
        value = _share_in(gauge.hashes(synthetic), train)
        ceiling = None if holdout is None else _share_in(gauge.hashes(holdout), train)
        copied = 1.0
    return Measure(
        key="exact_copies",
        name="Exact copies of training rows",
        group="privacy",
        better="lower",
        value=value,
        ceiling=ceiling,
        copied=copied,
        n=len(synthetic),
        protocol=f"Rows identical to one of {len(real):,} training rows in every column but identifiers and text; "
        "rows of few categories are often identical by chance, as the other real rows show.",
        note="" if value is not None else NOTHING,
    )


def rare_leaks(sides: Sides) -> Measure:
    """Share of rows that carry a category seen in fewer than five training rows."""
    rare = {
        d: np.append((facet.counts > 0) & (facet.counts < RARE), False)
        for d, facet in enumerate(sides.gauge.facets)
        if facet.counts is not None and facet.column.kind != "constant"
    }

    def share(rows: Floats | None) -> float | None:
        if rows is None or not len(rows) or not rare:
            return None
        carried = np.zeros(len(rows), bool)
        for d, is_rare in rare.items():
            codes = rows[:, d]
            carried |= is_rare[np.nan_to_num(codes).astype(np.int64)] & ~np.isnan(codes)
        return float(carried.mean())

    return Measure(
        key="rare_leaks",
        name="Rows with a category seen fewer than 5 times in training",
        group="privacy",
        better="lower",
        value=share(sides.synthetic),
        ceiling=share(sides.unseen),
        floor=share(sides.independent),
        copied=share(sides.real),
        n=len(sides.synthetic),
        protocol=f"Categories seen in 1 to {RARE - 1} training rows; a row counts once however many it carries.",
        note="" if rare else "no column of categories",
    )


def identifiers_copied(schema: Schema, real: pa.Table, synthetic: pa.Table, holdout: pa.Table | None) -> Measure:
    """Share of synthetic rows with an identifier or text that a training row has."""
    names = [column.name for column in schema.columns if column.kind in UNMEASURED]

    def share(rows: pa.Table | None) -> float | None:
        if rows is None or not len(rows) or not names:
            return None
        carried = np.zeros(len(rows), bool)
        for name in names:
            known = pc.drop_null(pc.unique(as_text(flat(real.column(name)))))
            found = pc.is_in(as_text(flat(rows.column(name))), value_set=known)
            carried |= np.asarray(found.to_numpy(zero_copy_only=False), bool)
        return float(carried.mean())

    value = share(synthetic)
    return Measure(
        key="identifiers_copied",
        name="Rows with an identifier or text of a training row",
        group="privacy",
        better="lower",
        value=value,
        ceiling=share(holdout),
        copied=share(real),
        n=len(synthetic),
        protocol="Values equal to a training row's in " + _listed(names) if names else "",
        note="" if names else "no column of identifiers or text",
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more columns." if len(names) > 3 else f"{shown}."


def _share_in(hashes: NDArray[np.uint64], known: NDArray[np.uint64]) -> float | None:
    return float(np.isin(hashes, known).mean()) if len(hashes) else None
