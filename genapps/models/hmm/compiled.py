"""The recursions of `scaled`, `logspace` and `paths` compiled by numba, for few long sequences on a processor.

There a step's arithmetic is so small that calling torch for it costs more than doing it. Imported only where numba is
installed (`pip install 'genapps[fast]'`) and only when there is something to gain; the results are the same.

Shapes: S places of `Packed` steps, K states; begins, counts: (T,) where each step begins and how many sequences run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genapps.models.hmm import scaled
from genapps.models.hmm.packed import Packed
from genapps.models.hmm.room import Room

Array = NDArray[Any]

_FAST = {"reassoc", "contract", "arcp", "nsz"}  # sums may be reordered; infinities keep their meaning


def _compile(function: Callable[..., None]) -> Callable[..., None]:
    """Compiled when first called, and kept on disk where the installation or the user has a place for it."""
    try:
        return numba.njit(fastmath=_FAST, cache=True)(function)
    except RuntimeError:  # no folder to keep it in
        return numba.njit(fastmath=_FAST)(function)


# -- probabilities -----------------------------------------------------------------------------------------------------


def _forward(
    start: Array, transition: Array, emission: Array, begins: Array, counts: Array, alpha: Array, scale: Array
) -> None:
    states = emission.shape[1]
    now = np.empty(states, emission.dtype)
    for n in range(counts[0]):
        place = n
        for t in range(len(counts)):
            if counts[t] <= n:
                break
            before, place = place, begins[t] + n
            if t == 0:
                for j in range(states):
                    now[j] = start[j]
            else:
                for j in range(states):
                    now[j] = 0
                for i in range(states):
                    weight = alpha[before, i]
                    for j in range(states):
                        now[j] += weight * transition[i, j]
            total = now[0] * 0
            for j in range(states):
                now[j] *= emission[place, j]
                total += now[j]
            scale[place] = total
            inverse = 1 / total
            for j in range(states):
                alpha[place, j] = now[j] * inverse


def _backward(back: Array, alpha: Array, weight: Array, begins: Array, counts: Array, posterior: Array) -> None:
    states = weight.shape[1]
    beta = np.empty(states, weight.dtype)
    for n in range(counts[0]):
        last = len(counts) - 1
        while counts[last] <= n:
            last -= 1
        for j in range(states):
            beta[j] = 1
        for t in range(last, -1, -1):
            place = begins[t] + n
            for j in range(states):
                posterior[place, j] = alpha[place, j] * beta[j]
                weight[place, j] *= beta[j]
                beta[j] = 0
            for i in range(states):
                factor = weight[place, i]
                for j in range(states):
                    beta[j] += factor * back[i, j]


_run_forward, _run_backward = _compile(_forward), _compile(_backward)


def forward(
    start: Tensor, transition: Tensor, emission: Tensor, packed: Packed, room: Room | None = None
) -> tuple[Tensor, Tensor]:
    """As `scaled.forward`."""
    alpha = (room or Room()).take(emission.shape, emission.dtype, emission.device)
    scale = torch.empty_like(emission[:, 0])
    inputs = (start, transition.contiguous(), emission)
    _run_forward(*_arrays(*inputs), *_places(packed), *_arrays(alpha, scale))
    return alpha, scale[:, None]


def backward(
    transition: Tensor, alpha: Tensor, weight: Tensor, packed: Packed, each: Tensor | None
) -> tuple[Tensor, Tensor]:
    """As `scaled.backward`."""
    posterior = torch.empty_like(weight)
    _run_backward(*_arrays(transition.T.contiguous(), alpha, weight), *_places(packed), *_arrays(posterior))
    if each is not None:
        weight.mul_(each)
    return posterior, scaled.moves(alpha, weight, transition, packed)


# -- logarithms --------------------------------------------------------------------------------------------------------


def _log_forward(
    start: Array, transition: Array, emission: Array, begins: Array, counts: Array, alpha: Array, scale: Array
) -> None:
    states = emission.shape[1]
    for n in range(counts[0]):
        place = n
        for t in range(len(counts)):
            if counts[t] <= n:
                break
            before, place = place, begins[t] + n
            top = -np.inf
            for j in range(states):
                value = start[j]
                if t > 0:
                    most = -np.inf
                    for i in range(states):
                        most = max(most, alpha[before, i] + transition[i, j])
                    value = most
                    if most > -np.inf:
                        total = 0.0
                        for i in range(states):
                            term = alpha[before, i] + transition[i, j] - most
                            if term > -745:
                                total += math.exp(term)
                        value = most + math.log(total)
                alpha[place, j] = value + emission[place, j]
                top = max(top, alpha[place, j])
            scale[place] = top
            if top > -np.inf:
                total = 0.0
                for j in range(states):
                    total += math.exp(alpha[place, j] - top)
                scale[place] = top + math.log(total)
                for j in range(states):
                    alpha[place, j] -= scale[place]


def _log_backward(
    transition: Array,
    alpha: Array,
    scale: Array,
    emission: Array,
    weights: Array,
    begins: Array,
    counts: Array,
    posterior: Array,
    moves: Array,
) -> None:
    states = emission.shape[1]
    beta, following = np.empty(states), np.empty(states)
    for n in range(counts[0]):
        last = len(counts) - 1
        while counts[last] <= n:
            last -= 1
        beta[:] = 0
        for t in range(last, -1, -1):
            place = begins[t] + n
            shift = scale[place] if scale[place] > -np.inf else 0.0
            for j in range(states):
                posterior[place, j] = math.exp(alpha[place, j] + beta[j])
                following[j] = emission[place, j] + beta[j] - shift
            if t == 0:
                break
            before = begins[t - 1] + n
            for i in range(states):
                most = -np.inf
                for j in range(states):
                    most = max(most, transition[i, j] + following[j])
                beta[i] = most
                if most == -np.inf:
                    continue
                total = 0.0
                share = math.exp(alpha[before, i] + most) * weights[place]
                for j in range(states):
                    term = transition[i, j] + following[j] - most
                    if term > -745:
                        part = math.exp(term)
                        total += part
                        moves[i, j] += part * share
                beta[i] = most + math.log(total)


_run_log_forward, _run_log_backward = _compile(_log_forward), _compile(_log_backward)


def log_forward(
    log_start: Tensor, log_transition: Tensor, log_emission: Tensor, packed: Packed
) -> tuple[Tensor, Tensor]:
    """As `logspace.log_forward`."""
    alpha, scale = torch.empty_like(log_emission), torch.empty_like(log_emission[:, 0])
    inputs = (log_start, log_transition, log_emission)
    _run_log_forward(*_arrays(*inputs), *_places(packed), *_arrays(alpha, scale))
    return alpha, scale[:, None]


def log_backward(
    log_transition: Tensor, alpha: Tensor, scale: Tensor, log_emission: Tensor, weights: Tensor | None, packed: Packed
) -> tuple[Tensor, Tensor]:
    """As `logspace.log_backward`."""
    posterior, moves = torch.empty_like(alpha), torch.zeros_like(log_transition)
    each = torch.ones(len(alpha), dtype=alpha.dtype) if weights is None else weights[:, 0].contiguous()
    inputs = (log_transition, alpha, scale[:, 0], log_emission, each)
    _run_log_backward(*_arrays(*inputs), *_places(packed), *_arrays(posterior, moves))
    return posterior, moves


# -- the best path -----------------------------------------------------------------------------------------------------


def _viterbi(
    start: Array, transition: Array, emission: Array, begins: Array, counts: Array, origin: Array, path: Array
) -> None:
    states = emission.shape[1]
    best, now = np.empty(states), np.empty(states)
    for n in range(counts[0]):
        last = 0
        for t in range(len(counts)):
            if counts[t] <= n:
                break
            last, place = t, begins[t] + n
            top = -np.inf
            for j in range(states):
                now[j] = start[j]
                if t > 0:
                    chosen = 0
                    now[j] = -np.inf
                    for i in range(states):
                        value = best[i] + transition[i, j]
                        if value > now[j]:
                            now[j], chosen = value, i
                    origin[place, j] = chosen
                now[j] += emission[place, j]
                top = max(top, now[j])
            for j in range(states):
                best[j] = now[j] - (top if top > -np.inf else 0.0)
        state = 0
        for j in range(states):
            if best[j] > best[state]:
                state = j
        for t in range(last, -1, -1):
            place = begins[t] + n
            path[place] = state
            state = origin[place, state]


_run_viterbi = _compile(_viterbi)


def viterbi(log_start: Tensor, log_transition: Tensor, log_emission: Tensor, packed: Packed) -> Tensor:
    """As `paths.viterbi`."""
    origin = torch.zeros(log_emission.shape, dtype=torch.int32)
    path = torch.zeros(len(log_emission), dtype=torch.long)
    inputs = (log_start, log_transition, log_emission)
    _run_viterbi(*_arrays(*inputs), *_places(packed), *_arrays(origin, path))
    return path


def _arrays(*tensors: Tensor) -> list[Array]:
    return [tensor.numpy() for tensor in tensors]


def _places(packed: Packed) -> list[Array]:
    return _arrays(packed.counts.cumsum(0) - packed.counts, packed.counts)
