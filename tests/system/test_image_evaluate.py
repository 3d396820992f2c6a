"""`genapps image evaluate` as it is called: figures, a page, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from genapps.cli import main
from genapps_image.features import inception


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, generator = tmp_path_factory.mktemp("desk"), np.random.default_rng(0)
    for name, count in (("real", 60), ("made", 25)):
        for i in range(count):
            place = folder / name / ("light" if i % 2 else "dark")
            place.mkdir(parents=True, exist_ok=True)
            pixels = generator.normal(180 if i % 2 else 60, 25, (10, 10)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{i}.png")
    return folder


def test_figures_and_a_page_are_written(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["image", "evaluate", str(desk / "real"), str(desk / "made"), "--features", "pixels"]
    page, figures = desk / "report.html", desk / "figures.json"
    assert main([*words, "--report", str(page), "-o", str(figures)]) == 0
    told = capsys.readouterr()
    assert "FD-pixels (lower is better)" in told.out
    assert "hardly settle" in told.err
    assert json.loads(figures.read_text())["images"] == {
        "reference": 35,
        "held_out": 25,
        "made": 25,
        "training_looked_through": 60,
    }
    assert "light" in page.read_text()
    assert json.loads((desk / "report.json").read_text())["verdict"]["level"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(figures.read_text())


@pytest.mark.parametrize(
    ("made", "options", "code", "said"),
    [
        ("nowhere", [], 2, "no such file"),
        ("made", ["-o", "real"], 2, "overwrite the input"),
        ("made", ["--report", "report.json"], 2, "name it .html"),
        ("made", ["--report", "no/report.html"], 2, "does not exist"),
        ("empty", [], 3, "no files in it"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    made: str, options: list[str], code: int, said: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "empty").mkdir(exist_ok=True)
    given = [word if word.startswith("-") else str(desk / word) for word in options]
    assert main(["image", "evaluate", str(desk / "real"), str(desk / made), *given]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_inception_is_called_fid_by_the_weights_that_are_given(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "SIDE", 75)  # what the network can see at least, so that it is quick
    draws, weights = torch.Generator().manual_seed(0), desk / "inception.safetensors"
    sizes = {name: (shape, torch.Size(shape[1:]).numel()) for name, shape in inception.shapes().items()}
    save_file({name: torch.rand(shape, generator=draws) / size for name, (shape, size) in sizes.items()}, weights)
    words = ["image", "evaluate", str(desk / "real"), str(desk / "made"), "--features", "inception"]
    assert main([*words, "--weights", str(weights), "-o", str(desk / "fid.json"), "--most", "12"]) == 0
    told = capsys.readouterr()
    for line in (
        "FID (lower is better)",
        "KID x 1000 (lower",
        "IS (higher is better)",
        "IS, mean and deviation over 10",
    ):
        assert line in told.out
    assert "FID and IS of 12 images do not compare with published ones" in told.err
    assert "weights of yours, SHA-256 of their numbers" in told.err
    figures = json.loads((desk / "fid.json").read_text())
    assert len(figures["extractor"]["weights_sha256"]) == 64
    assert {measure["name"] for measure in figures["measures"]} >= {"FID", "KID x 1000", "IS"}
    assert figures["inception_scores"]["made"]["mean"] >= 1
    assert main(["image", "evaluate", str(desk / "real"), str(desk / "made"), "--features", "pixels"]) == 0
    assert "FID" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--features", "inception"], 2, "--features inception --weights FILE"),
        (["--features", "pixels", "--weights", "few.safetensors"], 2, "go together"),
        (["--features", "inception", "--weights", "none.safetensors"], 2, "no such file of weights"),
        (["--features", "inception", "--weights", "few.safetensors"], 3, "472 of 472 tensors are missing"),
        (["--features", "inception", "--weights", "published.pth"], 3, "written by torch.save, whose files can run"),
        (["--features", "inception", "--weights", "notes.txt"], 3, "no safetensors file"),
    ],
)
def test_other_weights_are_refused_before_images_are_read(
    words: list[str],
    code: int,
    said: str,
    desk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(desk)
    save_file({"a": torch.zeros(1)}, "few.safetensors")
    Path("published.pth").write_bytes(b"PK\x03\x04" + bytes(90))
    Path("notes.txt").write_text("weights")
    assert main(["image", "evaluate", "nothing", "here", *words]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    if code == 3:
        assert "docs/image.md says how" in error
