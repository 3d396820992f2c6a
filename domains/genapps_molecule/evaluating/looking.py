"""What there is to look at in a list that was judged: how its properties are spread, and some of its molecules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps_molecule.evaluating.describing import PROPERTIES
from genapps_molecule.evaluating.reference import Reference

SHOWN = 400  # molecules at most
_BINS = 24
_TAIL = 0.005  # the share of values at each end that may lie in the outermost bins, however far out they are

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Shares (n,) of a list and of its reference between edges (n + 1,); the outermost bins hold what lies beyond."""

    name: str
    edges: tuple[float, ...]
    own: tuple[float, ...]
    reference: tuple[float, ...]

    @classmethod
    def of(cls, name: str, own: Values, reference: Values) -> Spread | None:
        """Of values (N,) and (M,); None where either has no number at all."""
        own, reference = own[np.isfinite(own)], reference[np.isfinite(reference)]
        if not len(own) or not len(reference):
            return None
        ends = np.quantile(np.concatenate([own, reference]), (_TAIL, 1 - _TAIL))  # of both, so that neither is cut
        low, high = float(ends[0]), float(ends[1])
        if high - low <= 1e-9 * max(abs(low), 1.0):
            low, high = low - 0.5, low + 0.5
        edges = np.linspace(low, high, _BINS + 1)
        shares = [np.histogram(np.clip(values, low, high), edges)[0] / len(values) for values in (own, reference)]
        return cls(name, tuple(edges.tolist()), tuple(shares[0].tolist()), tuple(shares[1].tolist()))


@dataclass(frozen=True)
class Look:
    """The spreads of the properties, and columns (K,) of molecules that stand evenly apart in the list."""

    spreads: tuple[Spread, ...]
    columns: dict[str, list[Any]]

    @classmethod
    def of(
        cls, smiles: Sequence[str], properties: dict[str, Values], reference: Reference, likeness: NDArray[np.float32]
    ) -> Look:
        """Of N molecules, their properties (N,) and their likeness (N,) to the nearest of the reference."""
        found = (Spread.of(name, properties[name], reference.properties[name]) for name in PROPERTIES)
        rows = np.unique(np.linspace(0, len(smiles) - 1, min(len(smiles), SHOWN)).astype(np.int64))
        columns: dict[str, list[Any]] = {"smiles": [smiles[row] for row in rows]}
        columns |= {name: np.round(properties[name][rows], 4).tolist() for name in PROPERTIES}
        if len(likeness):
            columns["reference_similarity"] = np.round(likeness[rows].astype(float), 3).tolist()
        return cls(tuple(spread for spread in found if spread is not None), columns)
