"""`genapps logs watch` as a user runs it: from a pipe, through a rotation, and killed again and again."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from genapps.cli import main
from genapps.io.artifact import read_artifact

Run = Callable[..., "subprocess.CompletedProcess[str]"]
START = 1_770_000_000
LONG = 120.0  # seconds that something may take to happen on a busy machine


def lines_of(count: int, first: int = 0) -> list[str]:
    """A job that runs in steps, one job in a second; every hundredth stops in the middle, some say something new."""
    found = []
    for job in range(first, first + count):
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(START + job))
        steps = ["queued", f"started on node{job % 3}", f"wrote {100 + job * 7 % 400} rows", "finished"]
        if job > 1000 and job % 100 == 0:
            steps = steps[:2]
        if job > 1000 and job % 150 == 0:
            steps.append(f"could not remove scratch file of {job}")
        found += [f"{stamp} INFO job {0x5EED0000 + job * 7919:x} {step}" for step in steps]
    return found


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model of normal jobs."""
    monkeypatch.chdir(tmp_path)
    Path("normal.log").write_text("\n".join(lines_of(1000)) + "\n")
    assert main(["logs", "fit", "normal.log", "-o", "m.genapps"]) == 0
    return tmp_path


def states(path: Path | str) -> list[tuple[str, str, int]]:
    """(state, id, count) of each line of output."""
    found = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    assert [line["line"] for line in found] == list(range(1, len(found) + 1)), "no line is lost or told twice"
    return [(line["state"], line["id"], line["count"]) for line in found]


def test_a_pipe_is_watched_and_each_finding_is_told_once(desk: Path, command: Run) -> None:
    text = "\n".join(lines_of(900, 1001)) + "\n"
    done = command("logs", "watch", "-", "--model", "m.genapps", "--fail-on-anomaly", input=text)
    assert done.returncode == 10, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    opened = [line for line in told if line["state"] == "open"]
    assert {line["kind"] for line in opened} >= {"new", "missing"}
    assert len({line["event"] for line in opened}) == len(opened)
    assert {line["event"] for line in told if line["state"] == "close"} == {line["event"] for line in opened}
    for short in (line for line in opened if line["kind"] == "missing"):
        assert "wrote" in short["reason"] and short["sessions"]
        assert short["text"] in text


def test_the_first_lines_are_learnt_where_nothing_is_known(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("all.log").write_text("\n".join(lines_of(1900)) + "\n")
    capsys.readouterr()
    assert main(["logs", "watch", "all.log", "--warm-up", "4000"]) == 0
    out, err = capsys.readouterr()
    assert "the first 4,000 lines are learnt" in err
    assert {json.loads(line)["kind"] for line in out.splitlines()} >= {"new", "missing"}
    assert main(["logs", "watch", "normal.log"]) == 0
    out, err = capsys.readouterr()
    assert out == "" and "all of it was warm-up" in err


def test_a_killed_watch_goes_on_in_a_rotated_file_with_nothing_lost_or_repeated(desk: Path) -> None:
    lines = lines_of(1500, 1001)
    cuts = [0, 900, 1700, 2600, 3500, 4300, len(lines)]
    Path("whole.log").write_text("\n".join(lines) + "\n")
    options = ["--model", "m.genapps", "--save-every", "0.05s"]
    assert main(["logs", "watch", "whole.log", *options, "--state", "w.genapps", "-o", "whole.jsonl"]) == 0
    log, output = Path("app.log"), Path("out.jsonl")
    words = ["logs", "watch", "app.log", "--follow", *options, "--state", "s.genapps", "-o", "out.jsonl"]
    log.write_text("")
    draws = random.Random(0)
    for turn, (start, end) in enumerate(pairwise(cuts)):
        process = subprocess.Popen([sys.executable, "-m", "genapps", *words], stderr=subprocess.DEVNULL)
        before, middle = log.stat().st_size, (start + end) // 2
        append(log, lines[start:middle])
        wait_for(lambda at=before: read_to(log) > at)  # type: ignore[misc]
        if turn == 2:  # rotated under a running watch
            log.rename("app.log.1")
            log.write_text("")
        append(log, lines[middle:end])
        if turn < len(cuts) - 2:
            time.sleep(draws.uniform(0, 0.1))  # killed while it reads or after
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    wanted = states("whole.jsonl")
    wait_for(lambda: read_to(log) == log.stat().st_size and len(output.read_bytes().splitlines()) >= len(wanted))
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG) == 0
    assert states(output) == wanted and len(wanted) >= 4


def append(log: Path, lines: list[str]) -> None:
    with log.open("a") as file:
        file.write("\n".join(lines) + "\n")


def read_to(log: Path) -> int:
    """How many bytes of a file a watch has kept that it read: -1 where it has not come to this file."""
    if not Path("s.genapps").exists():
        return -1
    place = json.loads(read_artifact(Path("s.genapps")).tensors["watch"].tobytes())["place"]
    return int(place["offset"]) if place["inode"] == log.stat().st_ino else -1


