"""Mathematics of a tree of hidden variables: exact sums over all their states, by messages up and down the tree.

Every hidden variable (a *node*) takes one of K states. A node's state depends on its parent's; every visible variable
depends on the state of the node that owns it. With a single node this is a mixture with independent parts; with a node
for each variable and the Chow-Liu tree of the data it is a hidden Chow-Liu tree (Liu and Van den Broeck 2021), a deep
mixture with K to the power of the number of nodes components whose likelihood is still an exact sum.

Shapes: N rows, K states, L nodes in an order in which parents come first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

_TINY = 1e-30


@dataclass(frozen=True)
class Table:
    """A categorical part: probabilities (size, K) of each code in each state."""

    shares: Tensor


@dataclass(frozen=True)
class Normal:
    """A Gaussian part: mean (K,) and standard deviation (K,) in each state."""

    mean: Tensor
    deviation: Tensor


Leaf = Table | Normal


@dataclass(frozen=True)
class HiddenTree:
    """parents: node -> parent node, -1 for the root (node 0). owner: visible variable -> its node.

    root: (K,) shares of the root's states. transitions: (L, K, K), [node, parent's state, own state]; unused for the
    root.
    """

    parents: tuple[int, ...]
    owner: tuple[int, ...]
    root: Tensor
    transitions: Tensor
    leaves: tuple[Leaf, ...]

    @cached_property
    def children(self) -> list[list[int]]:
        """For each node the nodes right below it."""
        return _grouped(self.parents, len(self.parents))

    @cached_property
    def owned(self) -> list[list[int]]:
        """For each node its visible variables."""
        return _grouped(self.owner, len(self.parents))


@dataclass(frozen=True)
class Messages:
    """What each node knows from below: inside (N, K) a node, scaled to a largest value of 1; up (N, K) to its parent.

    log_prob: (N,) float64, the log-probability of all that is visible.
    """

    inside: list[Tensor]
    up: list[Tensor]
    log_prob: Tensor


def _grouped(places: Sequence[int], count: int) -> list[list[int]]:
    """For each place the numbers of the entries that name it."""
    groups: list[list[int]] = [[] for _ in range(count)]
    for number, place in enumerate(places):
        if place >= 0:
            groups[place].append(number)
    return groups


def leaf_log_prob(leaf: Leaf, values: Tensor) -> Tensor:
    """Log-probability (N, K) of values (N,) in each state; 0 for an unknown value (a code below 0, or NaN)."""
    if isinstance(leaf, Table):
        known = values >= 0  # NaN compares false
        logs = leaf.shares.clamp_min(_TINY).log()[torch.where(known, values, 0).long()]
    else:
        known = ~torch.isnan(values)
        standard = (torch.where(known, values, 0.0)[:, None] - leaf.mean) / leaf.deviation
        logs = -0.5 * standard.square() - leaf.deviation.log() - 0.5 * math.log(2 * math.pi)
    return logs if bool(known.all()) else logs * known[:, None]


def log_likelihoods(tree: HiddenTree, data: Tensor) -> list[Tensor]:
    """For each node the log-probability (N, K) of its own visible variables in each state, for data (N, D)."""
    unit = torch.zeros(len(data), len(tree.root))
    return [
        sum((leaf_log_prob(tree.leaves[v], data[:, v]) for v in tree.owned[node]), start=unit)
        for node in range(len(tree.parents))
    ]


def upward(tree: HiddenTree, likelihoods: Sequence[Tensor]) -> Messages:
    """Collect from the leaves to the root; `likelihoods` as `log_likelihoods` gives them, or any evidence (N, K)."""
    count = len(tree.parents)
    inside: list[Tensor] = [likelihoods[0]] * count
    up: list[Tensor] = [likelihoods[0]] * count
    total = torch.zeros(len(likelihoods[0]), dtype=torch.double)
    for node in reversed(range(count)):
        logs = likelihoods[node]
        for child in tree.children[node]:
            logs = logs + up[child].log()
        top = logs.max(1, keepdim=True).values
        total += top[:, 0]
        inside[node] = (logs - top).exp()
        if node:
            up[node] = (inside[node] @ tree.transitions[node].T).clamp_min(_TINY)
    return Messages(inside, up, total + (inside[0] @ tree.root).clamp_min(_TINY).log())


@dataclass
class Statistics:
    """Expected counts of a set of rows: additive over rows, so chunks, processes and weights are all the same sum."""

    root: Tensor
    transitions: Tensor
    leaves: list[tuple[Tensor, ...]]
    log_prob: float
    rows: int

    def add(self, other: Statistics) -> None:
        """Add the counts of other rows to these."""
        self.root += other.root
        self.transitions += other.transitions
        for mine, theirs in zip(self.leaves, other.leaves, strict=True):
            for total, part in zip(mine, theirs, strict=True):
                total += part
        self.log_prob += other.log_prob
        self.rows += other.rows


def expect(tree: HiddenTree, data: Tensor) -> Statistics:
    """The E-step of data (N, D): how often each state, each transition and each value in each state is expected."""
    messages = upward(tree, log_likelihoods(tree, data))
    count, states = len(tree.parents), len(tree.root)
    outside: list[Tensor] = [tree.root.expand(len(data), states)] * count  # (N, K): what a node knows from above
    transitions = torch.zeros(count, states, states)
    leaves: list[tuple[Tensor, ...]] = [()] * len(tree.leaves)
    root = torch.zeros(states)
    for node, parent in enumerate(tree.parents):
        if node:
            above = outside[parent] * messages.inside[parent] / messages.up[node]
            above = above / (above * messages.up[node]).sum(1, keepdim=True).clamp_min(_TINY)
            transitions[node] = tree.transitions[node] * (above.T @ messages.inside[node])
            outside[node] = above @ tree.transitions[node]
        posterior = outside[node] * messages.inside[node]
        posterior = posterior / posterior.sum(1, keepdim=True).clamp_min(_TINY)
        if not node:
            root = posterior.sum(0)
        for variable in tree.owned[node]:
            leaves[variable] = _leaf_counts(tree.leaves[variable], data[:, variable], posterior)
    return Statistics(root, transitions, leaves, float(messages.log_prob.sum()), len(data))


def _leaf_counts(leaf: Leaf, values: Tensor, posterior: Tensor) -> tuple[Tensor, ...]:
    if isinstance(leaf, Table):
        known = values >= 0
        if not bool(known.all()):
            values, posterior = values[known], posterior[known]
        return (torch.zeros_like(leaf.shares).index_add_(0, values.long(), posterior),)
    known = ~torch.isnan(values)
    x, weight = values[known], posterior[known]
    return weight.sum(0), x @ weight, x.square() @ weight


@dataclass(frozen=True)
class Prior:
    """Pseudo-observations that keep every estimate a distribution.

    table: how many of the variable's overall values each state has seen beforehand; transition: how many of the
    child's overall states each parent state has; marginals: a variable's overall shares (size,), or its mean and
    deviation (2,).
    """

    table: float
    transition: float
    marginals: tuple[Tensor, ...]


def maximize(tree: HiddenTree, counts: Statistics, prior: Prior) -> HiddenTree:
    """The M-step: the tree that makes the expected counts and the prior's pseudo-observations most probable."""
    root = (counts.root + 0.01) / (counts.root + 0.01).sum()
    transitions = tree.transitions.clone()
    for node in range(1, len(tree.parents)):
        seen = counts.transitions[node]
        overall = seen.sum(0) / seen.sum().clamp_min(_TINY)
        transitions[node] = (seen + prior.transition * overall) / (seen.sum(1, keepdim=True) + prior.transition)
    leaves = tuple(
        _leaf_estimate(leaf, seen, prior.table, marginal)
        for leaf, seen, marginal in zip(tree.leaves, counts.leaves, prior.marginals, strict=True)
    )
    return replace(tree, root=root, transitions=transitions, leaves=leaves)


