"""`genapps logs templates` as a user runs it: on the log that ships, on other people's, and on what is no log."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genapps.cli import main

SAMPLE = Path(__file__).parents[2] / "domains" / "genapps_logs" / "samples" / "service.log"
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Here = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Run the command inside this process, in a folder that holds app.log; gives exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(SAMPLE, "app.log")

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_table_for_people(here: Here) -> None:
    code, out, err = here("logs", "templates", "app.log", "--top", 3)
    head, names, *rows = out.splitlines()
    assert (code, err) == (0, "")
    assert head == "app.log: 1,500 lines of the format syslog, 17 templates"
    assert names.split() == ["id", "lines", "share", "first", "template"]
    assert rows[0].split("  ")[-1] == "GET <PATH> <NUM> in <DURATION> for <IP>"
    assert rows[-1].startswith("and 14 more with ")


def test_files_for_programs_say_the_same(here: Here) -> None:
    for name in ("t.csv", "t.json", "t.jsonl"):
        assert here("logs", "templates", "app.log", "-o", name)[0] == 0
    with Path("t.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    whole = json.loads(Path("t.json").read_text("utf-8"))
    rows = [json.loads(line) for line in Path("t.jsonl").read_text("utf-8").splitlines()]
    assert whole["templates"] == rows and len(table) == len(rows) == 17
    assert [(row["id"], int(row["count"]), row["template"]) for row in table] == [
        (row["id"], row["count"], row["template"]) for row in rows
    ]
    assert sum(row["count"] for row in rows) == whole["lines"] == 1500
    assert sum(row["share"] for row in rows) == pytest.approx(1.0)
    lines = SAMPLE.read_text("utf-8").splitlines()
    assert all(lines[row["first_line"] - 1] == row["example"] for row in rows)
    assert json.loads(here("logs", "templates", "app.log", "--json")[1])["templates"] == rows
    assert here("logs", "templates", "app.log", "-o", "-")[1] == Path("t.csv").read_text("utf-8")


def test_the_same_log_gives_the_same_bytes(here: Here) -> None:
    for name in ("a", "b"):
        assert here("logs", "templates", "app.log", "-o", f"{name}.csv", "--save", f"{name}.genapps")[0] == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert Path("a.genapps").read_bytes() == Path("b.genapps").read_bytes()


def test_gzip_and_standard_input(command: Run, tmp_path: Path) -> None:
    (tmp_path / "app.log.gz").write_bytes(gzip.compress(SAMPLE.read_bytes()))
    packed = command("logs", "templates", "app.log.gz", "-o", "-")
    with SAMPLE.open("rb") as file:
        piped = command("logs", "templates", "-", "-o", "-", stdin=file)
    assert packed.returncode == piped.returncode == 0
    assert packed.stdout == piped.stdout
    assert "stdin: 1,500 lines of the format syslog" in piped.stderr


def test_saved_templates_know_what_is_new(here: Here) -> None:
    lines = SAMPLE.read_text("utf-8").splitlines(keepends=True)
    Path("before.log").write_text("".join(lines[:1400]), "utf-8")
    Path("after.log").write_text("".join(lines[1400:]), "utf-8")
    assert here("logs", "templates", "before.log", "--save", "m.genapps")[0] == 0
    code, out, err = here("logs", "templates", "after.log", "--model", "m.genapps", "--json", "--save", "n.genapps")
    assert code == 0, err
    found = json.loads(out)["templates"]
    new = [row for row in found if row["is_new"]]
    assert [row["count"] for row in new] == [1, 1, 1]
    assert {row["template"].split()[0] for row in new} == {"blk_update_request:", "EXT4-fs", "md/raid1:"}
    assert {row["id"] for row in new} == {"T15", "T16", "T17"}
    known = {row["template"]: row["id"] for row in found if not row["is_new"]}
    before = json.loads(here("logs", "templates", "before.log", "--json")[1])["templates"]
    assert known.items() <= {row["template"]: row["id"] for row in before}.items()
    assert " new " in here("logs", "templates", "after.log", "--model", "m.genapps")[1]
    assert "0 of them new" in here("logs", "templates", "after.log", "--model", "n.genapps")[1]
    assert here("model", "show", "m.genapps")[1].startswith("m.genapps: a templates model of logs data")


def test_a_form_can_be_forced_and_lines_of_others_are_said(here: Here) -> None:
    code, out, err = here("logs", "templates", "app.log", "--format", "hdfs")
    assert code == 0
    assert "of the format hdfs" in out
    assert "1,500 of 1,500 lines (100.0 %) are not of the format hdfs" in err
    code, _, err = here("logs", "templates", "app.log", "--format", "sylog")
    assert code == 2 and "syslog" in err and len(err.splitlines()) == 1


def test_too_many_templates_are_bounded_and_said(here: Here) -> None:
    words = ["".join(chr(97 + int(digit)) for digit in str(n)) for n in range(500)]
    Path("many.log").write_text("\n".join(f"{word} happens" for word in words), "utf-8")
    code, out, err = here("logs", "templates", "many.log", "--max-templates", 100, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert len(found["templates"]) <= 100
    assert "more than 100 templates" in found["notes"][0]


HOSTILE = {
    "empty.log": (b"", 3, "the file is empty"),
    "blank.log": (b"\n\n", 3, "only blank lines"),
    "garbage.log": (np.random.default_rng(1).bytes(300_000), 3, "not text but binary data"),
    "garbage.log.gz": (gzip.compress(np.random.default_rng(1).bytes(300_000)), 3, "not text but binary data"),
    "cut.log.gz": (gzip.compress(SAMPLE.read_bytes())[:-9], 3, "damaged or cut short"),
    "table.log": (b"PK\x03\x04" + b"0" * 99, 3, "a zip archive"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_log_is_one_line_and_nothing_is_left_behind(here: Here, name: str) -> None:
    data, code, says = HOSTILE[name]
    Path(name).write_bytes(data)
    done, out, err = here("logs", "templates", name, "-o", "t.csv", "--save", "m.genapps")
    assert (done, out) == (code, "")
    assert says in err and name in err and len(err.splitlines()) == 1
    assert sorted(path.name for path in Path().iterdir()) == sorted(["app.log", name])


def test_a_line_of_ten_megabytes(here: Here) -> None:
    text = SAMPLE.read_bytes()
    Path("long.log").write_bytes(text + b"Mar  9 00:00:00 web1 shop[1]: " + b"x, " * 3_500_000 + b"\n" + text)
    code, out, err = here("logs", "templates", "long.log", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["lines"] == 3001 and len(found["templates"]) == 18
    assert found["notes"] == ["1 line longer than 65,536 bytes, of which the rest was left out: line 1,501"]


def test_a_json_line_cut_in_half(here: Here) -> None:
    lines = [json.dumps({"ts": n, "level": "info", "msg": f"order {n} paid"}) for n in range(100)]
    Path("app.json").write_text("\n".join(lines) + "\n" + lines[0][: len(lines[0]) // 2], "utf-8")
    code, out, err = here("logs", "templates", "app.json", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["format"], found["lines"], found["unmatched"]) == ("json", 101, 1)
    assert [row["count"] for row in found["templates"]] == [100, 1]
    assert found["templates"][0]["template"] == "order <NUM> paid"
    assert "1 of 101 lines" in found["notes"][0]


def test_odd_characters_reach_no_terminal_and_break_nothing(here: Here) -> None:
    Path("odd.log").write_text('{"msg": "half \\ud800 a letter"}\n{"msg": "bell \\u0007 and \\u009b31m"}\n', "utf-8")
    code, out, err = here("logs", "templates", "odd.log", "--save", "m.genapps")
    assert code == 0, err
    assert all(letter.isprintable() for letter in out.replace("\n", ""))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.log"], "no such file"),
        (["."], "is a directory"),
        (["app.log", "-o", "t.parquet"], ".csv, .json, .jsonl"),
        (["app.log", "-o", "app.log.csv/t.csv"], "does not exist"),
        (["app.log", "--save", "m.bin"], "ends in .genapps"),
        (["app.log", "-o", "-", "--json"], "cannot both go to stdout"),
        (["app.log", "--model", "none.genapps"], "no such file"),
        (["app.log", "--top", "0"], "at least 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line(here: Here, words: list[str], says: str) -> None:
    code, out, err = here("logs", "templates", *words)
    assert (code, out) == (2, "")
    assert says in err and len(err.splitlines()) == 1


def test_the_input_is_never_overwritten(here: Here) -> None:
    shutil.copy("app.log", "app.csv")
    code, _, err = here("logs", "templates", "app.csv", "-o", "./app.csv")
    assert code == 2 and "would overwrite" in err


def test_a_model_of_other_data_is_refused(here: Here) -> None:
    Path("bad.genapps").write_bytes(b"not a model")
    code, _, err = here("logs", "templates", "app.log", "--model", "bad.genapps")
    assert code == 3 and "not a genapps model" in err


def test_the_demo_finds_what_was_put_in(here: Here) -> None:
    code, out, err = here("logs", "demo", "-o", "results")
    assert code == 0, err
    assert err.splitlines()[0].startswith("$ genapps logs detect ") and " --train " in err.splitlines()[0]
    told = re.findall(r"^\S+  (\w+): ", out, re.MULTILINE)
    assert told == ["missing", "value", "burst", "silence", "new"], out
    lines = (SAMPLE.parent / "shop.log").read_text("utf-8").splitlines()
    shown = re.findall(r"^    lines? ([\d,]+).*\n    (.+)$", out, re.MULTILINE)
    assert [lines[int(line.replace(",", "")) - 1] for line, _ in shown] == [text for _, text in shown]
    assert "90412; normal" in out and "expected T6" in out and "disk failure" in out
    assert [path.name for path in Path("results").iterdir()] == ["events.jsonl"]


def test_the_logs_of_the_demo_come_from_their_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SAMPLE.parents[3] / "datasets"))
    from build_shop_log import main as build  # type: ignore[import-not-found]

    build(tmp_path)
    for name in ("normal.log", "shop.log"):
        assert (tmp_path / name).read_bytes() == (SAMPLE.parent / name).read_bytes()
