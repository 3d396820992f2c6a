"""Pieces of an image come out as the whole does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from genapps_image.tiles import tiled

IMAGE = torch.randint(256, (3, 23, 17), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def mean_of_five(images: Tensor) -> Tensor:
    padded = functional.pad(images.float(), (2, 2, 2, 2))
    return functional.avg_pool2d(padded, 5, stride=1).round().to(torch.uint8)


@pytest.mark.parametrize("tile", [1, 4, 7, 16, 100])
def test_the_size_of_the_tiles_does_not_show(tile: int) -> None:
    whole = tiled(mean_of_five, IMAGE, tile=100, overlap=2)
    assert torch.equal(tiled(mean_of_five, IMAGE, tile=tile, overlap=2), whole)
    inner = mean_of_five(IMAGE[None])[0][:, 2:-2, 2:-2]
    assert torch.equal(whole[:, 2:-2, 2:-2], inner)


def test_too_little_overlap_would_be_noticed() -> None:
    whole = tiled(mean_of_five, IMAGE, tile=100, overlap=2)
    assert not torch.equal(tiled(mean_of_five, IMAGE, tile=7, overlap=1), whole)


def test_results_may_be_larger_and_of_other_channels() -> None:
    def work(images: Tensor) -> Tensor:
        return functional.interpolate(images[:, :1].float(), scale_factor=3).to(torch.uint8)

    found = tiled(work, IMAGE, tile=5, overlap=1, factor=3)
    assert torch.equal(found, IMAGE[:1].repeat_interleave(3, 1).repeat_interleave(3, 2))
    with pytest.raises(ValueError, match="without pixels"):
        tiled(work, IMAGE[:, :0], tile=5, overlap=1)
