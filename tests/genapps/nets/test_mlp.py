"""The residual network and its layers: drawn from their own generator alone."""

import pytest
import torch
from torch import nn

from genapps.nets.mlp import MLP, fresh


def network(seed: int = 0, dropout: float = 0.5) -> MLP:
    g = torch.Generator().manual_seed(seed)
    return MLP(6, 4, hidden=32, depth=2, dropout=dropout, generator=g)


def test_neither_uses_nor_moves_the_global_seed() -> None:
    torch.manual_seed(1)
    one, after = network(), torch.rand(1)
    torch.manual_seed(2)
    two = network()
    assert all(a.equal(b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    torch.manual_seed(1)
    assert torch.rand(1).equal(after)


def test_dropout_comes_from_its_generator() -> None:
    net, x = network(), torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    masked = [net(x, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert masked[0].equal(masked[1]) and not masked[0].equal(masked[2])
    assert net(x).equal(net(x)) and not net(x).equal(masked[0])


def test_outputs_begin_at_unit_scale() -> None:
    x = torch.randn(2000, 6, generator=torch.Generator().manual_seed(1))
    assert 0.3 < float(network(dropout=0.0)(x).detach().std()) < 3


@pytest.mark.parametrize(
    ("kind", "sizes"), [(nn.Linear, (3, 5)), (nn.Conv1d, (3, 5, 3)), (nn.Conv2d, (3, 5, 3)), (nn.GRU, (3, 5))]
)
def test_every_layer_is_filled(kind: type[nn.Module], sizes: tuple[int, ...]) -> None:
    layer = fresh(kind, *sizes, generator=torch.Generator().manual_seed(0))
    for name, weight in layer.named_parameters():
        assert torch.isfinite(weight).all()
        assert (weight == 0).all() if "bias" in name else float(weight.detach().std()) > 0.05
