"""The Chow-Liu tree against an independent measure and against every other tree."""

import itertools

import pytest
import torch
from sklearn.metrics import mutual_info_score

from genapps.models.gmm.chow_liu import coarse, mutual_information, spanning_tree


def test_mutual_information_equals_the_reference() -> None:
    generator = torch.Generator().manual_seed(0)
    a = torch.randint(4, (500,), generator=generator)
    b = (a + torch.randint(2, (500,), generator=generator)) % 5
    c = torch.randint(3, (500,), generator=generator)
    levels = torch.stack([a, b, c], 1)
    found = mutual_information(levels)
    for i, j in itertools.combinations(range(3), 2):
        assert found[i, j].item() == pytest.approx(mutual_info_score(levels[:, i], levels[:, j]), abs=1e-5)


def weight_of(weights: torch.Tensor, edges: list[tuple[int, int]]) -> float:
    return sum(float(weights[i, j]) for i, j in edges)


@pytest.mark.parametrize("seed", range(10))
def test_spanning_tree_is_the_heaviest_of_all_trees(seed: int) -> None:
    count = 5
    weights = torch.rand(count, count, generator=torch.Generator().manual_seed(seed))
    weights = weights + weights.T
    weights.fill_diagonal_(0)
    order, parents = spanning_tree(weights)
    assert sorted(order) == list(range(count)) and parents[0] == -1
    assert all(parent < place for place, parent in enumerate(parents))
    edges = [(order[place], order[parent]) for place, parent in enumerate(parents) if parent >= 0]
    heaviest = 0.0
    pairs = list(itertools.combinations(range(count), 2))
    for candidate in itertools.combinations(pairs, count - 1):
        if _connected(count, candidate):
            heaviest = max(heaviest, weight_of(weights, list(candidate)))
    assert weight_of(weights, edges) == pytest.approx(heaviest)


def _connected(count: int, edges: tuple[tuple[int, int], ...]) -> bool:
    reached = {0}
    for _ in range(count):
        reached |= {b for a, b in edges if a in reached} | {a for a, b in edges if b in reached}
    return len(reached) == count


def test_coarse_levels_keep_order_and_set_the_unknown_apart() -> None:
    numbers = torch.linspace(-3, 3, 1000)
    levels = coarse(numbers, 0, True)
    assert (levels.diff() >= 0).all() and levels.max() == 15
    assert coarse(torch.tensor([1.0, float("nan")]), 0, True)[1] == 16
    codes = torch.tensor([5, 5, 5, 2, 2, 7, -1])
    assert coarse(codes, 8, False).tolist() == [0, 0, 0, 1, 1, 2, 16]


def test_mutual_information_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = torch.randint(5, (200, 7), generator=torch.Generator().manual_seed(0))
    whole = mutual_information(levels)
    monkeypatch.setattr("genapps.models.gmm.chow_liu._PAIRS", 7 * 5 * 5 * 3)  # three columns at a time
    torch.testing.assert_close(mutual_information(levels), whole)
    torch.testing.assert_close(whole, whole.T)
