"""Expectation-maximization: one driver for every family whose fit is a sum of expected counts.

The E-step of a chunk of rows returns additive statistics; the driver adds them up, so that chunks, processes and
weights are all the same sum. `fit_em` stops when a held-out likelihood no longer rises; `climb` when the objective
itself no longer does, and watches that it never falls.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from genapps.training import distributed
from genapps.training.settings import Event

Parameters = TypeVar("Parameters")


class Additive(Protocol):
    """Statistics that add up, and the log-likelihood of the rows behind them."""

    @property
    def log_prob(self) -> float: ...
    @property
    def rows(self) -> float: ...

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


@dataclass
class Sums:
    """Expected counts by name, the log-likelihood of the rows behind them, and how much these weigh."""

    values: dict[str, Tensor] = field(default_factory=dict)
    log_prob: float = 0.0
    rows: float = 0.0

    def add(self, other: Sums) -> None:
        """Take in what other rows have counted."""
        for name, value in other.values.items():
            self.values[name] = self.values[name] + value if name in self.values else value
        self.log_prob += other.log_prob
        self.rows += other.rows

    def scaled(self, factor: float) -> Sums:
        """As if every row had counted so many times."""
        values = {name: value * factor for name, value in self.values.items()}
        return Sums(values, self.log_prob * factor, self.rows * factor)

    def total(self) -> Sums:
        """The sum over all processes, the same in each of them; alone, this."""
        if distributed.count() == 1:
            return self
        device = next(iter(self.values.values())).device
        numbers = torch.tensor([self.log_prob, self.rows], dtype=torch.double, device=device)
        values = {name: value.contiguous().clone() for name, value in sorted(self.values.items())}
        distributed.total([*values.values(), numbers])
        return Sums(values, *numbers.tolist())


@dataclass
class Climb(Generic[Parameters]):
    """What `climb` found: the parameters, the objective in nats a row before each M-step, and how it ended."""

    parameters: Parameters
    bounds: list[float]
    converged: bool
    fell: bool = False  # below what rounding explains


def climb(
    start: Parameters,
    expect: Callable[[Parameters], Counts],
    maximize: Callable[[Parameters, Counts], Parameters],
    *,
    log_prior: Callable[[Parameters], float] = lambda _: 0.0,
    slack: Callable[[Parameters, Counts], float] = lambda *_: 0.0,
    same_shape: Callable[[Parameters, Parameters], bool] = lambda *_: True,
    held_out: Callable[[Parameters], float] | None = None,
    iterations: int = 100,
    tolerance: float = 1e-6,
    rounding: float = 1e-9,
    deadline: float | None = None,
    progress: Callable[[Event], None] | None = None,
    done: int = 0,
    total: int | None = None,
) -> Climb[Parameters]:
    """Iterate from `start` until an iteration gains less than `tolerance`.

    expect: E-step of all rows. maximize: M-step. log_prior: of the parameters; its sum with the log-likelihood is the
    objective, which EM never lets fall (Dempster, Laird and Rubin 1977). slack: by how many nats an M-step that is not
    quite the maximum may let it fall. same_shape: False where an M-step has given up components, after which the
    objective is another. held_out: mean log-likelihood of other rows; the best parameters by it are kept, and three
    iterations without a better one end the climb. tolerance: of the gain, relative to the objective, which counts as
    one nat a row at least. rounding: the fall, likewise relative, that rounding explains; a deeper one ends the climb
    at the parameters before it with `fell`. done, total: what `progress` is told beside the climb's own iterations.
    """
    began, current, previous = time.monotonic(), start, start
    found: Climb[Parameters] = Climb(start, [], False)
    allowed, fresh, best, waited = 0.0, True, -math.inf, 0
    for iteration in range(iterations + 1):
        counts = expect(current)
        objective, rows = counts.log_prob + log_prior(current), counts.rows
        size = max(abs(objective), rows)
        gain = objective - rows * found.bounds[-1] if not fresh else math.inf
        if gain < -(rounding * size + allowed) or not math.isfinite(objective):
            found.parameters, found.fell = previous, True
            break
        found.bounds.append(objective / rows)
        other = None if held_out is None else held_out(current)
        if progress is not None:
            seconds = time.monotonic() - began
            losses = (-counts.log_prob / rows, None if other is None else -other)
            progress(Event(done + iteration, total or done + iterations, seconds, *losses))
        if other is None or other > best:
            found.parameters, best, waited = current, -math.inf if other is None else other, 0
        else:
            waited += 1
        late = deadline is not None and distributed.anywhere(time.monotonic() > deadline)
        found.converged = gain <= tolerance * size or waited >= 3
        if found.converged or late or iteration == iterations:
            break
        allowed, previous = slack(current, counts), current
        current = maximize(current, counts)
        fresh = not same_shape(previous, current)
    return found
