"""Causal networks: what a step may see, and that going on from a cache is the same as reading everything again."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from genapps.nets.sequences import SequenceNet
from genapps.nets.transformer import Transformer, causal_attention, rotated, rotation, soft_cap

ARCHITECTURES = ("gru", "transformer")
LABELS = torch.tensor([0, 2, 1])


def make_network(architecture: str, dtype: torch.dtype = torch.float64, dropout: float = 0.0) -> SequenceNet:
    """A network whose every weight matters: what begins at zero is drawn, too."""
    g = torch.Generator().manual_seed(0)
    read = nn.Embedding(5, 16)
    shape = {"architecture": architecture, "width": 16, "layers": 2, "heads": 2, "dropout": dropout, "classes": 3}
    network = SequenceNet(read, 6, generator=g, **shape)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.4 * torch.randn(weight.shape, generator=g))
    return network.to(dtype)


def make_codes(rows: int = 3, steps: int = 12) -> Tensor:
    return torch.randint(5, (rows, steps), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_step_sees_itself_or_what_follows(architecture: str) -> None:
    network, codes = make_network(architecture), make_codes()
    before = network(codes, LABELS)
    for t in range(codes.shape[1]):
        changed = codes.clone()
        changed[:, t] = (changed[:, t] + 1) % 5
        after = network(changed, LABELS)
        assert after[:, : t + 1].equal(before[:, : t + 1])  # outputs 0..t tell of steps 0..t
        assert not torch.isclose(after[:, t + 1 :], before[:, t + 1 :]).all(-1).any()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
@pytest.mark.parametrize("parts", [[0, 12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 7, 12], [5, 6, 12]])
def test_cached_equals_uncached(architecture: str, dtype: torch.dtype, atol: float, parts: list[int]) -> None:
    """Whatever the prompt's length and however many steps are read at once; `parts`: where the reading pauses."""
    network, codes = make_network(architecture, dtype), make_codes()
    whole = network(codes, LABELS)
    cache = network.trunk.cache(3, 13)
    pieces = [network(codes[:, : parts[0]], LABELS, cache)]
    pieces += [network(codes[:, start:end], LABELS, cache) for start, end in pairwise(parts)]
    torch.testing.assert_close(torch.cat(pieces, 1), whole, atol=atol, rtol=0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_cache_follows_its_rows(architecture: str) -> None:
    network, codes = make_network(architecture), make_codes()
    cache = network.trunk.cache(3, 13)
    network(codes[:, :6], LABELS, cache)
    order = torch.tensor([2, 0, 0])
    taken = cache.take(order)
    rest = network(codes[order, 6:], LABELS[order], taken)
    torch.testing.assert_close(rest, network(codes[order], LABELS[order])[:, 7:], atol=1e-10, rtol=0)
    torch.testing.assert_close(network(codes[:, 6:], LABELS, cache), network(codes, LABELS)[:, 7:], atol=1e-10, rtol=0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_rows_and_padding_do_not_touch_each_other(architecture: str) -> None:
    network, codes = make_network(architecture), make_codes()
    together = network(codes, LABELS)
    for row in range(3):
        alone = network(codes[row : row + 1, :7], LABELS[row : row + 1])
        torch.testing.assert_close(alone[0], together[row, :8], atol=1e-10, rtol=0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_untrained_network_says_its_bias(architecture: str) -> None:
    g = torch.Generator().manual_seed(0)
    shape = {"architecture": architecture, "width": 16, "layers": 2, "heads": 2, "dropout": 0.0, "classes": 3}
    network = SequenceNet(nn.Embedding(5, 16), 6, generator=g, **shape)
    with torch.no_grad():
        network.tell.bias.copy_(torch.arange(6.0))
    assert network(make_codes(), LABELS).equal(torch.arange(6.0).expand(3, 13, 6))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_and_dropout_come_from_their_generators(architecture: str) -> None:
    network, codes = make_network(architecture, dropout=0.5), make_codes()
    one, two, other = (network(codes, LABELS, None, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert one.equal(two) and not one.equal(other)
    again = make_network(architecture, dropout=0.5)
    assert all(a.equal(b) for a, b in zip(network.parameters(), again.parameters(), strict=True))


def test_attention_by_the_whole_matrix_is_torchs() -> None:
    g = torch.Generator().manual_seed(0)
    queries, keys, values = torch.randn(3, 2, 4, 9, 8, generator=g, dtype=torch.float64)
    expected = nn.functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    torch.testing.assert_close(causal_attention(queries, keys, values), expected, atol=1e-12, rtol=0)


def test_a_mask_shifted_by_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of leakage must fail where attention sees one step too many."""

    def leaky(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        steps = queries.shape[2]
        mask = torch.ones(steps, steps, dtype=torch.bool).tril(1)
        return nn.functional.scaled_dot_product_attention(queries, keys, values, mask)

    monkeypatch.setattr("genapps.nets.transformer.causal_attention", leaky)
    with pytest.raises(AssertionError):
        test_no_step_sees_itself_or_what_follows("transformer")


def test_rotations_tell_distances_alone() -> None:
    """The product of a rotated query and a rotated key depends on how far apart they are, not on where."""
    g = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 8, generator=g, dtype=torch.float64)
    products = [
        float((rotated(query, rotation(at, 1, 8, query)) * rotated(key, rotation(at + 3, 1, 8, key))).sum())
        for at in (0, 1, 17, 400)
    ]
    assert products == pytest.approx([products[0]] * 4, abs=1e-9)


def test_a_soft_cap_bounds_and_leaves_the_middle() -> None:
    logits = torch.tensor([-1e4, -0.1, 0.0, 0.1, 1e4])
    torch.testing.assert_close(soft_cap(logits, 30.0), torch.tensor([-30.0, -0.1, 0.0, 0.1, 30.0]), atol=1e-5, rtol=0)
    assert soft_cap(logits, 0.0) is logits


def test_widths_that_heads_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        Transformer(10, 1, 4, generator=torch.Generator())
