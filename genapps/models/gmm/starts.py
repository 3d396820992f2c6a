"""Where EM begins: k-means cells of some rows, each the start of a component."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from genapps.kmeans import kmeans, nearest, seeds
from genapps.models.gmm.mixture import Mixture
from genapps.models.gmm.rows import Layout, Scale
from genapps.models.gmm.spread import Dense, Diagonal, LowRank, Spread

Chunks = Callable[[], Iterator[tuple[Tensor, Tensor | None]]]  # rows (n, D) and their weights, the same each time

_CODES = 64  # categorical columns of more codes than these say little about distance
_CELL_ROWS = 2000  # of a cell, that tell its leading directions


def begin(
    rows: Tensor,
    weights: Tensor | None,
    layout: Layout,
    scale: Scale,
    *,
    kind: str,
    components: int,
    factors: int,
    method: str,
    generator: torch.Generator,
) -> Mixture:
    """A mixture around the cells of rows (n, D).

    method: kmeans, k-means++ (its seeds alone) or random_from_data. A cell's covariance is blended with that of all
    cells together, worth one row more than there are columns, so that it is never singular where the data are not.
    """
    numbers, codes = layout.split(rows)
    values = ((numbers - scale.center) / scale.scale).nan_to_num_()
    places = torch.cat([values, *_coded(codes, layout)], 1)
    mass = torch.ones(len(rows), dtype=torch.double) if weights is None else weights.double()
    if method == "random_from_data":
        centers = places[torch.multinomial(mass[: 2**24], components, replacement=True, generator=generator)]
    elif method == "k-means++":
        centers = seeds(places, components, generator, mass)
    else:
        centers = kmeans(places, components, generator, mass)
    cells, _ = nearest(places, centers)
    count = torch.zeros(components, dtype=torch.double).index_add_(0, cells, mass)
    means = values.new_zeros(components, values.shape[1]).index_add_(0, cells, values * mass[:, None])
    means = torch.where(count[:, None] > 0, means / count.clamp_min(1e-300)[:, None], centers[:, : values.shape[1]])
    gaps = values - means[cells]
    spread = _spread(gaps, cells, mass, count, kind, factors, generator)
    tables = []
    for column, shares in enumerate(scale.shares):
        seen = shares.new_zeros(len(shares) + 1, components).index_put_(
            (codes[:, column], cells), mass, accumulate=True
        )
        tables.append((seen[:-1].T + shares) / (seen[:-1].sum(0)[:, None] + 1))
    shares = (count + 1) / (count + 1).sum()
    return Mixture(shares, means, spread, tuple(tables))


def _coded(codes: Tensor, layout: Layout) -> list[Tensor]:
    """Codes as points (n, size) at unit distance from one another; an unknown one in the middle of nowhere, at zero."""
    return [
        torch.nn.functional.one_hot(codes[:, column], size + 1)[:, :-1].double() * 0.5**0.5
        for column, size in enumerate(layout.sizes)
        if size <= _CODES
    ]


def _spread(
    gaps: Tensor, cells: Tensor, mass: Tensor, count: Tensor, kind: str, factors: int, generator: torch.Generator
) -> Spread:
    width, total = gaps.shape[1], float(mass.sum())
    squares = gaps.square() * mass[:, None]
    pooled = squares.sum(0) / total + 1e-6
    own = torch.zeros(len(count), width, dtype=torch.double).index_add_(0, cells, squares)
    blended = (own + (width + 1) * pooled) / (count[:, None] + width + 1)
    if kind == "tied":
        return Dense(((gaps * mass[:, None]).T @ gaps / total + 1e-6 * torch.eye(width, dtype=torch.double))[None])
    if kind == "full":
        everywhere = (gaps * mass[:, None]).T @ gaps / total + 1e-6 * torch.eye(width, dtype=torch.double)
        matrices = torch.stack([_scatter(gaps[cells == cell], mass[cells == cell]) for cell in range(len(count))])
        return Dense((matrices + (width + 1) * everywhere) / (count[:, None, None] + width + 1))
    if kind == "spherical":
        return Diagonal(blended.mean(1, keepdim=True).expand(-1, width).clone())
    if kind == "diag":
        return Diagonal(blended)
    loadings = torch.stack(
        [_leading(gaps[cells == cell][:_CELL_ROWS], factors, generator) for cell in range(len(count))]
    )
    noises = torch.maximum(blended - loadings.square().sum(2), 0.05 * pooled)
    return LowRank(loadings, noises)


def _scatter(gaps: Tensor, mass: Tensor) -> Tensor:
    return (gaps * mass[:, None]).T @ gaps


def _leading(gaps: Tensor, factors: int, generator: torch.Generator) -> Tensor:
    """The directions (d, L) of most variance, as long as their deviations: a few steps of subspace iteration."""
    width = gaps.shape[1]
    found = torch.randn(width, factors, generator=generator, dtype=torch.double)
    if len(gaps) <= factors:
        found *= 0.1 / width**0.5
        return found
    for _ in range(4):
        found = torch.linalg.qr(gaps.T @ (gaps @ found) + 1e-9 * found)[0]
    along = (gaps @ found).square().mean(0)
    found *= along.sqrt()
    return found


def some_rows(chunks: Chunks, most: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
    """At most so many rows of all, each as likely as any other, whatever the chunks; and their weights."""
    kept: list[tuple[Tensor, Tensor, Tensor | None]] = []
    for rows, weights in chunks():
        lots = torch.rand(len(rows), generator=generator, dtype=torch.double)
        if len(rows) > most:
            best = lots.topk(most, largest=False).indices.sort().values
            rows, lots, weights = rows[best], lots[best], None if weights is None else weights[best]
        kept.append((lots, rows, weights))
        if sum(len(part[0]) for part in kept) > 4 * most:
            kept = [_lowest(kept, most)]
    _, rows, weights = _lowest(kept, most)
    return rows, weights


def _lowest(kept: list[tuple[Tensor, Tensor, Tensor | None]], most: int) -> tuple[Tensor, Tensor, Tensor | None]:
    lots, rows = torch.cat([part[0] for part in kept]), torch.cat([part[1] for part in kept])
    heavy = [part[2] for part in kept if part[2] is not None]
    weights = torch.cat(heavy) if heavy else None
    best = lots.topk(min(most, len(lots)), largest=False).indices.sort().values
    return lots[best], rows[best], None if weights is None else weights[best]
