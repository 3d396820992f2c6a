"""A list of molecules judged: every measure with its n, what real molecules reach at that n, and a published figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps.errors import InputError
from genapps.metrics.frechet import Moments
from genapps_molecule.evaluating import chemnet
from genapps_molecule.evaluating.alike import nearest_similarity
from genapps_molecule.evaluating.describing import Description, describe
from genapps_molecule.evaluating.floors import floor_at, moses_floors
from genapps_molecule.evaluating.looking import Look
from genapps_molecule.evaluating.measures import (
    MEASURES,
    Better,
    beside,
    own_measures,
    property_distances,
    unique_shares,
)
from genapps_molecule.evaluating.reference import Reference, moses
from genapps_molecule.records import Dropped, Molecule

# The model that MOSES found best by FCD, as published with 30,000 molecules (github.com/molecularsets/moses, README).
PUBLISHED_N = 30_000
PUBLISHED = {
    "valid": 0.9748,
    "unique@1000": 1.0,
    "unique@10000": 0.9994,
    "FCD/Test": 0.0732,
    "FCD/TestSF": 0.5204,
    "SNN/Test": 0.6015,
    "SNN/TestSF": 0.5649,
    "Frag/Test": 0.9998,
    "Frag/TestSF": 0.9983,
    "Scaf/Test": 0.9242,
    "Scaf/TestSF": 0.1101,
    "IntDiv": 0.8562,
    "IntDiv2": 0.8503,
    "Filters": 0.9943,
    "Novelty": 0.8419,
}

Progress = Callable[[str, int, int], None]  # what is being done, how many are, of how many


class Known(Protocol):
    """A training set that can be asked (genapps_molecule.traits.novelty.Members)."""

    def hold(self, texts: Sequence[str]) -> NDArray[np.bool_]: ...


@dataclass(frozen=True)
class Figure:
    """One figure over n molecules; `floor`: real molecules at that n; `published`: CharRNN's of MOSES at 30,000."""

    key: str
    words: str
    better: Better
    value: float
    n: int
    floor: float | None = None
    published: float | None = None


@dataclass(frozen=True)
class Judged:
    """All figures of a list, what was skipped and why, and the rows that were no molecules with their reasons.

    look: what a page shows of it, beside the figures.
    """

    rows: int
    molecules: int
    reference: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    look: Look | None = None

    def __getitem__(self, key: str) -> float:
        return {one.key: one.value for one in self.figures}[key]

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON; one that there is none of, as the likeness of no scaffolds, is null."""
        figures = [asdict(one) | {"value": one.value if one.value == one.value else None} for one in self.figures]
        told = {"rows": self.rows, "molecules": self.molecules, "reference": self.reference, "figures": figures}
        return {**told, "notes": list(self.notes), "dropped": dict(self.dropped)}


@dataclass(frozen=True)
class Sample:
    """What was read: how many rows, the molecules among them in order, and why the others are none."""

    rows: int
    mols: tuple[Chem.Mol, ...]
    smiles: tuple[str, ...]
    dropped: Mapping[str, int]

    @classmethod
    def of(cls, read: Iterable[Molecule | Dropped], most: int | None = None, name: str = "the list") -> Sample:
        """The first `most` rows. Raises InputError, with the list's name, where fewer than two are molecules."""
        rows = 0
        mols: list[Chem.Mol] = []
        smiles: list[str] = []
        dropped: dict[str, int] = {}
        for one in read:
            rows += 1
            if isinstance(one, Dropped):
                dropped[one.reason] = dropped.get(one.reason, 0) + 1
            else:
                mols.append(one.mol)
                smiles.append(one.smiles)
            if rows == most:
                break
        if len(mols) < 2:
            raise InputError(f"{name}: {len(mols)} molecules in {rows:,} rows; the measures need at least 2")
        return cls(rows, tuple(mols), tuple(smiles), dropped)


