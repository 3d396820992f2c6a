"""`genapps timeseries detect` and `fit` as a user runs them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Here = Callable[..., Any]
DAY = 48
START = datetime(2026, 1, 1)


def write(name: str, rows: int = 1000, seed: int = 0, *, marked: bool = True, first: int = 0) -> Path:
    """A file of half hours: temperature with a season, load without one; something happens in row 700."""
    draws = np.random.default_rng(seed)
    hours = np.arange(first, first + rows)
    temperature = 20 + 5 * np.sin(2 * np.pi * hours / DAY) + draws.normal(0, 0.4, rows)
    load = draws.normal(100, 4, rows)
    if marked:
        temperature[700:720] += 12
    lines = ["time,temperature,load"]
    for k in range(rows):
        when = START + timedelta(minutes=30 * (first + k))
        lines.append(f"{when:%Y-%m-%d %H:%M},{temperature[k]:.3f},{load[k]:.3f}")
    path = Path(name)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def detect(here: Here, *words: object) -> Any:
    return here("timeseries", "detect", *words)


def test_events_promise_and_exit_code(here: Here) -> None:
    done = detect(here, write("a.csv"), "--fail-on-anomaly", "--false-alarm-rate", "0.005")
    assert done.code == 10
    lines = done.out.splitlines()
    assert lines[0].startswith("a.csv: 1,000 rows every 30 min, 2026-01-01 00:00:00 to ")
    assert lines[2].split() == ["id", "start", "end", "severity", "channels", "kind", "reason"]
    assert any("2026-01-15" in line and "temperature" in line and "critical" in line for line in lines)
    assert lines[-1].startswith("asked: ")
    assert "note: time is read from 'time'" in done.err
    quiet = detect(here, write("b.csv", marked=False), "--false-alarm-rate", "0.005", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_row_for_each_row_of_the_input_whatever_its_order(here: Here) -> None:
    head, *rows = write("a.csv").read_text("utf-8").splitlines()
    shuffled = [rows[k] for k in np.random.default_rng(2).permutation(len(rows))] + [rows[5]]
    Path("b.csv").write_text("\n".join([head, *shuffled]) + "\n", "utf-8")
    assert detect(here, "a.csv", "-o", "sa.csv", "-q").code == 0
    assert detect(here, "b.csv", "-o", "sb.csv", "-q", "--train", "333").code == 0
    with Path("sa.csv").open() as one, Path("sb.csv").open() as other:
        first, second = list(csv.DictReader(one)), list(csv.DictReader(other))
    names = ["time", "score", "p_value", "threshold", "is_anomaly", "event_id", "expected", "lower", "upper"]
    assert list(first[0]) == [*names, "top_channel", "contribution_temperature", "contribution_load"]
    assert [row["time"] for row in first] == [row.split(",")[0] for row in rows]
    assert [row["time"] for row in second] == [row.split(",")[0] for row in shuffled]
    by_time = {row["time"]: row["score"] for row in first}
    assert sum(by_time[row["time"]] == row["score"] for row in second) > 0.98 * len(second)
    flagged = [row for row in first if row["is_anomaly"] == "true"]
    assert {"temperature"} == {row["top_channel"] for row in flagged[:10]}
    assert all(row["event_id"] for row in flagged)


def test_other_formats_and_json(here: Here) -> None:
    write("a.csv")
    done = detect(here, "a.csv", "--json", "-o", "s.parquet", "--events", "e.jsonl", "--report", "r.html")
    found = json.loads(done.out)
    events = [json.loads(line) for line in Path("e.jsonl").read_text("utf-8").splitlines()]
    assert found["events"] == events
    assert {"id", "start", "end", "peak", "severity", "p_value", "channels", "kind", "nearest_normal", "reason"} <= set(
        events[0]
    )
    assert found["promise"]["sentence"].startswith("asked: ")
    assert found["scores_file"] == "s.parquet"
    import pyarrow.parquet as pq

    assert pq.read_table("s.parquet").num_rows == 1000
    page = Path("r.html").read_text("utf-8")
    assert len(page) < 2_000_000
    assert "<script" not in page
    assert page.count('class="chart series"') >= 3
    assert json.loads(Path("r.json").read_text("utf-8"))["events"] == events


def test_several_series_of_one_file(here: Here) -> None:
    head, *calm = write("a.csv", 600, 1, marked=False).read_text("utf-8").splitlines()
    _, *wild = write("a.csv", 1000, 2).read_text("utf-8").splitlines()
    lines = [f"{head},host", *(f"{row},a" for row in calm), *(f"{row},b" for row in wild), f"{calm[0]},c"]
    Path("hosts.csv").write_text("\n".join(lines) + "\n", "utf-8")
    done = detect(here, "hosts.csv", "--group-by", "host", "-o", "s.csv", "--events", "e.jsonl")
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("a: 600 rows")
    assert "(of each series)" in done.out
    worst = max(
        (json.loads(line) for line in Path("e.jsonl").read_text("utf-8").splitlines()), key=lambda e: e["severity"]
    )
    assert worst["series"] == "b"
    with Path("s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["series"] for row in rows] == ["a"] * 600 + ["b"] * 1000 + [""]
    assert "1 group of fewer than 16 rows left out: 'c'" in done.err


def test_what_is_normal_is_learnt_once_and_gone_on_with(here: Here) -> None:
    write("jan.csv", 800, 1, marked=False)
    write("feb.csv", 400, 2, marked=False, first=800)
    write("mar.csv", 900, 3, first=1200)
    fitted = here("timeseries", "fit", "jan.csv", "-o", "n.genapps")
    assert fitted.code == 0
    assert fitted.out.startswith("800 normal rows of 2 channels")
    grown = here("timeseries", "fit", "feb.csv", "--update", "n.genapps", "-o", "n.genapps", "--json")
    assert json.loads(grown.out)["series"][0]["rows"] == 1200
    shown = here("model", "show", "n.genapps")
    assert "model of timeseries data" in shown.out
    found = detect(here, "mar.csv", "--model", "n.genapps", "--json", "--false-alarm-rate", "0.005")
    events = json.loads(found.out)["events"]
    worst = max(events, key=lambda event: event["severity"])
    assert worst["channels"][0]["name"] == "temperature"
    words = ("mar.csv", "--model", "n.genapps", "--json", "--false-alarm-rate", "0.005")
    assert detect(here, *words, "--accept", worst["id"]).code == 0
    after = json.loads(detect(here, *words).out)["events"]
    assert worst["start"] not in {event["start"] for event in after}
    assert max((event["severity"] for event in after), default=0) < worst["severity"]


def test_settings_come_from_a_file_or_by_name(here: Here) -> None:
    write("a.csv", 300, marked=False)
    Path("run.toml").write_text('false_alarm_rate = 0.02\nmin_length = "2h"\n', "utf-8")
    words = ("a.csv", "--config", "run.toml", "--json")
    assert json.loads(detect(here, *words).out)["promise"]["rate"] == 0.02
    assert json.loads(detect(here, *words, "--set", "false_alarm_rate=0.03").out)["promise"]["rate"] == 0.03
    assert json.loads(detect(here, *words, "--false-alarm-rate", "0.04").out)["promise"]["rate"] == 0.04


REFUSED = [
    (("--false-alarm-rate", "0.01", "--alarms-per-week", "1"), 2, "give one of them"),
    (("--false-alarm-rate", "2"), 2, "above 0, at most 0.5"),
    (("--merge", "soon"), 2, "--merge soon: give a number of rows, or a time"),
    (("--train", "never"), 2, "--train never"),
    (("--accept", "77"), 2, "--accept 77: there is no such event"),
    (("--model", "a.csv"), 3, "not a genapps model"),
    (("--model", "none.genapps"), 2, "none.genapps"),
    (("--model", "a.csv", "--train", "30%"), 2, "leave out --train"),
    (("-o", "s.txt"), 2, "a table's name ends in"),
    (("-o", "a.csv"), 2, "would overwrite the input"),
    (("--report", "r.json"), 2, "name it .html"),
    (("--json", "-o", "-"), 2, "cannot both go to stdout"),
    (("--channel", "humidity"), 2, "--channel humidity"),
    (("--set", "season=x"), 2, "--season x"),
]


@pytest.mark.parametrize(
    ("words", "code", "says"), REFUSED, ids=lambda value: " ".join(value) if value and isinstance(value, tuple) else ""
)
def test_what_cannot_be_done_is_said_in_one_line(here: Here, words: tuple[str, ...], code: int, says: str) -> None:
    write("a.csv", 120, marked=False)
    done = detect(here, "a.csv", *words)
    assert done.code == code
    assert says in done.err
    assert done.err.strip().count("\n") == 0
    assert sorted(path.name for path in Path().iterdir()) == ["a.csv"]


BAD = {
    "no numbers": ("time,name\n2026-01-01,a\n2026-01-02,b\n", "no column of numbers"),
    "all unknown": ("time,x\n" + "".join(f"2026-01-{d:02},\n" for d in range(1, 29)), "x"),
    "one row": ("time,x\n2026-01-01,1\n", "1 row"),
    "few rows": ("x\n" + "1\n2\n" * 5, "bad.csv: 10 rows, and it takes 16 or more"),
    "empty": ("", "the file is empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_no_series_can_be_made_of_is_refused(here: Here, name: str) -> None:
    text, says = BAD[name]
    Path("bad.csv").write_text(text, "utf-8")
    done = detect(here, "bad.csv", "-o", "s.csv")
    assert done.code == 3
    assert says in done.err
    assert done.err.strip().count("\n") == 0
    assert not Path("s.csv").exists()


def test_odd_series_work(here: Here) -> None:
    rows = np.arange(300)
    Path("constant.csv").write_text("x,y\n" + "".join(f"5,{(r * 7919) % 13}\n" for r in rows), "utf-8")
    assert detect(here, "constant.csv").code == 0
    Path("same.csv").write_text("x\n" + "5\n" * 250 + "6\n" + "5\n" * 49, "utf-8")
    done = detect(here, "same.csv")
    assert done.code == 0
    assert "x was 6 where it had always been 5" in done.out
    Path("holes.csv").write_text(
        "x\n" + "".join(f"{r % 10}\n" if r % 3 else "\n" for r in rows).replace("\n\n", "\nNA\n"), "utf-8"
    )
    assert detect(here, "holes.csv").code == 0
