"""Gated convolutions: a pixel sees all before it and nothing else, and pixel by pixel is as all at once."""

import pytest
import torch
from torch import Tensor

from genapps.nets import gated
from genapps.nets.gated import GatedNet

LABELS = torch.tensor([1, 2])


def make_network(shape: tuple[int, int, int], blocks: int = 2) -> GatedNet:
    g = torch.Generator().manual_seed(0)
    network = GatedNet(shape, 2, channels=6, blocks=blocks, dropout=0.0, classes=3, generator=g)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.5 * torch.randn(weight.shape, generator=g))
    return network.double()


def make_images(shape: tuple[int, int, int]) -> Tensor:
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.double)


def seen(network: GatedNet, shape: tuple[int, int, int]) -> Tensor:
    """Whether number k of an image matters for what is said of number m, (k, m), in the order of drawing."""
    image = make_images(shape)[:1]
    count = image.numel()
    order = torch.arange(count).view(shape).permute(1, 2, 0).flatten()  # places in the image, as they are drawn
    changed = image.repeat(count, 1, 1, 1)
    changed.view(count, count)[torch.arange(count), order] += 1.0
    told = network(torch.cat([image, changed]), LABELS[:1].expand(count + 1))
    told = told.permute(0, 2, 3, 1, 4).flatten(1, 3)  # (k, m, outputs)
    return ((told[1:] - told[:1]).abs() > 1e-9).any(2)  # products of a batch are summed in other orders: 1e-15


@pytest.mark.parametrize("shape", [(1, 5, 6), (3, 4, 4), (2, 1, 5), (1, 6, 1)])
def test_a_number_sees_all_before_it_and_nothing_else(shape: tuple[int, int, int]) -> None:
    count = shape[0] * shape[1] * shape[2]
    assert seen(make_network(shape), shape).equal(torch.ones(count, count).triu(1).bool())


def test_without_layers_the_first_convolutions_are_seen() -> None:
    assert seen(make_network((1, 3, 4), 0), (1, 3, 4)).equal(torch.ones(12, 12).triu(1).bool())


def test_a_stack_with_a_blind_spot_is_caught() -> None:
    """Without what is above and to the right, as a single masked stack does not know it."""
    network = make_network((1, 5, 6))
    with torch.no_grad():
        network.top.weight[..., gated.FIRST + 1 :] = 0.0
        for layer in network.layers:
            layer.vertical.weight[..., 2] = 0.0
    assert seen(network, (1, 5, 6)).sum() < 30 * 29 / 2


def test_an_image_moved_too_little_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    window = gated.window
    monkeypatch.setattr(gated, "window", lambda x, rows, to: window(x, rows, (to[0] + 1, to[1] + 1)))
    with pytest.raises(AssertionError):
        test_a_number_sees_all_before_it_and_nothing_else((1, 5, 6))


@pytest.mark.parametrize("columns", [[1, 1, 1, 1, 1], [3, 1, 1], [5], [1, 4]])
def test_pixel_by_pixel_is_all_at_once(columns: list[int]) -> None:
    shape = (3, 4, 5)
    network, images = make_network(shape), make_images(shape)
    whole = network(images, LABELS)
    twice = torch.tensor([1, 0, 0])
    expected, images, labels = whole[twice], images[twice], LABELS[twice]
    memory = network.memory(images[:2]).take(torch.tensor([0, 0, 1]))
    for row in range(4):
        so_far = images.clone()
        so_far[:, :, row:] = 99.0  # what is not known yet must not matter
        network.begin_row(so_far, row, labels, memory)
        begin = 0
        for count in columns:
            end = begin + count
            so_far[:, :, row, begin : end - 1] = images[:, :, row, begin : end - 1]
            context = network.step(so_far, row, (begin, end), memory)
            so_far[:, :, row, end - 1] = images[:, :, row, end - 1]
            found = network.head(context, images[:, :, row, begin:end].movedim(1, -1))
            torch.testing.assert_close(found.movedim(2, 1), expected[:, :, row, begin:end], atol=1e-10, rtol=0)
            memory, begin = memory.take(torch.arange(3)), end


def test_the_class_is_told_in_every_layer() -> None:
    network, images = make_network((1, 4, 4)), make_images((1, 4, 4))
    one, other = (network(images, torch.full((2,), label)) for label in (1, 2))
    assert not torch.isclose(one, other).all(-1).any()
    for layer in network.layers:
        with torch.no_grad():
            before = network(images, LABELS)
            layer.classes[1:] += 1.0
            assert not network(images, LABELS).equal(before)


def test_an_untrained_network_says_nothing() -> None:
    g = torch.Generator().manual_seed(0)
    network = GatedNet((1, 4, 4), 2, channels=6, blocks=2, dropout=0.0, classes=1, generator=g)
    assert network(make_images((1, 4, 4)).float()).eq(0).all()


def test_the_same_generator_makes_the_same_dropout() -> None:
    network, images = make_network((1, 4, 4)), make_images((1, 4, 4))
    network.dropout = 0.5
    one, two, none = (
        network(images, LABELS, None if seed is None else torch.Generator().manual_seed(seed)) for seed in (3, 3, None)
    )
    assert one.equal(two) and not one.equal(none)
