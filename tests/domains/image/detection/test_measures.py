"""The mathematics of detection beside oracles: neighbors, what stands for many, one Gaussian, histograms, AUROC."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from genapps.metrics.ranking import auroc
from genapps_image.detection.gaussian import Gaussian
from genapps_image.detection.heat import Region, overlay, region
from genapps_image.detection.neighbors import coreset, nearest
from genapps_image.detection.orientation import histograms
from genapps_image.detection.places import Filters, blurred


def rows(count: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def test_nearest_are_those_of_scikit_learn() -> None:
    bank, asked = rows(50, 6), rows(20, 6, 1)
    apart, which = nearest(asked, bank, 4)
    expected = NearestNeighbors(n_neighbors=4).fit(bank.numpy()).kneighbors(asked.numpy())
    np.testing.assert_allclose(apart.numpy(), expected[0], rtol=1e-5)
    assert (which.numpy() == expected[1]).all()


def test_a_row_of_the_bank_is_at_no_distance_and_k_is_at_most_the_bank() -> None:
    bank = rows(5, 3) * 1e3
    apart, which = nearest(bank, bank, 9)
    assert apart.shape == (5, 5)
    assert (apart[:, 0] == 0).all()
    assert which[:, 0].tolist() == list(range(5))


def test_every_row_is_near_one_that_stands_for_it() -> None:
    centers = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    many = centers.repeat_interleave(40, 0) + rows(120, 2) * 0.1
    chosen = coreset(many, 3, torch.Generator().manual_seed(0))
    assert nearest(many, many[chosen])[0].max() < 1
    assert len(set(coreset(rows(30, 60), 12, torch.Generator().manual_seed(0)).tolist())) == 12
    assert coreset(many, 500, torch.Generator()).tolist() == list(range(120))


@pytest.mark.parametrize("count", [400, 8])  # more rows than columns, and fewer
def test_the_gaussian_ranks_as_the_full_covariance_where_it_has_low_rank(count: int) -> None:
    loads = rows(2, 12, 3) * 3
    known = rows(count, 2, 4) @ loads + rows(count, 12, 5) * 0.1
    law = Gaussian.learn(known, share=0.98)
    inside, outside = rows(20, 2, 6) @ loads, rows(20, 12, 7) * 3
    assert law.distance(inside).max() < law.distance(outside).min()
    if count > 12:
        apart = (inside - law.mean).double()
        full = law.directions.double().T @ torch.diag(law.variances.double()) @ law.directions.double()
        full += law.noise * torch.eye(12, dtype=torch.float64)
        beside = (apart @ law.directions.double().T) @ law.directions.double()
        expected = (beside @ torch.linalg.inv(full) * beside).sum(1) + (apart - beside).square().sum(1) / law.noise
        assert law.distance(inside).double().numpy() == pytest.approx(expected.numpy(), rel=0.05)
    again = Gaussian.restore(law.state())
    assert torch.equal(again.distance(outside), law.distance(outside))


def test_histograms_tell_lying_from_standing_edges_and_not_shades() -> None:
    step = torch.zeros(1, 1, 16, 16)
    step[..., 8:] = 1
    standing, lying = histograms(step), histograms(step.transpose(2, 3))
    assert standing.shape == (1, 8, 4, 4)
    assert standing[:, 0].max() > 0.9  # darker to the left
    assert lying[:, 2].max() > 0.9  # darker above
    assert torch.allclose(histograms(step * 0.5), standing, atol=1e-4)
    assert histograms(step * 0.5, compared=False).sum() < histograms(step, compared=False).sum()


def test_filters_give_a_place_every_four_pixels_of_any_size() -> None:
    for channels, height, width in ((1, 37, 50), (3, 16, 9), (1, 3, 3)):
        image = torch.randint(0, 256, (channels, height, width), dtype=torch.uint8)
        assert Filters()(image).shape == (23 if channels == 1 else 35, -(-height // 4), -(-width // 4))


def test_smoothing_keeps_the_mean_of_what_is_flat() -> None:
    assert torch.allclose(blurred(torch.full((1, 2, 9, 11), 3.0), 2.0), torch.tensor(3.0))


def test_auroc_is_that_of_scikit_learn_with_ties() -> None:
    draw = np.random.default_rng(0)
    odd, scores = draw.random(200) < 0.3, draw.integers(0, 20, 200)
    assert auroc(odd, scores) == pytest.approx(roc_auc_score(odd, scores))
    assert auroc(np.zeros(3, bool), [1, 2, 3]) is None


def test_the_region_is_the_box_around_the_hottest_place_alone() -> None:
    heat = torch.zeros(40, 60)
    heat[5:9, 10:20] = 2.0
    heat[6, 12] = 3.0
    heat[30:35, 50:55] = 2.5  # hot, too, but not joined to it
    assert region(heat, 1.0) == Region(10, 5, 10, 4)
    assert region(heat, 1.0).words(40, 60) == "top left"
    assert region(torch.zeros(1000, 300), 1.0).width == 300


def test_the_overlay_is_grey_where_nothing_is_hot() -> None:
    image = torch.full((1, 4, 4), 100, dtype=torch.uint8)
    heat = torch.zeros(4, 4)
    heat[0, 0] = 1
    drawn = overlay(image, heat, 0.0, 1.0)
    assert (drawn[1, 1] == 100).all()
    assert drawn[0, 0, 0] > drawn[0, 0, 2]
