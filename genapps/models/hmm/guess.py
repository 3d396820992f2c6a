"""Which states may have emitted what, before anything is learnt: where EM begins.

Shapes: S steps, K states, D variables.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.batches import Ragged

_SEEDS = 20_000  # steps that cluster centres are looked for among
_ROUNDS = 10


def cluster(values: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The cluster (S,) of each row of numbers (S, D), unknown ones (NaN) taken as 0.

    k-means with the seeding of Arthur and Vassilvitskii 2007 ("k-means++"), on some of the rows.
    """
    if not len(values):
        return torch.zeros(0, dtype=torch.long, device=values.device)
    values = torch.nan_to_num(values, nan=0.0)
    chosen = torch.randperm(len(values), generator=generator)[:_SEEDS].to(values.device)
    some = values[chosen].double()
    centres = _seed(some, count, generator)
    for _ in range(_ROUNDS):
        labels = _nearest(some, centres)
        sizes = torch.bincount(labels, minlength=count)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, labels, some)
        centres = torch.where(sizes > 0, sums / sizes.clamp_min(1), centres)
    return torch.cat([_nearest(part.double(), centres) for part in values.split(65536)])


def _seed(values: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Rows far from one another, (count, D): each drawn in proportion to its squared distance from those before."""
    uniform = torch.rand(count, dtype=torch.double, generator=generator)
    centres = values[int(uniform[0] * len(values))][None]
    distance = (values - centres).square().sum(1)
    for draw in uniform[1:].tolist():
        cumulated = distance.cumsum(0)
        at = int((cumulated <= draw * cumulated[-1]).sum()) if float(cumulated[-1]) > 0 else int(draw * len(values))
        centre = values[min(at, len(values) - 1)][None]
        centres = torch.cat([centres, centre])
        distance = torch.minimum(distance, (values - centre).square().sum(1))
    return centres


def _nearest(values: Tensor, centres: Tensor) -> Tensor:
    return torch.addmm((centres * centres).sum(1) / -2, values, centres.T).argmax(1)


def segments(lengths: Tensor, states: int, generator: torch.Generator | None) -> Tensor:
    """States (S,) that follow one another through each sequence in equal parts; in unequal ones with a generator."""
    step = torch.arange(int(lengths.sum())) - torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths)
    position = (step + 0.5) / torch.repeat_interleave(lengths, lengths)  # in (0, 1)
    if generator is not None:
        position = position ** torch.exp(0.5 * torch.randn((), generator=generator))
    return (position * states).long().clamp_max(states - 1)


def along_a_line(labels: Tensor, lengths: Tensor, states: int) -> Tensor:
    """The labels renumbered so that those which often follow one another have numbers near one another.

    By the second eigenvector of the graph of moves (Fiedler 1973).
    """
    counts = bigrams(labels, lengths, states)
    weights = counts + counts.T + 1e-3
    laplacian = torch.diag(weights.sum(1)) - weights
    order = torch.linalg.eigh(laplacian).eigenvectors[:, min(1, states - 1)].argsort()
    place = torch.empty_like(order)
    place[order] = torch.arange(states)
    return place[labels]


def bigrams(labels: Tensor, lengths: Tensor, states: int) -> Tensor:
    """How often each label follows each, (K, K), within sequences of those lengths."""
    last = torch.zeros(len(labels), dtype=torch.bool)
    ends = lengths.cumsum(0)
    last[ends[lengths > 0] - 1] = True
    pairs = labels[:-1] * states + labels[1:]
    return torch.bincount(pairs[~last[:-1]], minlength=states * states).view(states, states).double()


def firsts(labels: Tensor, batch: Ragged, states: int) -> Tensor:
    """How often each label comes first, (K,)."""
    return torch.bincount(labels[batch.starts[batch.lengths > 0]], minlength=states).double()
