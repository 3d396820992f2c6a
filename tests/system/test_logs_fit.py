"""`genapps logs fit`, and `detect` with what it learnt, as a user runs them; also on what is hardly a log."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genapps.cli import main

Here = Callable[..., tuple[int, str, str]]
START = 1_770_000_000


def jobs(count: int, seed: int = 0, broken: int = -1) -> list[str]:
    """Jobs of four steps each, some at once; one of them may stop in the middle."""
    draw = random.Random(seed)
    events, now = [], 0.0
    for job in range(count):
        now += draw.expovariate(0.2)
        name = f"{draw.getrandbits(64):016x}"
        steps = ["queued", "started on node", f"wrote {draw.randint(100, 900)} rows", "finished"]
        events += [(now + k, name, text) for k, text in enumerate(steps[: 2 if job == broken else 4])]
    stamp = np.datetime64("2026-03-02T00:00:00")
    return [f"{stamp + np.timedelta64(int(t), 's')} INFO job {name} {text}" for t, name, text in sorted(events)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Run the command here, beside normal.log and other.log, in which a job stops; gives exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    Path("normal.log").write_text("\n".join(jobs(800)) + "\n")
    Path("other.log").write_text("\n".join(jobs(300, 1, broken=150)) + "\n")

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["logs", *map(str, words)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_what_fit_learns_is_what_detect_judges_by(here: Here) -> None:
    code, out, err = here("fit", "normal.log", "-o", "m.genapps")
    assert code == 0, err
    assert re.search(r"^sessions    \d+ by <HEX>, scored by counts and markov$", out, re.MULTILINE)
    code, out, _ = here("detect", "other.log", "--model", "m.genapps", "--fail-on-anomaly")
    assert code == 10
    assert "1 missing step" in out.splitlines()[0]
    (line,) = (line for line in out.splitlines() if line.endswith("started on node"))
    assert line.strip() in Path("other.log").read_text()
    assert "sessions by <HEX>: asked: 0.01 of normal sessions in alarm; on held-out normal sessions:" in out
    assert here("detect", "normal.log", "--model", "m.genapps", "--fail-on-anomaly", "--json")[0] in (0, 10)


def test_the_same_log_gives_the_same_model(here: Here) -> None:
    for name in ("a", "b"):
        assert here("fit", "normal.log", "-o", f"{name}.genapps", "--json")[0] == 0
    assert Path("a.genapps").read_bytes() == Path("b.genapps").read_bytes()


def test_events_report_and_table_agree(here: Here) -> None:
    words = ["--train", "normal.log", "--events", "e.jsonl", "--report", "r.html", "-o", "f.jsonl"]
    code, _, err = here("detect", "other.log", *words)
    assert code == 0, err
    findings = [json.loads(line) for line in Path("f.jsonl").read_text().splitlines()]
    events = [json.loads(line) for line in Path("e.jsonl").read_text().splitlines()]
    assert {one["id"] for one in events} == {one["id"] for one in findings}
    assert all(one["text"] in Path("other.log").read_text() and one["time"] for one in events)
    page = Path("r.html").read_text("utf-8")
    assert "<svg" in page and "Lines over time" in page and "Missing steps" in page
    assert findings[0]["text"][:40] in page and "<script" not in page
    assert json.loads(Path("r.json").read_text())["findings"] == findings


def test_update_and_accept_are_remembered(here: Here) -> None:
    assert here("fit", "normal.log", "-o", "m.genapps")[0] == 0
    name = json.loads(here("detect", "other.log", "--model", "m.genapps", "--json")[1])["findings"][0]["id"]
    assert here("fit", "normal.log", "--update", "m.genapps", "--accept", name)[0] == 0
    code, out, _ = here("detect", "other.log", "--model", "m.genapps", "--json")
    found = json.loads(out)
    assert code == 0 and name not in {one["id"] for one in found["findings"]}
    assert found["normal_lines"] == 2 * 3200


def hostile(kind: str) -> bytes:
    """A log with something in it that does not belong."""
    lines = [line.encode() for line in jobs(100, 3)]
    odd = {
        "garbage": np.random.default_rng(1).bytes(2000).replace(b"\n", b"\0"),
        "long": b"2026-03-02 00:00:00 INFO job " + b"x" * 10_000_000,
        "latin": "2026-03-02 00:00:00 INFO job 5eed00005eed0000 größe äöü".encode("latin-1"),
        "nul": b"\0" * 5000 + lines[0],
        "json": b'{"ts": "2026-03-02T00:00:00", "msg": "cut in ha',
        "backwards": b"1999-01-01 00:00:00 INFO job 5eed00005eed0000 queued",
        "future": b"2999-01-01 00:00:00 INFO job 5eed00005eed0000 queued",
        "no such day": b"2026-02-31 25:61:00 INFO job 5eed00005eed0000 queued",
        "masks": b"2026-03-02 00:00:00 INFO the <NUM> of <*> is <IP> 5",
    }[kind]
    return b"\n".join([*lines[:200], odd, *lines[200:]]) + b"\n"


@pytest.mark.parametrize(
    "kind", ["garbage", "long", "latin", "nul", "json", "backwards", "future", "no such day", "masks"]
)
def test_hostile_lines_stop_nothing(here: Here, kind: str) -> None:
    Path("odd.log").write_bytes(hostile(kind))
    assert here("fit", "normal.log", "-o", "m.genapps")[0] == 0
    for words in (
        ["detect", "odd.log", "--model", "m.genapps"],
        ["detect", "odd.log"],
        ["fit", "odd.log", "-o", "o.genapps"],
    ):
        code, out, err = here(*words)
        assert code == 0, err
        assert all(letter.isprintable() for letter in out.replace("\n", ""))
    if kind in ("garbage", "long", "latin", "nul"):
        assert "line 201" in err
    found = json.loads(here("detect", "odd.log", "--model", "m.genapps", "--json")[1])["findings"]
    assert len(found) <= 4, [one["reason"] for one in found]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["fit", "normal.log"], 2, "where is the model to go"),
        (["fit", "none.log", "-o", "m.genapps"], 2, "no such file"),
        (["fit", "empty.log", "-o", "m.genapps"], 3, "empty"),
        (["fit", "normal.log", "-o", "m.bin"], 2, "ends in .genapps"),
        (["fit", "normal.log", "-o", "m.genapps", "--family", "markow"], 2, "markov"),
        (["fit", "normal.log", "-o", "m.genapps", "--session", "("], 2, "no pattern"),
        (["fit", "normal.log", "--update", "normal.log"], 2, "ends in .genapps"),
        (["detect", "other.log", "--train", "normal.log", "--false-alarm-rate", "0"], 2, "above 0"),
        (["detect", "other.log", "--train", "normal.log", "--events", "other.log"], 2, "would overwrite"),
        (["detect", "other.log", "--train", "normal.log", "--group-by", "host"], 2, "tell no host"),
        (["detect", "other.log", "--model", "bad.genapps", "--family", "hmm"], 2, "a model brings"),
        (["detect", "other.log", "--model", "bad.genapps"], 3, "not a genapps model"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line(here: Here, words: list[str], code: int, says: str) -> None:
    Path("empty.log").write_bytes(b"")
    Path("bad.genapps").write_bytes(b"not a model")
    before = sorted(Path().iterdir())
    done, out, err = here(*words)
    assert (done, out) == (code, "")
    assert says in err and len(err.splitlines()) == 1
    assert sorted(Path().iterdir()) == before, "nothing is left behind"


def test_events_hold_new_templates_too(here: Here) -> None:
    text = Path("other.log").read_text() + "2026-03-02 23:00:00 INFO nobody ever said this before\n"
    Path("more.log").write_text(text)
    here("detect", "more.log", "--train", "normal.log", "--events", "e.jsonl", "-o", "f.jsonl")
    events = [json.loads(line) for line in Path("e.jsonl").read_text().splitlines()]
    new = [one for one in events if one["kind"] == "new"]
    assert len(new) == 1 and "nobody ever said" in new[0]["text"]
    assert {one["id"] for one in events} == {
        json.loads(line)["id"] for line in Path("f.jsonl").read_text().splitlines()
    }
