"""What a watch tells, however its input is cut, rotated or its process killed."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow.csv import read_csv

from genapps.errors import InputError, UsageError
from genapps.io import following
from genapps.io.appending import Output
from genapps_timeseries.watching import watch as watching
from genapps_timeseries.watching.records import Columns
from genapps_timeseries.watching.series import Asked
from genapps_timeseries.watching.state import load
from genapps_timeseries.watching.watch import Running, Watched, watch

ASKED = Asked(rate=0.01, warm_up=100)
HEADER = "time,host,load,free\n"
LONG = 120.0  # seconds that something may take to happen on a busy machine


def rows(count: int = 1200, seed: int = 0, hosts: int = 2) -> list[str]:
    """Lines of CSV: two hosts, each with spikes, a level shift and cells that are empty."""
    draws = random.Random(seed)
    made = []
    for row in range(count):
        at, host = divmod(row, hosts)
        load = 5 * math.sin(at / 9) + draws.gauss(0, 0.5) + 25 * (at % 170 == 160) + 9 * (300 <= at < 420)
        free = "" if draws.random() < 0.01 else f"{draws.gauss(50, 1):.4f}"
        made.append(f"{1_700_000_000 + 60 * at},h{host},{load:.4f},{free}\n")
    return made


def run(source: Path | str, output: Path, asked: Asked = ASKED, **more: Any) -> Watched:
    columns = more.pop("columns", Columns(group="host"))
    return watch(str(source), output=str(output), columns=columns, asked=asked, **more)


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(HEADER + "".join(rows()), "utf-8")
    return path


@pytest.fixture
def expected(data: Path, tmp_path: Path) -> bytes:
    """The lines of an uninterrupted run."""
    out = tmp_path / "whole.jsonl"
    run(data, out, state=str(tmp_path / "whole.genapps"))
    return out.read_bytes()


def test_events_open_and_close_once_and_say_why(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.jsonl"
    made = run(data, out)
    found = events(out)
    assert made.records == 1200 and made.series == 2 and made.events > 4
    states: dict[str, list[str]] = {}
    for line in found:
        states.setdefault(line["event"], []).append(line["state"])
        assert line["causal"] is True and line["reason"] and line["start"] <= line["end"]
    assert len(states) == made.events
    for told in states.values():
        assert told[0] == "open" and told[-1] == "close" and set(told[1:-1]) <= {"update"}
    assert [line["line"] for line in found] == list(range(1, len(found) + 1))
    shift = [line for line in found if line["kind"] == "level shift"]
    assert any(line["channels"][0]["channel"] == "load" for line in shift)


def child(work: Callable[[], object]) -> int:
    """A process of its own that does the work, without what a new interpreter would cost."""
    pid = os.fork()
    if not pid:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return pid


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_no_line_is_lost_or_comes_twice(
    data: Path, expected: bytes, tmp_path: Path, seed: int
) -> None:
    draws = random.Random(seed)
    out, state = tmp_path / "e.jsonl", str(tmp_path / "s.genapps")
    running = Running(save_every=0.004)
    for _ in range(12):
        pid = child(lambda: run(data, out, state=state, running=running))
        time.sleep(draws.uniform(0.005, 0.12))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    run(data, out, state=state)
    assert out.read_bytes() == expected
    run(data, out, state=state)  # nothing has come since: nothing is told
    assert out.read_bytes() == expected


def wait_until_read(state: Path, log: Path) -> None:
    """Until the watch has kept that it read the file to its last whole line: no fixed time is enough on any machine."""
    whole = log.read_bytes().rfind(b"\n") + 1
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        place = load(str(state)).kept["place"] if state.exists() else {}
        if (place.get("inode"), place.get("offset")) == (log.stat().st_ino, whole):
            return
        time.sleep(0.01)
    raise AssertionError(f"{log} was not read to byte {whole}")


@pytest.mark.parametrize("copied", [False, True], ids=["renamed", "copied and cut"])
def test_killed_while_the_file_grows_and_is_rotated(expected: bytes, tmp_path: Path, copied: bool) -> None:
    draws = random.Random(copied)
    log, out, state = tmp_path / "log.csv", tmp_path / "e.jsonl", str(tmp_path / "s.genapps")
    running = Running(follow=True, save_every=0.01)
    left = rows()
    log.write_text(HEADER, "utf-8")
    pid, rotations = 0, 0
    while left or pid:
        if not pid:
            pid = child(lambda: run(log, out, state=state, running=running))
        for _ in range(draws.randrange(1, 4)):
            piece, left = "".join(left[:40]), left[40:]
            cut = draws.randrange(len(piece) + 1)
            for half in (piece[:cut], piece[cut:]):
                with log.open("a", encoding="utf-8") as file:
                    file.write(half)
                time.sleep(0.004)
        if left and draws.random() < 0.3:
            wait_until_read(Path(state), log)  # whoever copies and cuts must leave time to read what was there
            rotations += 1
            old = tmp_path / f"log.csv.{rotations}"
            if copied:
                old.write_bytes(log.read_bytes())
                log.write_text(HEADER, "utf-8")
            else:
                log.rename(old)
                log.write_text(HEADER, "utf-8")
        if left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            pid = 0
        else:
            deadline = time.monotonic() + LONG
            while time.monotonic() < deadline and out.read_bytes() != expected:
                time.sleep(0.02)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            break
    assert rotations and out.read_bytes() == expected


class Dying(Output):
    """An output whose process is killed at the n-th line, before or after it is written."""

    last, written = 0, False

    def write(self, line: dict[str, Any]) -> bool:
        if self.count + 1 == self.last and not self.written:
            os.kill(os.getpid(), signal.SIGKILL)
        made = super().write(line)
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return made


@pytest.mark.parametrize("written", [False, True])
def test_of_a_pipe_what_was_told_is_known_to_be_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    pipe, out, state = tmp_path / "pipe", tmp_path / "e.jsonl", str(tmp_path / "s.genapps")
    os.mkfifo(pipe)
    hold = os.open(pipe, os.O_RDWR)  # what is not read yet stays in the pipe
    monkeypatch.setattr(Dying, "written", written)
    monkeypatch.setattr(watching, "Output", Dying)
    monkeypatch.setattr(following, "_CHUNK", 256)  # what a killed process had read is gone: little at a time
    lines = data.read_bytes().splitlines(keepends=True)
    for last in range(1, 9):
        monkeypatch.setattr(Dying, "last", last)
        pid = child(lambda: run(pipe, out, state=state))
        done = 0
        while not done:
            done, _ = os.waitpid(pid, os.WNOHANG)
            if lines and not done:
                os.write(hold, b"".join(lines[:5]))
                del lines[:5]
                time.sleep(0.001)
        assert len(events(out)) == last - (not written)
        monkeypatch.setattr(Dying, "last", 0)
    found = events(out)
    assert [line["line"] for line in found] == list(range(1, len(found) + 1))
    assert len({(line["event"], line["state"]) for line in found if line["state"] != "update"}) == len(
        [line for line in found if line["state"] != "update"]
    )
    os.close(hold)


def test_a_torn_line_of_output_is_made_whole(data: Path, expected: bytes, tmp_path: Path) -> None:
    out, state = tmp_path / "e.jsonl", str(tmp_path / "s.genapps")
    assert run(data, out, state=state, stop=lambda: True).stopped
    known = out.stat().st_size
    out.write_bytes(expected[: known + (len(expected) - known) // 2])
    run(data, out, state=state)
    assert out.read_bytes() == expected


def test_other_options_do_not_go_on_from_a_state(data: Path, tmp_path: Path) -> None:
    out, state = tmp_path / "e.jsonl", str(tmp_path / "s.genapps")
    run(data, out, state=state)
    with pytest.raises(UsageError, match="another rate"):
        run(data, out, Asked(rate=0.02, warm_up=100), state=state)
    with pytest.raises(UsageError, match="another input"):
        run(tmp_path / "other.csv", out, state=state)
    (tmp_path / "s.genapps").write_bytes(b"PK nonsense")
    with pytest.raises(InputError):
        run(data, out, state=state)


def test_json_lines_say_the_same_and_a_cut_one_is_left_out(data: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    run(data, out)
    lines = []
    for row in rows():
        moment, host, load, free = row.strip().split(",")
        record = {"time": int(moment), "host": host, "load": float(load), "free": float(free) if free else None}
        lines.append(json.dumps(record))
    lines.insert(700, lines[700][:31])
    lines.insert(800, "")
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    said: list[str] = []
    made = run(path, other, say=said.append)
    assert other.read_bytes() == out.read_bytes()
    assert made.left_out == {"is no JSON object, perhaps cut in half": 1}
    assert any(text.startswith("line 701: left out") for text in said)


def test_time_that_goes_backwards_is_left_out_until_the_clock_was_set_back(tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "e.jsonl"
    stamps = [*range(1000), 500, *range(1000, 1300), *range(700, 1000)]
    draws = random.Random(3)
    path.write_text("time,x\n" + "".join(f"{1_700_000_000 + s},{draws.gauss(0, 1):.4f}\n" for s in stamps), "utf-8")
    said: list[str] = []
    made = run(path, out, columns=Columns(), say=said.append)
    assert made.left_out == {"lies behind the one before in time": 1 + 19}
    assert any("clock was set back 1 time" in text for text in said)
    assert made.records == len(stamps) - 20


def test_a_storm_is_bounded_and_said(tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "e.jsonl"
    draws = random.Random(4)
    values = [draws.gauss(0, 1) + (row > 600 and row % 40 == 0) * 60 * (1 + row / 900) for row in range(3000)]
    path.write_text("time,x\n" + "".join(f"{1_700_000_000 + r},{v:.4f}\n" for r, v in enumerate(values)), "utf-8")
    said: list[str] = []
    quiet = run(path, out, Asked(rate=0.01, warm_up=300, most=5), columns=Columns(), say=said.append)
    loud = run(path, tmp_path / "l.jsonl", Asked(rate=0.01, warm_up=300, most=1000), columns=Columns())
    assert loud.events > 20 and quiet.events == 5  # all of it is within one hour
    assert any("still too many, so the threshold is raised" in text for text in said)


def test_normal_records_of_another_file_are_learnt_at_once_be_it_csv_or_parquet(tmp_path: Path) -> None:
    lines = rows()
    del lines[100:110]  # rows that are missing are no records
    train, path, out = tmp_path / "train.csv", tmp_path / "a.csv", tmp_path / "e.jsonl"
    train.write_text(HEADER + "".join(lines[:300]), "utf-8")
    path.write_text(HEADER + "".join(lines[300:400]), "utf-8")
    said: list[str] = []
    run(path, out, train=str(train), say=said.append)
    assert any("learnt 300 records" in text for text in said) and not any("warm-up" in text for text in said)
    assert {line["record"] for line in events(out)}
    same, packed = tmp_path / "same.jsonl", tmp_path / "train.parquet"
    pq.write_table(read_csv(train), packed)
    run(path, same, train=str(packed))
    assert same.read_bytes() == out.read_bytes()
    pq.write_table(read_csv(train).drop_columns(["free"]), packed)
    with pytest.raises(UsageError, match=r"train\.parquet: has no column 'free'"):
        run(path, same, train=str(packed))


def test_a_channel_that_is_not_there_is_suggested_among_the_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,temp\n" + "".join(f"2026-01-01 00:{k:02},{k % 7}\n" for k in range(30)), "utf-8")
    with pytest.raises(UsageError, match=r"no column 'tmep' in the input. Did you mean 'temp'\?"):
        run(path, tmp_path / "e.jsonl", columns=Columns(channels=("tmep",)))
    with pytest.raises(UsageError, match=r"no column 'tmie' in the input.$"):
        run(path, tmp_path / "e.jsonl", columns=Columns(channels=("tmie",)))


def counting(count: int, jump: int, first: float = 0.0) -> list[str]:
    """A counter that grows by about 3 a record, once by 300, and is set back at 1,200."""
    draws, value, lines = random.Random(3), first, []
    for row in range(count):
        value = 5.0 if row == 1200 else value + draws.gauss(3, 0.5) + 300 * (row == jump)
        lines.append(f"{1_700_000_000 + 60 * row},{value:.2f}\n")
    return lines


def test_of_a_counter_the_steps_are_judged_across_a_restart(tmp_path: Path) -> None:
    columns, lines = Columns(), ["time,count\n", *counting(1600, 1500)]
    path, state, out = tmp_path / "count.csv", tmp_path / "s.genapps", tmp_path / "o.jsonl"
    for stop in (1000, len(lines)):  # the second run goes on from the last value of the first
        path.write_text("".join(lines[:stop]), "utf-8")
        run(path, out, Asked(), columns=columns, state=str(state))
    told = [event for event in events(out) if event["state"] == "open"]
    jump = [event for event in told if event["reason"].startswith("steps of count: 30")]
    assert len(jump) == 1 and jump[0]["value"] == pytest.approx(303, abs=3)
    assert jump[0]["channels"] == [{"channel": "count", "share": 1.0}]
    assert len(told) <= 3  # values far beyond all that was learnt are no events, nor is being set back


def test_a_gap_is_as_severe_as_records_are_missing(tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "e.jsonl"
    hours = [k + 30 * (k >= 80) + 200 * (k >= 100) for k in range(120)]
    stamps = [f"2026-01-{1 + h // 24:02}T{h % 24:02}:00:00" for h in hours]
    path.write_text("time,x\n" + "".join(f"{stamp},{k % 7}\n" for k, stamp in enumerate(stamps)), "utf-8")
    run(path, out, Asked(warm_up=50), columns=Columns())
    told = [(line["state"], line["severity"]) for line in events(out) if line["kind"] == "gap"]
    assert told == [("open", "high"), ("close", "high"), ("open", "critical"), ("close", "critical")]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", InputError, "empty|no records"),
        ("a,b\n", InputError, "no record in the first lines: there is nothing to watch; give records"),
        ("name,word\nx,y\nz,w\n", InputError, "no column of numbers"),
    ],
)
def test_what_cannot_be_watched_is_refused(tmp_path: Path, text: str, error: type[Exception], says: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(error, match=says):
        run(path, tmp_path / "e.jsonl", columns=Columns(), state=str(tmp_path / "s.genapps"))
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"], "nothing is left of a run that was refused"


def test_text_of_another_encoding_is_named_and_read(data: Path, tmp_path: Path) -> None:
    out, other, path = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "data_1.csv"
    text = data.read_text("utf-8").replace("load", "größe")
    data.write_text(text, "utf-8")
    path.write_text(text, "latin-1")
    run(data, out)
    with pytest.raises(InputError, match="line 1: not UTF-8 text; try --encoding latin-1"):
        run(path, other)
    run(path, other, columns=Columns(group="host", encoding="latin-1"))
    assert "größe" in other.read_text("utf-8") and other.read_bytes() == out.read_bytes()
    path.write_text(text, "utf-16")
    with pytest.raises(InputError, match="UTF-16; watch it with: iconv"):
        run(path, tmp_path / "c.jsonl")
    with pytest.raises(UsageError, match="iconv"):
        Columns(encoding="utf-16")
    path.write_bytes(random.Random(0).randbytes(5000))
    with pytest.raises(InputError, match="binary data"):
        run(path, tmp_path / "c.jsonl")


def test_where_the_lines_before_are_is_said_with_another_output(data: Path, tmp_path: Path) -> None:
    out, other, state = tmp_path / "e.jsonl", tmp_path / "other.jsonl", str(tmp_path / "s.genapps")
    run(data, out, state=state)
    told = len(events(out))
    other.write_bytes(out.read_bytes() * 2 + b"what another program wrote")
    said: list[str] = []
    run(data, other, state=state, say=said.append)
    assert f"{told} lines told before went to {out}; {other} gets what comes now" in said
    assert other.read_bytes() == out.read_bytes() * 2 + b"what another program wrote"


def test_a_single_record_is_warm_up_and_said_to_be_one(tmp_path: Path) -> None:
    path, said = tmp_path / "one.csv", list[str]()
    path.write_text(HEADER + rows(1)[0], "utf-8")
    assert run(path, tmp_path / "e.jsonl", say=said.append).records == 1
    assert any("all of it was warm-up (1 record, 100 of a series are learnt first)" in text for text in said)


def test_too_many_series_are_left_out_and_said(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    made = run(data, tmp_path / "e.jsonl", running=Running(max_series=1), say=said.append)
    assert made.series == 1 and made.records == 600
    assert made.left_out == {"belongs to a series beyond the first 1": 600}
