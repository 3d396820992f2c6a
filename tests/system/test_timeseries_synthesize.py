"""`genapps timeseries synthesize` and `inject` as a user runs them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Here = Callable[..., object]


def table(name: str) -> list[dict[str, str]]:
    with Path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def plant(here: Here) -> Here:
    """A series of a calendar with a number, a whole number, a switch in words, a constant, a text and gaps."""
    rng = np.random.default_rng(0)
    rows = 5 * 144
    wave = np.sin(np.arange(rows) * 2 * np.pi / 144)
    heat, load = 20 + 5 * wave + rng.normal(0, 0.5, rows), 50 + 20 * wave + rng.normal(0, 3, rows)
    stamps = np.datetime64("2026-01-01T00:00") + np.arange(rows) * np.timedelta64(10, "m")
    lines = ["heat,time,load,state,site,remark"]
    for t, h, v in zip(stamps, heat, load, strict=True):
        cell = "" if rng.random() < 0.1 else f"{h:.2f}"
        lines.append(f"{cell},{str(t).replace('T', ' ')},{v:.0f},{'on' if v > 50 else 'off'},7,ok")
    Path("plant.csv").write_text("\n".join(lines) + "\n")
    hosts = [f"{name},{k},{np.sin(k / 5) + rng.normal(0, 0.1):.3f}" for name in "abcdef" for k in range(80)]
    Path("hosts.csv").write_text("\n".join(["host,t,load", *hosts]) + "\n")
    return here


def ran(plant, *words):
    done = plant("timeseries", *words)
    assert done.code == 0, done.err
    return done


def test_new_rows_are_written_as_the_old_ones_are(plant):
    done = ran(plant, "synthesize", "plant.csv", "--family", "gmm", "-n", 900, "-o", "new.csv", "--save", "m.genapps",
               "--report", "page.html")  # fmt: skip
    rows = table("new.csv")
    assert list(rows[0]) == ["heat", "time", "load", "state", "site"]
    assert (len(rows), rows[0]["time"], rows[-1]["time"]) == (900, "2026-01-06 00:00", "2026-01-12 05:50")
    old = table("plant.csv")
    for name, digits in (("heat", 2), ("load", 0)):
        known = [float(row[name]) for row in old if row[name]]
        new = [float(row[name]) for row in rows]
        assert min(known) <= min(new) <= max(new) <= max(known)
        assert all(round(value, digits) == value for value in new)
    assert all(row["load"].lstrip("-").isdigit() for row in rows)
    assert {row["state"] for row in rows} == {"on", "off"}
    assert {row["site"] for row in rows} == {"7"}
    day = [[float(row["load"]) for row in rows[k::144]] for k in (36, 108)]
    assert np.mean(day[0]) > 65 > 35 > np.mean(day[1])  # six in the morning and in the evening
    assert "AUC" in done.out
    assert "'remark'" in done.err
    page = Path("page.html").read_text()
    assert "<script" not in page
    assert "heat" in page
    assert json.loads(Path("page.json").read_text())["family"] == "gmm"

    ran(plant, "synthesize", "--model", "m.genapps", "-n", 30, "--series", 2, "--start", "same", "--missing",
        "-o", "more.csv")  # fmt: skip
    more = table("more.csv")
    assert [row["series"] for row in more] == ["1"] * 30 + ["2"] * 30
    assert more[0]["time"] == more[30]["time"] == "2026-01-01 00:00"
    assert more[0]["load"] != more[30]["load"] or more[5]["load"] != more[35]["load"]
    assert any(row["heat"] == "" for row in more)
    again = ran(plant, "synthesize", "--model", "m.genapps", "-n", 30, "--start", "same", "--seed", 3)
    assert again.out == ran(plant, "synthesize", "--model", "m.genapps", "-n", 30, "--start", "same", "--seed", 3).out


def test_many_series_make_many(plant):
    done = ran(plant, "synthesize", "hosts.csv", "--group-by", "host", "--family", "hmm", "--series", 2, "-n", 40,
               "-o", "new.csv", "--json")  # fmt: skip
    rows = table("new.csv")
    assert list(rows[0]) == ["host", "t", "load"]
    assert [row["host"] for row in rows] == ["1"] * 40 + ["2"] * 40
    assert (rows[0]["t"], rows[39]["t"]) == ("80", "119")
    figures = json.loads(done.out)
    assert figures["series"] == 2
    assert {"two_sample_auc", "forecast", "echoes", "nearness"} <= set(figures["measures"])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("few.csv",), 3, "few.csv: 5 rows are too few"),
        (("flat.csv",), 3, "flat.csv: every channel is constant"),
        (("empty_cells.csv",), 3, "no column of numbers|no channel holds a number"),
        (("text.csv",), 3, "no column of numbers"),
        (("plant.csv", "--family", "gmmm"), 2, "Did you mean 'gmm'"),
        (("plant.csv", "--start", "yesterday"), 2, "--start yesterday: give after, same, or a time"),
        ((), 2, "give either DATA to learn from or --model"),
        (("--model", "plant.csv"), 3, "not a genapps model"),
        (("plant.csv", "-o", "plant.csv"), 2, "would overwrite"),
        (("plant.csv", "--json"), 2, "cannot both go to stdout"),
        (("plant.csv", "-n", "0"), 2, "at least 1"),
    ],
)
def test_synthesize_refuses_in_one_line(plant, words, code, says):
    Path("few.csv").write_text("v\n1\n2\n3\n4\n5\n")
    Path("flat.csv").write_text("v\n" + "3\n" * 60)
    Path("empty_cells.csv").write_text("v,w\n" + ",x\n" * 60)
    Path("text.csv").write_text("v\n" + "word\n" * 60)
    done = plant("timeseries", "synthesize", *words)
    assert done.code == code, done.err
    assert len(done.err.splitlines()) == 1
    assert any(word in done.err for word in says.split("|")), done.err


def test_anomalies_are_labelled_and_all_else_is_as_it_was(plant):
    words = ("--kind", "spike,flatline", "--kind", "dropout", "--count", 6, "--strength", 5, "--length", "5..20")
    done = ran(plant, "inject", "plant.csv", *words, "-o", "new.csv", "--events", "events.jsonl")
    before, after = table("plant.csv"), table("new.csv")
    assert list(after[0]) == [*before[0], "is_anomaly", "anomaly_kind", "anomaly_id"]
    for old, new in zip(before, after, strict=True):
        changed = {name for name in old if old[name] != new[name]}
        assert changed <= {"heat", "load"}
        assert not changed or new["is_anomaly"] == "1"
        assert (new["is_anomaly"] == "1") == bool(new["anomaly_kind"]) == bool(new["anomaly_id"])
        assert not new["load"] or new["load"].lstrip("-").isdigit()
    events = [json.loads(line) for line in Path("events.jsonl").read_text().splitlines()]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert {event["kind"] for event in events} <= {"spike", "flatline", "dropout"}
    for event in events:
        rows = [row for row in after if row["anomaly_id"] == str(event["id"])]
        assert (rows[0]["time"].replace(" ", "T") + ":00", len(rows)) == (event["start"], event["rows"])
        assert event["rows"] <= (3 if event["kind"] == "spike" else 20)
    assert done.out.startswith(f"{len(events)} anomalies in ")
    judged = ran(plant, "evaluate", "new.csv", "--labels", "events.jsonl", "--alarm-column", "is_anomaly", "--json")
    assert json.loads(judged.out)["measures"]["event_f1"]["value"] == 1  # what was put in is what is labelled


def test_the_same_seed_puts_in_the_same(plant):
    first, second = (ran(plant, "inject", "plant.csv", "--seed", 4, "--count", 3).out for _ in range(2))
    assert first == second
    assert first != ran(plant, "inject", "plant.csv", "--seed", 5, "--count", 3).out
    ran(plant, "inject", "hosts.csv", "--group-by", "host", "--count", 1, "--kind", "level", "-o", "new.csv")
    assert len({row["anomaly_id"] for row in table("new.csv")} - {""}) == 6


def test_what_detect_learns_from_stays_clean_unless_asked_for(plant):
    def first(*words):
        done = ran(plant, "inject", "plant.csv", "--kind", "level", "--count", 2, *words, "-o", "new.csv")
        return [row["is_anomaly"] for row in table("new.csv")].index("1"), done.err

    row, said = first()
    assert row >= 240  # a third, as of a short series detect learns
    assert (
        "the first 240 rows stay as they were, which detect takes as normal (--train sets how many; 0 for none)" in said
    )
    row, said = first("--train", "75%")
    assert row >= 540
    assert "the first 540 rows stay as they were\n" in said
    row, said = first("--train", "0", "--count", 40)
    assert row < 18
    assert "stay as they were" not in said
    assert "had room for 9 rows at most" in said
    said = first("--train", "0", "--length", "99999")[1]
    assert "2 anomalies had room for 180 rows at most, fewer than asked for; a lower --count leaves more" in said
    assert "had room" not in first("--length", "20..30")[1]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("plant.csv", "--train", "yesterday"), 2, "--train yesterday: no such file, and no number of rows"),
        (("plant.csv", "--train", "99.9%"), 2, "leave at least 2"),
        (("plant.csv", "--kind", "spikes"), 2, "no kind of anomaly 'spikes'"),
        (("plant.csv", "--strength", "0"), 2, "numbers above 0"),
        (("plant.csv", "--length", "5.5"), 2, "whole numbers"),
        (("plant.csv", "--count", "1000"), 3, "too few for 1,000 anomalies"),
        (("plant.csv", "--channel", "heart"), 2, "Did you mean 'heat'"),
        (("labelled.csv",), 2, "has a column 'is_anomaly' already"),
        (("hosts.csv", "--channel", "load", "--kind", "correlation"), 2, "two or more"),
    ],
)
def test_inject_refuses_in_one_line(plant, words, code, says):
    Path("labelled.csv").write_text("v,is_anomaly\n" + "1,0\n2,0\n" * 60)
    done = plant("timeseries", "inject", *words)
    assert done.code == code, done.err
    assert len(done.err.splitlines()) == 1
    assert says in done.err
