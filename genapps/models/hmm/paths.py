"""Paths of hidden states: the most probable one, draws given the observations, draws of a chain by itself.

Shapes: S places of `Packed` steps, K states.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.models.hmm.chain import Chain, compiled
from genapps.models.hmm.packed import Packed


def viterbi(chain: Chain, log_emission: Tensor, packed: Packed) -> Tensor:
    """The most probable path of each sequence given its observations, (S,) (Viterbi 1967)."""
    start, transition, emission = chain.start.log(), chain.transition.log(), log_emission.double()
    fast = compiled() if emission.is_cpu and packed.steps > 20_000 else None
    path: Tensor = (fast.viterbi if fast else best_path)(start, transition, emission, packed)
    return path


def best_path(log_start: Tensor, log_transition: Tensor, log_emission: Tensor, packed: Packed) -> Tensor:
    """The recursion of `viterbi`, over all sequences a step at a time; ties go to the lower state."""
    origin = torch.zeros(log_emission.shape, dtype=torch.long, device=log_emission.device)
    path = torch.zeros(packed.steps, dtype=torch.long, device=log_emission.device)  # at first: were each step the last
    best = log_emission[:0]
    for t, (begin, end) in enumerate(packed.spans):
        if t:
            reached = best[: end - begin, :, None] + log_transition
            best, origin[begin:end] = reached.max(1)
            best = best + log_emission[begin:end]
        else:
            best = log_start + log_emission[:end]
        best = best - torch.nan_to_num(best.amax(1, keepdim=True), neginf=0)
        path[begin:end] = best.argmax(1)
    spans = packed.spans
    for t in range(len(spans) - 1, 0, -1):
        (begin, end), previous = spans[t], spans[t - 1][0]
        path[previous : previous + end - begin] = origin[begin:end].gather(1, path[begin:end, None])[:, 0]
    return path


def posterior_path(
    chain: Chain, log_alpha: Tensor, packed: Packed, uniform: Tensor, temperature: float = 1.0
) -> Tensor:
    """A draw (S,) of each sequence's path from its distribution given the observations.

    log_alpha: (S, K) from `chain.filtered`. uniform: (S,) draws from [0, 1). Forward filtering, backward sampling
    (Frühwirth-Schnatter 1994; Scott 2002, "Bayesian methods for hidden Markov models", section 2.2).
    """
    last = _draw(log_alpha, uniform)
    log_transition = chain.transition.log().T.contiguous().to(log_alpha.dtype)
    path = last.clone()
    spans = packed.spans
    for t in range(len(spans) - 1, 0, -1):
        (begin, end), previous = spans[t], spans[t - 1][0]
        before = slice(previous, previous + end - begin)
        path[before] = _draw(log_alpha[before] + log_transition[path[begin:end]], uniform[before])
    return path


def prior_path(chain: Chain, packed: Packed, generator: torch.Generator) -> Tensor:
    """A draw (S,) of each sequence's path, of a chain without observations."""
    uniform = torch.rand(packed.steps, dtype=torch.double, generator=generator)
    path = torch.zeros(packed.steps, dtype=torch.long)
    log_start, log_transition = chain.start.log(), chain.transition.log()
    before = path
    for t, (begin, end) in enumerate(packed.spans):
        logits = log_transition[before[: end - begin]] if t else log_start.expand(end, -1)
        path[begin:end] = before = _draw(logits, uniform[begin:end])
    return path


def _draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """One state (n,) a row of logits (n, K): the first whose cumulated share passes the uniform number.

    A row of -inf alone, of an impossible sequence, gives state 0.
    """
    top = torch.nan_to_num(logits.amax(1, keepdim=True), neginf=0)
    shares = (logits.double() - top).exp().cumsum(1)
    return (shares <= uniform[:, None] * shares[:, -1:]).sum(1).clamp_max(logits.shape[1] - 1) * (shares[:, -1] > 0)
