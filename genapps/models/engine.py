"""What an engine offers: one family's way to learn one kind of space. It knows tensors only."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from genapps.batches import Batch, Ragged
from genapps.errors import UsageError
from genapps.spaces import Constraint
from genapps.training.job import Job


@dataclass(frozen=True)
class LogProb:
    """Log-probabilities (N,) in nats a row, and what they are: nothing passes a bound or an estimate off as exact.

    exact: the model's own. bound: not above it (a variational bound). estimate: around it, with `error` (one standard
    error, in nats, of the constant that all values share).
    """

    values: Tensor
    kind: Literal["exact", "bound", "estimate"]
    error: float | None = None


class Engine(ABC):
    """One family's way to learn one kind of space.

    `Config` is its frozen dataclass of settings. What an engine cannot do it leaves as it is here: an error that says
    so. Batches are as in `genapps.spaces`; the family has checked them.
    """

    Config: ClassVar[type]
    takes_unknown: ClassVar[bool] = False  # whether rows to learn from may have unknown values
    takes_labels: ClassVar[bool] = False
    takes_weights: ClassVar[bool] = False
    takes_warm_start: ClassVar[bool] = False  # whether `fit` can begin from what was learnt before
    greedy: ClassVar[bool] = False  # whether a temperature of 0 takes the likeliest
    drawing: ClassVar[frozenset[str]] = frozenset()  # what `sample` takes beyond what it has here

    def __init__(self, space: Any, config: Any) -> None:
        self.space, self.config = space, config

    @abstractmethod
    def fit(self, data: Any, validation: Any | None, job: Job) -> None:
        """Learn from a batch; without `validation` a share of it may be set aside."""

    @abstractmethod
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Any:
        """Draw a batch of n; `labels` (n,) where classes were learnt."""

    def log_prob(self, data: Any, generator: torch.Generator) -> LogProb:
        """How likely each row is, (N,)."""
        raise UsageError(f"{name_of(self)} has no likelihood; compare samples instead, or use anomaly_score")

    def step_log_prob(self, data: Any, generator: torch.Generator) -> Ragged:
        """How likely each step of each sequence is, given the steps before it."""
        raise UsageError(f"{name_of(self)} has no likelihood step by step; hmm and autoregressive have one")

    def anomaly_score(self, data: Any, generator: torch.Generator) -> Tensor:
        """How strange each row is, (N,): higher is stranger."""
        return -self.log_prob(data, generator).values

    def impute(self, data: Any, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Any:
        """Fill what is unknown by draws from its distribution given what is known."""
        raise UsageError(f"{name_of(self)} cannot fill in missing values of this kind of data")

    def partial_fit(self, data: Any, job: Job) -> None:
        """Learn from some more rows."""
        raise UsageError(f"{name_of(self)} cannot be fitted in parts; give all rows to fit")

    def transform(self, data: Any) -> Tensor:
        """Features (N, F) of each row."""
        raise UsageError(f"{name_of(self)} has no features")

    @abstractmethod
    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What was learnt: tensors by name, and what else JSON can hold."""

    @abstractmethod
    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""


def fingerprint(data: Batch, *settings: object) -> str:
    """SHA-256 of a batch and of the settings it is learnt with: what a checkpoint belongs to."""
    digest = hashlib.sha256(repr(settings).encode())
    for tensor in (data.values, data.lengths) if isinstance(data, Ragged) else (data,):
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def split(data: Batch, share: float, order: Tensor) -> tuple[Tensor, Tensor]:
    """Row numbers to learn from and row numbers held out, after `order` (N,); a handful of rows serves as both."""
    if len(data) < 20 or share == 0:
        return order.sort().values, order.sort().values
    held_out = max(1, int(len(data) * share))
    return order[held_out:], order[:held_out]


def name_of(engine: Engine) -> str:
    return f"{type(engine).__name__}"
