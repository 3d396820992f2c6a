"""The Python of the page on sounds runs, word for word."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import soundfile

PAGE = (Path(__file__).parents[2] / "docs" / "audio.md").read_text("utf-8")


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert blocks
    draws = np.random.default_rng(0)
    for k in range(20):
        place = tmp_path / "clips" / ("yes" if k % 2 else "no")
        place.mkdir(parents=True, exist_ok=True)
        time = np.arange(800) / 4000
        wave = 0.2 * np.exp(-5 * time) * np.sin(2 * np.pi * draws.uniform(300, 900) * time)
        soundfile.write(place / f"{k}.wav", wave, 4000)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    assert soundfile.info(tmp_path / "back.wav").samplerate == 4000
