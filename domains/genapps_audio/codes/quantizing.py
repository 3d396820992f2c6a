"""Residual vector quantization: numbers as codes, the first of which say the most.

Each book codes what those before it left out (Zeghidour et al. 2021, "SoundStream", section III-C). As in Kumar et al.
2023 ("High-fidelity audio compression with improved RVQGAN", section 3): codes are looked up in a few dimensions only,
by direction, and in training a random number of books is used, so that any number of them can be decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh

_KEPT = 0.98  # of the count of how often a code was used, a step
_RARE = 0.02  # of its even share of the uses, below which a code begins anew
_EVERY = 20  # steps between two looks for such codes


@dataclass(frozen=True)
class Quantized:
    """codes: (B, Q, T). latents: (B, C, T) as the decoder reads them. loss: what pulls codes and latents together."""

    codes: Tensor
    latents: Tensor
    loss: Tensor


class Book(nn.Module):
    """Codes (K, D) that stand for directions, and the ways into and out of their few dimensions."""

    def __init__(self, width: int, size: int, dimensions: int, generator: torch.Generator) -> None:
        super().__init__()
        self.into = fresh(nn.Conv1d, width, dimensions, 1, generator=generator)
        self.out = fresh(nn.Conv1d, dimensions, width, 1, generator=generator)
        self.codes = nn.Parameter(torch.randn(size, dimensions, generator=generator))
        self.used: Tensor
        self.register_buffer("used", torch.ones(size))

    def nearest(self, rest: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, T) nearest in direction to what is left (B, C, T), and that in few dimensions (B, D, T)."""
        low = self.into(rest)
        rows = functional.normalize(low.mT.flatten(0, 1), dim=1)
        chosen = (rows @ functional.normalize(self.codes, dim=1).T).argmax(1)
        return chosen.view(len(rest), -1), low

    def looked_up(self, codes: Tensor) -> Tensor:
        """(B, D, T) of codes (B, T)."""
        found: Tensor = functional.embedding(codes, self.codes).mT
        return found

    @torch.no_grad()
    def count(self, codes: Tensor, low: Tensor, anew: bool, generator: torch.Generator) -> None:
        """Take note of codes (B, T) that were used; if `anew`, those hardly ever used become latents of the batch."""
        seen = torch.bincount(codes.flatten(), minlength=len(self.codes)).float()
        self.used.mul_(_KEPT).add_((1 - _KEPT) * seen * len(self.codes) / seen.sum())
        dead = (self.used < _RARE).nonzero()[:, 0]
        if anew and len(dead):
            rows = low.mT.flatten(0, 1)
            some = torch.randint(len(rows), (len(dead),), generator=generator)
            self.codes[dead] = rows[some.to(rows.device)]
            self.used[dead] = 1.0


class ResidualQuantizer(nn.Module):
    """Q books one after the other."""

    def __init__(self, width: int, books: int, size: int, dimensions: int, generator: torch.Generator) -> None:
        super().__init__()
        self.books = nn.ModuleList(Book(width, size, dimensions, generator) for _ in range(books))
        self.step = 0

    def forward(self, latents: Tensor, generator: torch.Generator | None = None) -> Quantized:
        """Of latents (B, C, T). generator: for training, where each row uses a random number of books."""
        rest, total, loss = latents, torch.zeros_like(latents), latents.new_zeros(())
        codes = []
        used = self._used(len(latents), generator).to(latents.device)
        anew = generator is not None and self.step % _EVERY == 0
        for k, book in enumerate(self.books):
            assert isinstance(book, Book)
            chosen, low = book.nearest(rest)
            found = book.looked_up(chosen)
            mask = (k < used).float()[:, None, None]
            pull = (found - low.detach()).square() + 0.25 * (low - found.detach()).square()
            loss = loss + (pull * mask).mean()
            if generator is not None:
                book.count(chosen, low, anew, generator)
            out = book.out(low + (found - low).detach())  # slopes pass as if nothing had been rounded
            total = total + out * mask
            rest = rest - out.detach() if generator is None else rest - out
            codes.append(chosen)
        self.step += generator is not None
        return Quantized(torch.stack(codes, 1), total, loss)

    def decoded(self, codes: Tensor) -> Tensor:
        """Latents (B, C, T) of codes (B, Q', T), of the first books only if there are fewer."""
        latents = torch.zeros(())
        for k, book in enumerate(self.books[: codes.shape[1]]):
            assert isinstance(book, Book)
            latents = latents + book.out(book.looked_up(codes[:, k]))
        return latents

    def _used(self, rows: int, generator: torch.Generator | None) -> Tensor:
        """How many books each row uses: all, or in training a random number for half of the rows."""
        whole = torch.full((rows,), len(self.books))
        if generator is None:
            return whole
        fewer = torch.randint(1, len(self.books) + 1, (rows,), generator=generator)
        return torch.where(torch.rand(rows, generator=generator) < 0.5, fewer, whole)
