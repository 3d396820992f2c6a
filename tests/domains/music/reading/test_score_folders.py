"""Files, folders and several of both: names, classes, what is skipped and why; piano rolls as pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genapps.errors import InputError, UsageError
from genapps_music import open_scores, read_score
from genapps_music.score import Note, Part, Score, Skipped
from genapps_music.writing.files import write_score


def piece(pitch: int) -> Score:
    return Score((Part((Note(0, 480, pitch),)),))


def put(path: Path, pitch: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_score(path, piece(pitch))


def found(scores: Any) -> dict[str, int]:
    return {score.name: score.parts[0].notes[0].pitch for score in scores}


def test_a_folder_with_classes(tmp_path: Path) -> None:
    put(tmp_path / "b/2.mid", 62)
    put(tmp_path / "b/1.musicxml", 61)
    put(tmp_path / "a/deep/3.mxl", 63)
    put(tmp_path / ".hidden/4.mid", 64)
    (tmp_path / "a" / "5.mid").write_bytes(b"no")
    scores = open_scores(tmp_path)
    assert found(scores) == {"a/deep/3.mxl": 63, "b/1.musicxml": 61, "b/2.mid": 62}
    assert list(found(scores)) == sorted(found(scores))
    assert [score.label for score in scores] == ["a", "b", "b"]
    assert scores.labels == ("a", "b")
    assert [one.name for one in scores.skipped] == ["a/5.mid"]
    assert (len(scores), scores[0].name, len(scores[1:])) == (3, "a/deep/3.mxl", 2)


def test_parts_of_a_set_are_no_classes(tmp_path: Path) -> None:
    put(tmp_path / "train/1.mid", 60)
    put(tmp_path / "x/2.mid", 61)
    assert open_scores(tmp_path).labels == ()
    put(tmp_path / "y/3.mid", 61)
    put(tmp_path / "4.mid", 61)
    assert open_scores(tmp_path).labels == ()


def test_several_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "one/1.mid", 60)
    put(tmp_path / "two.mid", 61)
    monkeypatch.chdir(tmp_path)
    assert found(open_scores(["two.mid", "one", "two.mid"])) == {"two.mid": 61, "one/1.mid": 60}
    assert found(open_scores("two.mid")) == {"two.mid": 61}


def test_books_hold_several_pieces(tmp_path: Path) -> None:
    tmp_path.joinpath("b.abc").write_text("X:3\nK:C\nC\n\nX:5\nK:C\nz\n\nX:8\nK:C\nD\n")
    scores = open_scores(tmp_path)
    assert found(scores) == {"b.abc#3": 60, "b.abc#8": 62}
    assert scores.skipped == (Skipped("b.abc#5", "no notes in it"),)
    first = read_score(tmp_path / "b.abc")
    assert (first.name, first.remarks) == ("b.abc", ("the first of 2 pieces in the file",))


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        open_scores(tmp_path / "absent")
    with pytest.raises(InputError, match="no files"):
        open_scores(tmp_path)
    (tmp_path / "a.txt").write_text("no")
    with pytest.raises(InputError, match=r"a\.txt: no score"):
        open_scores(tmp_path)
    (tmp_path / "b.txt").write_text("no")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="none of 3 files"):
        open_scores(tmp_path)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    put(tmp_path / "a.mid", 60)
    try:
        (tmp_path / "b\udcff.mid").write_bytes(b"x")
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    scores = open_scores(tmp_path)
    assert scores.skipped == (Skipped("b\\xff.mid", "its name is not UTF-8; rename it"),)


def rolls(value: Any, folder: Path) -> Any:
    (folder / "r.json").write_text(json.dumps(value))
    return open_scores(folder / "r.json")


def spans(part: Part) -> list[tuple[int, int, int]]:
    return [(note.onset, note.duration, note.pitch) for note in part.notes]


def test_voices_of_piano_rolls(tmp_path: Path) -> None:
    piece = [[72, 67, 64, 48], [72, 65, -1, 48], [72, 65, 64, 48]]
    scores = rolls({"train": [piece], "test": [piece, [[1, 2, 3]]]}, tmp_path)
    assert [score.name for score in scores] == ["r.json#train/0", "r.json#test/0", "r.json#test/1"]
    scores = rolls({"train": [piece], "test": [piece]}, tmp_path)
    assert [part.name for part in scores[0].parts] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert [spans(part) for part in scores[1].parts] == [
        [(0, 360, 72)],
        [(0, 120, 67), (120, 240, 65)],
        [(0, 120, 64), (240, 120, 64)],
        [(0, 360, 48)],
    ]


def test_sets_of_piano_rolls(tmp_path: Path) -> None:
    [score] = rolls([[60, 64], [64], [], [60.0, 64]], tmp_path)
    assert [spans(part) for part in score.parts] == [[(0, 120, 60), (0, 240, 64), (360, 120, 60), (360, 120, 64)]]
    assert [len(score.parts) for score in rolls([[[60, 64, 67]], [[60, 64, 67]]], tmp_path)] == [1, 1]


def test_settings_of_piano_rolls(tmp_path: Path) -> None:
    value = {"step": 1, "tempo": 60, "names": ["A", "B"], "programs": [1, 2], "pieces": [[[40, 60], [40, 60]]]}
    [score] = rolls(value | {"again": [[[1, 1, 60]]]}, tmp_path)
    assert (score.name, score.tempo) == ("r.json#0", 60)
    assert [(part.name, part.program) for part in score.parts] == [("A", 1), ("B", 2)]
    assert [spans(part) for part in score.parts] == [[(0, 960, 40)], [(0, 480, 60), (480, 480, 60)]]
