"""The three learnt objectives of PMO, GSK3B, JNK3 and DRD2, from plain arrays: numpy alone, no model is unpickled.

Looked for in $GENAPPS_DATA/molecule/pmo_oracles, then in ../shared/data/molecule/pmo_oracles beside the repository;
never part of it. The forests are those of Li et al. 2018 (radius 2, 2,048 bits), the support vectors those of
Olivecrona et al. 2017, as Therapeutics Data Commons hands them out; the README beside the arrays says how they were
converted.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

Floats = NDArray[np.float64]
_BITS = 2_048
_MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=_BITS)
_FEATURES = rdFingerprintGenerator.GetMorganGenerator(
    radius=3, atomInvariantsGenerator=rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
)


def arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of an .npz file; none that would run code is taken."""
    with zipfile.ZipFile(path) as whole:
        found = {}
        for name in whole.namelist():
            with whole.open(name) as part:
                found[name.removesuffix(".npy")] = np.lib.format.read_array(part, allow_pickle=False)
        return found


@dataclass(frozen=True)
class Forest:
    """A random forest of probabilities: all trees go down a level at a time, together."""

    left: NDArray[np.int64]  # (nodes,) the place of each node's left child, -1 at a leaf
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Floats
    value: Floats
    roots: NDArray[np.int64]  # (trees,)

    @classmethod
    def read(cls, path: Path) -> Forest:
        """From offsets of trees and arrays over all their nodes, whose children count from the tree's first node."""
        z = arrays(path)
        offsets = z["offset"].astype(np.int64)
        base = np.repeat(offsets[:-1], np.diff(offsets))
        left, right = (np.where(z[k] >= 0, z[k] + base, -1).astype(np.int64) for k in ("left", "right"))
        feature = np.maximum(z["feature"], 0).astype(np.int64)
        return cls(left, right, feature, z["threshold"].astype(float), z["value"].astype(float), offsets[:-1])

    def __call__(self, mols: Sequence[Chem.Mol]) -> Floats:
        """The share of the trees' votes for active, (N,)."""
        bits = np.array([_MORGAN.GetFingerprintAsNumPy(mol) for mol in mols], np.float32).reshape(len(mols), _BITS)
        rows = np.arange(len(mols))[:, None]
        nodes = np.broadcast_to(self.roots, (len(mols), len(self.roots))).copy()
        while (inner := self.left[nodes] >= 0).any():
            goes = bits[rows, self.feature[nodes]] <= self.threshold[nodes]
            nodes = np.where(inner, np.where(goes, self.left[nodes], self.right[nodes]), nodes)
        means: Floats = self.value[nodes].mean(1)
        return means


@dataclass(frozen=True)
class Machine:
    """A support vector machine with a radial kernel; its probabilities as libsvm computes them."""

    vectors: NDArray[np.float64]
    dual: Floats
    intercept: float
    slope: float
    shift: float
    gamma: float

    @classmethod
    def read(cls, path: Path) -> Machine:
        """From the support vectors, their weights, and the two numbers of Platt's sigmoid."""
        z = {name: array.astype(float) for name, array in arrays(path).items()}
        one = {name: float(z[name].ravel()[0]) for name in ("intercept", "probA", "probB", "gamma")}
        return cls(z["sv"], z["dual"].ravel(), one["intercept"], one["probA"], one["probB"], one["gamma"])

    def __call__(self, mols: Sequence[Chem.Mol]) -> Floats:
        """The probability of active, (N,)."""
        counts = np.array([_feature_counts(mol) for mol in mols]).reshape(len(mols), _BITS)
        apart = (counts**2).sum(1)[:, None] + (self.vectors**2).sum(1)[None] - 2 * counts @ self.vectors.T
        decision = np.exp(-self.gamma * np.maximum(apart, 0)) @ self.dual + self.intercept
        return _coupled(1 / (1 + np.exp(self.shift - self.slope * decision)))


def _feature_counts(mol: Chem.Mol) -> Floats:
    counts = np.zeros(_BITS)
    for bit, count in _FEATURES.GetSparseCountFingerprint(mol).GetNonzeroElements().items():
        counts[bit % _BITS] += count
    return counts


def _coupled(inactive: Floats) -> Floats:
    """The probability of active from that of inactive, by libsvm's loop (Wu, Lin and Weng 2004, algorithm 2).

    With two classes the answer is known, but libsvm stops at a gradient of 0.0025, and published figures have that.
    """
    inactive = np.clip(inactive, 1e-7, 1 - 1e-7)
    result = np.empty(len(inactive))
    for i, x in enumerate(inactive):
        q = np.array([[(1 - x) ** 2, -(1 - x) * x], [-(1 - x) * x, x * x]])
        p = np.array([0.5, 0.5])
        for _ in range(100):
            gradient = q @ p
            level = p @ gradient
            if np.abs(gradient - level).max() < 0.0025:
                break
            for t in range(2):
                step = (level - gradient[t]) / q[t, t]
                p[t] += step
                level = (level + step * (step * q[t, t] + 2 * gradient[t])) / (1 + step) ** 2
                gradient = (gradient + step * q[t]) / (1 + step)
                p = p / (1 + step)
        result[i] = p[1]
    return result
