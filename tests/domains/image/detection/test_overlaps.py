"""Good images that show the same thing are found, and never learnt while another of them is judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genapps_image import open_pictures
from genapps_image.detection.judging import folds, minded
from genapps_image.detection.model import learn
from genapps_image.detection.overlaps import alike, overlapping
from genapps_image.detection.patches import Patches, hottest
from genapps_image.detection.places import blurred
from genapps_image.detection.promising import Promise
from genapps_image.detection.sources import Truth
from genapps_image.detection.summary import learnt_lines


def ground(seed: int, side: int = 160) -> torch.Tensor:
    """(1, S, S): soft noise, the same nowhere."""
    noise = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(seed))
    return (128 + 160 * blurred(noise, 1.2)[0]).clamp(0, 255).to(torch.uint8)


def test_copies_and_crops_that_overlap_are_linked_and_others_are_not() -> None:
    one, other = ground(0), ground(1)
    noisy = (one[:, :64, :64].float() + torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(9))).byte()
    images = [one[:, :64, :64], other[:, :64, :64], one[:, 25:89, 13:77], noisy, other[:, 64:128, :64], one[:, 90:154]]
    assert overlapping(images) == [(0, 2), (0, 3), (2, 3)]
    flat = [torch.full((1, 40, 40), 90, dtype=torch.uint8)] * 3
    assert overlapping(flat) == []
    assert alike(torch.stack([images[0], images[1], images[3]])) == [(0, 2)]


def test_two_photographs_of_one_thing_are_no_copies() -> None:
    """Each has its own noise, though they correlate by more than 0.97: they are evidence for one another."""
    thing = blurred(torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)), 3.0)[0]
    thing = 128 + 50 * thing / thing.std()
    shots = [
        (thing + 5 * torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(k))).clamp(0, 255).byte()
        for k in (1, 2)
    ]
    rows = torch.stack(shots).flatten(1).float()
    assert float(torch.corrcoef(rows)[0, 1]) > 0.97
    assert overlapping(shots) == []


@pytest.mark.parametrize("count", [5, 23])
def test_no_linked_image_is_learnt_while_another_is_held_out(count: int) -> None:
    draw = np.random.default_rng(count)
    for _ in range(50):
        size = int(draw.integers(0, count))
        links = [tuple(sorted(draw.choice(count, 2, replace=False).tolist())) for _ in range(size)]
        parts = folds(count, 0, links)
        assert sorted(i for one in parts for i in one.held) == list(range(count))
        for one in parts:
            assert one.learnt and not set(one.held) & set(one.learnt)
            if minded(count, 0, links):
                assert not any((a in one.held) != (b in one.held) and {a, b} & set(one.learnt) for a, b in links)


def test_without_links_all_others_are_learnt_and_where_all_are_linked_too() -> None:
    plain = folds(20, 0)
    assert all(len(one.held) == 4 and len(one.learnt) == 16 for one in plain)
    everything = [(i, j) for j in range(20) for i in range(j)]
    assert folds(20, 0, everything) == plain
    assert not minded(20, 0, everything)


def test_overlapping_crops_promise_too_much_unless_they_are_kept_apart() -> None:
    """What folds drawn without a look at the images, the usual mistake, come to."""
    draw, whole = np.random.default_rng(0), ground(0, 200)
    corners = draw.integers(0, 136, (30, 2)).tolist()
    good = [whole[:, y : y + 64, x : x + 64] for y, x in corners]
    fresh = [ground(k, 64) for k in range(1, 21)]
    links = overlapping(good)
    assert len(links) > 50
    alarms = []
    for known in ([], links):
        judge, held = Patches.learn(good, 0, features="filters", links=known)
        limit = Promise.of(held.double().numpy(), 0.1).threshold
        alarms.append(sum(score > limit for score in judge.scores(fresh).tolist()))
    assert alarms[0] > 8
    assert alarms[1] <= 4


def test_a_model_tells_of_copies(tmp_path: Path) -> None:
    for k in range(12):
        Image.fromarray(ground(k % 10, 56)[0].numpy()).save(tmp_path / f"{k:02}.png")
    model, _ = learn(open_pictures(tmp_path), features="filters")
    assert model.provenance["linked_images"] == 4
    assert "4 of 12 good images are near copies" in list(learnt_lines(model))[-1]


def test_the_score_does_not_grow_with_the_image() -> None:
    heat = torch.zeros(100, 100)
    heat[:10, :10] = 2.0
    assert hottest(heat) == 2.0
    wide = torch.zeros(1000, 1000)
    wide[:16, :16] = 2.0
    assert hottest(wide) == 2.0
    assert hottest(torch.ones(1, 1)) == 1.0


def test_a_mask_of_another_size_is_brought_to_that_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "hole").mkdir()
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 15:30] = 255
    Image.fromarray(mask).save(tmp_path / "hole" / "7_mask.png")
    truth = Truth(tmp_path)
    wide = truth.mask("hole/7.png", 40, 60)
    assert wide is not None and wide[10:20, 30:].all() and wide.sum() == 10 * 30
    assert truth.mask("hole/7.png", 40, 40) is None
    assert truth.mask("hole/8.png", 40, 60) is None
