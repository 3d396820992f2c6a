"""`genapps image inspect` prints whatever names files and classes have, each on its line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.cli import main


def test_names_of_any_bytes_stay_on_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    for name in (b"cl\nass \x1b[31m/0.png", b"cl\nass \x1b[31m/new\nline.png", b"dog/bad\xff.png", b"dog/0.png"):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), len(name), np.uint8)).save(tmp_path / "made.png")
        (tmp_path / "made.png").rename(path)
    (folder / "dog" / "again\n.png").write_bytes((folder / "dog" / "0.png").read_bytes())
    (folder / "dog" / "cut\n.png").write_text("no image")
    assert main(["image", "inspect", str(folder), "-o", str(tmp_path / "found.json")]) == 0
    said = capsys.readouterr()
    assert r"cl\nass \x1b[31m 2" in said.out
    assert r"copies      1, such as dog/0.png and dog/again\n.png" in said.out
    assert said.err.splitlines() == [
        r"skipped dog/bad\xff.png: its name is not UTF-8; rename it",
        r"skipped dog/cut\n.png: no image of a known format",
    ]
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert found["classes"] == {"cl\nass \x1b[31m": 2, "dog": 2}, "figures keep the names that files have"
