"""The genetic algorithm: children of good molecules, of which the better are parents again.

Parents are drawn as Tripp and Hernández-Lobato 2023 do ("Genetic algorithms are strong baselines for molecule
generation", section 3): a share of the population is chosen evenly on a logarithmic scale between a thousandth and all,
and a parent evenly among so many of the best. Few children at a time, so that a good one is a parent at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.optimizing.crossover import crossover
from genapps_molecule.optimizing.graphs import MOST_ATOMS, Parent
from genapps_molecule.optimizing.ledger import Candidate, Floats, Ledger, top_means
from genapps_molecule.optimizing.mutation import mutate

FIRST = 250  # molecules that a later population begins with
GAINED = 0.01  # of all that a population gained: with less in `patience` calls it rests
_SHARES = np.logspace(-3, 0, 25)
_ATTEMPTS = 20  # for each child that is wanted, before the population counts as exhausted


@dataclass(frozen=True)
class Breeding:
    """How children are made."""

    population: int = field(default=1_000, metadata={"help": "how many of the best may be parents", "least": 2})
    mutated: float = field(default=0.1, metadata={"help": "share of children with one parent only", "least": 0})
    also_mutated: float = field(default=0.05, metadata={"help": "share of the others that are changed, too"})
    most_atoms: int = field(default=MOST_ATOMS, metadata={"help": "atoms beside hydrogen of a child", "least": 4})


@lru_cache(maxsize=8_192)
def parsed(smiles: str) -> Chem.Mol:
    """The molecule of a canonical SMILES; good ones are parents many times."""
    return read_smiles(smiles)


@lru_cache(maxsize=2_048)
def parent(smiles: str) -> Parent:
    """The same as a graph to make children of."""
    return Parent.of(parsed(smiles))


def quantile_picks(n: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """n places in a list of that size, best first."""
    shares = _SHARES[rng.integers(len(_SHARES), size=n)]
    among = np.maximum(np.ceil(shares * size), 1)
    return (rng.random(n) * among).astype(np.int64)


def children(parents: Sequence[str], rng: np.random.Generator, breeding: Breeding) -> Iterator[Candidate]:
    """Children of parents (best first) without end, but for attempts that came to nothing."""
    while True:
        first, second = (parent(parents[place]) for place in quantile_picks(2, len(parents), rng))
        if len(parents) == 1 or rng.random() < breeding.mutated:
            child = mutate(first, rng, breeding.most_atoms)
        else:
            child = crossover(first, second, rng, breeding.most_atoms)
            if child is not None and rng.random() < breeding.also_mutated:
                child = mutate(Parent.of(child), rng, breeding.most_atoms)
        if child is not None and (made := candidate(child)) is not None:
            yield made
        else:
            yield _NOTHING


_NOTHING = Candidate("", Chem.Mol())


def candidate(mol: Chem.Mol) -> Candidate | None:
    """A sanitized molecule as it reads from its own canonical text, None where it does not."""
    again = Chem.MolFromSmiles(canonical(mol))
    return None if again is None else Candidate(canonical(again), again)


def fresh(
    made: Iterator[Candidate], n: int, taken: Callable[[str], bool], allowed: Callable[[Candidate], bool]
) -> list[Candidate]:
    """The first n that are new and allowed; fewer where many attempts in a row give none."""
    found: dict[str, Candidate] = {}
    for attempt, one in enumerate(made):
        if one.smiles and one.smiles not in found and not taken(one.smiles) and allowed(one):
            found[one.smiles] = one
        if len(found) >= n or attempt >= _ATTEMPTS * n + 100:
            break
    return list(found.values())


@dataclass
class Genetic:
    """The strategy that asks for children of the best so far.

    A population whose ten best hardly became better in `patience` calls rests: another one begins from molecules of the
    reserve. When that rests too, both are one population for a while, and so on.

    reserve: molecules that were never asked about. begins: the call from which on molecules may be parents. changed:
    the call at which that was decided. waiting: of the reserve, those to ask about first.
    """

    breeding: Breeding = field(default_factory=Breeding)
    batch: int = 10
    patience: int = 700
    reserve: list[str] = field(default_factory=list)
    begins: int = 0
    changed: int = 0
    waiting: list[str] = field(default_factory=list)

    def propose(
        self, n: int, ledger: Ledger, allowed: Callable[[Candidate], bool], rng: np.random.Generator
    ) -> list[Candidate]:
        """Up to n molecules to ask about next."""
        if len(ledger) - self.changed >= self.patience and rests(ledger.values[self.begins :], self.patience):
            self._change(len(ledger))
        while self.waiting:
            texts, self.waiting = self.waiting[:n], self.waiting[n:]
            asked = [Candidate(text, parsed(text)) for text in texts if text not in ledger]
            if asked := [one for one in asked if allowed(one)]:
                return asked
        best = [ledger.smiles[k] for k in ledger.ranked(self.begins)[: self.breeding.population]]
        if not best:
            return []
        return fresh(children(best, rng, self.breeding), n, ledger.__contains__, allowed)

    def _change(self, now: int) -> None:
        """Begin another population where all were one, and the other way round."""
        self.changed = now
        if self.begins or not self.reserve:
            self.begins = 0
        else:
            self.begins = now
            self.waiting, self.reserve = self.reserve[:FIRST], self.reserve[FIRST:]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Where the populations are, and what waits."""
        places = np.array([self.begins, self.changed])
        return {"places": places, "reserve": packed(self.reserve), "waiting": packed(self.waiting)}

    def take_tensors(self, tensors: dict[str, NDArray[Any]]) -> None:
        """Go on from them."""
        self.begins, self.changed = map(int, tensors["places"])
        self.reserve, self.waiting = unpacked(tensors["reserve"]), unpacked(tensors["waiting"])


def rests(values: Floats, patience: int) -> bool:
    """Whether the mean of the ten best has gained less in the last calls than a hundredth of all that it ever gained.

    All is counted from the mean of the first population.
    """
    if len(values) < patience + FIRST:
        return False
    now, before = top_means(values, 10, len(values))[-1], top_means(values[:-patience], 10, len(values))[-1]
    begun = values[:FIRST]
    first = float(begun[np.isfinite(begun)].mean()) if np.isfinite(begun).any() else before
    return not now - before > GAINED * (now - first)


def packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Texts without line breaks as bytes."""
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


def unpacked(data: NDArray[Any]) -> list[str]:
    """The inverse of `packed`."""
    text = data.tobytes().decode()
    return text.split("\n") if text else []