@dataclass(frozen=True)
class Yardstick:
    """What to compare with: references by the names their figures take, floors by n, and published figures."""

    name: str
    references: Mapping[str, Reference]  # the first is what the properties are compared with
    floors: Mapping[int, Mapping[str, float]]
    published: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def moses(cls) -> Yardstick:
        """MOSES' test sets, as they ship."""
        return cls("MOSES", {"Test": moses("test"), "TestSF": moses("scaffolds")}, moses_floors(), PUBLISHED)

    @classmethod
    def own(
        cls, name: str, sample: Sample, n: int, *, fcd: bool = True, seed: int = 0, progress: Progress | None = None
    ) -> Yardstick:
        """A list of one's own. Its floor: a random half of it, of n at the most, judged beside the other half."""
        told = _told(progress, "reference", len(sample.mols))
        features = chemnet.features(sample.smiles, progress=told) if fcd else None
        order = np.random.default_rng(seed).permutation(len(sample.mols))
        size = min(n, len(order) // 2)
        halves = [order[:size], order[size:]]
        described = [describe([sample.mols[i] for i in half], progress=told) for half in halves]
        notes, floors = [], {}
        if size >= 2:
            moments = None if features is None else Moments.of(features[halves[0]])
            rest = Reference.of(name, described[1], None if features is None else features[halves[1]])
            floors[size] = measure(described[0], moments, {"reference": rest}) | {"valid": 1.0}
        if size < n:
            notes.append(
                f"floors are of {size:,} molecules, a half of the reference; of n = {n:,} they would be better"
            )
        reference = Reference.of(name, Description.joined(described), features)
        return cls(name, {"reference": reference}, floors, notes=tuple(notes))

    def floor(self, n: int, key: str) -> float | None:
        """What real molecules reach, if that is known."""
        found = floor_at(n, key, self.floors)
        return found if found == found else None


def measure(
    described: Description,
    moments: Moments | None,
    references: Mapping[str, Reference],
    *,
    nearest: Callable[[Reference], NDArray[np.float32]] | None = None,
) -> dict[str, float]:
    """All figures of described molecules by their keys, such as FCD/Test."""
    figures: dict[str, float] = {}
    besides = {
        label: beside(described, moments, reference, None if nearest is None else nearest(reference))
        for label, reference in references.items()
    }
    for kind in ("FCD", "SNN", "Frag", "Scaf"):
        figures |= {f"{kind}/{label}": found[kind] for label, found in besides.items() if kind in found}
    return figures | own_measures(described) | property_distances(described, next(iter(references.values())))


def judge(
    sample: Sample,
    yardstick: Yardstick,
    *,
    training: Known | None = None,
    fcd: bool = True,
    progress: Progress | None = None,
) -> Judged:
    """Every measure of a sample. `training` is what novelty is told of; `fcd` asks for the slowest of all figures."""
    n = len(sample.mols)

    described = describe(sample.mols, progress=_told(progress, "properties", n))
    features = chemnet.features(sample.smiles, progress=_told(progress, "ChemNet", n)) if fcd else None
    moments = None if features is None else Moments.of(features)
    near = _told(progress, "neighbors", n)
    likeness: list[NDArray[np.float32]] = []  # to each reference

    def nearest(reference: Reference) -> NDArray[np.float32]:
        likeness.append(nearest_similarity(described.prints, reference.prints, progress=near))
        return likeness[-1]

    values = {"valid": n / sample.rows, **unique_shares(sample.smiles)}
    values |= measure(described, moments, yardstick.references, nearest=nearest)
    notes = list(yardstick.notes)
    if training is not None:
        distinct = sorted(set(sample.smiles))
        values["Novelty"] = 1 - float(training.hold(distinct).mean())
    else:
        notes.append("novelty was not measured: no training set was named")
    if not fcd:
        notes.append("FCD was not asked for")
    sizes = {"valid": sample.rows, "unique@1000": min(n, 1_000), "unique@10000": min(n, 10_000)}
    figures = [
        Figure(
            key,
            MEASURES[key.split("/")[0]].words,
            MEASURES[key.split("/")[0]].better,
            value,
            sizes.get(key, n),
            yardstick.floor(n, key),
            yardstick.published.get(key),
        )
        for key, value in values.items()
    ]
    first = next(iter(yardstick.references.values()))
    look = Look.of(sample.smiles, described.properties, first, likeness[0])
    return Judged(sample.rows, n, yardstick.name, tuple(figures), tuple(notes), sample.dropped, look)


def _told(progress: Progress | None, what: str, n: int) -> Callable[[int], None] | None:
    return None if progress is None else lambda done: progress(what, done, n)
