"""Images go into folders, sheets and arrays, part by part, and never out of the folder that was named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.errors import UsageError
from genapps_image import open_pictures
from genapps_image.generation import delivering
from genapps_image.generation.delivering import Wish, deliver, drawn
from genapps_image.model import ImageModel

Make = Callable[[str], ImageModel]


def pixels_of(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_parts_do_not_show(model_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "PART", 4)
    model, wish = model_of("gmm"), Wish(10, None, 1.0, 5)
    parts = list(drawn(model, wish))
    assert [len(images) for images, _ in parts] == [4, 4, 2]
    pack, _ = deliver(str(tmp_path / "a.npz"), iter(parts), model, wish, {})
    folder, _ = deliver(f"{tmp_path}/b/", iter(parts), model, wish, {})
    with np.load(pack) as arrays:
        assert arrays["images"].shape == (10, 8, 8)
        labels, images = arrays["labels"].tolist(), arrays["images"]
    for k, label in enumerate(labels):
        assert np.array_equal(pixels_of(f"{folder}/{label}/{k + 1:06}.png"), images[k])
    assert open_pictures(pack).classes == ["lying", "standing"]
    sheet, manifest = deliver(str(tmp_path / "s.png"), iter(parts), model, wish, {"seed": 5})
    assert pixels_of(sheet).shape == (28, 38)  # 4 columns, 3 rows
    assert '"seed": 5' in Path(manifest).read_text()
    again, _ = deliver(str(tmp_path / "c.npz"), drawn(model, wish), model, wish, {})
    assert Path(again).read_bytes() == Path(pack).read_bytes()


def test_a_class_cannot_lead_out_of_the_folder(model_of: Make, tmp_path: Path) -> None:
    model = replace(model_of("gmm"), classes=("../../up", ".. ..\\up"))
    wish = Wish(6)
    deliver(f"{tmp_path}/out/", drawn(model, wish), model, wish, {})
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    assert len(list((tmp_path / "out").rglob("*.png"))) == 6


def test_places_that_are_none_are_refused() -> None:
    with pytest.raises(UsageError, match="name a folder/"):
        delivering.check_place("x.txt", 1)
    with pytest.raises(UsageError, match="too many for one sheet"):
        delivering.check_place("x.png", 3000)


@pytest.mark.parametrize("name", ["s.png", "s.npz"])
def test_only_an_earlier_result_is_replaced(model_of: Make, tmp_path: Path, name: str) -> None:
    model, place = model_of("gmm"), tmp_path / name
    for count in (3, 2):
        deliver(str(place), drawn(model, Wish(count)), model, Wish(count), {})
    (tmp_path / "s.json").write_text('{"images": []}')
    with pytest.raises(UsageError, match="no earlier result of sample"):
        delivering.check_place(str(place), 1)
    (tmp_path / "s.json").unlink()
    with pytest.raises(UsageError, match="no earlier result of sample"):
        delivering.check_place(str(place), 1)


def test_a_folder_is_a_new_one(model_of: Make, tmp_path: Path) -> None:
    model, place = model_of("gmm"), f"{tmp_path}/made.png/"
    deliver(place, drawn(model, Wish(2)), model, Wish(2), {})
    assert len(list(Path(place).rglob("*.png"))) == 2
    with pytest.raises(UsageError, match="is not empty"):
        deliver(place, drawn(model, Wish(1)), model, Wish(1), {})
