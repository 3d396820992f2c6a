"""Both judges find what does not belong and where, keep their promise, and are the same after they were saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genapps.errors import InputError, UsageError
from genapps.metrics.ranking import auroc
from genapps_image import open_pictures
from genapps_image.detection.model import OddModel, learn
from genapps_image.detection.patches import Patches, _tiles, hottest
from genapps_image.detection.promising import Promise
from genapps_image.detection.tasks import Detection, detect
from genapps_image.detection.whole import Whole


def texture(count: int, seed: int, side: int = 64) -> torch.Tensor:
    """(N, 1, 64, 64): stripes in noise, anywhere."""
    draw = np.random.default_rng(seed)
    wave = np.sin(np.arange(side) * 0.9 + draw.uniform(0, 6, (count, 1)))[:, None, None, :]
    pixels = 128 + 60 * wave + draw.normal(0, 10, (count, 1, side, side))
    return torch.from_numpy(pixels.clip(0, 255).astype(np.uint8))


def strokes(count: int, seed: int, *, lying: bool) -> torch.Tensor:
    """(N, 1, 16, 16): one stroke, somewhere."""
    draw = np.random.default_rng(seed)
    images = torch.zeros(count, 1, 16, 16, dtype=torch.uint8)
    for image in images:
        start, across = draw.integers(2, 6), draw.integers(5, 11)
        place = (across, slice(start, start + 9)) if lying else (slice(start, start + 9), across)
        image[0][place] = int(draw.integers(150, 255))
    return images


@pytest.fixture(scope="module")
def patches() -> tuple[Patches, torch.Tensor]:
    return Patches.learn(texture(24, 0), 0)


@pytest.fixture(scope="module")
def whole() -> tuple[Whole, torch.Tensor]:
    return Whole.learn(strokes(60, 0, lying=True), 0)


def test_a_fault_in_a_texture_is_found_where_it_is(patches: tuple[Patches, torch.Tensor]) -> None:
    judge, held = patches
    good, broken = texture(12, 1), texture(12, 2)
    broken[:, :, 20:32, 36:48] = 128
    judged = [judge.judge(image) for image in broken]
    scores = torch.cat([judge.scores(good), torch.tensor([one.score for one in judged])]).numpy()
    assert auroc(np.arange(24) >= 12, scores) > 0.95
    for one in judged:
        down, across = divmod(int(one.heat.argmax()), 64)
        assert 14 <= down < 38 and 30 <= across < 54
        assert one.score == hottest(one.heat)
        assert one.score == pytest.approx(float(one.heat.flatten().sort().values[-41:].mean()))
    assert len(held) == 24
    assert scores[:12].mean() == pytest.approx(float(held.mean()), rel=0.2)


def test_a_large_image_is_judged_in_parts_as_it_would_be_whole(
    patches: tuple[Patches, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, _ = patches
    large = torch.cat([torch.cat(list(texture(2, k)), 2) for k in (3, 4)], 1)
    once = judge.judge(large).heat
    monkeypatch.setattr("genapps_image.detection.patches.MOST_PIXELS", 64 * 64)
    parts = _tiles(large, side=64, margin=32)
    assert len(parts) == 4
    monkeypatch.setattr("genapps_image.detection.patches._tiles", lambda image: parts)
    assert torch.allclose(judge.judge(large).heat, once, atol=0.15 * float(once.max()))


def test_small_images_of_another_kind_are_odd(whole: tuple[Whole, torch.Tensor]) -> None:
    judge, held = whole
    good, odd = strokes(20, 1, lying=True), strokes(20, 2, lying=False)
    scores = judge.scores(torch.cat([good, odd])).numpy()
    assert auroc(np.arange(40) >= 20, scores) > 0.99
    assert judge.judge(odd[0]).score == pytest.approx(float(scores[20]), abs=1e-4)
    assert judge.judge(odd[0]).heat.shape == (16, 16)
    assert 0 <= judge.judge(odd[0]).nearest < 60
    assert abs(float(held.median())) < 0.5


def test_good_images_judged_by_what_learnt_them_would_promise_too_much(whole: tuple[Whole, torch.Tensor]) -> None:
    """What calibration on the training images itself, the usual mistake, comes to."""
    judge, held = whole
    fresh = judge.scores(strokes(200, 5, lying=True)).double().numpy()
    kept = Promise.of(held.double().numpy(), 0.1)
    broken = Promise.of(judge.scores(strokes(60, 0, lying=True)).double().numpy(), 0.1)
    assert (fresh > kept.threshold).mean() < 0.2
    assert (fresh > broken.threshold).mean() > 0.25


def test_promises() -> None:
    draws = np.random.default_rng(0)
    promise = Promise.of(draws.normal(size=499), 0.02)
    assert promise.possible and promise.held is not None
    fresh = draws.normal(size=20_000)
    alarms = promise.p(fresh) <= 0.02
    assert (alarms == (fresh > promise.threshold)).all()
    assert 0.005 < alarms.mean() < 0.04
    few = Promise.of(draws.normal(size=30), None)
    assert few.rate == pytest.approx(1 / 31)
    assert "least that 30 good images" in few.words
    none = Promise.of(draws.normal(size=30), 0.01)
    assert not none.possible and none.threshold == np.inf
    assert "needs 99" in none.words
    with pytest.raises(UsageError, match="false-alarm rate of 2"):
        Promise.of(np.zeros(5), 2.0)


def write(images: torch.Tensor, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for k, image in enumerate(images):
        Image.fromarray(image[0].numpy()).save(folder / f"{k:02}.png")
    return folder


@pytest.mark.parametrize("kind", ["patches", "whole"])
def test_a_saved_model_judges_the_same(kind: str, tmp_path: Path) -> None:
    images = texture(12, 0) if kind == "patches" else strokes(12, 0, lying=True)
    model, _ = learn(open_pictures(write(images, tmp_path / "good")))
    assert model.judge.kind == kind
    model.save(tmp_path / "good.genapps")
    again = OddModel.load(tmp_path / "good.genapps")
    new = open_pictures(write(images.flip(2, 3), tmp_path / "new"))
    first, second = (detect(new, one) for one in (model, again))
    assert first.rows == second.rows
    assert first.shown == second.shown
    assert isinstance(first, Detection) and first.shown[0].nearest is not None


def test_too_few_and_too_small_good_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="9 good images, at least 10"):
        learn(open_pictures(write(strokes(9, 0, lying=True), tmp_path / "few")))
    with pytest.raises(InputError, match="5 x 5 pixels; at least 8"):
        learn(open_pictures(write(strokes(10, 0, lying=True)[:, :, :5, :5], tmp_path / "tiny")))


@pytest.mark.parametrize("family", ["gmm", "hmm"])  # the others take seconds
def test_each_family_judges_small_images(family: str, tmp_path: Path) -> None:
    good = open_pictures(write(strokes(20, 0, lying=True)[:, :, 4:12, 4:12], tmp_path / "good"))
    model, _ = learn(good, family=family)
    model.save(tmp_path / "good.genapps")
    new = open_pictures(write(strokes(2, 1, lying=False)[:, :, 4:12, 4:12], tmp_path / "new"))
    first, again = detect(new, model), detect(new, OddModel.load(tmp_path / "good.genapps"))
    assert [row.score for row in first.rows] == pytest.approx([row.score for row in again.rows], rel=1e-5)
    assert len(model.scores) == 4
    with pytest.raises(UsageError, match="unknown family 'gnn'"):
        learn(good, family="gnn")
    with pytest.raises(UsageError, match="judges images as a whole"):
        learn(good, family=family, look_at="patches")


def test_where_all_good_images_are_the_same_another_one_is_no_alarm_but_a_different_one_is(tmp_path: Path) -> None:
    for side, kind in ((12, "whole"), (56, "patches")):
        same = torch.full((12, 1, side, side), 40, dtype=torch.uint8)
        model, _ = learn(open_pictures(write(same, tmp_path / f"good{side}")))
        assert model.judge.kind == kind
        other = same[:2].clone()
        other[1, :, 2:8, 2:8] = 200
        found = detect(open_pictures(write(other, tmp_path / f"new{side}")), model)
        assert [row.alarm for row in found.rows] == [False, True]


def test_images_of_any_size_are_judged(tmp_path: Path, patches: tuple[Patches, torch.Tensor]) -> None:
    for height, width in ((1, 1), (2, 90), (300, 5)):
        judged = patches[0].judge(torch.zeros(1, height, width, dtype=torch.uint8))
        assert judged.heat.shape == (height, width) and np.isfinite(judged.score)
