"""The tree of strongest pairwise dependences (Chow and Liu 1968)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

LEVELS = 16  # values a variable is reduced to before pairs are counted
_PAIRS = 16_000_000  # cells of pair tables held at once


def coarse(values: Tensor, size: int, ordered: bool, most: int = LEVELS) -> Tensor:
    """Levels 0..most of values (N,): the most frequent codes, or quantiles where values have an order.

    `size` is 0 for a real number. Unknown values are a level of their own.
    """
    known = values >= 0 if size else ~torch.isnan(values)
    if size and not ordered:
        counts = torch.bincount(values[known].long(), minlength=size)
        rank = counts.argsort(descending=True, stable=True).argsort()
        levels = rank[values.clamp_min(0).long()].clamp_max(most - 1)
    else:
        seen = values[known].double()
        cuts = torch.quantile(seen[:100_000], torch.linspace(0, 1, most + 1, dtype=torch.double)[1:-1])
        levels = torch.bucketize(torch.where(known, values.double(), 0.0), cuts.unique())
    return torch.where(known, levels, most)


def mutual_information(levels: Tensor) -> Tensor:
    """Mutual information (D, D) in nats between the columns of levels (N, D); zero on the diagonal."""
    rows, count = levels.shape
    width = int(levels.max()) + 1
    indicator = torch.zeros(rows, count * width)
    indicator.scatter_(1, levels + torch.arange(count) * width, 1.0)
    single = indicator.mean(0).view(count, width).double()
    block = max(_PAIRS // (count * width * width), 1)  # columns held against all others at once: bounds the memory
    information = torch.zeros(count, count, dtype=torch.double)
    for first in range(0, count, block):
        own = slice(first, min(first + block, count))
        joint = (indicator[:, own.start * width : own.stop * width].T @ indicator) / rows
        joint = joint.view(-1, width, count, width).transpose(1, 2).double()
        independent = single[own, None, :, None] * single[None, :, None, :]
        ratio = joint.clamp_min(1e-12) / independent.clamp_min(1e-12)
        information[own] = torch.where(joint > 0, joint * ratio.log(), 0.0).sum((2, 3))
    information.fill_diagonal_(0)
    return information


def spanning_tree(weights: Tensor) -> tuple[list[int], list[int]]:
    """The maximum spanning tree of a symmetric matrix (D, D), by Prim's method, from the node of largest total weight.

    Returns (order, parents): nodes with parents first, and for each place in the order the place of its parent, -1 for
    the root.
    """
    root = int(weights.sum(1).argmax())
    order, parents, place = [root], [-1], {root: 0}
    best = weights[root].clone()
    source = torch.full((len(weights),), root)
    best[root] = -torch.inf
    while len(order) < len(weights):
        node = int(best.argmax())
        place[node] = len(order)
        parents.append(place[int(source[node])])
        order.append(node)
        nearer = weights[node] > best
        nearer[list(place)] = False
        source[nearer] = node
        best = torch.where(nearer, weights[node], best)
        best[node] = -torch.inf
    return order, parents


def tree_of(fields: Sequence[Tensor]) -> tuple[list[int], list[int]]:
    """The Chow-Liu tree of fields given as levels (N,) each."""
    return spanning_tree(mutual_information(torch.stack(list(fields), 1)))
