"""The Python of the page on images runs, word for word."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PAGE = (Path(__file__).parents[2] / "docs" / "image.md").read_text("utf-8")


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert blocks
    draws = np.random.default_rng(0)
    for folder in ("photos", "made"):
        (tmp_path / folder).mkdir()
        for k in range(40):
            Image.fromarray(draws.integers(0, 256, (8, 8), dtype=np.uint8)).save(tmp_path / folder / f"{k}.png")
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    assert (tmp_path / "noise.genapps").exists()
