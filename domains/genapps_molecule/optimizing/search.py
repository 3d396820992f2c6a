"""The loop of a search: a strategy proposes, the objective is asked, the ledger is kept, until the calls are spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genapps_molecule.optimizing.ledger import Candidate, Ledger, Scores

Objective = Callable[[Sequence[Candidate]], Scores]
Allowed = Callable[[Candidate], bool]
_BARREN = 5  # rounds in a row without a proposal, before the search ends


class Strategy(Protocol):
    """How the next molecules to ask about are found."""

    batch: int  # how many at a time

    def propose(self, n: int, ledger: Ledger, allowed: Allowed, rng: np.random.Generator) -> list[Candidate]:
        """Up to n allowed molecules that are not in the ledger."""

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What it has learnt beside the ledger, if anything."""

    def take_tensors(self, tensors: dict[str, NDArray[Any]]) -> None:
        """Go on from what it had learnt."""


@dataclass
class Search:
    """A search under way. All that it is follows from its ledger, the draws' state and the molecules still to ask.

    first: the molecules of the first population that were not asked yet. begun: how many there were.
    """

    objective: Objective
    strategy: Strategy
    rng: np.random.Generator
    ledger: Ledger
    first: list[str]
    allowed: Allowed = lambda _: True
    begun: int = 0

    def run(
        self,
        calls: int,
        after: Callable[[Search], None] = lambda _: None,
        until: Callable[[Search], bool] = lambda _: False,
    ) -> str:
        """Ask until there are so many calls in the ledger, or `until` holds; why it ended, in words.

        `after` is called after each round. An objective without a single score for the whole first population cannot
        lead anywhere, and ends the search.
        """
        barren = 0
        while len(self.ledger) < calls:
            asked = self._next(min(self.strategy.batch, calls - len(self.ledger)))
            barren = 0 if asked else barren + 1
            if barren >= _BARREN:
                return "no more molecules were found that are new and allowed"
            if asked:
                self.ledger.enter([one.smiles for one in asked], self.objective(asked))
                after(self)
            if until(self):
                return "it was stopped"
            if not self.first and not len(self.ledger.ranked()):
                return "the objective has no score for any molecule of the first population"
        return "all calls were spent"

    def _next(self, n: int) -> list[Candidate]:
        if self.first:
            from genapps_molecule.optimizing.genetic import parsed

            texts, self.first = self.first[:n], self.first[n:]
            return [Candidate(text, parsed(text)) for text in texts if text not in self.ledger]
        return self.strategy.propose(n, self.ledger, self.allowed, self.rng)

    def state(self) -> dict[str, Any]:
        """The state of the draws and of the first population, as JSON; the ledger is kept beside it."""
        return {"rng": self.rng.bit_generator.state, "first": self.first, "begun": self.begun}
