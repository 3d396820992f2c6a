"""Every step of the page on series runs, in its order, and its figures are those that were measured."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest

from genapps.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "timeseries.md").read_text("utf-8")
STEPS = [shlex.split(line)[1:] for line in re.findall(r"^genapps .+$", PAGE, re.MULTILINE)]
SAMPLE = ROOT / "domains" / "genapps_timeseries" / "samples" / "machine.csv"
RESULTS = ROOT / "benchmarks" / "anomaly" / "results"


def test_the_page_runs_word_for_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first = SAMPLE.read_text("utf-8").splitlines(keepends=True)[:1701]  # the days that the page learns, and some more
    Path("sensors.csv").write_text("".join(first), "utf-8")
    for step in STEPS:
        assert main(step) in (0, 10), (step, capsys.readouterr().err)
        for option in ("-o", "--save", "--report", "--events"):
            if option in step:
                assert Path(step[step.index(option) + 1]).exists(), step
    assert len(STEPS) >= 2


@pytest.mark.filterwarnings("error")
def test_the_python_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLE, "sensors.csv")
    Path("page.py").write_text("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), "utf-8")
    runpy.run_path("page.py")
    assert capsys.readouterr().out.startswith(
        "4032 ('temperature', 'pressure', 'vibration', 'running') 600.0\ntime is read from"
    )


def test_reading_is_as_fast_and_small_as_the_page_says() -> None:
    measured = json.loads((RESULTS / "scale.json").read_text())["summary"]
    said = re.findall(r"([\d.]+) million rows a CPU second from CSV and ([\d.]+) million", PAGE)
    speeds = [measured[name]["rows_a_cpu_s"] / 1e6 for name in ("read_csv", "read_parquet")]
    assert [[int(10 * speed) / 10 for speed in speeds]] == [[float(speed) for speed in pair] for pair in said]
    assert measured["read_csv"]["memory_mb"] < 500


def test_kinds_are_told_as_often_as_the_page_says() -> None:
    result = json.loads((RESULTS / "kinds.json").read_text())
    said = re.search(
        r"right for (\d+) % of 400 anomalies .*?for (\d+) % of (\d+) that the detector had", PAGE, re.DOTALL
    )
    assert said is not None
    given, found, count = map(int, said.groups())
    assert [given, found] == [int(100 * result["summary"][name]) for name in ("rows_given", "rows_found")]
    told = [number for row in result["rows"] for name, number in row["found"].items() if name != "(not found)"]
    assert count == sum(told)


def test_severity_is_earned_as_the_page_says() -> None:
    result = json.loads((RESULTS / "severity.json").read_text())["summary"]
    said = re.search(
        r"Of (\d+) false events on (\d+) made .*? none is critical .*? of (\d+) faults .*? (\d+) are", PAGE
    )
    assert said is not None
    names = ("false", "series", "faults", "faults_critical")
    assert list(map(int, said.groups())) == [result[name] for name in names]
    assert result["false_critical"] == 0
