"""Frames of several codes, cell by cell: what is said of each cell given those before it and those that are shown."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.gru import GRU, State
from genapps.nets.mlp import fresh
from genapps.nets.transformer import drop

PAD = -2  # the code of steps beyond the end of a sequence
_EMBEDDED = 24  # numbers by which a code of the neighbouring cells is read


class CellNet(nn.Module):
    """A network over frames of V codes in a fixed order, which also reads cells of any time that are shown to it.

    A recurrent trunk reads complete frames; two more, one each way through time, read the shown cells; a small network
    a cell reads both, the cells of its frame decided so far, the shown ones that are not, the frame before, and what is
    shown of the frame after. sizes: codes of each variable. period: the network is told the step's number modulo this.
    """

    beyond: Tensor
    earlier: Tensor

    def __init__(
        self,
        sizes: tuple[int, ...],
        *,
        width: int,
        layers: int,
        head: int,
        dropout: float,
        period: int,
        classes: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        count, most = len(sizes), max(sizes)
        self.count, self.most, self.dropout, self.period = count, most, dropout, max(period, 1)
        self.begin = nn.Parameter(torch.randn(width, generator=generator))
        self.classes = nn.Parameter(torch.randn(classes, width, generator=generator) * 0.5)
        self.place = nn.Parameter(torch.randn(self.period, width, generator=generator) * (0.5 if period else 0.0))
        self.read = nn.Parameter(torch.randn(count, most + 1, width, generator=generator) / count**0.5)
        self.near = nn.Parameter(torch.randn(count, most + 1, _EMBEDDED, generator=generator))
        self.trunk = GRU(width, layers, dropout=dropout, generator=generator)
        self.onwards = GRU(width, 1, dropout=dropout, generator=generator)
        self.backwards = GRU(width, 1, dropout=dropout, generator=generator)
        self.shown = nn.Parameter(torch.randn(count, most + 1, width, generator=generator) / count**0.5)
        self.context = fresh(nn.Linear, 2 * width, width, generator=generator)
        self.alone = nn.Parameter(torch.zeros(width))
        self.cell = fresh(nn.Linear, 2 * width, count * head, generator=generator)
        around = torch.randn(count, head, 3, count, _EMBEDDED, generator=generator)
        self.around = nn.Parameter(around / (3 * count * _EMBEDDED) ** 0.5)
        self.inner = fresh(nn.Linear, head, head, generator=generator)
        self.tell = nn.Parameter(torch.zeros(count, most, head))
        self.bias = nn.Parameter(torch.zeros(count, most))
        self.end = fresh(nn.Linear, width, 1, generator=generator, gain=0.0)
        beyond = torch.arange(most) >= torch.tensor(sizes)[:, None]
        self.register_buffer("beyond", beyond, persistent=False)
        self.register_buffer("earlier", torch.ones(count, count).tril(-1).bool(), persistent=False)

    def forward(
        self, steps: Tensor, labels: Tensor, cache: None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """The logit of the end, then the logits of the codes of each cell: (B, T + 1, 1 + V * most).

        steps: (B, T, V, 2) codes, and codes that are shown, -1 where none is; PAD after the end. labels: (B,) classes.
        """
        context = self.around_all(functional.pad(steps, (0, 0, 0, 0, 0, 1), value=PAD), generator)
        x = self.trunk(drop(self._read(steps, labels, context), self.dropout, generator), None, generator)
        codes, shown = functional.pad(steps, (0, 0, 0, 0, 1, 1), value=-1).clamp_min(-1).unbind(-1)  # (B, T + 2, V)
        after = functional.pad(shown[:, 2:], (0, 0, 0, 1), value=-1)
        near = self.neighbours(codes[:, 1:], shown[:, 1:], codes[:, :-1], after)
        return torch.cat([self.end(x), self.logits(x, context, near, generator).flatten(-2)], -1)

    def hidden(self, steps: Tensor, labels: Tensor) -> Tensor:
        """What the trunk knows before each of T steps and after the last one, (B, T + 1, C)."""
        context = self.around_all(functional.pad(steps, (0, 0, 0, 0, 0, 1), value=PAD))
        return self.trunk(self._read(steps, labels, context))  # type: ignore[no-any-return]

    def _read(self, steps: Tensor, labels: Tensor, context: Tensor) -> Tensor:
        """What the trunk reads (B, T + 1, C)."""
        read = torch.cat([self.begin.expand(len(steps), 1, -1), self.frames(steps[..., 0])], 1)
        place = self.place[torch.arange(read.shape[1]) % self.period]
        return read + self.classes[labels][:, None] + place + context

    def step(self, before: Tensor | None, context: Tensor, labels: Tensor, time: int, cache: State) -> Tensor:
        """What the trunk knows (B, C) at a time, after the frame before (B, V); the cache moves on."""
        read = self.begin.expand(len(context), -1) if before is None else self.frames(before)
        x = read + self.classes[labels] + self.place[time % self.period] + context
        return self.trunk(x[:, None], cache)[:, 0]  # type: ignore[no-any-return]

    def frames(self, codes: Tensor) -> Tensor:
        """Complete frames (..., V) as vectors (..., C)."""
        return self.read[torch.arange(self.count), codes.clamp_min(-1)].sum(-2)

    def around_all(self, steps: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What is known of each step by the shown cells before, at and after it, (B, T, C); one vector if none is."""
        shown, lengths = steps[..., 1], (steps[:, :, 0, 0] != PAD).sum(1)
        some = (shown >= 0).flatten(1).any(1)
        found = self.alone.expand(*shown.shape[:2], -1)
        if not bool(some.any()):
            return found
        shown, lengths = shown[some].clamp_min(-1), lengths[some]
        time = torch.arange(shown.shape[1], device=shown.device)
        place = self.place[time % self.period]
        read = drop(self.shown[torch.arange(self.count), shown].sum(-2) + place, self.dropout, generator)
        mirror = (lengths[:, None] - 1 - time) % shown.shape[1]
        turned = mirror[..., None].expand_as(read)
        back = self.backwards(read.gather(1, turned), None, generator).gather(1, turned)
        both = torch.cat([self.onwards(read, None, generator), back], -1)
        return found.clone().index_put((some.nonzero()[:, 0],), self.context(both))

    def neighbours(self, now: Tensor, shown: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """What each cell v is told of near ones, (..., V, head): of codes (..., V), -1 where there is none.

        now: of the frame, those before v alone are told, and of the others those that are shown; before, after: of the
        frames beside it, of the later one what is shown.
        """
        variables = torch.arange(self.count)
        decided, known, last, coming = (self.near[variables, codes] for codes in (now, shown, before, after))
        mask = self.earlier[:, None, :, None]
        within, beside, further = self.around.unbind(2)  # (V, head, V, E)
        told = torch.einsum("...we,vhwe->...vh", decided, within * mask)
        told = told + torch.einsum("...we,vhwe->...vh", known, within * ~mask)
        told = told + torch.einsum("...we,vhwe->...vh", last, beside)
        return told + torch.einsum("...we,vhwe->...vh", coming, further)

    def logits(self, x: Tensor, context: Tensor, near: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Logits (..., V, most) of the codes of each cell, from the trunk, the context (..., C) and neighbours."""
        return self.said(self.known(x, context, near, generator))

    def known(self, x: Tensor, context: Tensor, near: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What is known of each cell, (..., V, head), from the trunk, the context (..., C) and neighbours."""
        both = self.cell(torch.cat([x, context], -1)).unflatten(-1, (self.count, -1))
        inner = functional.gelu(both + near)
        inner = inner + functional.gelu(self.inner(functional.rms_norm(inner, inner.shape[-1:])))
        return drop(functional.rms_norm(inner, inner.shape[-1:]), self.dropout, generator)

    def said(self, known: Tensor) -> Tensor:
        """Logits (..., V, most) of the codes of each cell, from what is known of it."""
        logits = torch.einsum("...vh,vsh->...vs", known, self.tell) + self.bias
        return logits.masked_fill(self.beyond, -torch.inf)
