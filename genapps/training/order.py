"""Randomness that needs no memory: every draw of a fit is a pure function of (seed, what it is for, count).

A run that is killed and resumed therefore sees the same batches, orders and dropout masks as one that is not.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_EPOCH, _STEP, _VALIDATION = 0, 1, 2


def derived(seed: int, *purpose: int) -> torch.Generator:
    """A generator that depends on the seed and the purpose alone."""
    state = np.random.SeedSequence([seed, *purpose]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))


def for_step(seed: int, step: int, rank: int = 0) -> torch.Generator:
    """The generator of one training step: dropout masks, orders of variables; each process has its own."""
    return derived(seed, _STEP, step, rank) if rank else derived(seed, _STEP, step)


def for_validation(seed: int) -> torch.Generator:
    """The generator of a validation: always the same, so that losses compare."""
    return derived(seed, _VALIDATION)


def batch_rows(seed: int, rows: int, batch_size: int, step: int) -> Tensor:
    """The row numbers of the batch at `step`: each epoch its own permutation, the short rest of it dropped.

    Shape (min(batch_size, rows),).
    """
    per_epoch = max(rows // batch_size, 1)
    epoch, cursor = divmod(step, per_epoch)
    return _permutation(seed, epoch, rows)[cursor * batch_size : (cursor + 1) * batch_size]


_last: dict[tuple[int, int, int], Tensor] = {}


def _permutation(seed: int, epoch: int, rows: int) -> Tensor:
    key = (seed, epoch, rows)
    if key not in _last:  # drawing it anew at each step would cost more than the step on a large table
        _last.clear()
        _last[key] = torch.randperm(rows, generator=derived(seed, _EPOCH, epoch))
    return _last[key]
