"""Every block of the page on alarms runs, in its order, and its figures are those that were measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "anomaly.md").read_text("utf-8")
RESULTS = ROOT / "benchmarks" / "anomaly" / "results"


def test_the_page_runs_word_for_word(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    *events, promised, opened, closed = (line for line in done.stdout.splitlines() if " 1 " not in line)
    assert events == ["1655 1655 low", "3000 3019 critical"]  # one by chance, and the one that was put in
    assert promised.startswith("asked: 10 false alarms a week; on held-out normal data: ")
    assert (opened, closed) == ("open 2 critical", "close 2 critical")


def test_the_figures_are_the_committed_ones() -> None:
    for name in ("calibration", "calibration_choices"):
        for total in json.loads((RESULTS / f"{name}.json").read_text())["summary"].values():
            figures = f"| {total['series']} | {total['within']:.1%} | {total['within_fixed_threshold']:.1%} |"
            assert figures.replace("%", " %") in PAGE
    metric = json.loads((RESULTS / "metric.json").read_text())["summary"]
    assert f"{metric['agreeing']} of {metric['series']} series" in PAGE
    assert metric["cpu_s_10000_rows_window_125"] < 0.1
