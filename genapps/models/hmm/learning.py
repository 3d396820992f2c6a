"""Baum-Welch: expectation-maximization of a chain and its emissions over chunks of sequences.

Source: Baum, Petrie, Soules and Weiss 1970; with priors, Rabiner 1989.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.models.hmm.chain import Chain, Kernel, smooth
from genapps.models.hmm.emissions import Emission
from genapps.models.hmm.packed import Packed
from genapps.models.hmm.room import Workspace
from genapps.models.hmm.topology import Structure
from genapps.training.em import Sums

_CHUNK_STEPS = 2**19  # bounds the memory beside the data: three numbers a step and state


@dataclass(frozen=True)
class Parameters:
    """All that a hidden Markov model is."""

    chain: Chain
    emission: Emission

    def to(self, device: torch.device) -> Parameters:
        """The same on another device."""
        return Parameters(self.chain.to(device), self.emission.to(device))


@dataclass(frozen=True)
class Chunk:
    """Some sequences at their places: values (S,) or (S, D), and how often each counts, (N,)."""

    values: Tensor
    packed: Packed
    weights: Tensor | None
    space: Workspace  # of all chunks together

    @property
    def rows(self) -> float:
        """How many sequences count."""
        return float(self.packed.sequences if self.weights is None else self.weights.sum())


def chunks(
    batch: Ragged, weights: Tensor | None = None, device: torch.device | None = None, steps: int = _CHUNK_STEPS
) -> list[Chunk]:
    """The sequences in chunks of at most about so many steps, those of like length together."""
    order = batch.lengths.argsort(descending=True, stable=True)
    number = batch.lengths[order].cumsum(0).sub_(1).clamp_min(0) // steps
    parts = order.split(torch.unique_consecutive(number, return_counts=True)[1].tolist()) or (order,)
    found, space = [], Workspace()
    for rows in parts:
        part = batch.take(rows) if len(parts) > 1 else batch
        packed = Packed.of(part.lengths)
        chosen = None if weights is None else weights[rows if len(parts) > 1 else slice(None)].double()
        chunk = Chunk(part.values[packed.rows], packed, chosen, space)
        found.append(chunk if device is None else moved(chunk, device))
    return found


def moved(chunk: Chunk, device: torch.device) -> Chunk:
    """The chunk on another device."""
    weights = None if chunk.weights is None else chunk.weights.to(device)
    return Chunk(chunk.values.to(device), chunk.packed.to(device), weights, chunk.space)


def expect(parameters: Parameters, data: Sequence[Chunk], kernel: Kernel = "auto") -> Sums:
    """The E-step: expected first states, moves and emissions, summed over chunks and processes."""
    total = Sums()
    for chunk in data:
        emission = parameters.emission.log_likelihood(chunk.values, chunk.space.emission)
        found = smooth(parameters.chain, emission, chunk.packed, chunk.weights, kernel, chunk.space.alpha)
        posterior, log_prob = found.states, found.log_prob
        if chunk.weights is not None:
            posterior = posterior.mul_(chunk.weights.to(posterior.dtype)[chunk.packed.sequence, None])
            log_prob = torch.where(chunk.weights > 0, log_prob * chunk.weights, 0)
        first = posterior[: chunk.packed.later.start].sum(0, dtype=torch.double)
        emitted = parameters.emission.statistics(chunk.values, posterior)
        values = {"first": first, "moves": found.moves, **{f"emission/{n}": value for n, value in emitted.items()}}
        total.add(Sums(values, float(log_prob.sum()), chunk.rows))
    return total.total()


def maximize(structure: Structure, parameters: Parameters, sums: Sums) -> Parameters:
    """The M-step."""
    values = sums.values
    emitted = {name.removeprefix("emission/"): value for name, value in values.items() if name.startswith("emission/")}
    chain = structure.maximize(values["first"], values["moves"])
    return Parameters(chain, parameters.emission.maximize(emitted))


def log_prior(structure: Structure, parameters: Parameters) -> float:
    """The priors' logarithm, up to a constant."""
    return structure.log_prior(parameters.chain) + parameters.emission.log_prior()
