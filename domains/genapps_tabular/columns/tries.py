"""Which sequences of codes a condition allows, as the automaton that a model reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genapps.spaces import Constraint

ANY = -1  # in a path: every code is allowed here


def trie(sizes: Sequence[int], paths: NDArray[np.int64]) -> Constraint:
    """The constraint on variables 0..D-1 of these sizes that allows exactly `paths` (M, D), M > 0.

    Paths that agree up to a step agree there on having a code or `ANY`.
    """
    states = [_states(paths, k) for k in range(len(sizes) + 1)]
    weights, following = [], []
    for k, size in enumerate(sizes):
        state, after, code = states[k], states[k + 1], paths[:, k]
        weight = np.zeros((int(state.max()) + 1, size), np.float32)
        follow = np.zeros(weight.shape, np.int64)
        free = code == ANY
        weight[state[free]], follow[state[free]] = 1, after[free, None]
        weight[state[~free], code[~free]], follow[state[~free], code[~free]] = 1, after[~free]
        weights.append(weight)
        following.append(follow)
    return Constraint(tuple(range(len(sizes))), tuple(weights), tuple(following))


def _states(paths: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """The state that each path has reached before `step`: paths with the same past share one, free ones all."""
    past = paths[:, :step].copy()
    past[(paths[:, step:] == ANY).all(axis=1)] = ANY
    if step in (0, paths.shape[1]):
        return np.zeros(len(paths), np.int64)
    return np.unique(past, axis=0, return_inverse=True)[1].reshape(-1)
