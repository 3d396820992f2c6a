"""What a figure of a molecule would be, guessed from those of others: a Gaussian process.

Its kernel is Tanimoto's coefficient of count fingerprints (Ralaivola et al. 2005; in searches: Tripp, Simm and
Hernández-Lobato 2021, "A fresh look at de novo molecular design benchmarks"). Far from all it knows it guesses
the mean and says how unsure it is, so that a search gains nothing by going where nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

Floats = NDArray[np.float64]
Bits = NDArray[np.uint8]
BITS = 2_048
NOISES = (1e-4, 1e-3, 1e-2, 1e-1, 0.5)  # shares of the variance that the molecule does not explain
_BLOCK = 2_048


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS, countSimulation=True)


def bits_of(mols: Sequence[Chem.Mol]) -> Bits:
    """Which circular environments each molecule has, and whether more than one, two or four times, (N, 2048) of 0, 1.

    Counts as bits keep the kernel a product of matrices.
    """
    found = np.zeros((len(mols), BITS), np.uint8)
    for row, mol in enumerate(mols):
        found[row] = _generator().GetFingerprintAsNumPy(mol)
    return found


def kernel(a: Bits, b: Bits) -> NDArray[np.float32]:
    """Tanimoto's coefficient of every pair, (N, M), from 0 and 1 (N, bits)."""
    left, right = a.astype(np.float32), b.astype(np.float32)
    both = left @ right.T
    either = left.sum(1)[:, None] + right.sum(1)[None] - both
    alike: NDArray[np.float32] = both / np.maximum(either, 1)
    return alike


@dataclass(frozen=True)
class Process:
    """A Gaussian process that was fitted to values (N,) of rows (N, bits).

    weights: those of its mean (N,). factor: the lower triangle whose product is the covariance, as a share of the
    variance. mean, deviation: of the values as it knows them. noise: as a share of the variance.
    """

    rows: Bits
    weights: Floats
    factor: Floats
    mean: float
    deviation: float
    noise: float

    @classmethod
    def fit(cls, rows: Bits, values: Floats, noises: Sequence[float] = NOISES) -> Process:
        """Fitted to finite values; of the noises the one that makes the values likeliest is taken."""
        covariance = kernel(rows, rows).astype(np.float64)
        fits = (cls._with(noise, rows, covariance, values) for noise in noises)
        return max(fits, key=lambda pair: pair[0])[1]

    @classmethod
    def _with(cls, noise: float, rows: Bits, covariance: Floats, values: Floats) -> tuple[float, Process]:
        """The log-likelihood with a noise, but for a constant, and the process.

        The variance is the one that makes the values likeliest, in closed form.
        """
        from scipy.linalg import cho_solve, cholesky

        mean = float(values.mean())
        factor = cholesky(covariance + noise * np.eye(len(rows)), lower=True, overwrite_a=True, check_finite=False)
        weights = cho_solve((factor, True), values - mean, check_finite=False)
        variance = max(float((values - mean) @ weights) / len(rows), 1e-18)
        likelihood = -0.5 * len(rows) * np.log(variance) - np.log(np.diag(factor)).sum()
        return float(likelihood), cls(rows, weights, factor, mean, float(np.sqrt(variance)), noise)

    def guess(self, rows: Bits) -> tuple[Floats, Floats]:
        """The mean and the standard deviation of the value of each row, (N,) both."""
        parts = [self._guess(rows[k : k + _BLOCK]) for k in range(0, len(rows), _BLOCK)]
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True)) if parts else (np.zeros(0),) * 2  # type: ignore[return-value]

    def _guess(self, rows: Bits) -> tuple[Floats, Floats]:
        from scipy.linalg import solve_triangular

        across = kernel(rows, self.rows).astype(np.float64)
        explained = solve_triangular(self.factor, across.T, lower=True, check_finite=False)
        left = np.sqrt(np.maximum(1 - (explained**2).sum(0), 0))
        return self.mean + across @ self.weights, self.deviation * left

    def without(self, groups: NDArray[np.int64]) -> Floats:
        """What it would have guessed of each row, (N,), had it not known the rows of that one's group.

        In closed form: the residuals of a group are its block of the inverse covariance, inverted, times its weights
        (Rasmussen and Williams 2006, section 5.4.2, for blocks).
        """
        from scipy.linalg import cho_solve

        inverse = cho_solve((self.factor, True), np.eye(len(self.rows)), check_finite=False)
        residuals = np.zeros(len(self.rows))
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            residuals[rows] = np.linalg.solve(inverse[np.ix_(rows, rows)], self.weights[rows])
        values = self.mean + self.factor @ (self.factor.T @ self.weights)
        return values - residuals
