"""The autoregressive family on pieces: cells in order, given where in the bar and how far from the end they stand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.batches import Ragged
from genapps.models.autoregressive import Autoregressive
from genapps.models.autoregressive.ordered import OrderedModel
from genapps.models.autoregressive.sequences import SequenceEngine
from genapps.models.autoregressive.showing import Partly, patterns
from genapps.models.base import Engine
from genapps.nets.cells import CellNet
from genapps.spaces import Space
from genapps.training import Recipe
from genapps_music.codec import CONTEXT


class BarredNet(CellNet):
    """The network of cells, told the context of each step; nothing is said of the context itself.

    Everything is (..., CONTEXT + V), as in the frames. sizes: codes of all variables of a frame.
    """

    def __init__(self, sizes: tuple[int, ...], *, width: int, generator: torch.Generator, **shape: Any) -> None:
        super().__init__(sizes[CONTEXT:], width=width, generator=generator, **shape)
        most = max(sizes[:CONTEXT])
        self.told = nn.Parameter(torch.randn(CONTEXT, most, width, generator=generator) / CONTEXT**0.5)

    def around_all(self, steps: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What is known of each step (B, T, C): its context, and the shown cells before, at and after it."""
        known = steps[..., :CONTEXT, 1].clamp_min(0)
        return super().around_all(steps[..., CONTEXT:, :], generator) + self.told[torch.arange(CONTEXT), known].sum(-2)

    def frames(self, codes: Tensor) -> Tensor:
        """The cells of complete frames as vectors (..., C)."""
        return super().frames(codes[..., CONTEXT:])

    def neighbours(self, now: Tensor, shown: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """What each cell is told of near ones, (..., V, head)."""
        return super().neighbours(*(codes[..., CONTEXT:] for codes in (now, shown, before, after)))

    def logits(self, x: Tensor, context: Tensor, near: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Logits (..., CONTEXT + V, most): zeros for the context."""
        return functional.pad(super().logits(x, context, near, generator), (0, 0, CONTEXT, 0))


class BarredModel(OrderedModel):
    """p(cells | context, cells that are known): the first variables of a frame are the context, which is always known.

    In training a random pattern of a piece's cells is known, as in Huang et al. 2017, "Counterpoint by convolution".
    """

    def new_network(self, classes: int, generator: torch.Generator) -> BarredNet:
        """An untrained network that says the marginal shares of every cell."""
        c = self.config
        network = BarredNet(
            self.space.row.sizes,
            width=c.hidden,
            layers=c.layers,
            head=c.head,
            dropout=c.dropout,
            period=0,
            classes=classes,
            generator=generator,
        )
        with torch.no_grad():
            network.bias.copy_(self.facts["marginals"][CONTEXT:, : network.most].log())
        return network

    def as_learnt(self, data: Ragged, generator: torch.Generator) -> Partly:
        """Held-out pieces with one random pattern each."""
        return data if isinstance(data, Partly) else shown(data, self.config.unshown, generator)

    def loss(
        self, data: Ragged, labels: Tensor, draws: torch.Generator, recipe: Recipe, device: torch.device
    ) -> Tensor:
        """Mean negative log-likelihood of a batch of pieces, shown at random."""
        return SequenceEngine.loss(self, shown(data, self.config.unshown, draws), labels, draws, recipe, device)


def shown(data: Ragged, unshown: float, generator: torch.Generator) -> Partly:
    """Pieces with their context known, and a random pattern of their cells; of a share of them no cell."""
    cells = Ragged(data.values[:, CONTEXT:], data.lengths)
    known = patterns(cells, unshown, generator).known
    context = torch.ones(len(data.values), CONTEXT, dtype=torch.bool)
    return Partly(data.values, data.lengths, torch.cat([context, known], 1))


class Composer(Autoregressive):
    """The autoregressive family with that engine."""

    def engine_for(self, space: Space) -> type[Engine]:
        """The one engine."""
        return BarredModel


__all__ = ["BarredModel", "Composer"]
