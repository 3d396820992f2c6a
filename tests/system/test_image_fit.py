"""`genapps image fit`, `sample` and `inpaint` as they are called: files, figures, refusals, an interrupted run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from genapps.cli import main
from genapps.models.gan.adversary import Adversary
from genapps.training import distributed
from genapps_image.generation.sheets import Sheets

SMALL = ["--set", "hidden=8", "--set", "layers=1", "--set", "heads=2", "--set", "head=16"]
STEPS = ["--set", "training.max_steps=20", "--set", "training.min_steps=20", "--set", "training.epochs=1000"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `photos` of two classes, a file that is no image among them, and a model of it."""
    folder, draws = tmp_path_factory.mktemp("desk"), np.random.default_rng(0)
    for k in range(40):
        place = folder / "photos" / ("light" if k % 2 else "dark")
        place.mkdir(parents=True, exist_ok=True)
        pixels = draws.normal(180 if k % 2 else 60, 25, (8, 8)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{k}.png")
    (folder / "photos" / "light" / "broken.png").write_bytes(b"no image")
    words = [str(folder / "photos"), "--family", "gmm", "-q", "-o", str(folder / "mine.genapps")]
    assert main(["image", "fit", *words]) == 0
    return folder


def test_a_folder_becomes_a_model_and_new_images(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(tmp_path / "own.genapps")
    words = ["image", "fit", str(desk / "photos"), "-o", model, "--family", "autoregressive", *SMALL, *STEPS]
    assert main(words) == 0
    told = capsys.readouterr()
    assert "8 x 8, grey, 2 classes" in told.out
    assert "independent pixels" in told.out
    assert "skipped light/broken.png: no image of a known format" in told.err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["own.genapps", "own.png"]
    assert main(["image", "sample", model, "-n", "6", "--label", "light", "-o", f"{tmp_path}/new/", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 6
    manifest = json.loads((tmp_path / "new" / "manifest.json").read_text())
    assert manifest["images"][5] == {"file": "light/000006.png", "label": "light"}
    assert manifest["reached"]["kind"] == "exact"
    assert len(list((tmp_path / "new" / "light").iterdir())) == 6


def test_figures_as_json(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tmp_path / "own.genapps")
    words = ["image", "fit", str(desk / "photos"), "-o", model, "--family", "hmm", "--no-classes", "--no-sheet"]
    assert main([*words, "--size", "6x4", "--set", "n_components=2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["family"], found["height"], found["width"], found["classes"]) == ("hmm", 6, 4, [])
    assert found["reached"]["score"] < found["reached"]["trivial_score"] + 1
    assert found["skipped"][0]["name"] == "light/broken.png"
    assert [one.name for one in tmp_path.iterdir()] == ["own.genapps"]


def test_an_interrupted_run_goes_on(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def words(name: str) -> list[str]:
        return ["image", "fit", str(desk / "photos"), "-o", f"{tmp_path}/{name}.genapps", "--family", "vae", *STEPS]

    assert main(words("whole")) == 0

    def interrupt(self: Sheets, make: object, event: object) -> None:
        if getattr(event, "step", 0) >= 10:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Sheets, "__call__", interrupt)
        assert main(words("own")) == 130
    assert "run the same command with --resume" in capsys.readouterr().err
    assert (tmp_path / "own.genapps.checkpoint").exists()
    assert main([*words("own"), "--resume"]) == 0
    assert not list(tmp_path.glob("*.checkpoint*"))
    assert (tmp_path / "own.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


def test_holes_are_filled(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["image", "inpaint", str(desk / "photos"), "--model", str(desk / "mine.genapps"), "--box", "2,2,4,4"]
    assert main([*words, "-o", f"{tmp_path}/filled/"]) == 0
    told = capsys.readouterr()
    assert "filled       40 images at 8 x 8, 25% of their pixels, by the gmm" in told.out
    assert "skipped light/broken.png" in told.err
    assert len(list((tmp_path / "filled").rglob("*.png"))) == 40


def test_photographs_keep_their_size_and_errors_are_told(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for k in range(3):
        Image.effect_noise((40, 24), 30).save(tmp_path / f"{k}.png")
    words = ["image", "inpaint", str(tmp_path / "0.png"), "--model", str(desk / "mine.genapps"), "--box", "10,6,9,8"]
    assert main([*words, "--check", str(desk / "photos"), "-o", f"{tmp_path}/filled.jpg"]) == 0
    told = capsys.readouterr()
    assert "filled       1 images at 24 x 40, 8% of their pixels, by the gmm" in told.out
    assert "thought of at 8 x 8, and enlarged: no finer detail was made" in told.out
    assert "mean of 8 draws" in told.out and "border carried inwards" in told.out
    assert ".jpg changes all pixels a little" in told.err
    with Image.open(tmp_path / "filled.jpg") as image:
        assert image.size == (40, 24)
    assert main([*words, "--at-model-size", "-o", f"{tmp_path}/small.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["filled"] == 1
    with Image.open(tmp_path / "small.png") as image:
        assert image.size == (8, 8)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["fit", "photos"], 2, "name the file of the model"),
        (["fit", "photos", "-o", "m.txt"], 2, "ends in .genapps"),
        (["fit", "nowhere", "-o", "m.genapps"], 2, "no such file"),
        (["fit", "photos/light/broken.png", "-o", "m.genapps"], 3, "no image of a known format"),
        (["fit", "photos", "-o", "m.genapps", "--family", "gann"], 2, "Did you mean 'gan'"),
        (["fit", "photos", "-o", "m.genapps", "--size", "3"], 2, "between 4 and 1024"),
        (["fit", "photos", "-o", "m.genapps", "--size", "big"], 2, "write 32, or 24x32"),
        (["fit", "photos", "-o", "m.genapps", "--set", "nonsense=1"], 2, "unknown key"),
        (["sample", "mine.genapps", "-n", "2"], 2, "name where the images go"),
        (["sample", "mine.genapps", "-n", "2", "--label", "lihgt", "-o", "x.png"], 2, "Did you mean 'light'"),
        (["sample", "photos", "-n", "2", "-o", "x.png"], 2, "is a directory"),
        (["inpaint", "photos", "--model", "mine.genapps", "--box", "1,2,3", "-o", "x/"], 2, "write x,y,width,height"),
        (["inpaint", "photos", "--model", "mine.genapps", "-o", "x/"], 2, "say where to fill"),
        (["inpaint", "photos", "--model", "mine.genapps", "--box", "99,0,1,1", "-o", "x/"], 3, "box begins outside"),
    ],
)
def test_refusals_are_one_line(
    words: list[str],
    code: int,
    said: str,
    desk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(desk)
    before = {one.name for one in desk.iterdir()}
    assert main(["image", *words]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") <= 2  # what is wrong, and where help is
    assert {one.name for one in desk.iterdir()} - before <= {"x"}


def test_a_collapse_is_told_as_it_happens_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the 15th step on the generator gives one image over and over."""
    right, steps = Adversary._fake, 0

    def fake(self: Adversary, like: Tensor, classes: Tensor | None, draws: torch.Generator) -> Tensor:
        nonlocal steps
        steps += torch.is_grad_enabled()
        made = right(self, like, classes, draws)
        return made[:1].expand_as(made) if steps > 15 else made

    monkeypatch.setattr(Adversary, "_fake", fake)
    monkeypatch.setattr("genapps.models.gan.adversary._FIRST_CHECKS", 0)
    np.savez(tmp_path / "noise.npz", images=np.random.default_rng(0).integers(0, 256, (80, 8, 8), dtype=np.uint8))
    words = ["image", "fit", f"{tmp_path}/noise.npz", "-o", f"{tmp_path}/m.genapps", "--family", "gan", "-v", "--json"]
    assert main([*words, *STEPS, "--set", "channels=4", "--set", "training.check_steps=5"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    course = found["card"]["course"]
    assert [check["step"] for check in course["checks"]][:3] == [5, 10, 15]
    assert "step 10: covers" in told.err and "(real ones" in told.err
    back = [line for line in told.err.splitlines() if "mode collapse" in line and "went back to step" in line]
    assert len(back) == 3 and back[0].startswith("step 20: ")
    assert len(course["events"]) == 4
    assert found["notes"][0].startswith("the generator collapsed again and again")


def test_of_processes_that_share_a_fit_only_the_first_tells_and_writes(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["image", "fit", f"{desk}/photos", "-o", f"{tmp_path}/m.genapps", "--family", "gmm", "--no-classes"]
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(distributed, "start", lambda: True)
    for rank, files in ((1, []), (0, ["m.genapps", "m.png"])):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        assert main([*words, "--set", "max_iter=1"]) == 0
        told = capsys.readouterr()
        assert bool(told.out) == bool(told.err) == (rank == 0)
        assert sorted(one.name for one in tmp_path.iterdir()) == files
