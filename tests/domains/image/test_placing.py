"""Where changed images go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genapps.errors import UsageError
from genapps_image.placing import check_place, placed, several_in
from genapps_image.reading.pictures import open_pictures
from genapps_image.writing import write_image


def test_names_stay_and_no_two_become_one(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "a").mkdir(parents=True)
    for name in ("one.png", "one.jpg", "a/one.bmp"):
        write_image(source / name, np.zeros((4, 4, 3), np.uint8))
    place = placed(tmp_path / "out", open_pictures(source))
    found = [place(name) for name in ("one.png", "one.jpg", "a/one.bmp", "one.gif", "one_gif.png")]
    assert len(set(found)) == 5
    assert found[0] == tmp_path / "out" / "one.png"
    assert found[2] == tmp_path / "out" / "a" / "one.bmp"
    assert found[3].name == "one_gif.png"
    assert all(path.parent.is_dir() for path in found)


def test_one_image_may_be_one_file(tmp_path: Path) -> None:
    write_image(tmp_path / "one.png", np.zeros((4, 4, 3), np.uint8))
    pictures = open_pictures(tmp_path / "one.png")
    assert placed(tmp_path / "large.png", pictures)("one.png") == tmp_path / "large.png"
    assert placed(tmp_path / "large", pictures)("one.png") == tmp_path / "large" / "one.png"


def test_what_could_not_be_written_is_refused_first(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    write_image(source / "one.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(UsageError, match="lies in the folder that is read"):
        check_place(source / "out", source, several=True)
    with pytest.raises(UsageError, match="several images; name a folder"):
        check_place(tmp_path / "out.png", source, several=True)
    with pytest.raises(UsageError, match="overwrite the input"):
        check_place(source / "one.png", source / "one.png", several=False)
    with pytest.raises(UsageError, match="no format that is written"):
        check_place(tmp_path / "out.psd", source / "one.png", several=False)
    (tmp_path / "notes").write_text("not a folder")
    with pytest.raises(UsageError, match="is a file"):
        check_place(tmp_path / "notes", source, several=True)
    check_place(tmp_path / "out", source, several=True)


def test_a_folder_with_one_image_holds_no_several(tmp_path: Path) -> None:
    (tmp_path / "in" / "a").mkdir(parents=True)
    for name, several in (("a/one.png", False), ("two.png", True)):
        write_image(tmp_path / "in" / name, np.zeros((4, 4, 3), np.uint8))
        assert several_in(tmp_path / "in") == several
    assert not several_in(tmp_path / "in" / "two.png")
