"""Distances of patches, colors and structure, beside enumeration and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps_image.stylizing.color import like, luminance, pooled, quantiles, recolored, with_light
from genapps_image.stylizing.objective import (
    along,
    directions,
    patch_distance,
    shrunk,
    structure,
    structure_kept,
    style_distance,
    targets,
)
from genapps_image.stylizing.palette import palette_of


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def image(seed: int, height: int = 24, width: int = 20, channels: int = 3) -> Tensor:
    return torch.rand(1, channels, height, width, generator=generator(seed)) * 2 - 1


def test_projections_are_sums_over_patches() -> None:
    picture, filters = image(0, 9, 8), directions(4, 3, generator(), side=3)
    found = along(picture, filters, stride=2, offset=(1, 0))
    wanted = [
        [float((picture[0, :, y : y + 3, x : x + 3] * one).sum()) for y in range(1, 7, 2) for x in range(0, 6, 2)]
        for one in filters
    ]
    assert torch.allclose(found, torch.tensor(wanted), atol=1e-5)
    assert torch.allclose(filters.flatten(1).norm(dim=1), torch.ones(4))
    assert float(filters[1::2].sum((2, 3)).abs().max()) < 1e-5


def test_distance_along_a_direction_is_the_least_over_all_pairings() -> None:
    from itertools import permutations

    draw = np.random.default_rng(0)
    first, second = draw.normal(size=(2, 5)), draw.normal(size=(2, 5))
    least = np.mean([min(np.mean(abs(a - b[list(p)])) for p in permutations(range(5))) for a, b in zip(first, second)])  # noqa: B905
    found = patch_distance(torch.tensor(first), torch.tensor(second).sort(1).values)
    assert float(found) == pytest.approx(least)


def test_unequal_samples_are_compared_by_quantiles() -> None:
    few = torch.tensor([[0.0, 1.0, 2.0]])
    assert torch.equal(quantiles(few, 5), torch.tensor([[0.0, 0.5, 1.0, 1.5, 2.0]]))
    assert float(patch_distance(torch.tensor([[2.0, 0.0, 1.0]]), quantiles(few, 9))) == pytest.approx(0, abs=1e-6)


def test_each_style_has_the_same_say_however_large() -> None:
    small, large = torch.zeros(1, 10), torch.ones(1, 1000)
    assert float(pooled([small, large]).mean()) == pytest.approx(0.5)


def test_colors_become_the_styles() -> None:
    photo, style = image(0), torch.cat([image(1)[:, :1] * 0.2, image(1)[:, :1] * 0.1 - 0.5, image(2)[:, :1]], 1)
    made = recolored(photo, [style], generator(), rounds=30)
    for part in range(3):
        wanted = style[0, part].flatten().sort().values
        assert float((made[0, part].flatten().sort().values - wanted).abs().mean()) < 0.05
    wanted = torch.corrcoef(style.reshape(3, -1))[0, 1]
    assert abs(float(torch.corrcoef(made.reshape(3, -1))[0, 1] - wanted)) < 0.25  # not each channel by itself
    assert abs(float(torch.corrcoef(photo.reshape(3, -1))[0, 1] - wanted)) > 0.5


def test_a_palette_moves_colors_as_the_sorting_of_all_pixels_does() -> None:
    photo, style = image(0, 60, 50), image(1, 40, 40) * 0.3 + 0.2 * image(2, 40, 40)[:, :1]
    transfer = palette_of([style], generator()).transfer(photo[0])
    made, wanted = transfer(photo), recolored(photo, [style], generator())
    assert style_distance(made, [style]) < 1.2 * style_distance(wanted, [style]) + 0.005
    assert style_distance(made, [style]) < 0.3 * style_distance(photo, [style])
    assert torch.allclose(transfer(photo[..., 20:, :30]), made[..., 20:, :30])  # a color is moved wherever it lies


def test_an_image_of_one_color_becomes_one_color_in_the_middle_of_the_palette() -> None:
    style = image(1, 40, 40)
    made = palette_of([style], generator()).transfer(torch.zeros(3, 9, 9))(torch.zeros(1, 3, 9, 9))
    assert float((made - made[..., :1, :1]).abs().max()) == 0
    assert float((made[0, :, 0, 0] - style.mean((0, 2, 3))).abs().max()) < 0.1


def test_structure_does_not_see_brightness_and_contrast_but_sees_shape() -> None:
    down, across = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    scene = (torch.sin(down / 3) * torch.cos(across / 4))[None, None] * 0.6
    assert structure_kept(scene * 0.8 + 0.15, scene) > 0.995
    assert structure_kept(-scene, scene) < -0.99
    assert abs(structure_kept(image(5, 32, 32, 1), scene)) < 0.2
    assert structure_kept(torch.zeros_like(scene), scene) == 0
    assert structure(torch.cat([scene] * 3, 1)).shape == (1, 1, 32, 32)


def test_style_distance_tells_textures_apart_and_is_none_to_itself() -> None:
    fine, coarse = image(0, 48, 48), shrunk(image(0, 192, 192), 4)
    assert style_distance(fine, [fine]) == pytest.approx(0, abs=1e-6)
    assert style_distance(fine, [image(9, 48, 48)]) < 0.5 * style_distance(fine, [coarse])
    shuffled = fine.flatten(2)[..., torch.randperm(48 * 48, generator=generator())].view_as(fine)
    stripes = fine.sort(2).values
    assert style_distance(shuffled, [fine]) < 0.3 * style_distance(stripes, [fine])  # the same colors, other patches


def test_targets_of_two_styles_are_their_mixture() -> None:
    filters = directions(6, 3, generator())
    both = targets([image(0), image(1)], filters)
    assert both.shape[1] == 2 * (24 - 6) * (20 - 6)
    assert torch.equal(both, torch.cat([along(image(k), filters) for k in (0, 1)], 1).sort(1).values)


def test_light_is_set_apart_from_color() -> None:
    photo, light = image(0) * 0.3, image(1, channels=1) * 0.3
    made = with_light(photo, light)
    assert torch.allclose(luminance(made), light, atol=1e-6)
    assert torch.allclose(made[:, 0] - made[:, 1], photo[:, 0] - photo[:, 1], atol=1e-6)
    found = like(image(3, channels=1), light)
    assert float(found.mean()) == pytest.approx(float(light.mean()), abs=1e-5)
    assert float(found.std()) == pytest.approx(float(light.std()), abs=1e-5)
