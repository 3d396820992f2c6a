"""Holes from boxes and masks are filled at the size of the images; a mask that does not fit costs its own image."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.errors import InputError, UsageError
from genapps_image.codec import Batch
from genapps_image.generation.checking import FillError
from genapps_image.generation.filling import Wish, inpaint
from genapps_image.generation.holes import hole_of
from genapps_image.model import ImageModel
from genapps_image.records import Picture

Make = Callable[[str], ImageModel]


@pytest.fixture
def desk(batch: Batch, tmp_path: Path) -> Path:
    for folder, count in (("in", 3), ("masks", 2)):
        (tmp_path / folder).mkdir()
        for k in range(count):
            pixels = batch.images[k, 0].numpy() if folder == "in" else np.eye(8, dtype=np.uint8) * 255
            Image.fromarray(pixels).save(tmp_path / folder / f"{k}.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG")
    return tmp_path


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_box_is_filled_and_the_rest_stays(model_of: Make, desk: Path, batch: Batch) -> None:
    found = inpaint(str(desk / "in"), model_of("gmm"), str(desk / "out"), Wish(box=(2, 1, 3, 4), draws=2))
    assert [one.share for one in found.filled] == [12 / 64] * 3
    assert [one.name for one in found.skipped] == ["broken.png"]
    first, second = (pixels_of(desk / "out" / f"0-{k}.png").astype(int) for k in (1, 2))
    truth = batch.images[0, 0].numpy()
    hole = np.zeros((8, 8), bool)
    hole[1:5, 2:5] = True
    assert np.array_equal(first[~hole], truth[~hole])
    assert (first != second)[hole].any()
    rows = json.loads((desk / "out" / "manifest.json").read_text())["images"]
    assert rows[0] == {"name": "0.png", "files": ["0-1.png", "0-2.png"], "share": 0.1875}


def test_each_image_has_the_mask_of_its_name(model_of: Make, desk: Path) -> None:
    found = inpaint(str(desk / "in"), model_of("gmm"), str(desk / "out"), Wish(mask=str(desk / "masks")))
    assert [(one.name, one.share) for one in found.filled] == [("0.png", 0.125), ("1.png", 0.125)]
    assert {one.name: one.reason for one in found.skipped}["2.png"].startswith("no mask of that name")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_photograph_keeps_its_size_and_its_known_pixels(model_of: Make, tmp_path: Path, mode: str) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (45, 33, 1), dtype=np.uint8)
    bands = {"L": 1, "LA": 1, "RGB": 3, "RGBA": 3}[mode]
    alpha = np.random.default_rng(1).integers(0, 256, (45, 33, 1), dtype=np.uint8)
    pixels = np.concatenate([grey] * bands + ([alpha] if mode.endswith("A") else []), 2)
    Image.fromarray(pixels.squeeze()).save(tmp_path / "photo.png")
    found = inpaint(str(tmp_path / "photo.png"), model_of("gmm"), str(tmp_path / "o.png"), Wish(box=(9, 20, 11, 13)))
    assert (found.filled[0].size, found.filled[0].share) == ((45, 33), 11 * 13 / 45 / 33)
    result = pixels_of(tmp_path / "o.png").reshape(pixels.shape)
    hole = np.zeros((45, 33), bool)
    hole[20:33, 9:20] = True
    assert np.array_equal(result[~hole], pixels[~hole])
    assert (result != pixels)[hole].any()


def test_at_the_models_size_a_hole_is_scaled_with_its_image(model_of: Make, tmp_path: Path) -> None:
    Image.new("L", (32, 32), 90).save(tmp_path / "large.png")
    wish = Wish(box=(8, 16, 16, 16), at_model_size=True)
    found = inpaint(str(tmp_path / "large.png"), model_of("gmm"), str(tmp_path / "o.png"), wish)
    assert found.filled[0].share == 0.25
    assert pixels_of(tmp_path / "o.png").shape == (8, 8)


def test_errors_are_told_beside_fills_that_need_no_model(model_of: Make, desk: Path, batch: Batch) -> None:
    for k, image in enumerate(batch.images[:6, 0].numpy()):
        (desk / "whole").mkdir(exist_ok=True)
        Image.fromarray(image).save(desk / "whole" / f"{k}.png")
    wish = Wish(box=(2, 2, 4, 4), check=str(desk / "whole"))
    checked = inpaint(str(desk / "in"), model_of("gmm"), str(desk / "out"), wish).checked
    assert checked is not None and checked.n == 6
    by_name = {one.name: one for one in checked.errors}
    assert by_name["mean of 8 draws"].error < by_name["draws"].error  # the grain of draws is not in their mean
    assert by_name["mean of 8 draws"].error < 0.5 * by_name["border carried inwards"].error
    assert by_name["mean of 8 draws"].psnr > by_name["mean of what is around"].psnr
    assert not checked.better_without
    flattering = FillError("border carried inwards", 0.1, 60.0)
    other = replace(checked, errors=(*checked.errors[:2], flattering))
    assert other.lines()[-1] == "nearer to the truth than this model: border carried inwards, which needs none"
    told = json.loads((desk / "out" / "manifest.json").read_text())["checked"]
    assert told["errors"][0]["name"] == "draws"


def test_wishes_that_make_no_sense_are_refused(model_of: Make, desk: Path) -> None:
    model, place = model_of("gmm"), str(desk / "out")
    for wish in (Wish(), Wish(box=(0, 0, 1, 1), mask="x.png")):
        with pytest.raises(UsageError, match="say where to fill"):
            inpaint(str(desk / "in"), model, place, wish)
    one = str(desk / "in" / "0.png")
    for box, said in (((9, 0, 2, 2), "box begins outside of its 8 x 8"), ((0, 0, 8, 9), "nothing is known to go by")):
        with pytest.raises(InputError, match=said):
            inpaint(one, model, place, Wish(box=box))
    with pytest.raises(InputError, match="2 images to check by, at least 3"):
        inpaint(one, model, place, Wish(box=(0, 0, 2, 2), check=str(desk / "masks")))
    small = Picture("a", np.zeros((4, 4, 1), np.uint8))
    assert hole_of(str(desk / "masks" / "0.png"), None)(small) == "its mask is 8 x 8 pixels, the image 4 x 4"


@pytest.mark.parametrize(
    ("pixels", "mask", "said"),
    [
        (np.zeros((8, 8, 1)), np.zeros((8, 8)), "its mask m.png has nothing white"),
        (np.zeros((8, 8, 1)), np.full((8, 8), 255), "nothing is known to go by; `genapps image sample`"),
        (np.zeros((8, 8, 1)), np.eye(9) * 255, "its mask is 9 x 9 pixels, the image 8 x 8"),
        (np.zeros((8, 24, 1)), np.tile(np.arange(24) % 23 == 0, (8, 1)) * 255, "larger than the 8 x 8 pixels"),
        (np.zeros((24, 24, 1)), (np.indices((24, 24)).sum(0) % 2) * 255, "nothing is known of it at the model's 8 x 8"),
        (np.arange(192).reshape(8, 8, 3), np.eye(8) * 255, "in color, and the model makes grey images"),
    ],
)
def test_what_cannot_be_filled_says_why(
    pixels: np.ndarray, mask: np.ndarray, said: str, model_of: Make, tmp_path: Path
) -> None:
    Image.fromarray(pixels.astype(np.uint8).squeeze()).save(tmp_path / "p.png")
    Image.fromarray(mask.astype(np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(InputError, match=said) as error:
        inpaint(str(tmp_path / "p.png"), model_of("gmm"), str(tmp_path / "o.png"), Wish(mask=str(tmp_path / "m.png")))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "o.png").exists()
