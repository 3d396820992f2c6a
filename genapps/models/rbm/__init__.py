"""Restricted Boltzmann machines: an energy over visible and hidden units, learnt by contrasting data with itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from genapps.models.base import Family
from genapps.spaces import Columns, Frames, Pixels

if TYPE_CHECKING:
    from genapps.models.rbm.partition import Partition


class RBM(Family):
    """Rows, images or sequences of frames as visible units of all kinds; likelihoods are estimates with their error."""

    family: ClassVar[str] = "rbm"
    engines: ClassVar[Mapping[type, str]] = {
        Columns: "genapps.models.rbm.columns:ColumnsRBM",
        Frames: "genapps.models.rbm.frames:FramesRBM",
        Pixels: "genapps.models.rbm.pixels:PixelsRBM",
    }

    @torch.no_grad()
    def log_partition(self, data: Any = None, *, steps: int | None = None, chains: int | None = None) -> Partition:
        """The log of the partition function with its error, estimated from both sides; exact for small machines.

        data: rows from whose side the reverse estimate is made; without them, the machine's own chains. steps, chains:
        of annealing (`ais_steps`, `ais_chains`); giving them asks for the estimate of a small machine, too. Gaussian
        visibles are taken in standardised units. Source: see `genapps.models.rbm.partition`.
        """
        engine = self._fitted()
        found: Partition = engine.log_partition(  # type: ignore[attr-defined]
            None if data is None else self._checked(data), steps, chains
        )
        return found

    @torch.no_grad()
    def pseudo_log_likelihood(self, data: Any) -> Tensor:
        """The sum (N,) over categorical variables of the log-probability of each one given all others, in nats."""
        found: Tensor = self._fitted().pseudo_log_likelihood(self._checked(data))  # type: ignore[attr-defined]
        return found
