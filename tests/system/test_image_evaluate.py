"""`genapps image evaluate` as it is called: figures, a page, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.cli import main


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