def _leaf_estimate(leaf: Leaf, seen: tuple[Tensor, ...], strength: float, marginal: Tensor) -> Leaf:
    if isinstance(leaf, Table):
        (counts,) = seen
        return Table((counts + strength * marginal[:, None]) / (counts.sum(0) + strength))
    count, total, squares = seen
    mean0, deviation0 = marginal
    # The overall mean counts as a fraction of a row, the overall variance as `strength` rows scaled down, so that a
    # narrow state stays narrow and an empty one falls back to the whole.
    light = 0.1 * strength
    mean = (total + light * mean0) / (count + light)
    spread = squares - 2 * mean * total + count * mean.square()
    variance = (spread.clamp_min(0) + light * (0.1 * deviation0).square()) / (count + light)
    return Normal(mean, variance.clamp_min(1e-6).sqrt())


def condition(tree: HiddenTree, evidence: Sequence[Tensor]) -> tuple[HiddenTree, float]:
    """The tree given evidence that is the same for all rows, and the evidence's log-probability.

    evidence: for each node the probability (K,) of what is known, in each of its states.
    """
    messages = upward(tree, [e.clamp_min(_TINY).log()[None] for e in evidence])
    root = tree.root * messages.inside[0][0]
    transitions = tree.transitions * torch.stack(messages.inside)[:, 0][:, None]
    transitions = transitions / transitions.sum(2, keepdim=True).clamp_min(_TINY)
    return replace(tree, root=root / root.sum(), transitions=transitions), float(messages.log_prob[0])


