"""What molecules are compared with: the statistics of a reference set, MOSES' own as they ship or those of any list."""

from __future__ import annotations

import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from safetensors.numpy import load_file

from genapps.metrics.frechet import Moments
from genapps_molecule.evaluating import chemnet
from genapps_molecule.evaluating.describing import PROPERTIES, Description, Tally, describe, quantiles

SHIPPED = Path(__file__).parents[1] / "data" / "moses.safetensors"
SPLITS = {
    "test": "Test",
    "scaffolds": "TestSF",
}  # MOSES' test set, and the one of scaffolds that its training set has not
QUANTILES = 2_000


@dataclass(frozen=True)
class Reference:
    """A set of n molecules as the measures need it; `moments` are of ChemNet's features, None where they were not had.

    properties: QUANTILES quantiles of each. prints: packed fingerprints (M, 128).
    """

    name: str
    n: int
    moments: Moments | None
    fragments: Tally
    scaffolds: Tally
    properties: dict[str, NDArray[np.float64]]
    prints: NDArray[np.uint8]

    @classmethod
    def of(cls, name: str, description: Description, features: NDArray[np.float32] | None) -> Reference:
        """Of molecules that were described, and their features (N, 512) if there are any."""
        return cls(
            name,
            len(description),
            Moments.of(features) if features is not None and len(features) > 1 else None,
            description.fragments,
            description.scaffolds,
            {key: quantiles(values, QUANTILES) for key, values in description.properties.items()},
            description.prints,
        )

    @classmethod
    def from_molecules(
        cls, name: str, mols: Sequence[Chem.Mol], *, fcd: bool = True, progress: Callable[[int], None] | None = None
    ) -> Reference:
        """Of molecules; `progress` is told how many features were had."""
        smiles = [str(Chem.MolToSmiles(mol)) for mol in mols]
        features = chemnet.features(smiles, progress=progress) if fcd else None
        return cls.of(name, describe(mols, filters=False), features)

    def state(self) -> dict[str, np.ndarray]:
        """Arrays that `restore` takes: the covariance's lower half, single precision, and prints compressed."""
        arrays: dict[str, np.ndarray] = {"n": np.array([self.n])}
        if self.moments is not None:
            lower = np.tril_indices(len(self.moments.mean))
            arrays["mean"] = self.moments.mean.astype(np.float32)
            arrays["covariance"] = self.moments.covariance[lower].astype(np.float32)
        for name, tally in (("fragments", self.fragments), ("scaffolds", self.scaffolds)):
            arrays[f"{name}/keys"] = tally.keys
            arrays[f"{name}/counts"] = tally.counts.astype(np.uint32)
        for name, values in self.properties.items():
            arrays[f"properties/{name}"] = values.astype(np.float32)
        arrays["prints"] = _packed(self.prints)
        return arrays

    @classmethod
    def restore(cls, name: str, arrays: dict[str, np.ndarray]) -> Reference:
        """What `state` described."""
        n = int(arrays["n"][0])
        fragments, scaffolds = (
            Tally(arrays[f"{key}/keys"], arrays[f"{key}/counts"].astype(np.int64)) for key in ("fragments", "scaffolds")
        )
        prints = _unpacked(arrays["prints"]) if "prints" in arrays else np.zeros((0, 128), np.uint8)
        properties = {key: arrays[f"properties/{key}"].astype(np.float64) for key in PROPERTIES}
        return cls(name, n, _moments(arrays, n), fragments, scaffolds, properties, prints)


@cache
def moses(split: str = "test") -> Reference:
    """MOSES' own statistics of a split, "test" or "scaffolds" (D. Polykovskiy et al., Front. Pharmacol. 2020).

    The second comes without fingerprints: they would take as much room as all else.
    """
    arrays = {
        name.removeprefix(f"{split}/"): array
        for name, array in load_file(SHIPPED).items()
        if name.startswith(f"{split}/")
    }
    return Reference.restore(SPLITS[split], arrays)


def _moments(arrays: dict[str, np.ndarray], n: int) -> Moments | None:
    if "mean" not in arrays:
        return None
    mean = arrays["mean"].astype(np.float64)
    covariance = np.zeros((len(mean), len(mean)))
    covariance[np.tril_indices(len(mean))] = arrays["covariance"]
    return Moments(mean, covariance + np.tril(covariance, -1).T, n)


def _packed(prints: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fingerprints compressed, a bit of all molecules after the other: what is rare takes little room so."""
    columns = np.packbits(np.unpackbits(prints, axis=1).T, axis=1)
    return np.frombuffer(len(prints).to_bytes(8, "little") + lzma.compress(columns.tobytes()), np.uint8)


def _unpacked(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    raw = packed.tobytes()
    rows = int.from_bytes(raw[:8], "little")
    columns = np.frombuffer(lzma.decompress(raw[8:]), np.uint8).reshape(8 * 128, -1)
    bits = np.unpackbits(columns, axis=1, count=rows) if rows else np.zeros((8 * 128, 0), np.uint8)
    return np.packbits(bits.T, axis=1)
