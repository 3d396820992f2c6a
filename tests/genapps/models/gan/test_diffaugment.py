"""The changes to images: their shape, what they keep, and that gradients pass."""

import pytest
import torch
from torch import Tensor

from genapps.models.gan.diffaugment import CHANGES, augment, colour, cutout, translation


def images(channels: int = 3, n: int = 16) -> Tensor:
    return torch.rand(n, channels, 12, 10, generator=torch.Generator().manual_seed(0)) + 1.0


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", sorted(CHANGES))
@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_flow_and_shapes_stay(name: str, channels: int) -> None:
    x = images(channels).requires_grad_()
    changed = augment(x, (name,), seeded())
    assert changed.shape == x.shape and not changed.equal(x)
    changed.square().sum().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all() and (x.grad != 0).any()


def test_the_same_seed_makes_the_same_change_to_real_and_made_images() -> None:
    names = ("colour", "translation", "cutout")
    one, two, other = (augment(images(), names, seeded(seed)) for seed in (3, 3, 4))
    assert one.equal(two) and not one.equal(other)
    assert augment(images(), (), seeded()).equal(images())


def test_translation_moves_every_pixel_alike_and_fills_with_zeros() -> None:
    x = images()
    moved = translation(x, seeded(), share=0.25)
    for before, after in zip(x, moved, strict=True):
        shifts = [(dy, dx) for dy in range(-3, 4) for dx in range(-3, 4) if after.equal(_shifted(before, dy, dx))]
        assert len(shifts) == 1
    assert len({int((image == 0).sum()) for image in moved}) > 1


def _shifted(image: Tensor, dy: int, dx: int) -> Tensor:
    out = torch.zeros_like(image)
    height, width = image.shape[1:]
    ys, xs = range(max(dy, 0), height + min(dy, 0)), range(max(dx, 0), width + min(dx, 0))
    for y in ys:
        for x in xs:
            out[:, y, x] = image[:, y - dy, x - dx]
    return out


def test_cutout_clears_one_box_and_nothing_else() -> None:
    x = images()
    cut = cutout(x, seeded())
    gone = cut == 0
    assert cut[~gone].equal(x[~gone])
    for image in gone:
        assert image[0].equal(image[1])  # all channels alike
        rows, columns = image[0].any(1), image[0].any(0)
        assert image[0].equal(rows[:, None] & columns[None, :])
        assert 1 <= int(rows.sum()) <= 6 and 1 <= int(columns.sum()) <= 5


def test_colour_keeps_the_order_of_the_pixels_of_a_channel() -> None:
    """Brightness, saturation and contrast are affine in a grey image: the ranks of its pixels stay."""
    x = images(1)
    changed = colour(x, seeded())
    assert changed.flatten(1).argsort(1).equal(x.flatten(1).argsort(1))
    scale = changed.flatten(1).std(1) / x.flatten(1).std(1)
    assert (scale > 0.49).all() and (scale < 1.51).all()
