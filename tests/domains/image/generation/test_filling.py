"""Holes from boxes and masks, at the size of the model; a mask that does not fit costs its own image."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.errors import InputError, UsageError
from genapps_image.codec import Batch
from genapps_image.generation.filling import hole_of, inpaint
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
    filled, skipped = inpaint(str(desk / "in"), model_of("gmm"), str(desk / "out"), box=(2, 1, 3, 4), draws=2)
    assert [one.share for one in filled] == [12 / 64] * 3
    assert [one.name for one in skipped] == ["broken.png"]
    first, second = (pixels_of(desk / "out" / f"0-{k}.png").astype(int) for k in (1, 2))
    truth = batch.images[0, 0].numpy()
    hole = np.zeros((8, 8), bool)
    hole[1:5, 2:5] = True
    assert np.array_equal(first[~hole], truth[~hole])
    assert (first != second)[hole].any()
    rows = json.loads((desk / "out" / "manifest.json").read_text())["images"]
    assert rows[0] == {"name": "0.png", "files": ["0-1.png", "0-2.png"], "share": 0.1875}


def test_each_image_has_the_mask_of_its_name(model_of: Make, desk: Path) -> None:
    filled, skipped = inpaint(str(desk / "in"), model_of("gmm"), str(desk / "out"), mask=str(desk / "masks"))
    assert [(one.name, one.share) for one in filled] == [("0.png", 0.125), ("1.png", 0.125)]
    assert {one.name: one.reason for one in skipped}["2.png"].startswith("no mask of that name")


def test_a_hole_is_scaled_with_its_image(model_of: Make, tmp_path: Path) -> None:
    Image.new("L", (32, 32), 90).save(tmp_path / "large.png")
    filled, _ = inpaint(str(tmp_path / "large.png"), model_of("gmm"), str(tmp_path / "o.png"), box=(8, 16, 16, 16))
    assert filled[0].share == 0.25
    assert pixels_of(tmp_path / "o.png").shape == (8, 8)


def test_wishes_that_make_no_sense_are_refused(model_of: Make, desk: Path) -> None:
    model, place = model_of("gmm"), str(desk / "out")
    for options in ({}, {"box": (0, 0, 1, 1), "mask": "x.png"}):
        with pytest.raises(UsageError, match="say where to fill"):
            inpaint(str(desk / "in"), model, place, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="box begins outside of its 8 x 8"):
        inpaint(str(desk / "in" / "0.png"), model, place, box=(9, 0, 2, 2))
    with pytest.raises(UsageError, match="family gan cannot fill in"):
        inpaint(str(desk / "in"), model_of("gan"), place, box=(0, 0, 2, 2))
    small = Picture("a", np.zeros((4, 4, 1), np.uint8))
    assert hole_of(str(desk / "masks" / "0.png"), None)(small) == "its mask is 8 x 8 pixels, the image 4 x 4"
