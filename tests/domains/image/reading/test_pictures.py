"""A folder is read whatever is in it, a set in one file likewise, and what cannot be used is told."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from genapps.errors import InputError, UsageError
from genapps.io.folders import files_of
from genapps_image.reading.pictures import Pictures, open_pictures
from genapps_image.records import Picture, Skipped
from genapps_image.writing import encoded

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 6), np.uint8)


def pixels(pictures: Pictures) -> list[np.ndarray]:
    return [one.pixels for one in pictures if isinstance(one, Picture)]


def test_classes_are_the_folders(stripes: Path) -> None:
    pictures = open_pictures(stripes)
    assert len(pictures) == 48
    assert pictures.classes == ["lying", "standing"]
    assert [one.label for one in pictures if isinstance(one, Picture)] == ["lying"] * 24 + ["standing"] * 24
    assert pictures.take([47, 0]).names == ["standing/23.png", "lying/00.png"]
    assert [one.name for one in pictures.take([47, 0])] == ["standing/23.png", "lying/00.png"]
    one = open_pictures(stripes / "lying" / "00.png").one(0)
    assert isinstance(one, Picture)
    assert one.label is None


def test_parts_of_a_set_are_no_classes(tmp_path: Path) -> None:
    for name in ("train/cat", "train/dog", "test/cat"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "one.png").write_bytes(encoded(IMAGES[0][:, :, None]))
    pictures = open_pictures(tmp_path)
    assert pictures.labels is None
    assert "test, train" in pictures.note
    assert open_pictures(tmp_path / "train").classes == ["cat", "dog"]


def test_a_bad_file_costs_itself_only(tmp_path: Path) -> None:
    good = encoded(IMAGES[0][:, :, None])
    (tmp_path / "Ünïcode name.png").write_bytes(good)
    (tmp_path / "mislabelled.jpg").write_bytes(good)
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes(good[:40])
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.png").write_bytes(good)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "again").symlink_to(tmp_path)
    pictures = open_pictures(tmp_path)
    found = {one.name: one for one in pictures}
    assert {name for name, one in found.items() if isinstance(one, Picture)} == {"Ünïcode name.png", "mislabelled.jpg"}
    reasons = {name: one.reason for name, one in found.items() if isinstance(one, Skipped)}
    assert set(reasons) == {"empty.png", "cut.png", "notes.txt", "gone.png"}
    assert reasons["empty.png"] == "empty file"
    assert reasons["notes.txt"] == "no image of a known format"
    assert pictures.labels is None


def test_a_large_folder_costs_its_names(tmp_path: Path) -> None:
    for i in range(2_000):
        (tmp_path / f"{i:05}.png").touch()
    names = list(files_of(tmp_path))
    assert names == sorted(names)
    assert len(names) == 2_000
    assert sum(isinstance(one, Skipped) for one in open_pictures(tmp_path)) == 2_000


def idx(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def test_sets_in_one_file_hold_the_same_images(tmp_path: Path) -> None:
    labels = np.array([0, 1, 1, 0, 2], np.uint8)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES), mtime=0))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels), mtime=0))
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=labels)
    np.save(tmp_path / "set.npy", IMAGES / np.float32(255))
    rows = [{"bytes": encoded(image[:, :, None]), "path": None} for image in IMAGES]
    table = pyarrow.table({"image": rows, "label": labels.tolist()})
    pyarrow.parquet.write_table(table, tmp_path / "set.parquet")
    for name in ("train-images-idx3-ubyte.gz", "set.npz", "set.npy", "set.parquet"):
        pictures = open_pictures(tmp_path / name)
        assert np.array_equal(np.stack(pixels(pictures))[..., 0], IMAGES), name
        assert pictures.labels is None if name.endswith("npy") else pictures.labels == ["0", "1", "1", "0", "2"]


def npy_header(kind: str, shape: str) -> bytes:
    head = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head


def zipped(array: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as held:
        held.writestr("images.npy", array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a-images-idx3-ubyte", idx(IMAGES)[:50], "cut short: 34 of 120"),
        ("b-images-idx3-ubyte", b"\0\0\x08\x03" + b"\xff" * 12, "declares an array"),
        ("c-images-idx3-ubyte.gz", gzip.compress(idx(IMAGES), mtime=0)[:60], "cut short or damaged"),
        ("d.npz", b"PK\x03\x04 no zip", "cut short or damaged"),
        ("e.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "no array"),
        ("f.parquet", b"PAR1", "no Parquet"),
        ("g-images-idx3-ubyte", idx(IMAGES) + b"\0", "more bytes than the 120"),
        ("h-images-idx3-ubyte", b"\0\0\x08\x03" + bytes(9), "cut short within its header"),
        ("i-images-idx3-ubyte", b"\0\0\x08\x03" + bytes(12), "without values"),
        ("j.npz", zipped(npy_header("'|u1'", "(10**9, 10**9)")), "header is damaged"),
        ("k.npz", zipped(npy_header("'|u1'", f"({10**9}, {10**9})")), "declares an array of 1,000,000,000,000,000,000"),
        ("l.npz", zipped(npy_header("'<c16'", "(2, 4, 4)") + bytes(512)), "holds complex128"),
        ("m.npz", zipped(npy_header("'|u1'", "(2, 4, 4)") + bytes(31)), "cut short: 31 of 32"),
        ("n.npy", npy_header("'<U0'", "(2, 4, 4)"), "holds str"),
        ("o.npz", zipped(npy_header("'|u1'", f"({'1, ' * 99})") + b"0"), "of 99 dimensions"),
    ],
)
def test_a_damaged_set_is_refused_in_one_line(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=words) as error:
        open_pictures(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("packed", [False, True])
def test_what_declares_too_much_is_refused_before_it_is_unpacked(tmp_path: Path, packed: bool) -> None:
    """Zeros that unpack to more than the header declares, or a header of more than is read, cost no memory."""
    zeros, large = bytes(2**25), np.array([3, 2**20, 2**10], ">u4").tobytes()
    for name, head in (("small", np.array([1, 2, 2], ">u4").tobytes()), ("large", large)):
        data = b"\0\0\x08\x03" + head + zeros
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(gzip.compress(data, 1, mtime=0) if packed else data)
    (tmp_path / "set.npz").write_bytes(zipped(npy_header("'|u1'", "(3, 1048576, 1024)") + zeros))
    (tmp_path / "head.npz").write_bytes(zipped(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**25) + zeros))
    del data, zeros
    tracemalloc.start()
    for name in ("small-images-idx3-ubyte", "large-images-idx3-ubyte", "set.npz", "head.npz"):
        with pytest.raises(InputError, match=f"{name}: (holds more|declares an array|no array)"):
            open_pictures(tmp_path / name)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**22


def test_labels_are_one_an_image(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=np.arange(6))
    with pytest.raises(InputError, match="5 images and 6 labels"):
        open_pictures(tmp_path / "set.npz")
    np.savez_compressed(tmp_path / "set.npz", images=np.asfortranarray(IMAGES), labels=np.array([["a"]] * 5))
    pictures = open_pictures(tmp_path / "set.npz")
    assert pictures.labels == ["a"] * 5
    assert np.array_equal(np.stack(pixels(pictures))[..., 0], IMAGES)


def test_names_that_are_no_text_are_skipped_with_the_reason(tmp_path: Path) -> None:
    good = encoded(IMAGES[0][:, :, None])
    for name in (b"cat/good.png", b"cat/bad\xff\xfe.png", b"dog/good.png", b"cl\xffss.png/inside.png"):
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(good)
    pictures = open_pictures(tmp_path)
    skipped = {one.name: one.reason for one in pictures if isinstance(one, Skipped)}
    said = "its name is not UTF-8; rename it"
    assert skipped == {"cat/bad\\xff\\xfe.png": said, "cl\\xffss.png": said}
    assert [one.label for one in pictures if isinstance(one, Picture)] == ["cat", "dog"]
    assert list(files_of(tmp_path)) == ["cat/good.png", "dog/good.png"]
    with pytest.raises(UsageError, match=r"bad\\xff\\xfe.png: its name is not UTF-8"):
        open_pictures(tmp_path / os.fsdecode(b"cat/bad\xff\xfe.png"))


def test_a_link_to_itself_costs_itself_only(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "good.png").write_bytes(encoded(IMAGES[0][:, :, None]))
    (tmp_path / "cat" / "self.png").symlink_to("self.png")
    good, own = open_pictures(tmp_path)
    assert isinstance(good, Picture) and good.label == "cat"
    assert isinstance(own, Skipped) and own.name == "cat/self.png" and "symbolic links" in own.reason


def test_what_holds_no_images_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.zeros((4, 7)))
    with pytest.raises(InputError, match="holds no images"):
        open_pictures(tmp_path / "rows.npy")
    with pytest.raises(InputError, match="no files"):
        (tmp_path / "nothing").mkdir()
        open_pictures(tmp_path / "nothing")
    with pytest.raises(UsageError, match="no such file"):
        open_pictures(tmp_path / "missing")


def test_a_single_file(tmp_path: Path) -> None:
    Image.fromarray(IMAGES[0]).save(tmp_path / "one.png")
    assert np.array_equal(pixels(open_pictures(tmp_path / "one.png"))[0][:, :, 0], IMAGES[0])
