"""The column network: what it may see, and how it forgets."""

import pytest
import torch

from genapps.nets.columns import ColumnNet, dropout_mask

SIZES = (3, 2, 4)


def make_network() -> ColumnNet:
    g = torch.Generator().manual_seed(0)
    marginals = torch.tensor([0.2, 0.3, 0.5, 0.9, 0.1, 0.25, 0.25, 0.25, 0.25])
    shape = {"embedding": 5, "hidden": 7, "depth": 2, "dropout": 0.5}
    network = ColumnNet(SIZES, marginals, torch.arange(9.0), generator=g, **shape)
    with torch.no_grad():
        network.last.normal_(generator=g)
    return network


def logits(network: ColumnNet, codes: list[int], known: list[float], target: int) -> torch.Tensor:
    features = network.embed(torch.tensor([codes]))
    return network(features, torch.tensor([[known]]), torch.tensor([target]), None)[0, 0]


def test_what_is_not_known_does_not_matter() -> None:
    network = make_network()
    one, other = (logits(network, [2, code, 3], [1.0, 0.0, 0.0], 1) for code in (0, 1))
    assert one.equal(other)
    assert not logits(network, [2, 0, 3], [1.0, 0.0, 0.0], 1).equal(logits(network, [1, 0, 3], [1.0, 0.0, 0.0], 1))


def test_known_and_unknown_differ() -> None:
    network = make_network()
    assert not logits(network, [0, 0, 0], [0.0, 0, 0], 2).equal(logits(network, [0, 0, 0], [1.0, 0, 0], 2))


def test_codes_that_a_variable_lacks_have_no_probability() -> None:
    shares = torch.softmax(logits(make_network(), [0, 0, 0], [1.0, 1.0, 1.0], 1), -1)
    assert shares[:2].sum().item() == pytest.approx(1.0)
    assert (shares[2:] == 0).all()


def test_begins_at_the_marginals() -> None:
    g = torch.Generator().manual_seed(0)
    marginals = torch.tensor([0.2, 0.3, 0.5, 0.9, 0.1, 0.25, 0.25, 0.25, 0.25])
    network = ColumnNet(SIZES, marginals, torch.zeros(9), embedding=4, hidden=4, depth=1, dropout=0.0, generator=g)
    with torch.no_grad():
        network.last.zero_()
    torch.testing.assert_close(torch.softmax(logits(network, [0, 0, 0], [0.0] * 3, 0), -1)[:3], marginals[:3])


def test_targets_do_not_touch_each_other() -> None:
    """All targets in one product give what each gives alone."""
    network = make_network()
    features = network.embed(torch.tensor([[1, 0, 2], [2, 1, 0]]))
    known = (torch.rand(3, 2, 3, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    together = network(features, known, torch.arange(3), None)
    for j in range(3):
        torch.testing.assert_close(together[j], network(features, known[j : j + 1], torch.tensor([j]), None)[0])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_follows_its_generator(share: float) -> None:
    like = torch.zeros(33, 101, 31)
    mask = dropout_mask(like, share, torch.Generator().manual_seed(0))
    assert mask.shape == like.shape
    assert (mask == 0).float().mean().item() == pytest.approx(share, abs=0.005)
    assert mask.mean().item() == pytest.approx(1.0, abs=0.02 / (1 - share))
    assert mask.equal(dropout_mask(like, share, torch.Generator().manual_seed(0)))
    assert not mask.equal(dropout_mask(like, share, torch.Generator().manual_seed(1)))
