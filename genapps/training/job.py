"""What a fit is told apart from its data and its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from genapps.training.settings import Event, TrainingConfig


@dataclass(frozen=True)
class Job:
    """How one fit goes, apart from its data.

    labels: (N,) class of each row, -1 where unknown. weights: (N,) how often each row counts. checkpoint: a file to
    keep the run in; with `resume` the run goes on from it. warm_start: begin from what the engine knows already.
    """

    seed: int = 0
    training: TrainingConfig = field(default_factory=TrainingConfig)
    labels: Tensor | None = None
    weights: Tensor | None = None
    progress: Callable[[Event], None] | None = None
    checkpoint: Path | None = None
    resume: bool = False
    warm_start: bool = False
