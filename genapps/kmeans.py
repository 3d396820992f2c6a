"""k-means: a start for mixtures, and cells in which samples are counted."""

from __future__ import annotations

import torch
from torch import Tensor

_CHUNK = 8192
_TRIALS = 4  # candidates of which k-means++ keeps the best


def nearest(rows: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest center of each row (N,), and the squared distance to it (N,).

    rows: (N, D); centers: (K, D). Ties go to the center with the lower number.
    """
    lengths = centers.square().sum(1)
    codes, distances = [], []
    for chunk in rows.split(_CHUNK):
        gaps = torch.addmm(lengths, chunk, centers.T, alpha=-2)  # (n, K), short of the row's own length
        least, code = gaps.min(1)
        codes.append(code)
        distances.append((least + chunk.square().sum(1)).clamp_min_(0))
    if not codes:
        return torch.zeros(0, dtype=torch.long), rows.new_zeros(0)
    return torch.cat(codes), torch.cat(distances)


def seeds(rows: Tensor, count: int, generator: torch.Generator, weights: Tensor | None = None) -> Tensor:
    """Rows (K, D) far from one another: k-means++, the best of a few candidates a step (Arthur, Vassilvitskii 2007).

    rows: (N, D), centred; weights: (N,) how often each counts. Where all rows are seeds already, seeds repeat.
    """
    mass = torch.ones(len(rows), dtype=torch.double) if weights is None else weights.double()
    chosen = [rows[_draw(mass, 1, generator)]]
    _, gaps = nearest(rows, chosen[0])
    for _ in range(count - 1):
        pull = mass * gaps.double()
        candidates = rows[_draw(pull if float(pull.sum()) > 0 else mass, _TRIALS, generator)]  # (trials, D)
        squares = torch.addmm(candidates.square().sum(1), rows, candidates.T, alpha=-2) + rows.square().sum(1)[:, None]
        left = torch.minimum(squares.clamp_min_(0), gaps[:, None])  # (N, trials)
        best = int((mass @ left.double()).argmin())
        gaps = left[:, best]
        chosen.append(candidates[best : best + 1])
    return torch.cat(chosen)


def kmeans(
    rows: Tensor, count: int, generator: torch.Generator, weights: Tensor | None = None, iterations: int = 20
) -> Tensor:
    """Centers (K, D) of rows (N, D): k-means++, then Lloyd's iterations until nothing moves.

    Distances are taken from the mean of all rows, so that an offset does not cost digits. A cell that loses all of its
    rows takes the row that is farthest from its center.
    """
    middle = rows.double().mean(0)
    rows = (rows - middle.to(rows.dtype)) if rows.is_floating_point() else (rows.double() - middle).float()
    centers = seeds(rows, count, generator, weights)
    before: Tensor | None = None
    for _ in range(iterations):
        codes, gaps = nearest(rows, centers)
        if before is not None and codes.equal(before):
            break
        before = codes
        mass = torch.ones(len(rows), dtype=rows.dtype) if weights is None else weights.to(rows.dtype)
        held = torch.zeros(count, dtype=rows.dtype).index_add_(0, codes, mass)
        totals = torch.zeros_like(centers).index_add_(0, codes, rows * mass[:, None])
        centers = torch.where(held[:, None] > 0, totals / held.clamp_min(1e-30)[:, None], centers)
        empty = (held == 0).nonzero()[:, 0][: len(rows)]
        if len(empty):
            centers[empty] = rows[gaps.topk(len(empty)).indices]
    return centers + middle.to(centers.dtype)


def _draw(mass: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Row numbers (count,) in proportion to mass (N,), however many rows there are."""
    reach = mass.cumsum(0)
    aims = torch.rand(count, generator=generator, dtype=torch.double) * reach[-1]
    return torch.searchsorted(reach, aims, right=True).clamp_max(len(mass) - 1)
