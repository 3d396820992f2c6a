"""Mixtures of the frames of sequences: each frame is a row of its own, whatever came before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.base import Job, LogProb
from genapps.models.gmm.gaussian import GaussianMixture
from genapps.models.gmm.settings import GaussianConfig
from genapps.spaces import Columns, Constraint


@dataclass(frozen=True)
class FrameConfig(GaussianConfig):
    """A mixture of frames."""


class FrameMixture(GaussianMixture):
    """Gaussian mixture of frames: what sounds and gestures there are, not how they follow one another (see HMM)."""

    Config: ClassVar[type] = FrameConfig

    def __init__(self, space: Any, config: FrameConfig) -> None:
        super().__init__(space, config)
        self.lengths = torch.ones(1, dtype=torch.long)

    @staticmethod
    def columns_of(space: Any) -> Columns:
        """The columns of a frame."""
        row: Columns = space.row
        return row

    def rows_of(self, batch: Any) -> Tensor:
        """All frames, one a row."""
        values: Tensor = batch.values
        return values

    def fit(self, data: Ragged, validation: Ragged | None, job: Job) -> None:  # type: ignore[override]
        """Learn from the frames of sequences; a sequence's weight is that of each of its frames."""
        weights = None if job.weights is None else torch.repeat_interleave(job.weights, data.lengths)
        self._fit_rows(data.values, None if validation is None else validation.values, job, weights)
        self.lengths = data.lengths

    def partial_fit(self, data: Ragged, job: Job) -> None:  # type: ignore[override]
        """One step of stepwise EM on the frames of some sequences."""
        if job.weights is not None:
            raise UsageError("weights of sequences are taken by fit alone")
        super().partial_fit(data.values, job)
        self.lengths = data.lengths

    def log_prob(self, data: Any, generator: torch.Generator) -> LogProb:
        """Exact log-density (N,) of each sequence given its length, in nats."""
        values = super().log_prob(data.values, generator).values.double()
        number = torch.repeat_interleave(torch.arange(len(data)), data.lengths)
        return LogProb(torch.zeros(len(data), dtype=torch.double).index_add_(0, number, values), "exact")

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Any:
        """Draw n sequences, as long as those that were learnt; conditions hold in every frame."""
        chosen = torch.randint(len(self.lengths), (n,), generator=generator)
        lengths = self.lengths[chosen]
        frames = super().sample(int(lengths.sum()), generator, given=given, temperature=temperature)
        return Ragged(frames, lengths)

    def impute(self, data: Any, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Any:
        """Fill the unknown entries of frames given the known ones of the same frame."""
        return Ragged(super().impute(data.values, generator, given=given), data.lengths)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        tensors, settings = super().state()
        return tensors | {"lengths": self.lengths}, settings

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        super().restore(tensors, settings)
        self.lengths = tensors["lengths"]
