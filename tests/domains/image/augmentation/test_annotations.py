"""Boxes come out of their files, row by row, and go into files of the same kind."""

import json

import numpy as np
import pytest
from PIL import Image

from genapps.errors import InputError, UsageError
from genapps_image.augmentation.annotations import Annotated, read_annotations, write_annotations
from genapps_image.augmentation.boxes import Box
from genapps_image.augmentation.masks import Mask, Masks, encoded_mask, read_mask
from genapps_image.records import Unreadable

NAMES = ["cat/a.png", "cat/b b.jpg", "dog/a.png", "dog/ü.png"]
SIZE = (40, 60)


def coco(path, annotations, images=None, categories=None):
    images = images or [{"id": k, "file_name": name, "width": 60, "height": 40} for k, name in enumerate(NAMES)]
    categories = categories or [{"id": 3, "name": "nose"}, {"id": 9, "name": "tail"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def test_coco(tmp_path):
    path = coco(
        tmp_path / "c.json",
        [
            {"id": 1, "image_id": 0, "category_id": 3, "bbox": [10, 5, 20, 10]},
            {"id": 2, "image_id": 3, "category_id": 9, "bbox": [0, 0, 60, 40], "segmentation": [[0, 0, 1, 1, 2, 2]]},
            {"id": 3, "image_id": 77, "category_id": 9, "bbox": [0, 0, 6, 4]},
            {"id": 4, "image_id": 1, "category_id": 8, "bbox": [0, 0, 6, 4]},
            {"id": 5, "image_id": 1, "category_id": 9, "bbox": [0, 0, "6", 4]},
            {"id": 6, "image_id": 1, "category_id": 9, "bbox": [50, 10, 30, 4]},
            {"id": 7, "image_id": 1, "category_id": 9, "bbox": [70, 10, 30, 4]},
            "nonsense",
        ],
    )
    found = read_annotations(path, NAMES)
    assert found.categories == ["nose", "tail"]
    assert found.of("cat/a.png", SIZE)[0] == (Box("nose", 10, 5, 30, 15, "annotation 1 (id 1)"),)
    assert found.of("dog/ü.png", SIZE)[0][0].x1 == 60
    assert "only their boxes" in found.notes[0]
    reasons = {one.row: one.reason for one in found.refused + found.of("cat/b b.jpg", SIZE)[1]}
    assert "no image has the id 77" in reasons["annotation 3 (id 3)"]
    assert "no category has the id 8" in reasons["annotation 4 (id 4)"]
    assert "four numbers" in reasons["annotation 5 (id 5)"]
    assert "partly outside the image of 60 x 40: x 50 to 80" in reasons["annotation 6 (id 6)"]
    assert "outside" in reasons["annotation 7 (id 7)"]
    assert reasons["annotation 8"] == "no annotation"
    (refused,) = found.of("cat/a.png", (20, 30))[1]
    assert "is said to be 60 x 40, and is 30 x 20" in refused.reason


def test_names_of_images_may_be_shorter_where_it_is_clear_which_is_meant(tmp_path):
    path = tmp_path / "boxes.csv"
    rows = ["b b.jpg,nose,1,2,3,4", "a.png,nose,1,2,3,4", "dog/a.png,nose,1,2,3,4", "x.png,nose,1,2,3,4"]
    path.write_text("\n".join(["File,Label,xmin,ymin,xmax,ymax", *rows, "ü.png,tail,1,2,3,", "ü.png,tail,a,2,3,4"]))
    found = read_annotations(path, NAMES)
    assert set(found.boxes) == {"cat/b b.jpg", "dog/a.png", "dog/ü.png"}
    assert [one.row for one in found.refused] == ["line 3", "line 5", "line 7"]
    assert "may be any of 2" in found.refused[0].reason
    assert "no number" in found.of("dog/ü.png", SIZE)[1][0].reason


def test_csv_with_sides(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text("image,class,x,y,width,height\ndog/a.png,nose,1,2,3,4\n")
    assert read_annotations(path, NAMES).boxes["dog/a.png"] == [Box("nose", 1, 2, 4, 6, "line 2")]
    path.write_text("image,class,x,y\n")
    with pytest.raises(InputError, match="needs columns"):
        read_annotations(path, NAMES)


def test_yolo(tmp_path):
    folder = tmp_path / "labels"
    (folder / "dog").mkdir(parents=True)
    (tmp_path / "classes.txt").write_text("nose\ntail\n")
    (folder / "dog" / "a.txt").write_text("1 0.5 0.5 0.2 0.1\n\n0 0.5 0.5\n7 0.5 0.5 0.1 0.1\n0 0.9 0.5 0.9 0.1\n")
    (folder / "b b.txt").write_text("0 0.1 x 0.1 0.1\n")
    (folder / "nobody.txt").write_text("0 0.1 0.1 0.1 0.1\n")
    found = read_annotations(folder, NAMES)
    good, bad = found.of("dog/a.png", SIZE)
    assert [round(side, 6) for side in (good[0].x0, good[0].y0, good[0].x1, good[0].y1)] == [24, 18, 36, 22]
    assert good[0].label == "tail"
    assert "partly outside" in bad[0].reason
    said = {one.row: one.reason for one in found.refused}
    assert "3 numbers" in said["dog/a.txt, line 3"]
    assert "no class has the number 7" in said["dog/a.txt, line 4"]
    assert "not a class" in said["b b.txt, line 1"]
    assert "no image 'nobody'" in said["nobody.txt, line 1"]


@pytest.mark.parametrize("kind", ["coco", "yolo", "csv"])
def test_what_is_written_is_read_again(kind, tmp_path):
    boxes = {
        "cat/a.png": (Box("nose", 1.5, 2.25, 30.125, 20.5), Box("tail", 0, 0, 60, 40)),
        "dog/a.png": (),
        "dog/ü.png": (Box("tail", 10, 11, 12, 13),),
    }
    images = [Annotated(name, SIZE, group) for name, group in boxes.items()]
    place = write_annotations(tmp_path, kind, ["nose", "tail"], images)
    found = read_annotations(place, list(boxes))
    assert found.kind == kind
    assert not found.refused
    assert found.categories == ["nose", "tail"]
    for name, group in boxes.items():
        again, refused = found.of(name, SIZE)
        assert not refused
        for one, other in zip(again, group, strict=True):
            assert one.label == other.label
            sides = [getattr(one, side) - getattr(other, side) for side in ("x0", "y0", "x1", "y1")]
            np.testing.assert_allclose(sides, 0, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "data", "error", "why"),
    [
        ("a.json", b"{", InputError, "no JSON"),
        ("a.json", b"[" * 100_000, InputError, "no JSON"),
        ("a.json", b"[]", InputError, "no COCO"),
        ("a.json", b"\xff\xfe", InputError, "not UTF-8"),
        ("a.txt", b"0 0 0 0 0", UsageError, "COCO's .json"),
        ("missing.json", None, UsageError, "no such file"),
    ],
)
def test_files_that_hold_no_boxes(tmp_path, name, data, error, why):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(error, match=why):
        read_annotations(tmp_path / name, NAMES)


def test_a_folder_without_texts(tmp_path):
    with pytest.raises(InputError, match=r"no \.txt files"):
        read_annotations(tmp_path, NAMES)


def test_masks_keep_their_values(tmp_path):
    numbers = np.arange(12, dtype=np.uint8).reshape(3, 4)
    palette = bytes(range(36)) + bytes(768 - 36)
    kinds = [
        Mask(numbers, "L"),
        Mask(numbers % 3, "P", palette),
        Mask(numbers.astype(np.uint16) * 5000, "I;16"),
        Mask(np.stack([numbers] * 3, 2), "RGB"),
        Mask(numbers > 5, "1"),
    ]
    for k, mask in enumerate(kinds):
        (tmp_path / f"{k}.png").write_bytes(encoded_mask(mask))
        again = read_mask(tmp_path / f"{k}.png")
        np.testing.assert_array_equal(again.values, mask.values)
        assert again.mode == mask.mode
        assert again.palette is None or again.palette[:36] == palette[:36]


def test_masks_are_found_by_name(tmp_path):
    for name in ("cat/a.png", "dog/a_mask.png", "b b.bmp", "dog/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no mask")
        else:
            Image.fromarray(np.zeros(SIZE, np.uint8)).save(path)
    masks = Masks.of(tmp_path, NAMES)
    assert masks.files == {"cat/a.png": "cat/a.png", "cat/b b.jpg": "b b.bmp", "dog/a.png": "dog/a_mask.png"}
    assert masks.read("cat/a.png", SIZE).values.shape == SIZE
    with pytest.raises(Unreadable, match="there is no mask"):
        masks.read("dog/ü.png", SIZE)
    with pytest.raises(Unreadable, match="its mask is 60 x 40, the image 30 x 20"):
        masks.read("cat/a.png", (20, 30))
    (tmp_path / "cat/a.png").write_bytes(b"\x89PNG")
    with pytest.raises(Unreadable, match=r"its mask cat/a\.png"):
        masks.read("cat/a.png", SIZE)
    with pytest.raises(InputError, match="no mask in it"):
        Masks.of(tmp_path, ["z.png"])
    with pytest.raises(UsageError, match="no such folder"):
        Masks.of(tmp_path / "none", NAMES)
