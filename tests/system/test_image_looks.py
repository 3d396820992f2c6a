"""`genapps image upscale` and `stylize` as a person meets them: tables, JSON, one-line refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.cli import main


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("looks") / "photos"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for k in range(5):
        Image.fromarray(draw.integers(0, 256, (24, 20, 3)).astype(np.uint8)).save(folder / f"{k}.png")
    (folder / "notes.png").write_text("no image")
    return folder


def shape_of(path: str | Path) -> tuple[int, ...]:
    with Image.open(path) as image:
        return np.asarray(image).shape


def test_figures_are_always_printed_beside_bicubics(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["image", "upscale", str(photos), "--steps", "1", "--no-ensemble", "-o", str(tmp_path / "out")]
    assert main(words) == 0
    said = capsys.readouterr()
    assert all(word in said.out for word in ("bicubic", "PSNR", "SSIM", "perceptual", "sharpness"))
    assert "skipped notes.png" in said.err
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mean"]["bicubic"]["psnr"] > 0
    assert len(found["written"]) == 5
    assert shape_of(found["written"][0]) == (48, 40, 3)


def test_painting_says_how_near_the_style_came(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["image", "stylize", str(photos / "0.png"), "--style", str(photos / "1.png"), "--steps", "1"]
    assert main([*words, "-o", str(tmp_path / "a.png"), "--report", str(tmp_path / "a.html")]) == 0
    said = capsys.readouterr()
    assert "structure kept" in said.out
    assert f"report   {tmp_path / 'a.html'}" in said.err
    assert "Painted photographs" in (tmp_path / "a.html").read_text("utf-8")
    assert shape_of(tmp_path / "a.png") == (24, 20, 3)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("upscale PHOTOS -o PHOTOS/out", 2, "lies in the folder that is read"),
        ("upscale PHOTOS -o large.png", 2, "one file for several images"),
        ("upscale PHOTOS", 2, "with -o, or where the model goes with --save"),
        ("upscale PHOTOS -o - ", 2, "images go to files"),
        ("upscale PHOTOS/0.png -o a.png --factor 2 --model m.genapps", 2, "the factor of --model is in the file"),
        ("upscale PHOTOS/notes.png -o a.png --steps 1", 3, "no image of a known format"),
        ("upscale PHOTOS -o a --report a.txt/b.html", 2, "does not exist"),
        ("upscale PHOTOS/0.png -o a.html --report a.html", 2, "no format that is written"),
        ("stylize PHOTOS/0.png --style PHOTOS/1.png -o a.png --report PHOTOS/1.png", 2, "would overwrite the input"),
        ("stylize PHOTOS/0.png -o a.png", 2, "with --style"),
        ("stylize PHOTOS/0.png --style PHOTOS/1.png -o PHOTOS/1.png", 2, "would overwrite the input"),
        ("stylize PHOTOS/0.png --style PHOTOS/notes.png -o a.png", 3, "a style is a picture"),
        ("stylize PHOTOS/0.png --style PHOTOS/1.png --strength 1.5 -o a.png", 2, "strength"),
    ],
)
def test_refusals_are_one_line(
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["image", *(word.replace("PHOTOS", str(photos)) for word in words.split())]) == code
    found = capsys.readouterr().err
    assert said in found
    assert found.startswith("genapps: ")
    assert found.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