def wait_for(done: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["none.log"], 2, "no such file"),
        (["-", "--follow"], 2, "--follow is for a file"),
        (["normal.log", "--model", "m.genapps", "--train", "normal.log"], 2, "cannot both be given"),
        (["normal.log", "--model", "m.genapps", "--state", "m.genapps"], 2, "would overwrite"),
        (["normal.log", "--model", "m.genapps", "--state", "other.genapps"], 2, "not the state of a watch"),
        (["normal.log", "-o", "normal.log"], 2, "would overwrite"),
        (["normal.log", "--false-alarm-rate", "2"], 2, "above 0"),
        (["normal.log", "--model", "m.genapps", "--accept", "T99"], 2, "no template 'T99' in the model"),
        (["normal.log", "--model", "m.genapps", "--accept", "T99:burst"], 2, "no finding 'T99:burst' in the model"),
        (["none.log", "--model", "m.genapps"], 2, "no such file"),
        (["empty.log"], 3, "empty"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_watched_is_one_line(
    desk: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    Path("empty.log").write_bytes(b"")
    Path("other.genapps").write_bytes(Path("m.genapps").read_bytes())
    capsys.readouterr()
    assert main(["logs", "watch", *words]) == code
    out, err = capsys.readouterr()
    assert out == "" and says in err.splitlines()[-1]
    assert "watching" not in err or code == 3, "nothing is begun that cannot be"


def test_what_was_accepted_and_never_came_is_said(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("more.log").write_text("2026-01-01 00:00:00 INFO nobody ever said this before\n")
    words = ["logs", "watch", "more.log", "--model", "m.genapps", "--state", "s.genapps"]
    assert main(words) == 0
    (name,) = {json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()}
    Path("s.genapps").unlink()
    for _ in range(2):  # anew, then from the state
        assert main([*words, "--accept", name, "--accept", "N00000000"]) == 0
        out, err = capsys.readouterr()
        assert out == "" and "--accept N00000000: no such line came" in err and f"--accept {name}" not in err


def test_odd_lines_do_not_stop_it(desk: Path, command: Run) -> None:
    Path("odd.log").write_bytes(
        b"\n".join(line.encode() for line in lines_of(300, 1101))
        + b"\n"
        + bytes(range(256)) * 4
        + b"\n\0\0\0\n"
        + b"x" * 10_000_000
        + b"\n2026-01-01 00:00:00 INFO job 5eed0000 queued\n\xe4\xf6\xfc caf\xe9 cut in ha"
    )
    done = command("logs", "watch", "odd.log", "--model", "m.genapps")
    assert done.returncode == 0, done.stderr
    assert "1 line longer than 65,536 bytes, of which the rest was left out: line 1,203" in done.stderr
    assert "5 lines of no text (1,016 bytes), left out; the first is line 1,197" in done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(line["kind"] == "new" and line["lines"] == [1203] for line in told), "its beginning is judged"


NO_LOG = {
    "garbage": (random.Random(0).randbytes(40_000), "not text but binary data"),
    "garbage after text": (
        b"a fine line\n" * 25_000 + (bytes(range(1, 9)) * 400 + b"\n") * 200,
        "640,000 bytes of 940,200 are no text",
    ),
    "UTF-16": ("2026-01-01 00:00:00 INFO job queued\n".encode("utf-16"), "UTF-16; convert it first: iconv"),
    "nothing": (b"", "the file is empty"),
    "blank lines": (b"\n\n  \n", "only blank lines"),
    "gzip": (gzip.compress(b"some line\n" * 99), "zcat FILE | genapps logs watch -"),
}


@pytest.mark.parametrize("name", NO_LOG)
def test_what_is_no_log_is_refused_as_detect_does(desk: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    data, says = NO_LOG[name]
    Path("no.log").write_bytes(data)
    tasks = [["watch", "no.log", "--model", "m.genapps"], ["watch", "no.log"]]
    for words in tasks if name == "gzip" else [*tasks, ["detect", "no.log", "--model", "m.genapps"]]:
        capsys.readouterr()
        more = ["-o", "told.jsonl"] if words[0] == "watch" else []
        assert main(["logs", *words, *more]) == 3
        assert says in capsys.readouterr().err.splitlines()[-1], words
        told = Path("told.jsonl")
        judged = name == "garbage after text" and words == tasks[0]
        assert told.exists() == judged, "what was told before stays, and nothing is left but that"
        told.unlink(missing_ok=True)


def test_lines_of_another_form_and_another_output_are_said_once(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("new.log").write_text("\n".join(line[20:] for line in lines_of(500)) + "\n")
    words = ["logs", "watch", "new.log", "--model", "m.genapps", "--state", "w.genapps", "-o"]
    assert main([*words, "a.jsonl"]) == 0
    err = capsys.readouterr().err
    assert err.count("not of the format iso that was learnt: taken whole") == 1
    assert main([*words, "b.jsonl"]) == 0
    err = capsys.readouterr().err
    assert f"{len(states('a.jsonl'))} lines told before went to a.jsonl; b.jsonl gets what comes now" in err
    assert Path("b.jsonl").read_bytes() == b""
    Path("normal.log").rename("n.log")
    words[2] = "n.log"
    assert main([*words, "b.jsonl"]) == 2
    assert "another input, new.log; give this one another --state" in capsys.readouterr().err
