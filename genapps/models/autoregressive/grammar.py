"""What may come next: rules that a sampled sequence never breaks."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from genapps.errors import UsageError


class Grammar(Protocol):
    """Rules read along with the codes of many sequences; a state is a tensor with a row for each of them."""

    def start(self, n: int) -> Tensor:
        """The states of n empty sequences, (n, ...)."""

    def allowed(self, state: Tensor, left: int, exact: bool) -> Tensor:
        """Which codes may follow, (B, size + 1) of truth values; the last one says whether the sequence may end.

        left: how many more codes there may be, or must be where that is exact; what cannot be finished with them should
        not be begun.
        """

    def advance(self, state: Tensor, codes: Tensor) -> Tensor:
        """The states after codes (B,)."""


class Automaton:
    """A grammar given as a deterministic automaton; it starts in state 0.

    following: (states, size) the state after each code, -1 where the code is forbidden. accepting: (states,) truth
    values, whether a sequence may end there. A code after which no accepting state can be reached, or not within the
    steps that are left, is not allowed either. Raises UsageError for an automaton that accepts nothing.
    """

    def __init__(self, following: Tensor, accepting: Tensor) -> None:
        self.following, self.accepting = following.long(), accepting.bool()
        self._ends = [self.accepting]  # [k][state]: whether exactly k more codes can end in an accepting state
        self._soon = [self.accepting]  # at most k
        for _ in range(len(following)):
            self._further()
        if not self._soon[-1][0]:
            raise UsageError("the grammar accepts no sequence at all: no accepting state can be reached from state 0")

    def _further(self) -> None:
        """Look one more step ahead."""
        self._ends.append(self._leads_to(self._ends[-1]).any(1))
        self._soon.append(self._soon[-1] | self._ends[-1])

    def _leads_to(self, states: Tensor) -> Tensor:
        """Which codes lead from each state to one of those, (states, size)."""
        return (self.following >= 0) & states[self.following.clamp_min(0)]

    def start(self, n: int) -> Tensor:
        """The states of n empty sequences, (n,)."""
        return torch.zeros(n, dtype=torch.long)

    def allowed(self, state: Tensor, left: int, exact: bool) -> Tensor:
        """Which codes may follow (B, size + 1); the last one: the end."""
        while exact and len(self._ends) < left:
            self._further()
        ahead = self._ends[left - 1] if exact else self._soon[min(left, len(self.following)) - 1]
        codes = self._leads_to(ahead)[state] & (left > 0)
        return torch.cat([codes, self.accepting[state][:, None]], 1)

    def advance(self, state: Tensor, codes: Tensor) -> Tensor:
        """The states after codes (B,). Raises UsageError for a code that the automaton forbids."""
        after = self.following[state, codes]
        if bool((after < 0).any()):
            raise UsageError("a prompt breaks the grammar")
        return after
