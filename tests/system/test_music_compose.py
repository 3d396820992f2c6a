"""`genapps music fit` and what makes music, as they are called: files that others can read, pages, refusals."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genapps.cli import main
from genapps.errors import UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_music.codec import Piece
from genapps_music.composing import tasks
from genapps_music.composing.filling import Manner
from genapps_music.grid import Cells
from genapps_music.model import MusicModel
from genapps_music.reading.files import read_score
from genapps_music.score import QUARTER, Note, Part, Score
from genapps_music.writing.files import write_score

NAMES = ("Soprano", "Alto", "Tenor", "Bass")
QUICK = ["--set", "hidden=8", "--set", "training.max_steps=2"]
LATENTS = ["--set", "latents.hidden=4", "--set", "latents.training.max_steps=2"]


def chorale(seed: int) -> Score:
    draws = np.random.default_rng(seed)
    pitches = np.array([[72], [65], [57], [48]]) + draws.integers(-5, 6, (4, 16))
    parts = (
        Part(tuple(Note(k * QUARTER, QUARTER, int(pitch)) for k, pitch in enumerate(row)), name)
        for name, row in zip(NAMES, pitches, strict=True)
    )
    return Score(tuple(parts))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `scores` of pieces and a broken one, files to work on, and a model."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "scores").mkdir()
    for k in range(6):
        write_score(folder / "scores" / f"{k}.mid", chorale(k))
    (folder / "scores" / "broken.mid").write_bytes(b"MThd and nothing more")
    write_score(folder / "tune.mid", chorale(10))
    write_score(folder / "other.mid", chorale(11))
    write_score(folder / "melody.mid", Score(chorale(12).parts[:1]))
    write_score(folder / "beat.mid", Score((Part((Note(0, QUARTER, 36),), drums=True),)))
    write_artifact(folder / "photos.genapps", {"weights": np.zeros(3)}, {"domain": "image", "task": "fit"})
    model = str(folder / "bach.genapps")
    assert main(["music", "fit", str(folder / "scores"), "-o", model, "-q", *QUICK, *LATENTS]) == 0
    return folder


def test_a_folder_becomes_a_model_and_the_same_one_again(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "again.genapps"
    assert main(["music", "fit", str(desk / "scores"), "-o", str(model), *QUICK, *LATENTS]) == 0
    told = capsys.readouterr()
    assert "learnt       5 pieces" in told.out
    assert "nats a cell" in told.out
    assert "Soprano" in told.out
    assert "skipped broken.mid" in told.err
    assert model.read_bytes() == (desk / "bach.genapps").read_bytes()
    words = ["music", "fit", str(desk / "scores"), "-o", str(model), "--family", "gmm", "--no-latents", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["layout"]["steps"] == 2


def test_new_pieces_are_files_that_can_be_read_and_heard(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["music", "compose", str(desk / "bach.genapps"), "-n", "2", "--bars", "2", "--seed", "5"]
    page = tmp_path / "page.html"
    assert main([*words, "-o", f"{tmp_path}/new/", "--report", str(page)]) == 0
    assert "composed     2 pieces" in capsys.readouterr().out
    strange = tmp_path / "a\n\x1b[31m.mid"
    assert main(["music", "compose", str(desk / "bach.genapps"), "--bars", "1", "-o", str(strange)]) == 0
    assert read_score(strange).parts
    assert "a\\n\\x1b[31m.mid" in capsys.readouterr().err
    manifest = json.loads((tmp_path / "new" / "manifest.json").read_text())
    assert manifest["seed"] == 5
    for row in manifest["pieces"]:
        scores = [read_score(tmp_path / "new" / name) for name in row["files"] if not name.endswith(".wav")]
        assert [sum(len(part.notes) for part in score.parts) for score in scores] == [row["notes"]] * 2
        assert (tmp_path / "new" / row["files"][2]).read_bytes()[:4] == b"RIFF"
    assert "<audio" in page.read_text()
    assert main([*words, "-o", f"{tmp_path}/new/"]) == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["longer.mid", "longer.musicxml", "longer.mxl", "longer.json", "longer.wav"])
def test_a_piece_is_continued_in_any_format(desk: Path, tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    words = ["music", "continue", str(desk / "tune.mid"), "--model", str(desk / "bach.genapps"), "--bars", "1", "-q"]
    assert main([*words, "-o", str(place)]) == 0
    if not name.endswith(".wav"):
        longer, given = read_score(place), read_score(desk / "tune.mid")
        assert longer.parts[0].notes[:16] == given.parts[0].notes or name.endswith(".json")


def test_harmonies_and_fillings_say_how_likely_they_are(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(desk / "bach.genapps"), "--candidates", "2"]
    words = ["music", "harmonize", str(desk / "melody.mid"), *model, "-o", str(tmp_path / "harmony.musicxml")]
    assert main([*words, "--report", str(tmp_path / "page.html")]) == 0
    assert "likeliest    of 2" in capsys.readouterr().out
    made, melody = read_score(tmp_path / "harmony.musicxml"), read_score(desk / "melody.mid")
    assert [(n.onset, n.pitch) for n in made.parts[0].notes] == [(n.onset, n.pitch) for n in melody.parts[0].notes]
    words = ["music", "infill", str(desk / "tune.mid"), "--voices", "A,T", "--bars", "2-3", *model, "--json"]
    assert main([*words, "-o", str(tmp_path / "filled.mid")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bars"] == [2, 3]
    assert found["nats"] == min(found["candidate_nats"])


def test_a_way_from_one_piece_to_another(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ends = [str(desk / "tune.mid"), str(desk / "other.mid")]
    words = ["music", "interpolate", *ends, "--model", str(desk / "bach.genapps"), "--steps", "3"]
    assert main([*words, "-o", f"{tmp_path}/between/", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["to_first"][0] == 0
    assert found["to_last"][2] == 0
    assert len(list((tmp_path / "between").glob("*.mid"))) == 3


def test_a_stopped_fit_goes_on_to_the_same_model(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "stopped.genapps"
    words = ["music", "fit", str(desk / "scores"), "-o", str(model), *QUICK, *LATENTS]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("genapps_music.composing.fitting.reached", stop)  # all is learnt, and nothing is written yet
        assert main(words) == 130
    assert "--resume" in capsys.readouterr().err
    left = sorted(one.name for one in tmp_path.iterdir())
    assert left == [f"stopped.genapps.checkpoint.{part}.done.genapps" for part in ("latents", "model")]
    assert main([*words, "--resume", "--seed", "1"]) == 3
    assert "other pieces or settings" in capsys.readouterr().err
    with monkeypatch.context() as patched:
        patched.setattr("genapps.models.base.Family.fit", stop)  # nothing is learnt again
        assert main([*words, "--resume"]) == 0
    assert model.read_bytes() == (desk / "bach.genapps").read_bytes()
    assert list(tmp_path.iterdir()) == [model]


def test_of_an_interrupted_folder_nothing_is_left(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("genapps_music.writing.sound.render", stop)
    words = ["music", "compose", str(desk / "bach.genapps"), "-n", "2", "--bars", "1", "-o", f"{tmp_path}/new/"]
    assert main(words) == 130
    assert list(tmp_path.iterdir()) == []


def test_a_piece_of_rests_is_drawn_again(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MusicModel.load(desk / "bach.genapps")
    drawn, calls = tasks.fill, []

    def silent(model: MusicModel, pieces: list[Piece], *rest: object) -> list[Cells]:
        calls.append(len(pieces))
        return [cells if len(calls) > turns else 0 * cells for cells in drawn(model, pieces, *rest)]  # type: ignore

    monkeypatch.setattr(tasks, "fill", silent)
    turns = 2
    assert all(one.score.end for one in tasks.compose(model, 3, 1, Manner()))
    assert calls == [3, 3, 3]
    turns = 1000
    with pytest.raises(UsageError, match="rests alone; ask for more bars"):
        tasks.compose(model, 1, 1, Manner())


def test_a_model_says_nothing_of_where_its_pieces_lay_and_which_version_made_it(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = MusicModel.load(desk / "bach.genapps")
    spread = [replace(piece, name=f"/home/me/{k % 2}/{piece.name}") for k, piece in enumerate(model.learnt)]
    replace(model, learnt=tuple(spread), held=()).save(tmp_path / "spread.genapps")
    again = MusicModel.load(tmp_path / "spread.genapps")
    assert [piece.name for piece in again.learnt] == [piece.name.removeprefix("/home/me/") for piece in spread]
    found = read_artifact(desk / "bach.genapps")
    write_artifact(tmp_path / "old.genapps", found.tensors, found.header | {"form": 1})
    assert main(["music", "compose", str(tmp_path / "old.genapps"), "-o", str(tmp_path / "x.mid")]) == 3
    assert "made by another version of genapps; fit it again" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such names")
@pytest.mark.parametrize(
    "words",
    [
        ["compose", "bach.genapps", "-o", "\udcff.mid"],
        ["compose", "\udcff.genapps", "-o", "x.mid"],
        ["harmonize", "melody.mid", "--model", "bach.genapps", "-o", "x.mid", "--report", "\udcff.html"],
        ["continue", "\udcff.mid", "--model", "bach.genapps", "-o", "x.mid"],
        ["fit", "\udcff", "-o", "x.genapps"],
        ["evaluate", "scores", "\udcff", "--json"],
    ],
)
def test_names_that_are_no_utf8_are_refused(
    desk: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    assert main(["music", *words]) == 2
    assert "\\xff" in (told := capsys.readouterr().err)
    assert "its name is not UTF-8" in told


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["fit", "scores", "-o", "x.pt"], 2, ".genapps"),
        (["fit", "scores"], 2, "-o bach.genapps"),
        (["fit", "scores", "-o", "x.genapps", "--family", "lstm"], 2, "no model family 'lstm'"),
        (["fit", "scores", "-o", "x.genapps", "--set", "wide=3"], 2, "unknown key 'wide'"),
        (["fit", "tune.mid", "-o", "x.genapps"], 3, "one piece alone"),
        (["compose", "bach.genapps"], 2, "-o new/"),
        (["compose", "bach.genapps", "-n", "2", "-o", "x.mid"], 2, "name a folder"),
        (["compose", "bach.genapps", "-o", "x.mp3"], 2, "no format that is written"),
        (["compose", "bach.genapps", "-o", "x.mid", "--meter", "5"], 2, "is no meter"),
        (["compose", "bach.genapps", "-o", "x.mid", "--meter", "5/4"], 2, "no bars of 5/4 were learnt"),
        (["compose", "tune.mid", "-o", "x.mid"], 3, "tune.mid"),
        (["compose", "photos.genapps", "-o", "x.mid"], 3, "photos.genapps: a model of image, fit; give what"),
        (["continue", "beat.mid", "--model", "bach.genapps", "-o", "x.mid"], 3, "of drums alone"),
        (["fit", "beat.mid", "-o", "x.genapps"], 3, "drums aside; give pieces with pitched notes"),
        (["interpolate", "tune.mid", "beat.mid", "--model", "bach.genapps", "-o", "x/"], 3, "of drums alone"),
        (["interpolate", "tune.mid", "other.mid", "--model", "bach.genapps", "--steps", "0", "-o", "x/"], 2, "least 3"),
        (["continue", "none.mid", "--model", "bach.genapps", "-o", "x.mid"], 2, "no such file"),
        (["continue", "scores", "--model", "bach.genapps", "-o", "x.mid"], 2, "a folder; give one piece"),
        (["continue", "scores/broken.mid", "--model", "bach.genapps", "-o", "x.mid"], 3, "broken.mid"),
        (["continue", "tune.mid", "--model", "bach.genapps", "-o", "tune.mid"], 2, "overwrite the input"),
        (["infill", "tune.mid", "--model", "bach.genapps", "-o", "x.mid"], 2, "say what to fill in"),
        (["infill", "tune.mid", "--bars", "9-12", "--model", "bach.genapps", "-o", "x.mid"], 2, "has the bars 1-4"),
        (["infill", "tune.mid", "--voices", "Z", "--model", "bach.genapps", "-o", "x.mid"], 2, "no single voice 'Z'"),
        (["interpolate", "tune.mid", "other.mid", "--model", "bach.genapps", "-o", "x.mid"], 2, "name a folder"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    desk: Path,
    words: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(desk)
    assert main(["music", *words]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.strip().count("\n") == 0 or "Usage" in told or "Try" in told
    assert not Path("x.mid").exists()
    assert not Path("x").exists()
