"""The Python of the page on music runs, word for word, and the commands that it names are there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from genapps_music import Note, Part, Score, write_score
from genapps_music.cli import ELSEWHERE

PAGE = (Path(__file__).parents[2] / "docs" / "music.md").read_text("utf-8")


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert blocks
    generator = np.random.default_rng(0)
    for folder in ("scores", "new"):
        (tmp_path / folder).mkdir()
        for k in range(8):
            lines = 2 * generator.integers(0, 6, (2, 16)) + np.array([[60], [48]])
            parts = (
                Part(tuple(Note(480 * t, 480, int(p)) for t, p in enumerate(line)), name)
                for line, name in zip(lines, ("upper", "lower"), strict=True)
            )
            write_score(tmp_path / folder / f"{k}.mid", Score(tuple(parts)))
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    for name in ("chain.genapps", "first.musicxml", "page.html", "page.json"):
        assert (tmp_path / name).exists()


def test_the_commands_of_the_page_are_there_and_the_other_way_round() -> None:
    named = set(re.findall(r"genapps music ([a-z]+)", PAGE))
    assert named <= set(ELSEWHERE)
    assert set(ELSEWHERE) - {"demo"} <= named
