"""Whatever moves an image moves its boxes and its mask to the same places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps_image.augmentation.boxes import Box, Refused, uncovered, within
from genapps_image.augmentation.geometry import STEEPEST, Affine, Warp, Waves, steepness
from genapps_image.augmentation.mixes import AMOUNTS, MIXES
from genapps_image.augmentation.placing import PLACINGS
from genapps_image.augmentation.resampling import resample, resample_mask
from genapps_image.augmentation.steps import Chance, Example, Step, apply, draw, warp_of
from genapps_image.augmentation.toning import TONINGS

SIZE = (36, 52)
SQUARE = Box("square", 18, 11, 31, 24)
POINTS = np.random.default_rng(0).uniform((0, 0), (52, 36), (50, 2))


def planted(channels=1, size=SIZE, box=SQUARE):
    """A white square on black, a mask of it, and the box around it."""
    pixels = np.zeros((*size, channels), np.uint8)
    pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = 255
    if channels in (2, 4):
        pixels[:, :, -1] = 255
    return Example(pixels, (box,), (pixels[:, :, 0] > 0) * np.uint8(7))


def bounds(shown):
    """Left, upper, right and lower middle of the outermost pixels that are shown."""
    y, x = np.nonzero(shown)
    return x.min() + 0.5, y.min() + 0.5, x.max() + 0.5, y.max() + 0.5


def steps_of(name, seed, amount=None):
    amount = AMOUNTS[name] if amount is None else amount
    return draw([Chance(name, 1.0, amount)], np.random.default_rng(seed))


@pytest.mark.parametrize("name", PLACINGS)
@pytest.mark.parametrize("seed", range(6))
def test_every_map_is_followed_back(name, seed):
    warp = warp_of(steps_of(name, seed), SIZE)
    found = POINTS
    for one in warp.merged:
        found = one.forward(found)
    for one in reversed(warp.merged):
        found = one.backward(found)
    np.testing.assert_allclose(found, POINTS, atol=1e-4)


def holds(example, slack=2.0):
    """Whether the box lies around what is seen of the square, and no further from it than pixels are wide."""
    (box,) = example.boxes
    for shown in (example.mask > 0, example.pixels[:, :, 0] > 127):
        left, top, right, low = bounds(shown)
        around = box.x0 <= left + 1e-6 and box.y0 <= top + 1e-6 and box.x1 >= right - 1e-6 and box.y1 >= low - 1e-6
        apart = max(left - box.x0, top - box.y0, box.x1 - right, box.y1 - low)
        if not around or apart > slack:
            return False
    return True


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(PLACINGS)), st.integers(0, 10_000), st.floats(0.1, 1.5))
def test_a_box_around_a_square_stays_around_it(name, seed, much):
    amount = min(AMOUNTS[name] * much, 0.3) if name != "rotate" else AMOUNTS[name] * much * 4
    new = apply(planted(), steps_of(name, seed, amount), visible=0.0)
    assert holds(new)
    assert new.boxes[0].label == "square"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(MIXES)), st.integers(0, 10_000), st.sampled_from([1, 2, 3, 4]))
def test_so_it_does_through_whole_mixes(mix, seed, channels):
    moving = [one for one in MIXES[mix].chances if one.name in PLACINGS]
    new = apply(planted(channels), draw(moving, np.random.default_rng(seed)), visible=0.0)
    assert holds(new)
    assert new.pixels.shape == (*SIZE, channels)


def test_a_box_that_did_not_move_would_be_noticed():
    example = planted()
    new = apply(example, [Step("shift", {"x": 0.1, "y": 0.0})], visible=0.0)
    assert holds(new)
    assert not holds(Example(new.pixels, example.boxes, new.mask))
    wide = Box("square", SQUARE.x0, SQUARE.y0, SQUARE.x1 + 10, SQUARE.y1)
    assert not holds(Example(new.pixels, (wide,), new.mask))


@pytest.mark.parametrize("name", TONINGS)
def test_what_only_looks_different_moves_nothing(name):
    example = planted(3)
    new = apply(example, steps_of(name, 3), visible=0.0)
    assert new.boxes == example.boxes
    assert new.mask is example.mask
    assert new.pixels.shape == example.pixels.shape
    grey = apply(planted(2), steps_of(name, 3)).pixels
    np.testing.assert_array_equal(grey[:, :, 1], 255)  # alpha is no color


def test_flips_and_turns_lose_nothing():
    drawn = np.random.default_rng(1).integers(0, 256, (5, 8, 3), np.uint8)
    for name, values, wanted in (
        ("flip", {}, drawn[:, ::-1]),
        ("flip_vertical", {}, drawn[::-1]),
        ("turn", {"quarters": 1}, np.rot90(drawn, -1)),
        ("turn", {"quarters": 2}, np.rot90(drawn, 2)),
        ("turn", {"quarters": 3}, np.rot90(drawn, 1)),
    ):
        new = apply(Example(drawn, (), drawn), [Step(name, values)])
        np.testing.assert_array_equal(new.pixels, wanted)
        np.testing.assert_array_equal(new.mask, wanted)
    box = Box("a", 1, 2, 4, 3)
    (flipped,) = apply(Example(drawn, (box,)), [Step("flip")], visible=0).boxes
    assert (flipped.x0, flipped.y0, flipped.x1, flipped.y1) == (4, 2, 7, 3)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(PLACINGS)), st.integers(0, 1000))
def test_a_mask_has_no_value_that_it_did_not_have(name, seed):
    mask = np.random.default_rng(seed).choice(np.array([0, 3, 9, 60_000], np.uint16), SIZE)
    new = resample_mask(mask, warp_of(steps_of(name, seed), SIZE))
    assert new.dtype == np.uint16
    assert set(np.unique(new)) <= {0, 3, 9, 60_000}


def test_a_mask_is_empty_where_the_image_had_nothing():
    mask = np.full(SIZE, 5, np.uint8)
    new = resample_mask(mask, warp_of([Step("shift", {"x": 0.5, "y": 0.0})], SIZE))
    assert (new[:, :26] == 0).all()
    assert (new[:, 26:] == 5).all()


def test_pixels_between_pixels_are_between_them():
    ramp = np.repeat(np.arange(0, 200, 10, dtype=np.uint8)[None, :], 4, 0)[:, :, None]
    new = resample(ramp, Warp((Affine(1, 0, -0.5, 0, 1, 0),), (4, 20)))
    np.testing.assert_array_equal(new[0, :3, 0], [5, 15, 25])
    assert new[0, -1, 0] == 190  # beyond the border the border goes on


def test_large_images_are_done_in_strips(monkeypatch):
    example = Example(np.random.default_rng(0).integers(0, 256, (*SIZE, 4), np.uint8), (), planted().mask)
    steps = steps_of("elastic", 0) + steps_of("rotate", 1)
    whole = apply(example, steps)
    monkeypatch.setattr("genapps_image.augmentation.resampling._AT_ONCE", 150)
    strips = apply(example, steps)
    np.testing.assert_array_equal(strips.pixels, whole.pixels)
    np.testing.assert_array_equal(strips.mask, whole.mask)


def test_transparent_pixels_lend_no_color():
    pixels = np.zeros((4, 8, 4), np.uint8)
    pixels[:, 4:] = (200, 100, 50, 255)
    pixels[:, :4, 0] = 255  # a red that nobody sees
    new = resample(pixels, Warp((Affine(1, 0, 0.5, 0, 1, 0),), (4, 8)))
    seen = new[new[:, :, 3] > 0]
    np.testing.assert_allclose(seen[:, :3], np.tile([200, 100, 50], (len(seen), 1)), atol=1)


def test_waves_fold_nothing_and_too_steep_ones_are_refused():
    for seed in range(20):
        (waves,) = warp_of(steps_of("elastic", seed, 0.3), SIZE).maps
        assert isinstance(waves, Waves)
        assert steepness(waves.rows) <= STEEPEST + 1e-6
    with pytest.raises(ValueError, match="steeper"):
        Waves(((0, 5.0, 0.1, 0.0, 0.0),))
    with pytest.raises(ValueError, match="flattens"):
        Affine(1, 1, 0, 1, 1, 0)


def test_a_box_out_of_sight_is_dropped():
    shifted = [Step("shift", {"x": 0.6, "y": 0.0})]
    assert apply(planted(), shifted, visible=0.3).boxes == ()
    half = [Step("shift", {"x": (52 - 24.5) / 52, "y": 0.0})]
    assert len(apply(planted(), half, visible=0.45).boxes) == 1
    assert len(apply(planted(), half, visible=0.55).boxes) == 0
    hidden = [Step("cutout", {"x": 0.3, "y": 0.25, "width": 0.35, "height": 0.45})]
    assert apply(planted(), hidden, visible=0.3).boxes == ()
    assert uncovered(SQUARE, 18, 11, 31, 17.5) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("sides", "why"),
    [
        ((60, 0, 70, 10), "outside the image of 52 x 36"),
        ((40, 10, 60, 20), "partly outside"),
        ((10, 10, 10, 20), "no area"),
        ((20, 10, 10, 20), "no area"),
        ((float("nan"), 10, 20, 20), "no number"),
        ((-5, -5, -1, -1), "outside"),
        ((-0.5, 3, 0, 5), "no area"),
    ],
)
def test_boxes_that_no_image_can_have_are_refused(sides, why):
    found = within(Box("a", *sides, row="line 3"), SIZE)
    assert isinstance(found, Refused)
    assert found.row == "line 3"
    assert why in found.reason


def test_a_box_that_overshoots_by_a_pixel_is_cut():
    found = within(Box("a", -0.8, 3, 52.9, 36.4), SIZE)
    assert found == Box("a", 0, 3, 52, 36)
