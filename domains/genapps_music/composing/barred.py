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
from genapps.spaces import Space
from genapps.training import Recipe
from genapps_music.codec import CONTEXT
from genapps_music.grid import FIRST, HOLD

_GAIN, _PULL = 2.0, 6.0  # times what is learnt of intervals and of parallels: their few weights have far to go


def sounding(cells: Tensor, most: int) -> Tensor:
    """Cells (B, T, V) in which a note that goes on says which: `most` more than the code with which it began.

    One whose beginning is not there stays as it is.
    """
    time = torch.arange(cells.shape[1], device=cells.device)[None, :, None]
    begun = torch.where(cells != HOLD, time, 0).cummax(1).values
    last = cells.gather(1, begun)
    return torch.where((cells == HOLD) & (last >= FIRST), last + most, cells)


class Relative(nn.Module):
    """What intervals say of the notes of a step, wherever they lie: moves of a voice, intervals to others, parallels.

    What is added to the logits of the notes of a voice: by how far they are from its last one; by how far from what
    another voice sounds; and for the one note that moves as another voice does, by the interval that both had before.
    """

    apart: Tensor
    earlier: Tensor

    def __init__(self, voices: int, most: int) -> None:
        super().__init__()
        self.voices, self.most, self.notes = voices, most, most - FIRST
        wide = 2 * self.notes - 1
        self.melody = nn.Parameter(torch.zeros(voices, wide))
        self.harmony = nn.Parameter(torch.zeros(voices, voices, wide))
        self.parallel = nn.Parameter(torch.zeros(voices, voices, 12))
        note = torch.arange(self.notes)
        self.register_buffer("apart", note - note[:, None] + self.notes - 1, persistent=False)
        self.register_buffer("earlier", torch.ones(voices, voices).tril(-1), persistent=False)

    def forward(self, now: Tensor, shown: Tensor, before: Tensor) -> Tensor:
        """(..., V, most), of cells (..., V) as `sounding` has them: of the step, shown of it, and of the one before."""
        (last, had), (own, is_own), (told, is_told) = (self._heights(codes) for codes in (before, now, shown))
        moves = torch.einsum("...vi,vij->...vj", self._marked(last, had), self.melody[:, self.apart])
        table = self.harmony[:, :, self.apart]
        before_it, after_it = self.earlier[..., None, None], self.earlier.mT[..., None, None]
        chords = torch.einsum("...wi,vwij->...vj", self._marked(own, is_own), table * before_it)
        chords = chords + torch.einsum("...wi,vwij->...vj", self._marked(told, is_told), table * after_it)
        decided = self.earlier.bool()
        others = torch.where(decided, own[..., None, :], told[..., None, :])  # (..., v, w)
        there = (decided & is_own[..., None, :]) | (decided.mT & is_told[..., None, :])
        moved = others - last[..., None, :]
        target = last[..., :, None] + moved
        there = there & had[..., None, :] & had[..., :, None] & (moved != 0) & (target >= 0) & (target < self.notes)
        interval = (last[..., :, None] - last[..., None, :]) % 12
        first = torch.arange(self.voices, device=now.device)
        pull = self.parallel[first[:, None], first, interval] * there
        found = (_GAIN * (moves + chords)).scatter_add(-1, target.clamp(0, self.notes - 1), _PULL * pull)
        return functional.pad(found, (FIRST, 0))

    def _heights(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """How high above its voice's lowest each cell sounds, 0 where nothing does, and whether it sounds."""
        sounds = codes >= FIRST
        held = codes >= self.most + FIRST
        return torch.where(sounds, codes - FIRST - self.most * held, 0), sounds

    def _marked(self, heights: Tensor, sounds: Tensor) -> Tensor:
        """(..., V, notes): 1 at what sounds."""
        return functional.one_hot(heights, self.notes) * sounds[..., None].float()


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
        self.relative = Relative(count, self.most)

    def forward(
        self, steps: Tensor, labels: Tensor, cache: None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """As `CellNet.forward`, of steps (B, T, CONTEXT + V, 2) of plain cells."""
        cells = torch.stack([sounding(one, self.most) for one in steps[..., CONTEXT:, :].unbind(-1)], -1)
        outputs = super().forward(torch.cat([steps[..., :CONTEXT, :], cells], 2), labels, cache, generator)
        now, known = functional.pad(cells, (0, 0, 0, 0, 1, 1), value=-1).unbind(-1)  # (B, T + 2, V)
        moves = self.relative(now[:, 1:], known[:, 1:], now[:, :-1])
        return outputs + functional.pad(moves.flatten(-2), (1 + CONTEXT * self.most, 0))

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
                near = network.neighbours(now[:, t], foreseen[:, t], before, after)
                logits = network.logits(x, context[:, t], near)[:, v]
                if v >= CONTEXT:
                    moves = network.relative(*(one[:, CONTEXT:] for one in (now[:, t], foreseen[:, t], before)))
                    logits = logits + moves[:, v - CONTEXT]
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
