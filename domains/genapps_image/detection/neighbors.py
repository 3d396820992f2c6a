"""Nearest of many rows, and a few rows that stand for many."""

from __future__ import annotations

import torch
from torch import Tensor

_CHUNK = 2**24  # distances at a time
_WIDE = 48  # features beyond which rows that stand for others are chosen by fewer


def nearest(rows: Tensor, bank: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """Distances (N, k) from rows (N, D) to the nearest of a bank (B, D), ascending, and which these are (N, k).

    k is at most B. By |a|^2 - 2ab + |b|^2 in chunks, so that memory is bounded; the few that are chosen are measured
    again directly, since that difference loses what is small.
    """
    k = min(k, len(bank))
    lengths = (bank**2).sum(1)
    found, which = [], []
    for part in rows.split(max(1, _CHUNK // len(bank))):
        near = torch.addmm(lengths, part, bank.T, alpha=-2.0)
        chosen = near.topk(k, dim=1, largest=False).indices
        exact = torch.stack([(part - bank[chosen[:, j]]).square().sum(1).sqrt() for j in range(k)], 1)
        order = exact.argsort(stable=True, dim=1)
        found.append(exact.gather(1, order))
        which.append(chosen.gather(1, order))
    return torch.cat(found), torch.cat(which)


def coreset(rows: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Numbers (size,) of rows (N, D) such that every row is near one of them: farthest point first.

    Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985; Roth et al., "Towards total recall in
    industrial anomaly detection", 2022, algorithm 1. All rows where there are no more than `size`.
    """
    count = len(rows)
    if count <= size:
        return torch.arange(count)
    if rows.shape[1] > _WIDE:  # distances hardly change by a random projection (Johnson and Lindenstrauss, 1984)
        rows = rows @ (torch.randn(rows.shape[1], _WIDE, generator=generator) / _WIDE**0.5)
    lengths = (rows**2).sum(1)
    chosen = [int(torch.randint(count, (1,), generator=generator))]
    apart = torch.full((count,), torch.inf)
    for _ in range(size - 1):
        last = chosen[-1]
        torch.minimum(apart, lengths - 2 * (rows @ rows[last]) + lengths[last], out=apart)
        chosen.append(int(apart.argmax()))
    return torch.tensor(chosen)
