"""`genapps timeseries watch` as a user runs it."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Here = Callable[..., Any]
LONG = 120.0  # seconds that something may take to happen on a busy machine


def table(rows: int = 900) -> str:
    draws = random.Random(0)
    lines = ["time,load,fan"]
    for row in range(rows):
        load = 5 * math.sin(row / 9) + draws.gauss(0, 0.5) + 25 * (row in (700, 701, 820))
        fan = "on" if row % 50 < 30 else "off"
        lines.append(f"2026-01-{1 + row // 1440:02} {row // 60 % 24:02}:{row % 60:02},{load:.3f},{fan}")
    return "\n".join(lines) + "\n"


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "genapps", "timeseries", "watch", *map(str, words)]


def test_events_are_json_lines_and_notes_go_to_stderr(here: Here, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(), "utf-8")
    done = here("timeseries", "watch", "a.csv", "--fail-on-anomaly")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 10
    assert {"open", "close"} <= {line["state"] for line in lines}
    assert any(line["start"] == "2026-01-01T11:40:00" and "load: " in line["reason"] for line in lines)
    assert all(line["causal"] for line in lines)
    assert "no score looks ahead" in done.err and "the first 500 records" in done.err
    assert "2 channels (load, fan)" in done.err
    assert here("timeseries", "watch", "a.csv", "-q").err == ""


def test_the_model_of_fit_stands_for_the_warm_up(here: Here, tmp_path: Path) -> None:
    whole = table(1800).splitlines(keepends=True)
    (tmp_path / "train.csv").write_text("".join(whole[:601]), "utf-8")
    (tmp_path / "new.csv").write_text("".join([whole[0], *whole[650:850]]), "utf-8")
    assert here("timeseries", "fit", "train.csv", "-o", "normal.genapps", "-q").code == 0
    done = here("timeseries", "watch", "new.csv", "--model", "normal.genapps")
    assert done.code == 0 and "normal.genapps holds to be normal" in done.err
    assert '"start": "2026-01-01T11:40:00"' in done.out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["none.csv"], 2, "no such file"),
        (["a.csv", "--family", "best"], 2, "watch knows ensemble and light"),
        (["a.csv", "--false-alarm-rate", "2"], 2, "at most 0.5"),
        (["a.csv", "--false-alarm-rate", "0.1", "--alarms-per-week", "1"], 2, "give one of them"),
        (["a.csv", "--time", "tim"], 2, "Did you mean 'time'?"),
        (["-", "--follow"], 2, "--follow is for a file"),
        (["a.csv", "--train", "a.csv", "--model", "b"], 2, "give one of them"),
        (["empty.csv"], 3, "no records"),
        (["words.csv"], 3, "nothing to watch"),
        (["a.csv", "--state", "a.csv"], 2, "would overwrite"),
        (["a.csv", "-o", "a.csv"], 2, "would overwrite"),
        (["a.csv", "--state", "s", "-o", "s"], 2, "would overwrite"),
        (["a.csv", "--state", "words.csv"], 3, "not a genapps model"),
        (["garbage.csv"], 3, "not text but binary data"),
        (["."], 2, "is a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line(here: Here, tmp_path: Path, words: list[str], code: int, says: str) -> None:
    (tmp_path / "a.csv").write_text(table(600), "utf-8")
    (tmp_path / "empty.csv").write_text("", "utf-8")
    (tmp_path / "words.csv").write_text("a,b\nsome,words\n", "utf-8")
    (tmp_path / "garbage.csv").write_bytes(random.Random(0).randbytes(50_000) + b'"\r"')
    done = here("timeseries", "watch", *words)
    assert done.code == code and says in done.err, done.err
    assert done.err.startswith("genapps: ") and done.err.count("\n") == 1


def test_standard_input_is_answered_while_it_comes() -> None:
    lines = table().splitlines(keepends=True)
    with subprocess.Popen(
        command("-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write("".join(lines[:702]))  # the last of them is the spike
        process.stdin.flush()
        found = json.loads(process.stdout.readline())
        assert found["state"] == "open" and process.poll() is None
        process.stdin.close()
        assert '"state": "close"' in process.stdout.read()
    assert process.returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_asked_to_end_it_saves_and_goes_on_later(tmp_path: Path, number: int, code: int) -> None:
    path, out, state = tmp_path / "a.csv", tmp_path / "e.jsonl", tmp_path / "s.genapps"
    lines = table().splitlines(keepends=True)
    path.write_text("".join(lines[:710]), "utf-8")
    words = (path, "--follow", "--state", state, "-o", out)
    process = subprocess.Popen(command(*words), stderr=subprocess.PIPE)
    deadline = time.monotonic() + LONG
    while not (out.exists() and out.read_bytes()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=LONG)
    assert process.returncode == code, said
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines[710:]))
    on = subprocess.run(command(path, "--state", state, "-o", out), capture_output=True, text=True, check=True)
    assert "going on from" in on.stderr
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["line"] for line in found] == list(range(1, len(found) + 1))
    opened = [line["event"] for line in found if line["state"] == "open"]
    assert len(opened) == len(set(opened)) >= 2


def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(table(), "utf-8")
    words = " ".join(command(tmp_path / "a.csv"))
    done = subprocess.run(f"{words} | head -c 1", shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr and "Broken" not in done.stderr
