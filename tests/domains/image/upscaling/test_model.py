"""Enlarging: sizes, channels, tiles, turns, files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_image.upscaling import model as models
from genapps_image.upscaling.model import UpscaleModel
from genapps_image.upscaling.network import Shape, Upscaler
from genapps_image.upscaling.patches import turned, unturned
from genapps_image.upscaling.shrinking import bicubic, enlarged, shrunk, to_pixels, to_tensor


def apart(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.abs(first.astype(int) - second.astype(int)).max())


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_before_training_it_is_the_bicubic_filter(factor: int, photo: np.ndarray) -> None:
    network = Upscaler(Shape(factor, 3, width=4, blocks=1), torch.Generator().manual_seed(0))
    made = UpscaleModel(network, "regression").upscale(photo)
    inner = (slice(3 * factor, -3 * factor),) * 2  # at the border Pillow weighs what is there, and tiles repeat it
    assert apart(made[inner], enlarged(photo, factor)[inner]) <= 1
    by_torch = bicubic(to_tensor(photo)[None].float(), factor)[0].round().clamp(0, 255).to(torch.uint8)
    assert apart(to_pixels(by_torch), enlarged(photo, factor)) <= 1


@pytest.mark.parametrize("tile", [3, 5, 64])
@pytest.mark.parametrize("ensemble", [True, False])
def test_the_size_of_the_tiles_does_not_show(model: UpscaleModel, photo: np.ndarray, tile: int, ensemble: bool) -> None:
    assert apart(model.upscale(photo, ensemble=ensemble, tile=tile), model.upscale(photo, ensemble=ensemble)) <= 1


def test_a_smaller_reach_would_be_noticed(
    model: UpscaleModel, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.upscale(photo)
    monkeypatch.setattr(Shape, "reach", 0)
    assert apart(model.upscale(photo, tile=4), whole) > 3


def test_with_all_turns_a_turned_image_gives_a_turned_result(model: UpscaleModel, photo: np.ndarray) -> None:
    whole = to_tensor(model.upscale(photo))
    for turn in range(8):
        lying = to_pixels(turned(to_tensor(photo), turn))
        assert apart(to_pixels(turned(whole, turn)), model.upscale(lying)) <= 1
    plain = to_tensor(model.upscale(photo, ensemble=False))
    assert apart(to_pixels(plain.flip(-1)), model.upscale(photo[:, ::-1], ensemble=False)) > 1


@pytest.mark.parametrize("turn", range(8))
def test_turns_are_undone(turn: int) -> None:
    image = torch.arange(24).view(1, 4, 6)
    assert torch.equal(unturned(turned(image, turn), turn), image)
    assert len({tuple(turned(image, k).flatten().tolist()) for k in range(8)}) == 8


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("known", [1, 3])
def test_any_image_by_any_model(
    draw: Callable[..., UpscaleModel], photo: np.ndarray, channels: int, known: int
) -> None:
    model = draw(channels=known)
    parts = {1: photo[:, :, :1], 2: photo[:, :, :2], 3: photo, 4: np.concatenate([photo, photo[:, :, :1]], 2)}
    made = model.upscale(np.ascontiguousarray(parts[channels]))
    assert made.shape == (26, 20, channels)
    if channels in (2, 4):
        assert np.array_equal(made[:, :, -1:], enlarged(np.ascontiguousarray(parts[channels][:, :, -1:]), 2))


def test_a_grey_model_leaves_color_as_it_was(draw: Callable[..., UpscaleModel], photo: np.ndarray) -> None:
    model = draw(channels=1, size=0.0)
    assert apart(model.upscale(photo)[8:-8, 8:-8], enlarged(photo, 2)[8:-8, 8:-8]) <= 3


def test_shrinking_is_pillows(photo: np.ndarray) -> None:
    assert shrunk(photo[:12], 4).shape == (3, 2, 3)
    assert enlarged(photo, 3).shape == (39, 30, 3)


def test_what_is_saved_is_what_comes_back(model: UpscaleModel, photo: np.ndarray, tmp_path: Path) -> None:
    model.save(tmp_path / "m.genapps")
    found = UpscaleModel.load(tmp_path / "m.genapps")
    assert np.array_equal(found.upscale(photo), model.upscale(photo))
    assert (found.card, found.marks, found.family, found.factor) == (model.card, model.marks, "regression", 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "fit"}, "holds no upscaler"),
        ({"network": None}, "says nothing"),
        ({"network": {"factor": 2, "channels": 3, "width": True, "blocks": 1}}, "says nothing"),
        ({"network": {"factor": 2, "channels": 3, "width": 10**9, "blocks": 1}}, "no version writes"),
        ({"network": {"factor": 99, "channels": 3, "width": 4, "blocks": 1}}, "no version writes"),
        ({"network": {"factor": 2, "channels": 3, "width": 5, "blocks": 1}}, "do not fit"),
    ],
)
def test_a_file_that_says_otherwise_is_refused(
    model: UpscaleModel, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "m.genapps"
    model.save(path)
    found = read_artifact(path)
    write_artifact(path, found.tensors, {**found.header, **change})
    with pytest.raises(InputError, match=said):
        UpscaleModel.load(path)


def test_weights_that_are_no_numbers_are_refused(model: UpscaleModel, tmp_path: Path) -> None:
    path = tmp_path / "m.genapps"
    with torch.no_grad():
        model.network.enter.weight.fill_(float("nan"))
    model.save(path)
    with pytest.raises(InputError, match="holds NaN or infinite numbers"):
        UpscaleModel.load(path)


def test_a_result_beyond_the_limit_is_refused(
    model: UpscaleModel, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "MOST_PIXELS", 519)
    with pytest.raises(UsageError, match="more than 519 pixels"):
        model.upscale(photo)
    assert model.upscale(photo[:12]).shape == (24, 20, 3)
