"""Every step of the tables tutorial runs, in its order, on a fifth of the table it begins with."""

from __future__ import annotations

import re
import runpy
import shlex
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
        if "datasets" in step:
            header, *rows = Path("flights.csv").read_text("utf-8").splitlines()
            assert len(rows) == 7500
            Path("flights.csv").write_text("\n".join([header, *rows[::5]]) + "\n", "utf-8")
    late = Path("late.csv").read_text("utf-8").splitlines()
    assert len(late) == 201 and all(",JFK," in line and line.endswith(",yes") for line in late[1:])
    (code,) = PYTHON
    code = code.replace("synthesize(flights, 1000)", "synthesize(flights, 1000, config=quick)")
    start = 'from genapps_tabular.config import TabularConfig\nquick = TabularConfig(family="gmm")\n'
    Path("page.py").write_text(start + code, "utf-8")
    runpy.run_path("page.py")
