"""Which of many drawn molecules to keep, so that those kept are distributed as real ones: rejection by density ratio.

A classifier is taught to tell drawn molecules from real ones; its odds are the ratio of their densities (M. Sugiyama,
T. Suzuki and T. Kanamori, "Density Ratio Estimation in Machine Learning", 2012, section 4). Each molecule is kept with
a chance in proportion to it (rejection sampling; A. Azadi et al., "Discriminator Rejection Sampling", 2019).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.records import Drawer
from genapps_molecule.traits.fingerprints import fingerprints
from genapps_molecule.traits.properties import table

FIGURES = (*("atoms", "logp", "tpsa", "rings", "aromatic_rings", "largest_ring"), *("rotatable", "hbd", "hba", "fsp3"))
SIZES = 40  # heavy atoms that have a feature each; larger molecules share the last
LEAST = 200  # molecules of either kind, below which nothing is learnt
_PENALTY = 0.05  # scikit-learn's C
_CUT = 0.97  # quantile at which ratios are cut: few molecules of huge ratios would be all that is kept
_ROUND = 4_096
_FEWEST = 0.001  # share kept, below which the drawer is of another world


@dataclass(frozen=True)
class Ratio:
    """The odds that a molecule is real: weights (F,) of its features and a constant, cut at `most` (natural logs)."""

    weights: NDArray[np.float64]
    constant: float
    middle: NDArray[np.float64]
    spread: NDArray[np.float64]
    most: float

    @classmethod
    def fit(cls, drawn: Sequence[Chem.Mol], real: Sequence[Chem.Mol], *, seed: int = 0) -> Ratio:
        """Learn from molecules of either kind. Raises InputError for fewer than 200 of one."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        if min(len(drawn), len(real)) < LEAST:
            raise InputError(f"{len(drawn):,} drawn and {len(real):,} real molecules; either must be {LEAST} at least")
        figures = _figures(real)
        middle, spread = figures.mean(0), np.maximum(figures.std(0), 1e-6)
        mine, theirs = _features(drawn, middle, spread), _features(real, middle, spread)
        judge = LogisticRegression(C=_PENALTY, max_iter=100, random_state=seed, class_weight="balanced")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what is near enough is reached long before
            judge.fit(np.concatenate([theirs, mine]), np.repeat([1, 0], [len(theirs), len(mine)]))
        weights, constant = judge.coef_[0].astype(np.float64), float(judge.intercept_[0])
        return cls(weights, constant, middle, spread, float(np.quantile(mine @ weights + constant, _CUT)))

    def log_odds(self, mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        """The logarithm of the ratio of each molecule (N,), cut."""
        odds: NDArray[np.float64] = _features(mols, self.middle, self.spread) @ self.weights + self.constant
        return np.minimum(odds, self.most)

    def keeps(self, mols: Sequence[Chem.Mol], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which of the molecules (N,) to keep: each with its ratio over the largest."""
        chances: NDArray[np.float64] = np.exp(self.log_odds(mols) - self.most)
        return rng.random(len(mols)) < chances

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON that `restore` takes."""
        arrays = {"weights": self.weights, "middle": self.middle, "spread": self.spread}
        return arrays, {"constant": self.constant, "most": self.most}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Ratio:
        """What `state` described."""
        parts = (np.asarray(arrays[name], np.float64) for name in ("weights", "middle", "spread"))
        weights, middle, spread = parts
        return cls(weights, float(facts["constant"]), middle, spread, float(facts["most"]))


@dataclass(frozen=True)
class Selected:
    """A `Drawer` that keeps of another's molecules those that look real."""

    drawer: Drawer
    ratio: Ratio

    @classmethod
    def fit(cls, drawer: Drawer, real: Sequence[str], generator: torch.Generator, *, most: int = 8_000) -> Selected:
        """Learn from up to `most` real SMILES and as many that are drawn. Raises InputError for fewer than 200."""
        rng = _numpy(generator)
        chosen = [real[i] for i in rng.permutation(len(real))[:most]]
        theirs = [mol for _, mol in _read(chosen)]
        mine: list[Chem.Mol] = []
        for mol in _distinct(drawer, generator):
            mine.append(mol)
            if len(mine) >= len(theirs):
                break
        return cls(drawer, Ratio.fit(mine, theirs, seed=int(rng.integers(2**31))))

    def draw(
        self, n: int, generator: torch.Generator, *, prompts: Sequence[str] | None = None, temperature: float = 1.0
    ) -> list[str]:
        """n canonical SMILES, all valid. Raises UsageError for prompts: a text of each could not be promised."""
        if prompts is not None:
            raise UsageError("molecules that are selected cannot be prompted: leave the selection out")
        rng = _numpy(generator)
        kept: list[str] = []
        looked = 0
        while len(kept) < n:
            pairs = list(_read(self.drawer.draw(_ROUND, generator, temperature=temperature)))
            looked += _ROUND
            wanted = self.ratio.keeps([mol for _, mol in pairs], rng)
            kept += [text for (text, _), want in zip(pairs, wanted, strict=True) if want]
            if looked >= 10 * _ROUND and len(kept) < _FEWEST * looked:
                raise InputError(f"of {looked:,} molecules that were drawn {len(kept):,} look real: fit a better model")
        return kept[:n]


def _distinct(drawer: Drawer, generator: torch.Generator) -> Iterator[Chem.Mol]:
    """Distinct molecules of a drawer, until many draws bring no new one."""
    seen: set[str] = set()
    silent = 0
    while silent < 10:
        before = len(seen)
        for text, mol in _read(drawer.draw(_ROUND, generator)):
            if text not in seen:
                seen.add(text)
                yield mol
        silent = silent + 1 if len(seen) == before else 0


def _read(texts: Sequence[str]) -> Iterator[tuple[str, Chem.Mol]]:
    for text in texts:
        try:
            mol = read_smiles(text)
        except Unreadable:
            continue
        yield canonical(mol), mol


def _figures(mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
    found = table(mols, FIGURES)
    return np.nan_to_num(np.stack([found[name] for name in FIGURES], 1))


def _features(
    mols: Sequence[Chem.Mol], middle: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Bits of the fingerprint, properties in units of their spread, and which size the molecule has (N, F)."""
    figures = _figures(mols) if mols else np.zeros((0, len(FIGURES)))
    bits = np.unpackbits(fingerprints(mols), axis=1)
    sizes = np.eye(SIZES)[np.minimum(figures[:, 0].astype(int), SIZES - 1)]
    scaled = np.clip((figures - middle) / spread, -6, 6)
    return np.concatenate([bits, scaled, scaled**2 / 4, sizes], 1).astype(np.float32)


def _numpy(generator: torch.Generator) -> np.random.Generator:
    return np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
