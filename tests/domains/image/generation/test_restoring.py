"""Photographs with holes as a model sees them, and back: nothing of a hole leaks, nothing that is known changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genapps_image.codec import Codec
from genapps_image.generation.checking import nearest_means
from genapps_image.generation.restoring import (
    Holed,
    Window,
    holed,
    means_around,
    restored,
    scaled,
    smoothed,
    window_of,
)
from genapps_image.records import Picture


def hole_in(shape: tuple[int, int], top: int, left: int, height: int, width: int) -> np.ndarray:
    hole = np.zeros(shape, np.bool_)
    hole[top : top + height, left : left + width] = True
    return hole


def photo(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("hole", "window"),
    [
        (hole_in((40, 60), 10, 25, 5, 5), Window(0, 10, 40, 40)),  # the middle
        (hole_in((40, 60), 10, 2, 5, 5), Window(0, 2, 40, 40)),  # moved to the left edge of the hole
        (hole_in((40, 60), 10, 55, 5, 5), Window(0, 20, 40, 40)),  # and to its right one
        (hole_in((8, 8), 0, 0, 1, 1), Window(0, 0, 8, 8)),
        (hole_in((3, 9), 0, 4, 1, 1), Window(0, 3, 3, 3)),  # smaller than the model's images
    ],
)
def test_the_model_sees_what_is_around_the_hole(hole: np.ndarray, window: Window) -> None:
    assert window_of(hole, Codec(8, 8, 1)) == window


@pytest.mark.parametrize("shape", [(8, 8), (37, 50), (5, 6)])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_lies_in_a_hole_does_not_matter(shape: tuple[int, int], channels: int) -> None:
    pixels, hole = photo((*shape, channels)), hole_in(shape, 1, 2, 3, 2)
    other = pixels.copy()
    other[hole] = 255 - other[hole]
    first, second = (holed(Picture("a", one), hole, Codec(8, 8, channels)) for one in (pixels, other))
    assert isinstance(first, Holed) and isinstance(second, Holed)
    assert first.seen.equal(second.seen)
    assert first.unknown.equal(second.unknown)


def test_at_the_models_own_size_what_is_made_is_taken_as_it_is() -> None:
    pixels, hole = photo((8, 8, 1)), hole_in((8, 8), 2, 3, 4, 3)
    one = holed(Picture("a", pixels), hole, Codec(8, 8, 1))
    assert isinstance(one, Holed)
    assert np.array_equal(one.unknown.numpy(), hole)
    made = torch.from_numpy(photo((1, 8, 8), 1))
    result = restored(one, torch.where(one.unknown, made, one.seen))
    assert np.array_equal(result[hole], made[0].numpy()[hole][:, None])
    assert np.array_equal(result[~hole], pixels[~hole])


def test_at_its_border_a_fill_takes_the_shade_around_it_within_one_pixel_of_the_model() -> None:
    pixels, hole = np.full((64, 64, 1), 90, np.uint8), hole_in((64, 64), 0, 32, 64, 32)  # right of a straight border
    one = holed(Picture("a", pixels), hole, Codec(8, 8, 1))
    assert isinstance(one, Holed)
    row = restored(one, torch.full((1, 8, 8), 170.0))[30, :, 0].astype(int)
    assert row[:32].tolist() == [90] * 32
    steps = np.diff(row[31:])
    assert (steps >= 0).all() and steps.max() <= 15  # 80 taken as it is would be a step of 80
    assert row[32 + 8 :].tolist() == [170] * 24


def test_only_the_hole_is_changed() -> None:
    pixels, hole = photo((50, 41, 4)), np.random.default_rng(1).random((50, 41)) < 0.03
    hole[:, 40:] = False  # what the model sees is 40 wide
    one = holed(Picture("a", pixels), hole, Codec(20, 16, 3))
    assert isinstance(one, Holed)
    result = restored(one, torch.zeros(3, 20, 16))
    assert np.array_equal(result[~hole], pixels[~hole])
    assert (result[hole] != pixels[hole]).any()


@pytest.mark.parametrize("reach", [0, 1, 4, 50])
def test_means_around_are_those_of_a_plain_loop(reach: int) -> None:
    values = torch.rand(2, 7, 5, generator=torch.Generator().manual_seed(0))
    found = means_around(values, reach)
    for i in range(7):
        for j in range(5):
            part = values[:, max(0, i - reach) : i + reach + 1, max(0, j - reach) : j + reach + 1]
            torch.testing.assert_close(found[:, i, j], part.mean((1, 2)))


def test_what_is_smoothed_away_lies_between_what_is_around() -> None:
    pixels, hole = photo((30, 23, 2)) // 4 + 100, np.random.default_rng(2).random((30, 23)) < 0.7
    found = smoothed(pixels, hole)
    assert np.array_equal(found[~hole], pixels[~hole])
    assert (found.min((0, 1)) == pixels[~hole].min(0)).all() and (found.max((0, 1)) == pixels[~hole].max(0)).all()
    ramp = np.tile(np.linspace(0, 100, 32), (32, 1)).astype(np.uint8)[:, :, None]
    gone = smoothed(ramp, hole_in((32, 32), 10, 10, 8, 8)).astype(int)
    assert abs(gone - ramp).max() < 15
    assert smoothed(pixels, np.ones((30, 23), np.bool_)).max() == 0


def test_a_fill_does_not_depend_on_what_is_far_away() -> None:
    pixels, hole = photo((90, 90, 1)), hole_in((90, 90), 40, 50, 9, 7)
    other = pixels.copy()
    other[:20], other[:, :20] = 0, 255
    made = torch.from_numpy(photo((1, 9, 9), 1)).float()
    results = []
    for one in (holed(Picture("a", each), hole, Codec(9, 9, 1)) for each in (pixels, other)):
        assert isinstance(one, Holed)
        results.append(restored(one, made))
    assert np.array_equal(results[0][hole], results[1][hole])


def test_holes_of_another_size_have_the_same_share() -> None:
    hole = hole_in((20, 30), 5, 10, 10, 15)
    assert scaled(hole, (40, 90)).mean() == hole.mean()
    assert np.array_equal(scaled(hole, (20, 30)), hole)


def test_the_nearest_mean_is_of_the_other_images_of_a_class() -> None:
    truths = torch.tensor([10, 20, 30, 200, 210]).view(5, 1, 1, 1).expand(-1, 1, 2, 2)
    unknown = torch.tensor([[True, False], [False, False]]).expand(5, 2, 2)
    found = nearest_means(truths, truths, unknown, ["a", "a", "a", "b", "b"])
    assert found[:, 0, 0, 0].tolist() == [25, 20, 15, 210, 200]
    found = nearest_means(truths, truths, unknown, [None] * 5)  # of all, without itself
    assert found[0, 0, 0, 0] == (20 + 30 + 200 + 210) / 4
