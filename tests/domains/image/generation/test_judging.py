"""Independent pixels are a distribution; what is better is told so; few images are not judged by distances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from genapps_image.codec import Batch
from genapps_image.generation.judging import IndependentPixels, judge
from genapps_image.generation.tasks import parted
from genapps_image.model import ImageModel

Make = Callable[[str], ImageModel]


@pytest.mark.parametrize("center", [0, 3, 128, 255])
def test_independent_pixels_sum_to_one_over_all_bytes(center: int) -> None:
    near = torch.tensor([center, max(center - 9, 0), min(center + 4, 255)], dtype=torch.uint8).view(3, 1, 1, 1)
    every = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1)
    trivial = IndependentPixels.of(near)
    assert float(trivial.log_prob(every).exp().sum()) == pytest.approx(1, abs=1e-9)
    bits = trivial.bits_log_prob(torch.tensor([0, 1]).view(2, 1, 1, 1))
    assert float(bits.exp().sum()) == pytest.approx(1)


def test_real_images_are_nearer_than_independent_pixels(model_of: Make, batch: Batch) -> None:
    images = batch.images.repeat(2, 1, 1, 1)
    found = judge(model_of("gmm"), images[:48], images[48:])
    assert found.drawn == 48
    assert found.real_distance is not None
    assert found.trivial_distance is not None
    assert found.distance is not None
    assert found.real_distance < found.distance < found.trivial_distance
    assert found.score is not None
    assert found.score < found.trivial_score  # stripes are not independent pixels
    assert any("independent pixels" in line for line in found.lines())


def test_no_likelihood_and_no_distances_are_said(model_of: Make, batch: Batch) -> None:
    found = judge(model_of("gan"), batch.images[:40], batch.images[40:])
    told = "\n".join(found.lines())
    assert "this family has none" in told
    assert "at least 30 held-out images; there are 8" in told
    alone = judge(model_of("gan"), batch.images[:10], None)
    assert "the images it learnt" in alone.lines()[0]


def test_held_out_images_are_not_learnt(batch: Batch) -> None:
    learnt, held = parted(batch, 0)
    assert held is not None
    assert len(held.images) == 4
    assert not set(learnt.names) & set(held.names)
    assert set(learnt.names) | set(held.names) == set(batch.names)
    few = replace(batch, images=batch.images[:9])
    assert parted(few, 0) == (few, None)
