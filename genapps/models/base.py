"""What every family offers, whatever it is inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self

import torch
from torch import Tensor

from genapps.spaces import Columns, Constraint
from genapps.training import Event, TrainingConfig


@dataclass(frozen=True)
class LogProb:
    """Log-probabilities (N,) in nats a row, and what they are: nothing passes a bound or an estimate off as exact."""

    values: Tensor
    kind: Literal["exact", "bound", "estimate"]


class Model(Protocol):
    """A family fitted to one space.

    Names follow scikit-learn where it has one. `given` narrows what is generated (see `genapps.spaces.Constraint`).
    """

    family: ClassVar[str]
    codec_numbers: ClassVar[Literal["tokens", "any"]]  # "any": continuous variables are welcome, too
    space: Columns

    def fit(
        self,
        data: Tensor,
        *,
        validation: Tensor | None = None,
        generator: torch.Generator | None = None,
        training: TrainingConfig | None = None,
        progress: Callable[[Event], None] | None = None,
        checkpoint: Path | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from a batch (N, D) of the space without unknowns."""

    def sample(
        self,
        n: int,
        *,
        given: Sequence[Constraint] = (),
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw (n, D) rows."""

    def impute(
        self, data: Tensor, *, given: Sequence[Constraint] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Fill the unknown entries of (N, D) rows by draws from their distribution given the known ones."""

    def log_prob(self, data: Tensor) -> LogProb:
        """How likely each row is."""

    def anomaly_score(self, data: Tensor) -> Tensor:
        """How strange each row is, (N,): higher is stranger."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `from_state` needs: tensors by name, and settings that JSON can hold."""

    @classmethod
    def from_state(cls, space: Columns, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The model that `state` described."""


def generator_or_default(generator: torch.Generator | None) -> torch.Generator:
    """The given generator, or one seeded with 0: no result ever depends on a global state."""
    return generator if generator is not None else torch.Generator().manual_seed(0)
