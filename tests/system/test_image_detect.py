"""`genapps image detect` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.cli import main


def texture(draw: np.random.Generator, side: int = 56) -> np.ndarray:
    wave = np.sin(np.arange(side) * 0.9 + draw.uniform(0, 6))
    return (128 + 60 * wave[None, :, None] + draw.normal(0, 10, (side, side, 3))).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def set_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Textures as MVTec AD lays them out, a file among the good ones and one among the new ones that is no image."""
    root, draw = tmp_path_factory.mktemp("set"), np.random.default_rng(0)
    for part, kind, count in (("train", "good", 20), ("test", "good", 4), ("test", "hole", 4)):
        folder = root / part / kind
        folder.mkdir(parents=True)
        for k in range(count):
            pixels, mask = texture(draw), np.zeros((56, 56), np.uint8)
            if kind == "hole":
                pixels[16:28, 30:44], mask[16:28, 30:44] = (90, 128, 160), 255
                (root / "ground_truth" / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask).save(root / "ground_truth" / kind / f"{k:03}_mask.png")
            Image.fromarray(pixels).save(folder / f"{k:03}.png")
    (root / "train" / "good" / "torn.png").write_bytes(b"\x89PNG\r\n")
    (root / "test" / "hole" / "empty.png").write_bytes(b"")
    return root


def test_a_set_as_mvtec_has_it(set_: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores, page, model = tmp_path / "scores.csv", tmp_path / "odd.html", tmp_path / "good.genapps"
    words = ["image", "detect", str(set_), "-o", str(scores), "--report", str(page), "--save", str(model)]
    assert main([*words, "--maps", str(tmp_path / "heat"), "--json", "--fail-on-anomaly"]) == 10
    told = json.loads(capsys.readouterr().out)
    assert told["truth"]["image_auroc"] == 1.0
    assert told["truth"]["pixel_auroc"] > 0.95
    assert told["false_alarm_rate"]["asked"] == pytest.approx(1 / 21)
    assert {one["name"] for one in told["skipped"]} == {"good/torn.png", "hole/empty.png"}
    with scores.open() as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    assert len(rows) == 8
    hole = rows["hole/000.png"]
    assert hole["is_anomaly"] == "true" and "most like good/" in hole["anomaly_reason"]
    assert abs(int(hole["left"]) - 30) < 12 and abs(int(hole["top"]) - 16) < 12
    assert rows["good/000.png"]["is_anomaly"] == "false"
    assert (tmp_path / "heat" / "hole" / "000.png").exists()
    text = page.read_text()
    assert text.count("data:image/") >= 24 and "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert json.loads((tmp_path / "odd.json").read_text())["truth"] == told["truth"]

    again = tmp_path / "again.csv"
    assert main(["image", "detect", str(set_ / "test"), "--model", str(model), "-q", "-o", str(again)]) == 0
    assert again.read_bytes() == scores.read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["good"], 2, "nothing to judge"),
        (["good", "new", "third"], 2, "give GOOD and NEW"),
        (["good", "new", "--model", "m.genapps"], 2, "with --model only NEW"),
        (["nowhere", "new"], 2, "nowhere: no such file or folder"),
        (["good", "empty"], 3, "no files in it"),
        (["few", "new"], 3, "1 good images, at least 10"),
        (["good", "texts"], 3, "no image that can be used; a.txt"),
        (["good", "new", "--false-alarm-rate", "3"], 2, "above 0, at most 0.5"),
        (["good", "new", "--look-at", "patches", "--features", "magic"], 2, "called 'magic'; there are: auto, filters"),
        (["new", "--model", "good/0.png"], 3, "not a genapps model"),
        (["good", "new", "-o", "scores.xlsx"], 2, "ends in .csv"),
        (["good", "new", "--maps", "no/such"], 2, "does not exist"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for name, count in (("good", 10), ("new", 1), ("few", 1), ("empty", 0), ("texts", 0)):
        Path(name).mkdir()
        for k in range(count):
            Image.fromarray(texture(draw, 12)).save(f"{name}/{k}.png")
    Path("texts/a.txt").write_text("nothing to see")
    assert main(["image", "detect", *words]) == code
    errors = capsys.readouterr().err.splitlines()
    assert said in errors[-1]
    assert not Path("scores.csv").exists()


def test_a_rate_that_few_good_images_cannot_promise_is_said(set_: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", "detect", str(set_), "--false-alarm-rate", "0.01", "--fail-on-anomaly"]) == 0
    out = capsys.readouterr().out
    assert "cannot promise a false-alarm rate of 0.01 from 20 good images" in out
    assert "needs 99" in out
