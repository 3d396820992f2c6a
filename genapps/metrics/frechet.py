"""The Fréchet distance of two sets of features, each taken as a Gaussian: what FID, FCD and FAD are made of.

Its value depends on how many rows were measured: even n perfect rows are as far from the truth as their own mean and
covariance are off (Chong & Forsyth, "Effectively Unbiased FID", 2020). Figures of different n do not compare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Moments:
    """Mean (D,) and covariance (D, D), float64, of n rows."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    n: int

    @classmethod
    def of(cls, features: Floats) -> Moments:
        """Those of features (N, D). Raises InputError for fewer than two rows."""
        if len(features) < 2:
            raise InputError(f"a Fréchet distance needs at least 2 rows on either side, not {len(features)}")
        rows = np.asarray(features, np.float64)
        mean = rows.mean(0)
        centered = rows - mean
        return cls(mean, centered.T @ centered / (len(rows) - 1), len(rows))


def frechet_distance(left: Moments, right: Moments) -> float:
    """|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), never below 0 (Dowson & Landau, 1982).

    The root's trace is the sum of the roots of the eigenvalues of C1^½ C2 C1^½, a symmetric matrix: no complex numbers
    come of it, however few rows there were.
    """
    values, vectors = np.linalg.eigh(left.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    between = np.linalg.eigvalsh(root @ right.covariance @ root)
    apart = ((left.mean - right.mean) ** 2).sum()
    spread = np.trace(left.covariance) + np.trace(right.covariance) - 2 * np.sqrt(np.maximum(between, 0)).sum()
    return max(float(apart + spread), 0.0)
