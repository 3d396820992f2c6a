"""Smooth paths out of a hidden Markov model whose frames know their slopes.

A model of frames c_t together with their slopes and curvatures gives each step a normal distribution of all three. Seen
as a distribution of the path alone it is one normal distribution over all steps, whose mean is smooth: parameter
generation by Tokuda et al. ("Speech parameter generation algorithms for HMM-based speech synthesis", 2000), and the
trajectory model of Zen, Tokuda and Kitamura (2007), from which paths are drawn here.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

_AT_ONCE = 2**24  # numbers of precision matrices held together
KINDS = 3  # values, slopes, curvatures


@lru_cache(maxsize=16)
def windows(steps: int) -> Tensor:
    """(3, T, T): what takes a path to its values, slopes (c[t+1] - c[t-1]) / 2 and curvatures; ends are repeated."""
    value = torch.eye(steps)
    before, after = torch.roll(value, 1, 0), torch.roll(value, -1, 0)
    before[0], after[-1] = value[0], value[-1]
    return torch.stack([value, (after - before) / 2, after - 2 * value + before])


def with_slopes(paths: Tensor) -> Tensor:
    """Paths (N, T, K) with their slopes and curvatures, (N, T, 3 K)."""
    return torch.einsum("wts,nsk->ntwk", windows(paths.shape[1]), paths).flatten(2)


def draw_paths(means: Tensor, variances: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """Paths (N, T, K) of means and variances (N, T, 3 K) of values, slopes and curvatures.

    temperature: times the variance; 0 gives the smooth mean path, the likeliest.
    """
    count, steps, width = means.shape
    paths = means.new_zeros(count, steps, width // KINDS)
    at_once = max(1, _AT_ONCE // (steps * steps * max(1, width // KINDS)))
    for rows in torch.arange(count).split(at_once):
        paths[rows] = _draw(means[rows], variances[rows], temperature, generator)
    return paths


def _draw(means: Tensor, variances: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    shape = (len(means), means.shape[1], KINDS, -1)
    matrix = windows(means.shape[1]).to(means)
    weight = variances.reshape(shape).reciprocal()  # (N, T, 3, K)
    precision = torch.einsum("wts,ntwk,wtr->nksr", matrix, weight, matrix)
    pull = torch.einsum("wts,ntwk->nks", matrix, weight * means.reshape(shape))[..., None]
    factor = torch.linalg.cholesky(precision)
    middle = torch.cholesky_solve(pull, factor)
    noise = torch.randn(pull.shape, generator=generator, dtype=torch.float32).to(pull)
    away = torch.linalg.solve_triangular(factor.mT, noise, upper=True)
    paths: Tensor = (middle + temperature**0.5 * away)[..., 0].mT
    return paths


def paths_of_states(transitions: Tensor, count: int, steps: int, jitter: float, generator: torch.Generator) -> Tensor:
    """States (count, T) of a left-right chain with transitions (S, S), each state as long as it usually lasts.

    A chain's own lengths of stay are geometric, far more uneven than those of sounds: here they are the mean stays,
    times the exponential of normal noise of deviation `jitter`, stretched to T in all.
    """
    stay = transitions.diagonal().double().clamp(0, 1 - 1e-6)
    usual = 1 / (1 - stay)
    usual[-1] = max(1.0, steps - float(usual[:-1].sum()))
    noise = torch.randn(count, len(usual), generator=generator).double() * jitter
    ends = (usual * noise.exp()).cumsum(1)
    ends = ends / ends[:, -1:] * steps
    time = torch.arange(steps) + 0.5
    return torch.searchsorted(ends, time.double().expand(count, -1).contiguous()).clamp_max(len(usual) - 1)
