"""Known labels come from folders, a table or the set itself, and what contradicts itself is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from genapps.errors import InputError, UsageError
from genapps_image.labelling.known import from_folders, gathered


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with images in it, in a subfolder, and under one name twice."""
    folder = tmp_path / "mixed"
    for name in ("a.png", "b.png", "deep/c.png", "deep/er/d.png", "deep/a.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / name)
    return folder


def told(folder: Path, text: str, name: str = "known.csv") -> tuple[dict[str, str], tuple[str, ...]]:
    table = folder.parent / name
    table.write_text(text)
    asked = gathered(str(folder), table=str(table))
    return dict(zip(asked.pictures.names, asked.labels, strict=True)), asked.notes


def test_folders_are_classes_and_some_are_not() -> None:
    names = ["cat/1.png", "dog/x/2.png", "3.png", "Unlabeled/4.png", "inbox/5.png"]
    assert from_folders(names, "photos", None) == ["cat", "dog", "", "", ""]
    assert from_folders(names, "photos", "dog") == ["cat", "", "", "Unlabeled", "inbox"]
    with pytest.raises(InputError, match="photos: test, train are parts of a set"):
        from_folders(["train/a.png", "test/b.png"], "photos", None)
    assert from_folders(["test/b.png"], "photos", None, strict=False) == ["test"]


@pytest.mark.parametrize(
    "name", ["a.png", "./a.png", "{}/a.png", "deep/c.png", "deep\\c.png", "c.png", "{}/deep/er/d.png", "d.png"]
)
def test_an_image_is_named_in_any_way_that_means_one(mixed: Path, name: str) -> None:
    labels, notes = told(mixed, f"file,label\n{name.format(mixed)},cat\n")
    assert [label for label in labels.values() if label] == ["cat"]
    assert labels["a.png" if "a.png" in name else "deep/er/d.png" if "d.png" in name else "deep/c.png"] == "cat"
    assert not notes


def test_labels_that_are_no_texts_become_texts(mixed: Path) -> None:
    table = mixed.parent / "known.parquet"
    parquet.write_table(pa.table({"Image": ["a.png", "b.png", "c.png"], "Class": [3.0, None, 4.5]}), table)
    asked = gathered(str(mixed), table=str(table))
    assert dict(zip(asked.pictures.names, asked.labels, strict=True)) == {
        "a.png": "3", "b.png": "", "deep/a.png": "", "deep/c.png": "4.5", "deep/er/d.png": ""
    }  # fmt: skip


def test_what_the_command_wrote_is_read_back_with_its_known_rows_only(mixed: Path) -> None:
    labels, _ = told(mixed, "file,label,probability,known\na.png,cat,0.9,yes\nb.png,dog,0.9,no\n")
    assert labels["a.png"] == "cat" and labels["b.png"] == ""


def test_rows_that_fit_no_image_are_told_and_the_others_taken(mixed: Path) -> None:
    labels, notes = told(mixed, "file,label\na.png,cat\nb.pmg,dog\nq,dog\n")
    assert labels["a.png"] == "cat"
    assert "row 2: no image 'b.pmg'" in notes[0] and "1 more row like it" in notes[0]
    assert "Did you mean 'b.png'?" in notes[0]


def test_columns_of_other_names_are_taken_where_their_rows_fit(mixed: Path) -> None:
    assert told(mixed, "a,b\nb.png,cat\n")[0]["b.png"] == "cat"


def test_rows_that_say_the_same_again_are_told(mixed: Path) -> None:
    labels, notes = told(mixed, "file,label\nb.png,cat\n./b.png,cat\n")
    assert labels["b.png"] == "cat" and "1 row said again" in notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\nx.png,cat\ny.png,dog\n", r"row 1: no image 'x.png'.*1 more row like it"),
        ("file,label\na.pngg,cat\n", "Did you mean 'a.png'?"),
        ("file,label\nb.png,cat\n./b.png,dog\n", "row 1 says 'b.png' is 'cat', row 2 says 'dog'"),
        ("file,label\na.png,\n", "no row has a label"),
        ("file\na.png\n", "one column"),
        ("a,b\n1,2\n", "needs columns file and label; there are: a, b"),
        ("one,two,three\na.png,cat,x\n", "no columns file and label; there are: one, two, three"),
    ],
)
def test_tables_that_say_nothing_are_refused(mixed: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        told(mixed, text)


def test_a_table_among_the_images_is_none_of_them(mixed: Path) -> None:
    table = mixed / "known.csv"
    table.write_text("file,label\na.png,cat\n")
    assert "known.csv" not in gathered(str(mixed), table=str(table)).pictures.names


def test_sets_bring_labels_or_are_named_by_number(tmp_path: Path) -> None:
    place = tmp_path / "set.npz"
    np.savez(place, images=np.zeros((4, 5, 5), np.uint8), labels=np.array([7, -1, 0, -1]))
    assert gathered(str(place)).labels == ("7", "", "0", "")
    (tmp_path / "known.csv").write_text("row,label\n2,x\n4,y\n")
    assert gathered(str(place), table=str(tmp_path / "known.csv")).labels == ("", "x", "", "y")
    (tmp_path / "zero.csv").write_text("row,label\n0,x\n")
    with pytest.raises(InputError, match=r"no image '0' in .*; they are 1 to 4"):
        gathered(str(place), table=str(tmp_path / "zero.csv"))


def test_more_images_come_from_a_second_place(mixed: Path, tmp_path: Path) -> None:
    second, single = tmp_path / "more", tmp_path / "more.npz"
    second.mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(second / "a.png")
    np.savez(single, images=np.zeros((2, 4, 4), np.uint8))
    asked = gathered(str(mixed), unlabeled=str(second))
    assert asked.pictures.names[-1] == f"{second}/a.png" and asked.labels[-1] == ""
    assert asked.labels[asked.pictures.names.index("deep/c.png")] == "deep"
    assert asked.file_of(f"{second}/a.png") == second / "a.png" and asked.file_of("a.png") == mixed / "a.png"
    of_set = gathered(str(mixed), unlabeled=str(single))
    assert of_set.pictures.names[-1] == f"{single}/2" and of_set.file_of(f"{single}/2") is None
    for inside in ("deep", str(mixed / "deep")):
        assert set(gathered(str(mixed), unlabeled=inside).labels) == {""}
    with pytest.raises(UsageError, match="--unlabeled nowhere: no such file or folder"):
        gathered(str(mixed), unlabeled="nowhere")


def test_a_model_takes_its_own_classes_only(mixed: Path) -> None:
    asked = gathered(str(mixed), classes=("cat", "dog"))
    assert set(asked.labels) == {""} and "deep: no class of the model" in asked.notes[0]