def sample_states(tree: HiddenTree, n: int, generator: torch.Generator) -> Tensor:
    """States (n, L) drawn from the root down."""
    states = torch.zeros(n, len(tree.parents), dtype=torch.long)
    states[:, 0] = draw_code(tree.root[:, None], torch.zeros(n, dtype=torch.long), generator)
    for node, parent in enumerate(tree.parents[1:], start=1):
        states[:, node] = draw_code(tree.transitions[node].T, states[:, parent], generator)
    return states


def posterior_states(tree: HiddenTree, messages: Messages, generator: torch.Generator) -> Tensor:
    """States (N, L) drawn given each row's own evidence."""
    rows = len(messages.inside[0])
    states = torch.zeros(rows, len(tree.parents), dtype=torch.long)
    for node, parent in enumerate(tree.parents):
        above = tree.root.expand(rows, -1) if not node else tree.transitions[node][states[:, parent]]
        shares = above * messages.inside[node]
        reach = shares.cumsum(1)
        aim = torch.rand(rows, generator=generator) * reach[:, -1] * (1 - 1e-6)
        states[:, node] = torch.searchsorted(reach, aim[:, None], right=True)[:, 0].clamp_max(shares.shape[1] - 1)
    return states


def draw_code(shares: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
    """A code (n,) for each row's state (n,), from shares (size, K) that sum to one over the codes.

    One search in the states' distribution functions laid end to end: time does not grow with the number of codes.
    """
    reach = shares.T.double().cumsum(1)  # (K, size)
    reach = reach / reach[:, -1:]
    ladder = (reach + torch.arange(len(reach))[:, None]).flatten()
    aim = torch.rand(len(states), generator=generator, dtype=torch.double) * (1 - 1e-9)
    return torch.searchsorted(ladder, states + aim, right=True) - states * len(shares)


def sharpen(tree: HiddenTree, temperature: float) -> HiddenTree:
    """Every distribution of the tree raised to the power 1 / temperature: below 1 bolder, above 1 more varied."""
    if temperature == 1.0:
        return tree

    def power(shares: Tensor, axis: int) -> Tensor:
        logs = shares.clamp_min(_TINY).log() / temperature
        return torch.softmax(logs, axis)

    def leaf(part: Leaf) -> Leaf:
        if isinstance(part, Table):
            return Table(power(part.shares, 0))
        return Normal(part.mean, part.deviation * math.sqrt(temperature))

    leaves = tuple(leaf(part) for part in tree.leaves)
    return replace(tree, root=power(tree.root, 0), transitions=power(tree.transitions, 2), leaves=leaves)


def to_tensors(tree: HiddenTree) -> dict[str, Tensor]:
    """The tree's numbers by name."""
    named = {"root": tree.root, "transitions": tree.transitions}
    for variable, leaf in enumerate(tree.leaves):
        parts = {"shares": leaf.shares} if isinstance(leaf, Table) else {"mean": leaf.mean, "deviation": leaf.deviation}
        named |= {f"leaves/{variable}/{name}": value for name, value in parts.items()}
    return named


def from_tensors(parents: Sequence[int], owner: Sequence[int], named: Mapping[str, Tensor]) -> HiddenTree:
    """The inverse of `to_tensors`, given the structure."""
    leaves: list[Leaf] = []
    for variable in range(len(owner)):
        prefix = f"leaves/{variable}/"
        if prefix + "shares" in named:
            leaves.append(Table(named[prefix + "shares"]))
        else:
            leaves.append(Normal(named[prefix + "mean"], named[prefix + "deviation"]))
    return HiddenTree(tuple(parents), tuple(owner), named["root"], named["transitions"], tuple(leaves))
