"""`genapps logs detect` as a user runs it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from genapps.cli import main
from genapps.io.artifact import write_artifact

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
    assert rows[:2] == ["Ncac7e381  new: no line like this among 1,400 normal ones", "    line 41"]
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
    code, out, err = here(*words, "--accept", "N0255ab07", "--accept", "Ncac7e381")
    assert code == 10 and re.findall(r"^(\w+)  new:", out, re.MULTILINE) == ["Nfc69a19a"]
    first, second = (
        "md/raid1: disk failure on sdb1, disabling device",
        "blk_update_request: I/O error, dev sdb, sector <NUM>",
    )
    assert f"note: accepted: N0255ab07 “{first}”, Ncac7e381 “{second}”; written to m.genapps" in err
    code, out, err = here(*words, "--accept", "Nfc69a19a")
    assert code == 0 and "0 new templates, 0 rare;" in out
    assert "accepted: Nfc69a19a “EXT4-fs error (device sdb1): unable to read inode <NUM>”; written" in err
    assert "0 new templates, 0 rare;" in here(*words)[1]


def test_an_id_never_means_another_template(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    garbage = b"\n".join(bytes(range(1, 9)) * 4 for _ in range(3)) + b"\n"
    Path("after.log").write_bytes(garbage + Path("after.log").read_bytes() + garbage)
    assert main(["logs", "fit", "before.log", "-o", "m.genapps"]) == 0

    def found() -> dict[str, str]:
        rows = json.loads(here("after.log", "--model", "m.genapps", "--json")[1])["findings"]
        return {row["id"]: row["template"] for row in rows if row["kind"] == "new"}

    def told(*more: str) -> dict[str, str]:
        capsys.readouterr()
        assert main(["logs", "watch", "after.log", "--model", "m.genapps", *more]) == 0
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        return {line["id"]: line["template"] for line in lines if line["kind"] == "new"}

    left = found()
    assert len(left) >= 3 and told() == left
    for name in reversed(list(left)):  # numbers would go on after that of the first that is accepted
        assert told("--accept", name) == {other: text for other, text in left.items() if other != name}
        assert here("after.log", "--model", "m.genapps", "--accept", name)[0] == 0
        del left[name]
        assert found() == told() == left
    assert here("after.log", "--model", "m.genapps", "--accept", name)[0] == 0, "one that was accepted before"
    assert here("after.log", "--model", "m.genapps", "--accept", "N00000000")[0] == 2


def test_a_model_of_something_else_is_refused_with_what_makes_one(here: Here) -> None:
    write_artifact("n.genapps", {}, {"domain": "timeseries", "family": "detector"})
    code, _, err = here("after.log", "--model", "n.genapps")
    assert code == 3 and "n.genapps: no model of a log; one is written by: genapps logs fit LOG -o FILE" in err


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
