"""Which states may follow which, what is thought of it beforehand, and the chain that expected counts suggest.

Shapes: K states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from genapps.models.hmm.chain import Chain

Topology = Literal["ergodic", "left-right", "banded", "sticky"]


@dataclass(frozen=True)
class Structure:
    """What a chain may be.

    start, transition: (K,), (K, K) whether a state may come first, and whether it may follow. prior_start,
    prior_transition: pseudo-counts of a Dirichlet prior (its concentrations less one). least: no allowed probability
    falls below it, so that nothing that is allowed ever becomes impossible.
    """

    start: Tensor
    transition: Tensor
    prior_start: Tensor
    prior_transition: Tensor
    least: float

    def maximize(self, first: Tensor, moves: Tensor) -> Chain:
        """The most probable chain given expected counts of first states (K,) and of moves (K, K).

        A state that was never left gets equal chances to all states allowed after it.
        """
        return Chain(
            self._shares(first + self.prior_start, self.start),
            self._shares(moves + self.prior_transition, self.transition),
        )

    def _shares(self, counts: Tensor, allowed: Tensor) -> Tensor:
        counts = counts.clamp_min(0) * allowed
        total = counts.sum(-1, keepdim=True)
        shares = torch.where(total > 0, counts / total.clamp_min(1e-300), allowed / allowed.sum(-1, keepdim=True))
        shares = shares.clamp_min(self.least) * allowed
        return shares / shares.sum(-1, keepdim=True)

    def to(self, device: torch.device) -> Structure:
        """The same on another device."""
        return Structure(
            self.start.to(device),
            self.transition.to(device),
            self.prior_start.to(device),
            self.prior_transition.to(device),
            self.least,
        )

    def log_prior(self, chain: Chain) -> float:
        """The prior's logarithm, up to a constant: what EM maximizes is the likelihood's plus this."""
        terms = (
            torch.xlogy(self.prior_start, chain.start).sum()
            + torch.xlogy(self.prior_transition, chain.transition).sum()
        )
        return float(terms)


def structure(
    states: int,
    topology: Topology,
    bandwidth: int = 1,
    kappa: float = 0.0,
    startprob_prior: float = 1.0,
    transmat_prior: float = 1.0,
    least: float = 1e-30,
) -> Structure:
    """The structure of a topology.

    ergodic: every state follows every state. left-right: begins in state 0, each step stays or goes up to `bandwidth`
    states on. banded: up to `bandwidth` states on or back. sticky: ergodic, with `kappa` more pseudo-counts of staying
    (Fox et al. 2011, "A sticky HDP-HMM", for a fixed number of states).
    """
    state = torch.arange(states)
    ahead = state[None, :] - state[:, None]  # (K, K): how far on the column's state is
    start = torch.ones(states, dtype=torch.bool)
    transition = torch.ones(states, states, dtype=torch.bool)
    if topology == "left-right":
        start, transition = state == 0, (ahead >= 0) & (ahead <= bandwidth)
    elif topology == "banded":
        transition = ahead.abs() <= bandwidth
    stay = kappa * torch.eye(states, dtype=torch.double) if topology == "sticky" else 0.0
    return Structure(
        start,
        transition,
        start.double() * (startprob_prior - 1),
        transition.double() * (transmat_prior - 1) + stay,
        least,
    )
