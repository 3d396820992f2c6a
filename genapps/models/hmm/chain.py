"""A Markov chain of hidden states, and what observations say of it: likelihood, filtering, smoothing.

Which recursion does the work is chosen here. All of them give the same numbers; `tests` hold them to it.

Shapes: S places of `Packed` steps of N sequences, K states.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor

from genapps.errors import MissingExtra
from genapps.models.hmm import blocks, logspace, scaled
from genapps.models.hmm.packed import Packed
from genapps.models.hmm.room import Room

Kernel = Literal["auto", "scaled", "compiled", "blocks", "log", "compiled log"]

# The smallest transition with which recursions on probabilities lose nothing: a state that underflows at one step is
# refilled with at least so much at the next, and products of two of them stay far from the ends of the type.
LEAST = {torch.float64: 1e-30, torch.float32: 1e-12}

_NARROW = 64  # mean number of sequences side by side below which calling torch costs more than the arithmetic
_LONG = 1000  # steps of the longest sequence from which that is worth loading the compiler
_WORTH = 100_000  # moves of one pass in logarithms from which it is, too: a fit makes dozens of passes
_LOADED = "genapps.models.hmm.compiled"


@dataclass(frozen=True)
class Chain:
    """start: (K,) probabilities of the first state. transition: (K, K), from a row to a column. float64."""

    start: Tensor
    transition: Tensor

    @property
    def states(self) -> int:
        """K."""
        return len(self.start)

    def mixes(self, dtype: torch.dtype) -> bool:
        """Whether every state follows every state with a probability that the type's range can carry."""
        return float(torch.minimum(self.transition.min(), self.start.min())) >= 0.99 * LEAST[dtype]  # rounding

    def to(self, device: torch.device) -> Chain:
        """The same on another device."""
        return Chain(self.start.to(device), self.transition.to(device))


@dataclass(frozen=True)
class Smoothed:
    """log_prob: (N,) of each sequence, -inf where it is impossible; its posterior is then 0.

    states: (S, K) posterior probabilities. moves: (K, K) expected number of moves between each two states, all
    sequences together, each counted by its weight.
    """

    log_prob: Tensor
    states: Tensor
    moves: Tensor


def filtered(chain: Chain, log_emission: Tensor, packed: Packed, kernel: Kernel = "auto") -> tuple[Tensor, Tensor]:
    """Logarithms (S, K) of the states' probabilities given all observations so far, and log-likelihoods (N,).

    log_emission: (S, K), overwritten.
    """
    alpha, steps = predicted(chain, log_emission, packed, kernel)
    return alpha, packed.per_sequence(steps)


def predicted(chain: Chain, log_emission: Tensor, packed: Packed, kernel: Kernel = "auto") -> tuple[Tensor, Tensor]:
    """As `filtered`, but with the log-likelihood (S,), float64, of each step given those before it."""
    kernel = _choice(chain, log_emission, packed) if kernel == "auto" else kernel
    if kernel in ("log", "compiled log"):
        forward = _passes(kernel).log_forward
        alpha, scale = forward(*_logs(chain), log_emission.double(), packed)
        return alpha, scale[:, 0]
    emission, largest = scaled.relative(log_emission)
    forward = _passes(kernel).forward
    alpha, scale = forward(*_cast(chain, emission), emission, packed)
    return alpha.log_(), scale[:, 0].double().log_() + largest[:, 0]


