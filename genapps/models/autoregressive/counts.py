"""Counts of what followed the last steps, mixed with a network's probabilities by weights learnt on held-out steps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor

from genapps.batches import Ragged

_SIZES, _KINDS = 4, 3  # of a context: how often it was seen (powers of two), how many things followed
_ROUNDS = 40  # of expectation and maximisation: weights of few components converge quickly
_PRIOR = 10.0  # steps that a context's own weights are worth less than those of all contexts
_BEFORE, _NEVER = -2, -1  # what stands before a sequence; a step that was never seen

Context = tuple[int, ...]


class Counts:
    """Interpolated n-grams of whole steps, 0 and 1 (D,), from none to `orders` - 1 steps of context.

    A step's probability is a weighted sum of the network's and of the shares of each order (Jelinek and Mercer 1980,
    deleted interpolation); the weights (buckets, 1 + orders) depend on the longest context that was seen, how often,
    and whether the same always followed. An order whose context was never seen hands its weight to the network, so
    that probabilities of all steps sum to one.
    """

    def __init__(self, steps: Tensor, codes: Tensor, lengths: Tensor, orders: int) -> None:
        """steps: (M, D) all different ones; codes: which of them each step of the sequences (lengths) is."""
        self.steps, self.codes, self.lengths, self.orders = steps, codes, lengths, orders
        self.numbers = {step.tobytes(): number for number, step in enumerate(steps.numpy())}
        self.followed: list[dict[Context, Counter[int]]] = [{} for _ in range(orders)]
        for sequence in codes.split(lengths.tolist()):
            for code, before in _walk(sequence.tolist(), orders):
                for order in range(len(before) + 1):
                    self.followed[order].setdefault(before[len(before) - order :], Counter())[code] += 1
        self.totals = [{c: found.total() for c, found in table.items()} for table in self.followed]
        self.weights = torch.zeros(orders * _SIZES * _KINDS, 1 + orders, dtype=torch.double)
        self.weights[:, 0] = 1.0

    @classmethod
    def of(cls, data: Ragged, orders: int) -> Counts:
        """Counted from sequences of steps (N, D)."""
        steps, codes = data.values.to(torch.uint8).unique(dim=0, return_inverse=True)
        return cls(steps.contiguous(), codes, data.lengths, orders)

    def numbered(self, steps: Tensor) -> list[int]:
        """The number of each of those steps (N, D) among the ones that were seen."""
        return [self.numbers.get(step.tobytes(), _NEVER) for step in steps.to(torch.uint8).contiguous().numpy()]

    def shares(self, data: Ragged) -> tuple[Tensor, Tensor]:
        """Shares (N, 1 + orders) of each step by each order, the first left 0 for the network, and buckets (N,)."""
        rows, buckets = [], []
        for sequence in data:
            for code, before in _walk(self.numbered(sequence), self.orders):
                tables, bucket = self.at(before)
                row = [0.0] * (1 + self.orders)
                for order, (found, total) in enumerate(tables):
                    row[1 + order] = found[code] / total
                rows.append(row)
                buckets.append(bucket)
        return torch.tensor(rows, dtype=torch.double).view(-1, 1 + self.orders), torch.tensor(buckets).long()

    def at(self, before: Context) -> tuple[list[tuple[Counter[int], int]], int]:
        """What followed the last steps of a context, for each order that was seen, with its total; and the bucket."""
        tables = []
        for order in range(min(len(before) + 1, self.orders)):
            context = before[len(before) - order :]
            found = self.followed[order].get(context)
            if found is None:
                break
            tables.append((found, self.totals[order][context]))
        found, total = tables[-1]
        kind = 0 if len(found) == 1 else 1 if 2 * len(found) < total else 2
        size = min(int(math.log2(total)), _SIZES - 1)
        return tables, ((len(tables) - 1) * _SIZES + size) * _KINDS + kind

    def weigh(self, network: Tensor, data: Ragged) -> None:
        """Choose the weights by expectation and maximisation; network: log-probabilities (N,) of held-out steps."""
        shares, buckets = self.shares(data)
        shares[:, 0] = network.double().exp()
        usual = _climb(shares, torch.full((1 + self.orders,), 1 / (1 + self.orders), dtype=torch.double), 0.0)
        self.weights = usual.expand(len(self.weights), -1).clone()
        for bucket in buckets.unique().tolist():
            self.weights[bucket] = _climb(shares[buckets == bucket], usual, _PRIOR)

    def mixed(self, network: Tensor, data: Ragged) -> Tensor:
        """Log-probabilities (N,) of the steps of sequences, of those (N,) that the network gives them."""
        shares, buckets = self.shares(data)
        weights = self.weights[buckets]
        seen = 1 + buckets // (_SIZES * _KINDS)  # orders whose context was seen
        unseen = torch.arange(self.orders) >= seen[:, None]
        alone = weights[:, 0] + (weights[:, 1:] * unseen).sum(1)
        counted = (weights * shares).sum(1).log()
        return torch.logaddexp(alone.log() + network.double(), counted)

    def draw(self, before: Context, temperature: float, generator: torch.Generator) -> Tensor | None:
        """A step (D,) that followed the context, or None where it is the network's turn."""
        tables, bucket = self.at(before)
        shares = self.weights[bucket, 1 : 1 + len(tables)]
        aim = torch.rand((), generator=generator, dtype=torch.double)
        reach = torch.cat([shares, 1 - shares.sum(0, keepdim=True)])
        order = int(torch.searchsorted(shares.cumsum(0), aim, right=True) if temperature else reach.argmax())
        if order == len(tables):
            return None
        codes, counts = zip(*sorted(tables[order][0].items()), strict=True)
        chances = torch.tensor(counts).double()
        if temperature == 0:
            return self.steps[codes[int(chances.argmax())]]
        chances = (chances.log() / temperature).softmax(0)
        return self.steps[codes[int(torch.multinomial(chances, 1, generator=generator))]]

    def state(self) -> dict[str, Tensor]:
        """All that `restored` needs."""
        return {"steps": self.steps, "codes": self.codes.int(), "lengths": self.lengths, "weights": self.weights}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> Counts:
        """What `state` described."""
        weights = state["weights"]
        counts = cls(state["steps"], state["codes"].long(), state["lengths"], weights.shape[1] - 1)
        counts.weights = weights
        return counts


def _walk(codes: list[int], orders: int) -> list[tuple[int, Context]]:
    """Each step's code and its context."""
    whole = [_BEFORE, *codes]
    return [(code, tuple(whole[max(t + 2 - orders, 0) : t + 1])) for t, code in enumerate(codes)]


def context(codes: list[int], orders: int) -> Context:
    """The context of what comes after those codes."""
    whole = [_BEFORE, *codes]
    return tuple(whole[max(len(whole) - orders + 1, 0) :])


def _climb(shares: Tensor, weights: Tensor, prior: float) -> Tensor:
    """Weights (C,) of components under which shares (N, C) are likeliest, held to the given ones by a prior."""
    start = weights
    for _ in range(_ROUNDS):
        each = shares * weights
        total = each.sum(1, keepdim=True)
        each = torch.where(total > 0, each / total.clamp_min(1e-300), weights)
        weights = (each.sum(0) + prior * start) / (len(shares) + prior)
    return weights
