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

    def allowed(self, state: Tensor, left: int) -> Tensor:
        """Which codes may follow, (B, size + 1) of truth values; the last one says whether the sequence may end.

        left: how many more codes a sequence may have; what cannot be finished within them should not be begun.
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
        never = len(following) + 1
        least = torch.where(self.accepting, 0, never)  # (states,): the fewest codes from there to an accepting state
        for _ in range(len(following)):
            beyond = torch.where(self.following < 0, never, least[self.following.clamp_min(0)])
            least = torch.minimum(least, 1 + beyond.amin(1)).clamp_max(never)
        if int(least[0]) >= never:
            raise UsageError("the grammar accepts no sequence at all: no accepting state can be reached from state 0")
        self._after = torch.where(self.following < 0, never, least[self.following.clamp_min(0)])
        self._never = never

    def start(self, n: int) -> Tensor:
        """The states of n empty sequences, (n,)."""
        return torch.zeros(n, dtype=torch.long)

    def allowed(self, state: Tensor, left: int) -> Tensor:
        """Which codes may follow (B, size + 1); the last one: the end."""
        codes = self._after[state] <= min(left - 1, self._never - 1)
        return torch.cat([codes, self.accepting[state][:, None]], 1)

    def advance(self, state: Tensor, codes: Tensor) -> Tensor:
        """The states after codes (B,). Raises UsageError for a code that the automaton forbids."""
        after = self.following[state, codes]
        if bool((after < 0).any()):
            raise UsageError("a prompt breaks the grammar")
        return after
