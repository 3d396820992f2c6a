"""Residual vector quantization: numbers as codes, the first of which say the most.

Each book codes what those before it left out (Zeghidour et al. 2021, "SoundStream", section III-C), begins as the
centers of that (k-means), and in training a random number of books is used, so that any number of them can be decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genapps.kmeans import kmeans, nearest

COMMITMENT = 0.25  # how strongly latents are pulled to codes, beside codes to latents


@dataclass(frozen=True)
class Quantized:
    """codes: (B, Q, T). latents: (B, C, T) as the decoder reads them. loss: what pulls codes and latents together."""

    codes: Tensor
    latents: Tensor
    loss: Tensor


class ResidualQuantizer(nn.Module):
    """Q books of K codes in C dimensions, one after the other."""

    def __init__(self, width: int, books: int, size: int) -> None:
        super().__init__()
        self.books = nn.Parameter(torch.zeros(books, size, width))

    @torch.no_grad()
    def start(self, rows: Tensor, generator: torch.Generator) -> None:
        """Begin with the centers of rows (N, C), then of what is left of them, book by book."""
        rest = rows
        for book in self.books:
            book.copy_(kmeans(rest, len(book), generator))
            rest = rest - book[nearest(rest, book)[0]]

    def forward(self, latents: Tensor, generator: torch.Generator | None = None) -> Quantized:
        """Of latents (B, C, T). generator: for training, where each row uses a random number of books."""
        wanted = latents.mT.flatten(0, 1)
        used = self._used(len(latents), generator).to(latents.device).repeat_interleave(latents.shape[2])
        rest, total, loss = wanted.detach(), torch.zeros_like(wanted), latents.new_zeros(())
        codes = []
        for k, book in enumerate(self.books):
            chosen = nearest(rest, book.detach())[0]
            found, mask = book[chosen], (k < used)[:, None]
            loss = loss + ((found - rest).square() * mask).mean()
            total = total + found * mask
            rest = rest - found.detach()
            codes.append(chosen.view(len(latents), -1))
        loss = loss + COMMITMENT * (wanted - total.detach()).square().mean()
        passed = total + (wanted - wanted.detach())  # slopes pass as if nothing had been rounded
        return Quantized(torch.stack(codes, 1), passed.view(*latents.mT.shape).mT, loss)

    def decoded(self, codes: Tensor) -> Tensor:
        """Latents (B, C, T) of codes (B, Q', T), of the first books only if there are fewer."""
        rows = [book[codes[:, k]] for k, book in enumerate(self.books[: codes.shape[1]])]
        return torch.stack(rows).sum(0).mT

    def _used(self, rows: int, generator: torch.Generator | None) -> Tensor:
        """How many books each row uses: all, or in training a random number for half of the rows."""
        whole = torch.full((rows,), len(self.books))
        if generator is None:
            return whole
        fewer = torch.randint(1, len(self.books) + 1, (rows,), generator=generator)
        return torch.where(torch.rand(rows, generator=generator) < 0.5, fewer, whole)
