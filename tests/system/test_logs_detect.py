"""`genapps logs detect` as a user runs it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from genapps.cli import main

SAMPLE = Path(__file__).parents[2] / "domains" / "genapps_logs" / "samples" / "service.log"
Here = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Run the command here, in a folder with before.log and after.log; gives exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    lines = SAMPLE.read_text("utf-8").splitlines(keepends=True)
    Path("before.log").write_text("".join(lines[:1400]), "utf-8")
    Path("after.log").write_text("".join(lines[1400:]), "utf-8")

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["logs", "detect", *map(str, words)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_findings_for_people_and_the_exit_code(here: Here) -> None:
    code, out, err = here("after.log", "--train", "before.log", "--fail-on-anomaly")
    head, *rows = out.splitlines()
    assert code == 10
    assert err.startswith("note: before.log: no identifier of sessions was found") and len(err.splitlines()) == 1
    assert head.startswith("after.log: 100 lines of the format syslog, 3 new templates, 0 rare; of ")
    assert rows[:2] == ["T15  new: no line like this among 1,400 normal ones", "    line 41"]
    assert rows[2].endswith("I/O error, dev sdb, sector 550385")
    assert here("after.log", "--train", "before.log")[0] == 0
    assert here("before.log", "--train", "before.log", "--fail-on-anomaly")[0] == 0


def test_files_and_json_say_the_same(here: Here) -> None:
    for name in ("f.csv", "f.json", "f.jsonl"):
        assert here("after.log", "--train", "before.log", "-o", name)[0] == 0
    rows = [json.loads(line) for line in Path("f.jsonl").read_text("utf-8").splitlines()]
    assert json.loads(Path("f.json").read_text("utf-8"))["findings"] == rows
    assert json.loads(here("after.log", "--train", "before.log", "--json")[1])["findings"] == rows
    with Path("f.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["id"], row["lines"], row["reason"]) for row in csv.DictReader(file)] == [
            (row["id"], " ".join(map(str, row["lines"])), row["reason"]) for row in rows
        ]


def test_accepting_is_remembered_by_the_model(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "templates", "before.log", "--save", "m.genapps"]) == 0
    words = ("after.log", "--model", "m.genapps", "--fail-on-anomaly")
    assert here(*words)[0] == 10
    code, _, err = here(*words, "--accept", "T15", "--accept", "T16", "--accept", "T17")
    assert code == 0 and "note: accepted: T15, T16, T17; written to m.genapps" in err
    code, out, _ = here(*words)
    assert code == 0 and "0 new templates, 0 rare;" in out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["after.log", "--train", "none.log"], 2, "no such file"),
        (["after.log", "--train", "before.log", "--model", "m.genapps"], 2, "cannot both be given"),
        (["after.log", "--train", "before.log", "--accept", "T1"], 2, "remembers"),
        (["-", "--train", "-"], 2, "only one of the two logs"),
        (["after.log", "--train", "empty.log"], 3, "empty.log: the file is empty"),
        (["empty.log", "--train", "before.log"], 3, "empty.log: the file is empty"),
        (["after.log", "-o", "f.html"], 2, ".csv, .json, .jsonl"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line(here: Here, words: list[str], code: int, says: str) -> None:
    Path("empty.log").write_bytes(b"")
    done, out, err = here(*words)
    assert (done, out) == (code, "")
    assert says in err and len(err.splitlines()) == 1
