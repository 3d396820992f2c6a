"""Expectation-maximization: one driver for every family whose fit is a sum of expected counts.

The E-step of a chunk of rows returns additive statistics; the driver adds them up, so that chunks, processes and
weights are all the same sum, and stops when a held-out likelihood no longer rises.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from torch import Tensor

from genapps.training.settings import Event

Parameters = TypeVar("Parameters")


class Additive(Protocol):
    """Statistics that add up, and the log-likelihood of the rows behind them."""

    log_prob: float
    rows: int

    def add(self, other: Any) -> None: ...


Counts = TypeVar("Counts", bound=Additive)


@dataclass(frozen=True)
class Stopping:
    """When EM is done: after `iterations`, after `patience` of them without a better held-out likelihood, or in time.

    tolerance: the least gain, in nats a row, that counts as better. deadline: of time.monotonic(), None for none.
    """

    iterations: int = 50
    patience: int = 2
    tolerance: float = 0.01
    deadline: float | None = None


def fit_em(
    start: Parameters,
    data: Tensor,
    validation: Tensor,
    expect: Callable[[Parameters, Tensor], Counts],
    maximize: Callable[[Parameters, Counts], Parameters],
    log_prob: Callable[[Parameters, Tensor], Tensor],
    stopping: Stopping,
    chunk_rows: int,
    progress: Callable[[Event], None] | None = None,
) -> Parameters:
    """Iterate from `start` and return the parameters with the best held-out likelihood.

    data, validation: rows (N, D). expect: E-step of a chunk. maximize: M-step of the sum. log_prob: (N,) of rows.
    chunk_rows: rows of one E-step, which bound the memory beside the data.
    """
    began = time.monotonic()
    current = best = start
    best_held_out, waited = -float("inf"), 0
    for iteration in range(1, stopping.iterations + 1):
        first, *others = data.split(chunk_rows)
        total = expect(current, first)
        for chunk in others:
            total.add(expect(current, chunk))
        current = maximize(current, total)
        held_out = math.fsum(float(log_prob(current, chunk).sum()) for chunk in validation.split(chunk_rows))
        held_out /= len(validation)
        if progress is not None:
            seconds = time.monotonic() - began
            loss = -total.log_prob / total.rows
            progress(Event(iteration, stopping.iterations, seconds, loss, -held_out))
        if held_out > best_held_out + stopping.tolerance:
            best, best_held_out, waited = current, held_out, 0
        else:
            waited += 1
        if waited >= stopping.patience or (stopping.deadline is not None and time.monotonic() > stopping.deadline):
            break
    return best
