"""The loop of a search: a strategy proposes, the objective is asked, the ledger is kept, until the calls are spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genapps_molecule.optimizing.ledger import Candidate, Ledger, Scores

Objective = Callable[[Sequence[Candidate]], Scores]
Allowed = Callable[[Candidate], bool]
Around = Callable[[], AbstractContextManager[object]]
STOPPED = "it was stopped"
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

    first: molecules to ask about before others are proposed, those of the first population and what a break left of a
    round. begun: how many the first population had. lot: how many the objective is asked about at once, all of a round
    if None. calling: what each call of the objective is made within, which may cut it short by KeyboardInterrupt.
    """

    objective: Objective
    strategy: Strategy
    rng: np.random.Generator
    ledger: Ledger
    first: list[str]
    allowed: Allowed = lambda _: True
    begun: int = 0
    lot: int | None = None
    calling: Around = nullcontext

    def run(
        self,
        calls: int,
        after: Callable[[Search], None] = lambda _: None,
        until: Callable[[Search], bool] = lambda _: False,
    ) -> str:
        """Ask until there are so many calls in the ledger, or `until` holds; why it ended, in words.

        `after` is called after each lot, and `until` asked. What was under way when a call was cut short is asked first
        when the search goes on. An objective without a single score for the whole first population cannot
        lead anywhere, and ends the search.
        """
        barren = 0
        while len(self.ledger) < calls:
            asked = self._next(min(self.strategy.batch, calls - len(self.ledger)))
            barren = 0 if asked else barren + 1
            if barren >= _BARREN:
                return "no more molecules were found that are new and allowed"
            if not self._ask(asked, after, until):
                return STOPPED
            if not self.first and not len(self.ledger.ranked()):
                return "the objective has no score for any molecule of the first population"
        return "all calls were spent"

    def _ask(
        self, asked: Sequence[Candidate], after: Callable[[Search], None], until: Callable[[Search], bool]
    ) -> bool:
        """Enter what the objective says of these molecules; whether the search may go on.

        Whenever the state is saved, and whatever ends a call, `first` holds what is still to be asked.
        """
        texts, later = [one.smiles for one in asked], self.first
        lot = self.lot or max(len(asked), 1)
        for at in range(0, len(asked), lot):
            self.first = texts[at:] + later
            try:
                with self.calling():
                    scores = self.objective(asked[at : at + lot])
            except KeyboardInterrupt:
                return False
            self.first = texts[at + lot :] + later
            self.ledger.enter(texts[at : at + lot], scores)
            after(self)
            if until(self):
                return False
        return bool(asked) or not until(self)

    def _next(self, n: int) -> list[Candidate]:
        if self.first:
            from genapps_molecule.optimizing.genetic import parsed

            texts, self.first = self.first[:n], self.first[n:]
            return [Candidate(text, parsed(text)) for text in texts if text not in self.ledger]
        return self.strategy.propose(n, self.ledger, self.allowed, self.rng)

    def state(self) -> dict[str, Any]:
        """The state of the draws and of the first population, as JSON; the ledger is kept beside it."""
        return {"rng": self.rng.bit_generator.state, "first": self.first, "begun": self.begun}
