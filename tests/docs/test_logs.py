"""Every step of the page on logs runs, in its order, and shows what the page shows."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from genapps.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "logs.md").read_text("utf-8")
STEPS = [shlex.split(line)[1:] for line in re.findall(r"^genapps .+$", PAGE, re.MULTILINE)]
SHOWN = [block.strip() for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) if not block.startswith("genapps")]
SAMPLE = ROOT / "domains" / "genapps_logs" / "samples" / "service.log"


def test_the_page_runs_word_for_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLE, "app.log")
    said = ""
    for step in STEPS:
        assert main(step) in (0, 10), (step, capsys.readouterr().err)
        said += capsys.readouterr().out
        for option in ("-o", "--save"):
            if option in step:
                assert Path(step[step.index(option) + 1]).exists(), step
    assert len(STEPS) >= 4
    assert SHOWN and all(block in said for block in SHOWN)


def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path / "app.log")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("421 GET <PATH>"), done.stderr


def test_the_figures_of_the_page_are_the_committed_ones() -> None:
    found = json.loads((ROOT / "benchmarks" / "anomaly" / "results" / "templates.json").read_text("utf-8"))
    for name in ("mean_of_all", "mean_developed", "mean_unseen", "mean_of_eight_at_first_look"):
        assert re.search(rf"\| \**{found['summary'][name]:.3f}\** \|", PAGE), name
