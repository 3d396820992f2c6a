"""What the measures need of a list of molecules: fingerprints, fragments, scaffolds, properties and filters."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import BRICS
from rdkit.Chem.Scaffolds import MurckoScaffold

from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.fingerprints import fingerprints
from genapps_molecule.traits.properties import table

PROPERTIES = ("logp", "sa", "qed", "mw")  # whose distributions are compared
_ELEMENTS = frozenset(("C", "N", "S", "O", "F", "Cl", "Br", "H"))
_LARGEST_RING = 7
_ROWS = 500


@dataclass(frozen=True)
class Tally:
    """How often each text of a list occurs: hashes of the texts in order, and their counts (K,) both."""

    keys: NDArray[np.uint32]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, counted: Counter[str]) -> Tally:
        """Of texts and counts; of some 100,000 texts a few share their hash."""
        digests = b"".join(hashlib.blake2b(text.encode(), digest_size=4).digest() for text in counted)
        keys, places = np.unique(np.frombuffer(digests, "<u4"), return_inverse=True)
        counts = np.bincount(places, np.fromiter(counted.values(), np.float64, len(counted)), len(keys))
        return cls(keys.astype(np.uint32), counts.astype(np.int64))

    @classmethod
    def joined(cls, tallies: Sequence[Tally]) -> Tally:
        """That of several lists together."""
        every = np.concatenate([tally.keys for tally in tallies])
        keys, places = np.unique(every, return_inverse=True)
        counts = np.bincount(places, np.concatenate([tally.counts for tally in tallies]), len(keys))
        return cls(keys, counts.astype(np.int64))

    def cosine(self, other: Tally) -> float:
        """The cosine of two tallies as vectors; NaN where one is empty."""
        _, mine, theirs = np.intersect1d(self.keys, other.keys, assume_unique=True, return_indices=True)
        a, b = self.counts.astype(float), other.counts.astype(float)
        norms = np.sqrt((a**2).sum() * (b**2).sum())
        return float(a[mine] @ b[theirs] / norms) if norms else float("nan")


@dataclass(frozen=True)
class Description:
    """A list of N molecules: prints (N, 128), tallies of fragments and scaffolds, properties and filters (N,)."""

    prints: NDArray[np.uint8]
    fragments: Tally
    scaffolds: Tally
    properties: dict[str, NDArray[np.float64]]
    passes: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.prints)

    @classmethod
    def joined(cls, parts: Sequence[Description]) -> Description:
        """That of several lists together, at least one."""
        return cls(
            np.concatenate([part.prints for part in parts]),
            Tally.joined([part.fragments for part in parts]),
            Tally.joined([part.scaffolds for part in parts]),
            {name: np.concatenate([part.properties[name] for part in parts]) for name in PROPERTIES},
            np.concatenate([part.passes for part in parts]),
        )


def describe(
    mols: Sequence[Chem.Mol], *, filters: bool = True, progress: Callable[[int], None] | None = None
) -> Description:
    """All that MOSES' measures ask of molecules; without `filters` all are said to pass them."""
    found = Counter[str]()
    cores = Counter[str]()
    passes = np.ones(len(mols), np.bool_)
    parts: list[dict[str, NDArray[np.float64]]] = [table((), PROPERTIES)]
    for start in range(0, len(mols), _ROWS):
        block = mols[start : start + _ROWS]
        parts.append(table(block, PROPERTIES))
        for row, mol in enumerate(block, start):
            found.update(fragments(mol))
            cores.update(filter(None, (scaffold(mol),)))
            if filters:
                passes[row] = passes_filters(mol)
        if progress is not None:
            progress(start + len(block))
    properties = {name: np.concatenate([part[name] for part in parts]) for name in PROPERTIES}
    return Description(fingerprints(mols), Tally.of(found), Tally.of(cores), properties, passes)


def fragments(mol: Chem.Mol) -> list[str]:
    """What is left of a molecule when its BRICS bonds are cut (J. Degen et al., ChemMedChem 2008, 3, 1503)."""
    return str(Chem.MolToSmiles(BRICS.BreakBRICSBonds(mol))).split(".")


def scaffold(mol: Chem.Mol) -> str:
    """Rings and what joins them (G. Bemis and M. Murcko 1996), as MOSES counts them: "" with fewer than two rings."""
    try:
        core = MurckoScaffold.GetScaffoldForMol(mol)
        return str(Chem.MolToSmiles(core)) if core.GetRingInfo().NumRings() > 1 else ""
    except (ValueError, RuntimeError):
        return ""


def passes_filters(mol: Chem.Mol) -> bool:
    """Whether MOSES would have it: no large ring, no charge, eight elements, and no alert of MCF and PAINS."""
    if any(len(ring) > _LARGEST_RING for ring in mol.GetRingInfo().AtomRings()):
        return False
    if any(atom.GetFormalCharge() != 0 or atom.GetSymbol() not in _ELEMENTS for atom in mol.GetAtoms()):
        return False
    return not _alerts().hits(mol)


@cache
def _alerts() -> Alerts:
    return Alerts.named(("mcf", "pains"))


def quantiles(values: Iterable[float], n: int) -> NDArray[np.float64]:
    """n quantiles at the middles of n equal shares, (n,); what is unknown is left out."""
    known = np.asarray([value for value in values if value == value], np.float64)
    if not len(known):
        return np.full(n, np.nan)
    return np.quantile(known, (np.arange(n) + 0.5) / n, method="inverted_cdf")
