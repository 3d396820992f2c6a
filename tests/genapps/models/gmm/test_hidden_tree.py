"""The tree's messages against the sum over all hidden states, written out."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from genapps.models.gmm import hidden_tree as ht


def make_tree(seed: int = 0, states: int = 3) -> ht.HiddenTree:
    """Four nodes in a small tree; node 2 owns a code and a number, the others a code each."""
    generator = torch.Generator().manual_seed(seed)

    def shares(*shape: int, axis: int) -> Tensor:
        return torch.softmax(2 * torch.randn(*shape, generator=generator), axis)

    leaves = (
        ht.Table(shares(2, states, axis=0)),
        ht.Table(shares(3, states, axis=0)),
        ht.Table(shares(2, states, axis=0)),
        ht.Normal(torch.randn(states, generator=generator), torch.rand(states, generator=generator) + 0.5),
        ht.Table(shares(4, states, axis=0)),
    )
    transitions = shares(4, states, states, axis=2)
    return ht.HiddenTree((-1, 0, 0, 1), (0, 1, 2, 2, 3), shares(states, axis=0), transitions, leaves)


def brute_force_log_prob(tree: ht.HiddenTree, row: Tensor) -> float:
    """Sum over every combination of hidden states."""
    total = 0.0
    states = range(len(tree.root))
    for combination in itertools.product(states, repeat=len(tree.parents)):
        p = float(tree.root[combination[0]])
        for node, parent in enumerate(tree.parents[1:], start=1):
            p *= float(tree.transitions[node, combination[parent], combination[node]])
        for variable, leaf in enumerate(tree.leaves):
            state, value = combination[tree.owner[variable]], float(row[variable])
            if isinstance(leaf, ht.Table):
                p *= float(leaf.shares[int(value), state]) if value >= 0 else 1.0
            elif not math.isnan(value):
                mean, deviation = float(leaf.mean[state]), float(leaf.deviation[state])
                density = math.exp(-0.5 * ((value - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
                p *= density
        total += p
    return math.log(total)


ROWS = torch.tensor([[0, 2, 1, 0.3, 3], [1, 0, 0, -1.5, 0], [1, 1, 0, 4.0, 2]])


def log_prob(tree: ht.HiddenTree, rows: Tensor) -> Tensor:
    return ht.upward(tree, ht.log_likelihoods(tree, rows)).log_prob


@pytest.mark.parametrize("seed", range(3))
def test_likelihood_is_the_sum_over_all_hidden_states(seed: int) -> None:
    tree = make_tree(seed)
    expected = [brute_force_log_prob(tree, row) for row in ROWS]
    assert log_prob(tree, ROWS).tolist() == pytest.approx(expected, abs=1e-4)


def test_unknown_values_are_summed_over() -> None:
    tree = make_tree()
    rows = ROWS.clone()
    rows[:, 1] = math.nan
    rows[0, 3] = math.nan
    rows[1] = math.nan
    filled = rows.clone()
    filled[:, [0, 1, 2, 4]] = torch.nan_to_num(filled[:, [0, 1, 2, 4]], nan=-1.0)
    expected = [brute_force_log_prob(tree, row) for row in filled]
    assert log_prob(tree, rows).tolist() == pytest.approx(expected, abs=1e-4)
    assert log_prob(tree, rows)[1].item() == pytest.approx(0.0, abs=1e-5)  # nothing known: probability one


def test_expected_counts_add_up_and_do_not_depend_on_how_rows_are_cut() -> None:
    tree = make_tree()
    whole = ht.expect(tree, ROWS)
    parts = ht.expect(tree, ROWS[:1])
    parts.add(ht.expect(tree, ROWS[1:]))
    torch.testing.assert_close(whole.transitions, parts.transitions)
    torch.testing.assert_close(whole.leaves[4][0], parts.leaves[4][0])
    assert whole.root.sum().item() == pytest.approx(len(ROWS), abs=1e-4)
    assert whole.transitions[1:].sum((1, 2)).tolist() == pytest.approx([len(ROWS)] * 3, abs=1e-3)
    assert whole.leaves[3][0].sum().item() == pytest.approx(len(ROWS), abs=1e-4)


def test_em_never_lowers_the_likelihood() -> None:
    truth = make_tree(seed=7)
    generator = torch.Generator().manual_seed(1)
    states = ht.sample_states(truth, 400, generator)
    columns = []
    for variable, leaf in enumerate(truth.leaves):
        own = states[:, truth.owner[variable]]
        if isinstance(leaf, ht.Table):
            columns.append(ht.draw_code(leaf.shares, own, generator).float())
        else:
            columns.append(leaf.mean[own] + leaf.deviation[own] * torch.randn(400, generator=generator))
    data = torch.stack(columns, 1)
    marginals = tuple(
        torch.full((len(leaf.shares),), 1 / len(leaf.shares))
        if isinstance(leaf, ht.Table)
        else torch.tensor([0.0, 1.0])
        for leaf in truth.leaves
    )
    prior = ht.Prior(1e-6, 1e-6, marginals)
    tree, last = make_tree(seed=3), -math.inf
    for _ in range(15):
        now = float(log_prob(tree, data).sum())
        assert now >= last - 0.05  # the root's pseudo-count of 0.01 is all that may stand in the way
        tree, last = ht.maximize(tree, ht.expect(tree, data), prior), now
    assert last > float(log_prob(make_tree(seed=3), data).sum()) + 10


def test_conditioned_tree_has_the_posterior() -> None:
    tree = make_tree()
    evidence = [torch.ones(3) for _ in tree.parents]
    leaf = tree.leaves[4]
    assert isinstance(leaf, ht.Table)
    evidence[3] = leaf.shares[2]
    conditioned, log_evidence = ht.condition(tree, evidence)
    unknown = torch.tensor([[-1.0, -1, -1, math.nan, 2]])
    assert log_evidence == pytest.approx(brute_force_log_prob(tree, unknown[0]), abs=1e-4)
    # p(first variable = 1 | last = 2), by Bayes from the brute force and by the conditioned tree
    both = unknown.clone()
    both[0, 0] = 1
    expected = math.exp(brute_force_log_prob(tree, both[0]) - brute_force_log_prob(tree, unknown[0]))
    first = tree.leaves[0]
    assert isinstance(first, ht.Table)
    assert float(first.shares[1] @ conditioned.root) == pytest.approx(expected, abs=1e-4)


def test_drawn_codes_have_their_shares_and_never_a_forbidden_one() -> None:
    shares = torch.tensor([[0.0, 0.5], [0.7, 0.0], [0.3, 0.5]])
    states = torch.arange(2).repeat_interleave(50_000)
    codes = ht.draw_code(shares, states, torch.Generator().manual_seed(0))
    for state in range(2):
        seen = torch.bincount(codes[states == state], minlength=3) / 50_000
        torch.testing.assert_close(seen, shares[:, state], atol=0.01, rtol=0)
        assert (seen[shares[:, state] == 0] == 0).all()


def test_tensors_round_trip() -> None:
    tree = make_tree()
    again = ht.from_tensors(tree.parents, tree.owner, ht.to_tensors(tree))
    assert log_prob(again, ROWS).tolist() == log_prob(tree, ROWS).tolist()


def test_low_temperature_sharpens() -> None:
    tree = make_tree()
    cold = ht.sharpen(tree, 0.25)
    assert cold.root.max() > tree.root.max()
    torch.testing.assert_close(cold.transitions.sum(2), torch.ones(4, 3))
    assert ht.sharpen(tree, 1.0) is tree
