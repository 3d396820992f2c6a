"""A search for molecules that free draws would hardly ever be: a genetic algorithm towards what is wished.

Every generation varies the nearest molecules found so far; what meets the wish is delivered, and varied further. Side
chains are the network's where one is given, so what is found keeps its manner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps_molecule.growing.candidates import Made, Source
from genapps_molecule.growing.sidechains import SideChains, finished
from genapps_molecule.growing.varying import vary
from genapps_molecule.traits.strange import strange

LEAST_YIELD = 0.01  # of free draws: below it a search is worth its time
POOL = 200  # molecules that are kept to be varied
GENERATION = 300  # molecules that are made at once
_TURN = 4  # generations from one in which a fifth is drawn by the source to the next: many draws at once are cheap
LARGEST = 45  # heavy atoms of what a search without leads makes
_PRESSURE = 3  # ranks over which the chance to be varied halves at first

Distance = Callable[[Sequence[Chem.Mol]], NDArray[np.float64]]


@dataclass
class Guided:
    """A source that searches: what it draws is at distance 0, and was not drawn before.

    distance: how far molecules (N,) are from what is wished, 0 where it is met. source: what draws afresh and says
    whether what was varied still holds its constraint (a scaffold), if there is one. seeds: where the search begins,
    beside what the source draws. judged, generations, idle: molecules judged so far, generations, and how many of
    these found nothing since the last that did.
    """

    distance: Distance
    chains: SideChains
    seeds: Sequence[Chem.Mol] = ()
    source: Source | None = None
    judged: int = 0
    generations: int = 0
    idle: int = 0
    _pool: list[tuple[float, str, Chem.Mol]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _ready: list[Made] = field(default_factory=list)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the source."""
        return self.source.columns if self.source is not None else ()

    def draw(self, n: int, rng: np.random.Generator, most: int | None = None) -> list[Made]:
        """At most n of what was found, after one more generation where that is not enough; none if it found none.

        No more than `most` molecules, where that is given, are looked at for it.
        """
        if len(self._ready) < n:
            made = self._generation(rng) if self._pool else self._first(rng)
            found = self._judge(made[:most], rng)
            self.generations += 1
            self.idle = 0 if found else self.idle + 1
            self._ready += found
        drawn, self._ready = self._ready[:n], self._ready[n:]
        return drawn

    def rest(self) -> list[Made]:
        """What was found, and not drawn yet."""
        rest, self._ready = self._ready, []
        return rest

    @property
    def nearest(self) -> float:
        """The least distance so far, infinite where nothing was judged."""
        return self._pool[0][0] if self._pool else np.inf

    def accepts(self, mols: Sequence[Chem.Mol]) -> list[str]:
        """As the source says; the distance is not asked."""
        return self.source.accepts(mols) if self.source is not None else [""] * len(mols)

    def describe(self, mol: Chem.Mol) -> Mapping[str, str | float]:
        """As the source says."""
        return self.source.describe(mol) if self.source is not None else {}

    def notes(self) -> list[str]:
        """Where its side chains came from."""
        return self.chains.notes()

    @cached_property
    def _known(self) -> frozenset[str]:
        """Strange motifs of the seeds: what is like them may have these, too."""
        return frozenset().union(*(strange(mol) for mol in self.seeds))

    @cached_property
    def _largest(self) -> int:
        """Heavy atoms of what is made: a quarter more than the largest seed, as copies of a part look alike to bits."""
        return max((int(1.25 * mol.GetNumHeavyAtoms()) + 3 for mol in self.seeds), default=LARGEST)

    def _first(self, rng: np.random.Generator) -> list[Made]:
        count = GENERATION // 5 if self.seeds else GENERATION
        drawn = self.source.draw(count, rng) if self.source is not None else []
        return [*finished(self.seeds, self._known), *drawn]

    def _generation(self, rng: np.random.Generator) -> list[Made]:
        """The nearest, varied, and a few fresh draws."""
        fresh: list[Made] = []
        if self.source is not None and self.generations % _TURN == 0:
            fresh = self.source.draw(GENERATION // 5, rng)
        chances = 1.0 / (_PRESSURE + np.arange(len(self._pool)))
        chosen = rng.choice(len(self._pool), (2, GENERATION - len(fresh)), p=chances / chances.sum())
        parents, others = ([self._pool[place][2] for place in row] for row in chosen.tolist())
        varied = [mol for mol in vary(parents, others, self.chains, rng) if mol.GetNumHeavyAtoms() <= self._largest]
        return [*fresh, *finished(varied, self._known)]

    def _judge(self, made: Sequence[Made], rng: np.random.Generator) -> list[Made]:
        """Take what is new into the pool; what of it is at distance 0."""
        fresh = {text: mol for text, mol in made if text not in self._seen}
        self._seen.update(fresh)
        reasons = self.accepts(list(fresh.values()))
        kept = [one for one, reason in zip(fresh.items(), reasons, strict=True) if not reason]
        if not kept:
            return []
        far = np.nan_to_num(self.distance([mol for _, mol in kept]), nan=np.inf)
        self.judged += len(kept)
        self._pool += [(float(away), text, mol) for away, (text, mol) in zip(far, kept, strict=True)]
        # Those at distance 0 take turns at the top, so the search does not stay where it first found something.
        order = np.lexsort((rng.random(len(self._pool)), np.array([away for away, _, _ in self._pool])))
        self._pool = [self._pool[place] for place in order[:POOL]]
        return [one for away, one in zip(far, kept, strict=True) if away == 0]
