"""Every step of the tables tutorial runs, in its order, on the table it begins with."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from genapps.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "tabular.md").read_text("utf-8")
STEPS = [shlex.split(line)[1:] for line in re.findall(r"^genapps .+$", PAGE, re.MULTILINE)]
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TRAINING = {"synthesize", "fit", "augment"}
SHORT = ["--family", "gmm", "--set", "gmm.max_iter=3", "--set", "gmm.trees=1"]


@pytest.mark.slow
def test_the_tutorial_runs_word_for_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(STEPS) >= 8
    monkeypatch.chdir(tmp_path)
    for step in STEPS:
        quick = [*step, *(SHORT if set(step) & TRAINING else [])]
        quick += ["--set", "training.epochs=2"] if "embed" in step else []
        assert main(quick) == 0, (step, capsys.readouterr().err)
        for option in ("-o", "--report", "--model"):
            if option in step:
                assert Path(step[step.index(option) + 1]).exists(), step
    late = Path("late.csv").read_text("utf-8").splitlines()
    assert len(late) == 201 and all(",JFK," in line and line.endswith(",yes") for line in late[1:])
    (code,) = PYTHON
    code = code.replace("synthesize(flights, 1000)", "synthesize(flights, 1000, config=quick)")
    start = 'from genapps_tabular.config import TabularConfig\nquick = TabularConfig(family="gmm")\n'
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
