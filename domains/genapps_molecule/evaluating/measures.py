"""MOSES' measures of a list of molecules (D. Polykovskiy et al., Front. Pharmacol. 2020, 11, 565644, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genapps.metrics.frechet import Moments, frechet_distance
from genapps_molecule.evaluating.alike import internal_diversity, nearest_similarity
from genapps_molecule.evaluating.describing import PROPERTIES, Description, quantiles
from genapps_molecule.evaluating.reference import QUANTILES, Reference

Better = Literal["higher", "lower"]
UNIQUE = (1_000, 10_000)
NAMES = {"logp": "logP", "sa": "SA", "qed": "QED", "mw": "weight"}  # of properties, as MOSES calls them


@dataclass(frozen=True)
class Measure:
    """What a figure is called in words, and which way it is better."""

    words: str
    better: Better


MEASURES = {
    "valid": Measure("share of rows that are molecules", "higher"),
    "unique@1000": Measure("distinct among the first 1,000 molecules", "higher"),
    "unique@10000": Measure("distinct among the first 10,000 molecules", "higher"),
    "FCD": Measure("distance of ChemNet's features", "lower"),
    "SNN": Measure("mean likeness to the nearest of the reference, where more than real is copying", "higher"),
    "Frag": Measure("fragments as often as in the reference (cosine)", "higher"),
    "Scaf": Measure("scaffolds as often as in the reference (cosine)", "higher"),
    "IntDiv": Measure("1 less the mean likeness of all pairs", "higher"),
    "IntDiv2": Measure("the same, squares averaged", "higher"),
    "Scaffolds": Measure("distinct scaffolds a molecule", "higher"),
    "Filters": Measure("share that passes MOSES' filters", "higher"),
    "Novelty": Measure("share of distinct ones that training had not", "higher"),
    "logP": Measure("logP is off by, on average", "lower"),
    "SA": Measure("synthetic accessibility is off by", "lower"),
    "QED": Measure("QED is off by", "lower"),
    "weight": Measure("molecular weight is off by, g/mol", "lower"),
}


def unique_shares(smiles: Sequence[str]) -> dict[str, float]:
    """The share of distinct texts among the first 1,000 and 10,000; where there are fewer, among all."""
    return {f"unique@{k}": len(set(smiles[:k])) / len(smiles[:k]) if smiles else float("nan") for k in UNIQUE}


def own_measures(described: Description) -> dict[str, float]:
    """What needs no reference: diversity, distinct scaffolds and filters."""
    n = len(described)
    first, second = internal_diversity(described.prints)
    return {
        "IntDiv": first,
        "IntDiv2": second,
        "Scaffolds": len(described.scaffolds.keys) / n if n else float("nan"),
        "Filters": float(described.passes.mean()) if n else float("nan"),
    }


def beside(
    described: Description, moments: Moments | None, reference: Reference, nearest: NDArray[np.float32] | None = None
) -> dict[str, float]:
    """FCD, SNN, Frag and Scaf beside a reference; `nearest` (N,) where the likeness was had already."""
    figures: dict[str, float] = {}
    if moments is not None and reference.moments is not None:
        figures["FCD"] = frechet_distance(moments, reference.moments)
    if len(reference.prints):
        alike = nearest_similarity(described.prints, reference.prints) if nearest is None else nearest
        figures["SNN"] = float(alike.mean()) if len(alike) else float("nan")
    figures["Frag"] = described.fragments.cosine(reference.fragments)
    figures["Scaf"] = described.scaffolds.cosine(reference.scaffolds)
    return figures


def property_distances(described: Description, reference: Reference) -> dict[str, float]:
    """Wasserstein distances of the distributions of logP, SA, QED and weight, by their quantiles."""
    return {
        NAMES[name]: float(np.abs(quantiles(described.properties[name], QUANTILES) - reference.properties[name]).mean())
        for name in PROPERTIES
    }
