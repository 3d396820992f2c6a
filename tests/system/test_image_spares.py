"""No command of `genapps image` writes over what it reads, or over what is not its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from genapps.cli import main


def prints(folder: Path) -> dict[str, bytes | None]:
    return {str(one): one.read_bytes() if one.is_file() else None for one in sorted(folder.rglob("*"))}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("detect good new --maps new", "would overwrite the input"),
        ("detect good new --maps ./good/", "would overwrite the input"),
        ("detect good new --maps new/heat", "lies in the folder that is read"),
        ("detect good new --maps linked/heat", "lies in the folder that is read"),
        ("detect good new --maps .", "holds what is read"),
        ("detect good new --maps others", "is not empty"),
        ("detect good new -o s.csv --maps s.csv", "would overwrite another result"),
        ("detect good new -o new/rows.csv", "would overwrite a file of the input"),
        ("detect good new --report new/0.png", "would overwrite a file of the input"),
        ("evaluate good new --report good/0.png", "would overwrite a file of the input"),
        ("evaluate good new --report others/0.png", "name it .html"),
        ("evaluate good new --report figures.html -o figures.json", "would overwrite another result"),
        ("evaluate good new --report good/page.html", "good/page.json: would overwrite a file of the input"),
        ("evaluate good new -o good/0.png", "would overwrite a file of the input"),
        ("evaluate good new -o others/0.png", "name it .json"),
        ("inspect good -o linked/0.png", "would overwrite a file of the input"),
        ("inspect good -o others/0.png", "name it .json"),
        ("inspect good/0.png -o good/0.png", "would overwrite the input"),
        ("fit good -o good/0.genapps", "good/0.png: would overwrite a file of the input"),
        ("label good -o new.csv --copy-to new.csv", "would overwrite another result"),
        ("label new -o new/rows.csv", "would overwrite a file of the input"),
        ("label good --copy-to others", "is not empty"),
        ("label good --copy-to others/0.png/x", "no folder can be made in it"),
        ("augment good --per-class 3 -o others", "is not empty"),
        ("augment good --per-class 3 -o others/0.png/x", "no folder can be made in it"),
        ("upscale good/0.png -o good", "holds what is read"),
        ("upscale good -o large --report others/0.png", "name it .html"),
        ("stylize good/0.png --style others/0.png -o good", "holds what is read"),
        ("inpaint good --box 0,0,2,2 --model m.genapps -o good/sub", "lies in the folder that is read"),
        ("inpaint others --box 0,0,2,2 --model m.genapps -o others/0.png", "would overwrite a file of the input"),
        ("inpaint good/0.png --box 0,0,2,2 --model m.genapps --check others -o others/0.png", "a file of the input"),
        ("sample m.genapps -n 2 -o others", "is not empty"),
        ("sample m.genapps -n 2 -o others/0.png", "no earlier result of sample"),
        ("sample m.genapps -n 2 -o good/page.png", "good/page.json: is there, and no earlier result of sample"),
        ("sample m.genapps -n 2 -o /dev/full", "is a file; name a folder"),
        ("sample m.genapps -n 2 -o others/0.png/x", "is a file, and no folder can be made in it"),
        ("sample m.genapps -n 2 -o x --temperature nan", "must be a number"),
        ("sample m.genapps -n 2 -o x --temperature inf", "range"),
        ("sample m.genapps -n 2 -o x --temperature -1", "range"),
    ],
)
def test_what_is_read_or_not_ours_is_left_alone(
    words: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, count in (("good", 3), ("new", 1), ("others", 1)):
        Path(name).mkdir()
        for k in range(count):
            Image.new("L", (12, 12), 40 * k).save(f"{name}/{k}.png")
    Path("linked").symlink_to("good")
    for name in ("good/page.json", "new/rows.csv", "m.genapps"):
        Path(name).write_text("kept\n")
    before = prints(tmp_path)
    assert main(["image", *words.split()]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert prints(tmp_path) == before


def test_a_closed_stdout_is_a_reader_who_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (12, 12)).save(tmp_path / "0.png")
    monkeypatch.setattr(sys, "stdout", None)
    try:
        assert main(["image", "inspect", str(tmp_path)]) == 1
        assert main(["image", "inspect", str(tmp_path), "-q", "-o", str(tmp_path / "found.json")]) == 0
    finally:
        sys.stdout.close()
    assert (tmp_path / "found.json").exists()
    assert capsys.readouterr().err == ""