def smooth(
    chain: Chain,
    log_emission: Tensor,
    packed: Packed,
    weights: Tensor | None = None,
    kernel: Kernel = "auto",
    room: Room | None = None,
) -> Smoothed:
    """Posterior probabilities of the states given all observations of their sequence.

    log_emission: (S, K), overwritten. weights: (N,) how often each sequence counts in `moves`. room:
    for the states.
    """
    kernel = _choice(chain, log_emission, packed) if kernel == "auto" else kernel
    if kernel in ("log", "compiled log"):
        return _smooth_logs(chain, log_emission.double(), packed, weights, kernel)
    emission, largest = scaled.relative(log_emission)
    start, transition = _cast(chain, emission)
    if kernel == "blocks":
        alpha, scale, states = blocks.smooth(start, transition, emission, packed)
        log_prob = _log_prob(scale, largest, packed)
        each = _each_if(log_prob, weights, packed, emission.dtype)
        weight = emission if each is None else emission.mul_(each)
        moves = scaled.moves(alpha, weight, transition, packed)
    else:
        passes = _passes(kernel)
        alpha, scale = passes.forward(start, transition, emission, packed, room)
        weight = emission.div_(scale)
        log_prob = _log_prob(scale, largest, packed)
        each = _each_if(log_prob, weights, packed, weight.dtype)
        states, moves = passes.backward(transition, alpha, weight, packed, each)
    if each is not None:
        states.mul_((log_prob > -torch.inf)[packed.sequence, None])
    return Smoothed(log_prob, states, moves)


def _smooth_logs(
    chain: Chain, log_emission: Tensor, packed: Packed, weights: Tensor | None, kernel: Kernel
) -> Smoothed:
    start, transition = _logs(chain)
    alpha, scale = _passes(kernel).log_forward(start, transition, log_emission, packed)
    log_prob = packed.per_sequence(scale[:, 0])
    each = _each(log_prob, weights, packed)
    states, moves = _passes(kernel).log_backward(transition, alpha, scale, log_emission, each, packed)
    if bool((log_prob == -torch.inf).any()):
        states.mul_((log_prob > -torch.inf)[packed.sequence, None])
    return Smoothed(log_prob, states, moves)


def _each(log_prob: Tensor, weights: Tensor | None, packed: Packed) -> Tensor:
    """How often each step counts (S, 1): its sequence's weight, 0 where that is impossible."""
    counted = (log_prob > -torch.inf).double()
    return (counted if weights is None else counted * weights)[packed.sequence, None]


def _each_if(log_prob: Tensor, weights: Tensor | None, packed: Packed, dtype: torch.dtype) -> Tensor | None:
    """The same, None where every step counts once."""
    if weights is None and not bool((log_prob == -torch.inf).any()):
        return None
    return _each(log_prob, weights, packed).to(dtype)


def _log_prob(scale: Tensor, largest: Tensor, packed: Packed) -> Tensor:
    """(N,); `scale` is overwritten."""
    return packed.per_sequence(scale[:, 0].double().log_() + largest[:, 0])


def _cast(chain: Chain, emission: Tensor) -> tuple[Tensor, Tensor]:
    return chain.start.to(emission.dtype), chain.transition.to(emission.dtype)


def _logs(chain: Chain) -> tuple[Tensor, Tensor]:
    return chain.start.log(), chain.transition.log()


def _passes(kernel: Kernel) -> Any:
    """The module that has the recursions of a kernel."""
    if not kernel.startswith("compiled"):
        return logspace if kernel == "log" else scaled
    if compiled() is None:
        raise MissingExtra("numba", "fast")
    return compiled()


@cache
def compiled() -> ModuleType | None:
    """The compiled recursions, None where numba is not installed."""
    try:
        return import_module("genapps.models.hmm.compiled")
    except ImportError:
        return None


def _choice(chain: Chain, log_emission: Tensor, packed: Packed) -> Kernel:
    steps = len(packed.counts)
    narrow = steps >= _LONG and packed.steps < _NARROW * steps
    if not chain.mixes(log_emission.dtype):
        worth = narrow or _LOADED in sys.modules or packed.steps * chain.states**2 > _WORTH
        return "compiled log" if log_emission.is_cpu and worth and compiled() else "log"
    if not narrow:
        return "scaled"
    if log_emission.is_cpu:
        return "compiled" if compiled() else "scaled"
    return "blocks" if packed.sequences <= 4 else "scaled"
