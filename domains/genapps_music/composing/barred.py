"""The autoregressive family on pieces: cells in order, given where in the bar and how far from the end they stand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.batches import Ragged
from genapps.models.autoregressive import Autoregressive
from genapps.models.autoregressive.choosing import pick
from genapps.models.autoregressive.ordered import OrderedModel
from genapps.models.autoregressive.sequences import SequenceEngine
from genapps.models.autoregressive.showing import Partly, patterns
from genapps.models.base import Engine
from genapps.nets.cells import PAD, CellNet
from genapps.nets.transformer import drop
from genapps.spaces import Space
from genapps.training import Recipe
from genapps_music.codec import CONTEXT
from genapps_music.composing.candidates import Candidates, within_notes
from genapps_music.grid import FIRST, HOLD

_WIDTH = 24  # of what is known of a candidate


def sounding(cells: Tensor, most: int) -> Tensor:
    """Cells (B, T, V) in which a note that goes on says which: `most` more than the code with which it began.

    One whose beginning is not there stays as it is.
    """
    time = torch.arange(cells.shape[1], device=cells.device)[None, :, None]
    begun = torch.where(cells != HOLD, time, 0).cummax(1).values
    last = cells.gather(1, begun)
    return torch.where((cells == HOLD) & (last >= FIRST), last + most, cells)


class BarredNet(CellNet):
    """The network of cells, told the context of each step; nothing is said of the context itself.

    Everything is (..., CONTEXT + V), as in the frames; cells that it reads are as `sounding` has them. sizes: codes of
    all variables of a frame.
    """

    def __init__(self, sizes: tuple[int, ...], *, width: int, generator: torch.Generator, **shape: Any) -> None:
        super().__init__(sizes[CONTEXT:], width=width, generator=generator, **shape)
        count, codes, near = self.count, 2 * self.most + 1, self.near.shape[-1]
        self.told = nn.Parameter(torch.randn(CONTEXT, max(sizes[:CONTEXT]), width, generator=generator) / CONTEXT**0.5)
        self.read = nn.Parameter(torch.randn(count, codes, width, generator=generator) / count**0.5)
        self.shown = nn.Parameter(torch.randn(count, codes, width, generator=generator) / count**0.5)
        self.near = nn.Parameter(torch.randn(count, codes, near, generator=generator))
        shape = {"width": _WIDTH, "dropout": self.dropout, "generator": generator}
        self.candidates = Candidates(count, self.most, self.inner.in_features, **shape)

    def forward(
        self, steps: Tensor, labels: Tensor, cache: None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """As `CellNet.forward`, of steps (B, T, CONTEXT + V, 2) of plain cells.

        Which note it is, is worked out where one begins and is not shown: of other cells it says nothing.
        """
        cells = torch.stack([sounding(one, self.most) for one in steps[..., CONTEXT:, :].unbind(-1)], -1)
        steps = torch.cat([steps[..., :CONTEXT, :], cells], 2)
        context = self.around_all(functional.pad(steps, (0, 0, 0, 0, 0, 1), value=PAD), generator)
        x = self.trunk(drop(self._read(steps, labels, context), self.dropout, generator), None, generator)
        codes, shown = functional.pad(cells, (0, 0, 0, 0, 1, 2), value=-1).clamp_min(-1).unbind(-1)  # (B, T + 3, V)
        now, told, before = codes[:, 1:-1], shown[:, 1:-1], codes[:, :-2]
        known = self.known(x, context, self.neighbours(now, told, before, shown[:, 2:]), generator)
        logits = self.said(known)
        begins = (now >= FIRST) & (now < self.most) & (told < 0)
        row, step, voice = begins.nonzero().unbind(1)
        beside = (one[row, step] for one in (now, told, before))
        scores = self.candidates(known[row, step, voice], voice, *beside, generator)
        logits = logits.index_put((row, step, voice), within_notes(logits[begins], scores))
        return torch.cat([self.end(x), functional.pad(logits, (0, 0, CONTEXT, 0)).flatten(-2)], -1)

    def around_all(self, steps: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What is known of each step (B, T, C): its context, and the shown cells before, at and after it."""
        known = steps[..., :CONTEXT, 1].clamp_min(0)
        return super().around_all(steps[..., CONTEXT:, :], generator) + self.told[torch.arange(CONTEXT), known].sum(-2)

    def frames(self, codes: Tensor) -> Tensor:
        """The cells of complete frames as vectors (..., C)."""
        return super().frames(codes[..., CONTEXT:])

    def chosen(
        self, x: Tensor, context: Tensor, now: Tensor, shown: Tensor, before: Tensor, after: Tensor, variable: int
    ) -> Tensor:
        """Logits (B, most) of the codes of one variable, from the trunk, the context (B, C) and cells beside it.

        Those are (B, CONTEXT + V): of the step as far as decided, shown of it, of the one before, shown of the next.
        """
        voice = variable - CONTEXT
        now, shown, before, after = (codes[:, CONTEXT:] for codes in (now, shown, before, after))
        known = self.known(x, context, self.neighbours(now, shown, before, after))
        scores = self.candidates(known[:, voice], torch.full((len(x),), voice), now, shown, before)
        return within_notes(self.said(known)[:, voice], scores)


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

    def _drawn(self, told: Ragged, lengths: Tensor, shown: bool, classes: Tensor, how: Any) -> Ragged:
        """Sequences of known length whose cells `told` are as they are, and foreseen."""
        network, rows, longest = self.network, len(told), int(lengths.max())
        cells, _ = Ragged(told.values.long(), told.lengths).padded(-1)
        foreseen = self._sounding(cells)
        pad = (torch.arange(longest) >= lengths[:, None])[..., None].expand_as(cells)
        context = network.around_all(torch.stack([torch.where(pad, PAD, 0), foreseen], -1))
        cache, now = network.trunk.cache(rows, longest + 1), foreseen.clone()
        nothing = torch.full_like(cells[:, 0], -1)
        for t in range(longest):
            before = now[:, t - 1] if t else nothing
            x = network.step(before if t else None, context[:, t], classes, t, cache)
            after = foreseen[:, t + 1] if t + 1 < longest else nothing
            for v, size in enumerate(self.space.row.sizes):
                free = cells[:, t, v] < 0
                if not bool(free.any()):
                    continue
                logits = network.chosen(x, context[:, t], now[:, t], foreseen[:, t], before, after, v)
                logits = logits[:, :size]
                if how.allowed is not None:
                    logits = logits.masked_fill(~how.allowed(cells[:, :t], cells[:, t], v), -torch.inf)
                logits = torch.where(free[:, None], logits, 0.0)
                codes = pick(logits, how.temperature, how.generator, how.top_k, how.top_p)
                cells[:, t, v] = torch.where(free, codes, cells[:, t, v])
                now[:, t, v] = self._going_on(cells[:, t, v], before[:, v])
        return Ragged(cells[torch.arange(longest) < lengths[:, None]], lengths)

    def _sounding(self, frames: Tensor) -> Tensor:
        cells = sounding(frames[..., CONTEXT:], self.network.most)
        return torch.cat([frames[..., :CONTEXT], cells], -1)

    def _going_on(self, codes: Tensor, before: Tensor) -> Tensor:
        """Codes (B,) of a voice as `sounding` has them, after those of the step before."""
        most = self.network.most
        held = torch.where((before >= FIRST) & (before < most), before + most, before)
        return torch.where((codes == HOLD) & (held >= FIRST), held, codes)


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
