"""Morgan fingerprints as packed bits, and how alike molecules are by them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

BITS = 1_024
RADIUS = 2
_BLOCK = 2_048  # rows of a block of similarities


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)


def fingerprints(mols: Sequence[Chem.Mol]) -> NDArray[np.uint8]:
    """Which of 1,024 circular environments each molecule has, (N, 128), eight bits a byte.

    Morgan's algorithm at radius 2, folded: D. Rogers and M. Hahn, J. Chem. Inf. Model. 2010, 50, 742.
    """
    generator = _generator()
    bits = np.zeros((len(mols), BITS), np.bool_)
    for row, mol in enumerate(mols):
        bits[row] = generator.GetFingerprintAsNumPy(mol)
    return np.packbits(bits, axis=1)


def similarities(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tanimoto's coefficient of every pair, (N, M): bits in both over bits in either, 1 for two without any."""
    left, right = _floats(a), _floats(b)
    both = left @ right.T
    either = left.sum(1)[:, None] + right.sum(1)[None, :] - both
    alike: NDArray[np.float32] = np.divide(both, either, out=np.ones_like(both), where=either > 0)
    return alike


def nearest(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each of a (N, 128) the row of b (M, 128) most like it, the first of several, and how alike, (N,) both.

    Memory is bounded by blocks. Where b is empty all rows are -1 and all similarities 0.
    """
    index = np.full(len(a), -1, np.int64)
    best = np.full(len(a), -1.0, np.float32)
    for start in range(0, len(a), _BLOCK):
        rows = slice(start, start + _BLOCK)
        for first in range(0, len(b), _BLOCK):
            found = similarities(a[rows], b[first : first + _BLOCK])
            where = found.argmax(1)
            alike = found[np.arange(len(found)), where]
            better = alike > best[rows]
            index[rows] = np.where(better, where + first, index[rows])
            best[rows] = np.where(better, alike, best[rows])
    return index, np.maximum(best, 0.0)


def _floats(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.unpackbits(packed, axis=1).astype(np.float32)
