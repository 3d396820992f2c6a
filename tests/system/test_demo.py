"""The first thing a person runs: `genapps demo`, whole, as `make demo` calls it."""

from __future__ import annotations

import csv
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genapps.io.datasets import fetch, find
from genapps_music.reading.files import read_score

ROOT = Path(__file__).parents[2]


def test_make_demo_is_the_demo() -> None:
    assert "/bin/genapps demo\n" in (ROOT / "Makefile").read_text("utf-8").partition("\ndemo: setup\n")[2]


@pytest.mark.slow
def test_demo(
    command: Callable[..., subprocess.CompletedProcess[str]], here: Callable[..., Any], tmp_path: Path
) -> None:
    done = command("demo", timeout=1200)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "demo"
    header, *rows = csv.reader((folder / "synthetic.csv").read_text("utf-8").splitlines())
    real_header, *real = csv.reader(fetch(find("flights")).decode().splitlines())
    assert header == real_header
    assert len(rows) == len(real)
    # Identifiers are unique and fresh, also against the rows that were kept from the model. The target keeps its share.
    identifiers = {row[0] for row in rows}
    assert len(identifiers) == len(rows)
    assert not identifiers & {row[0] for row in real}
    late = [sum(row[-1] == "yes" for row in table) / len(table) for table in (real, rows)]
    assert abs(late[0] - late[1]) < 0.05
    assert "</html>" in (folder / "report.html").read_text("utf-8")
    # It says where everything is, and what it ran can be run again.
    for name in ("synthetic.csv", "model.genapps", "report.html"):
        assert (folder / name).is_file()
        assert f"demo/{name}" in done.stderr
    assert "\x1b" not in done.stderr
    line = shlex.split(done.stderr.splitlines()[0])
    assert line[:4] == ["$", "genapps", "tabular", "synthesize"]
    shown = here("model", "show", folder / "model.genapps")
    assert shown.code == 0
    assert "tabular" in shown.out


def test_demo_of_series(command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    done = command("timeseries", "demo", "-o", "made")
    assert done.returncode == 0, done.stderr
    assert shlex.split(done.stderr.splitlines()[0])[:4] == ["$", "genapps", "timeseries", "detect"]
    assert "(holds labels; --channel asks for it): 'label'" in done.stderr
    scores = list(csv.DictReader((tmp_path / "made" / "scores.csv").read_text("utf-8").splitlines()))
    sample = list(csv.DictReader(fetch(find("machine")).decode().splitlines()))
    assert [row["time"] for row in scores] == [row["time"] for row in sample]
    wrong = [row["is_anomaly"] for row, given in zip(scores, sample, strict=True) if given["label"] == "1"]
    assert wrong.count("true") > len(wrong) / 2
    events = (tmp_path / "made" / "events.jsonl").read_text("utf-8").splitlines()
    assert 4 <= len(events) <= 12
    assert "</html>" in (tmp_path / "made" / "report.html").read_text("utf-8")


def test_demo_of_images(here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("image", "demo", "-o", tmp_path / "found")
    assert done.code == 0, done.err
    assert shlex.split(done.err.splitlines()[0])[:4] == ["$", "genapps", "image", "detect"]
    rows = list(csv.DictReader((tmp_path / "found" / "scores.csv").read_text("utf-8").splitlines()))
    sound = [row["is_anomaly"] == "true" for row in rows if "good" in row["image"]]
    damaged = [row["is_anomaly"] == "true" for row in rows if "good" not in row["image"]]
    assert (len(sound), len(damaged)) == (12, 18)
    assert sum(damaged) >= 12
    assert sum(sound) <= 2
    assert len(list((tmp_path / "found" / "heat").rglob("*.png"))) == 30
    assert "</html>" in (tmp_path / "found" / "report.html").read_text("utf-8")


def test_demo_of_audio(here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("audio", "demo", "-o", tmp_path / "heard")
    assert done.code == 0, done.err
    assert shlex.split(done.err.splitlines()[0])[:4] == ["$", "genapps", "audio", "detect"]
    rows = list(csv.DictReader((tmp_path / "heard" / "scores.csv").read_text("utf-8").splitlines()))
    sound = [row["is_anomaly"] == "true" for row in rows if "good" in row["clip"]]
    faulty = [row["is_anomaly"] == "true" for row in rows if "good" not in row["clip"]]
    assert (len(sound), len(faulty)) == (4, 8)
    assert sum(faulty) >= 7
    assert sum(sound) <= 1
    assert "</html>" in (tmp_path / "heard" / "report.html").read_text("utf-8")


def test_demo_of_music(here: Callable[..., Any], tmp_path: Path) -> None:
    done = here("music", "demo", "-o", tmp_path / "sung")
    assert done.code == 0, done.err
    line = shlex.split(done.err.splitlines()[0])
    assert line[:4] == ["$", "genapps", "music", "harmonize"]
    chorale, melody = read_score(tmp_path / "sung" / "chorale.musicxml"), read_score(line[4])
    assert len(chorale.parts) == 4
    assert [(n.onset, n.pitch) for n in chorale.parts[0].notes] == [(n.onset, n.pitch) for n in melody.parts[0].notes]
    assert "</html>" in (tmp_path / "sung" / "report.html").read_text("utf-8")
