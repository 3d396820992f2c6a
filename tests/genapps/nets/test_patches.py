"""Patches: there and back, what a pixel may see, and step by step the same as all at once."""

import pytest
import torch
from torch import Tensor

from genapps.nets.patches import MaskedHead, PatchNet, to_images, to_patches


def make_network(columns: int = 3, rows: int = 2, outputs: int = 2) -> PatchNet:
    g = torch.Generator().manual_seed(0)
    shape = {"width": 16, "layers": 2, "heads": 2, "head": 24, "dropout": 0.0, "classes": 3}
    network = PatchNet(rows * columns, columns, 4, outputs, generator=g, **shape)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.4 * torch.randn(weight.shape, generator=g))
    return network.double()


def make_patches(patches: int = 6) -> Tensor:
    return torch.randn(2, patches, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


LABELS = torch.tensor([1, 2])


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 5, 7), (2, 1, 3)])
def test_there_and_back(shape: tuple[int, int, int]) -> None:
    images = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    assert to_images(to_patches(images, 2), 2, shape).equal(images)
    assert to_patches(images[:0], 2).shape[0] == 0


def test_patches_are_in_raster_order_with_channels_innermost() -> None:
    image = torch.arange(2 * 2 * 4).view(1, 2, 2, 4).float()
    assert to_patches(image, 2)[0, 0].tolist() == [0, 8, 1, 9, 4, 12, 5, 13]
    assert to_patches(image, 2)[0, 1].tolist() == [2, 10, 3, 11, 6, 14, 7, 15]


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_a_pixel_sees_all_before_it_and_nothing_else(columns: int) -> None:
    network = make_network(columns, 6 // columns)
    patches = make_patches()
    before = network(patches, LABELS).flatten(1, 2)  # (B, T K, O)
    for place in range(24):
        changed = patches.clone()
        changed.view(2, 24)[:, place] += 1.0
        after = network(changed, LABELS).flatten(1, 2)
        assert after[:, : place + 1].equal(before[:, : place + 1])
        assert not torch.isclose(after[:, place + 1 :], before[:, place + 1 :]).all(-1).any()


def test_step_by_step_is_all_at_once() -> None:
    network, patches = make_network(), make_patches()
    whole = network(patches, LABELS)
    cache = network.trunk.cache(2, 6)
    for t in range(6):
        so_far = patches.clone()
        so_far[:, t:] = 99.0  # what is not known yet must not matter
        context = network.step(so_far, t, LABELS, cache)
        torch.testing.assert_close(network.head(context, patches[:, t]), whole[:, t], atol=1e-10, rtol=0)


def test_a_mask_within_the_patch_shifted_by_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = MaskedHead.__init__

    def leaky(self: MaskedHead, *sizes: int, **options: object) -> None:
        begin(self, *sizes, **options)  # type: ignore[arg-type]
        self.sees = self.sees.roll(1, 1)

    monkeypatch.setattr(MaskedHead, "__init__", leaky)
    with pytest.raises(AssertionError):
        test_a_pixel_sees_all_before_it_and_nothing_else(3)


@pytest.mark.parametrize(("pixels", "hidden", "outputs"), [(16, 40, 1), (5, 3, 2), (1, 8, 4)])
def test_one_pixel_by_itself_is_as_among_all(pixels: int, hidden: int, outputs: int) -> None:
    g = torch.Generator().manual_seed(0)
    head = MaskedHead(7, pixels, hidden, outputs, g).double()
    torch.nn.init.normal_(head.out.weight, generator=g)
    context = head.context(torch.randn(3, 7, generator=g, dtype=torch.double))
    values = torch.randn(3, pixels, generator=g, dtype=torch.double)
    whole = head(context, values)
    for k in range(pixels):
        torch.testing.assert_close(head.pixel(context, values, k), whole[:, k])
