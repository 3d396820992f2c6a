"""Images as features: shapes, independence of batches and channels, and what the features know."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from genapps.errors import InputError, MissingExtra, UsageError
from genapps_image import Codec, gather, open_pictures
from genapps_image.features import Extractor, extractor_of, lite0, revive


@pytest.fixture(scope="module")
def learnt(stripes: Path) -> tuple[Tensor, Tensor]:
    pictures = open_pictures(stripes)
    found = gather(pictures, Codec(16, 16, 1), pictures.classes)
    assert found.labels is not None
    return found.images, found.labels


@pytest.fixture(scope="module", params=["self", "pixels", "lite0"])
def extractor(request: pytest.FixtureRequest, learnt: tuple[Tensor, Tensor]) -> Extractor:
    if request.param == "lite0" and lite0.installed() is None:
        pytest.skip("needs the extra `features`")
    return extractor_of(request.param, *learnt, steps=25)


def test_a_row_an_image_whatever_the_batch(extractor: Extractor, learnt: tuple[Tensor, Tensor]) -> None:
    images = learnt[0][:7]
    whole = extractor.features(images)
    assert whole.shape[0] == 7
    assert whole.dtype == torch.float32
    alone = torch.cat([extractor.features(one[None]) for one in images])
    torch.testing.assert_close(whole, alone, atol=1e-4, rtol=1e-3)


def test_maps_have_two_depths(extractor: Extractor, learnt: tuple[Tensor, Tensor]) -> None:
    fine, coarse = extractor.maps(learnt[0][:2].repeat(1, 1, 5, 6))  # 80 x 96 pixels
    assert fine.shape[0] == coarse.shape[0] == 2
    assert (fine.shape[2], fine.shape[3]) == (2 * coarse.shape[2], 2 * coarse.shape[3])
    assert fine.shape[3] / fine.shape[2] == pytest.approx(96 / 80)


def test_an_extractor_is_made_anew_from_its_state(extractor: Extractor, learnt: tuple[Tensor, Tensor]) -> None:
    again = revive(extractor.name, extractor.state())
    assert torch.equal(again.features(learnt[0][:4]), extractor.features(learnt[0][:4]))


@pytest.mark.parametrize("name", ["self", "pixels"])
def test_the_same_seed_gives_the_same_features(name: str, learnt: tuple[Tensor, Tensor]) -> None:
    first, second = (extractor_of(name, *learnt, seed=3, steps=3).features(learnt[0][:4]) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("labelled", [True, False])
def test_features_learnt_here_know_the_classes(labelled: bool, learnt: tuple[Tensor, Tensor]) -> None:
    images, labels = learnt
    rows = extractor_of("self", images, labels if labelled else None, steps=25).features(images)
    nearest = torch.cdist(rows, rows).fill_diagonal_(torch.inf).argmin(1)
    assert float((labels[nearest] == labels).float().mean()) > 0.9


def test_grey_and_color_and_alpha_of_one_look_are_alike(learnt: tuple[Tensor, Tensor]) -> None:
    grey = learnt[0][:3]
    rgb = grey.expand(-1, 3, -1, -1).contiguous()
    opaque = torch.cat([rgb, torch.full_like(grey, 255)], 1)
    extractor = extractor_of("self", *learnt, steps=1)
    rows = [extractor.features(images) for images in (grey, rgb, opaque)]
    torch.testing.assert_close(rows[0], rows[1])
    torch.testing.assert_close(rows[0], rows[2], atol=1e-4, rtol=1e-3)


def test_what_cannot_be_had_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no features are called 'vgg'"):
        extractor_of("vgg")
    with pytest.raises(UsageError, match="need images"):
        extractor_of("self")
    with pytest.raises(InputError, match="without their"):
        revive("self", {})
    monkeypatch.setattr(lite0, "find_spec", lambda _: None)
    lite0._network.cache_clear()
    with pytest.raises(MissingExtra, match=r"genapps\[features\]"):
        extractor_of("lite0")


@pytest.mark.parametrize(("size", "kernel", "stride"), [(12, 3, 2), (13, 3, 2), (12, 5, 2), (9, 5, 1)])
def test_a_folded_convolution_is_the_layers_that_were_trained(size: int, kernel: int, stride: int) -> None:
    """Beside the layers as they stand in PyTorch, padded as TensorFlow does: more below and on the right."""
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 4, kernel, stride, groups=4, bias=False)
    norm = nn.BatchNorm2d(4, eps=1e-3).eval()
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        assert tensor is not None
        nn.init.uniform_(tensor, 0.5, 1.5)
    weights = {f"conv.{key}": value for key, value in conv.state_dict().items()}
    weights |= {f"norm.{key}": value for key, value in norm.state_dict().items()}
    images = torch.randn(2, 4, size, size)
    whole = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    padded = nn.ZeroPad2d((whole // 2, whole - whole // 2, whole // 2, whole - whole // 2))(images)
    with torch.no_grad():
        wanted = norm(conv(padded))
        found = lite0._convolution(weights, "conv", "norm", stride=stride)(images)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("name", "classes"), [("chelsea.png", {281, 282, 285}), ("coffee.png", {967})])
def test_the_weights_know_a_cat_and_a_cup(name: str, classes: set[int]) -> None:
    found = importlib.util.find_spec("skimage")
    places = [] if found is None else [Path(place) / "data" / name for place in found.submodule_search_locations or ()]
    if lite0.installed() is None or not any(place.exists() for place in places):
        pytest.skip("needs the extra `features` and scikit-image's pictures")
    image = gather(open_pictures(places[0]), Codec(224, 224, 3)).images
    assert int(lite0.Lite0().classes(image).argmax()) in classes
