"""`genapps timeseries evaluate` as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Here = Callable[..., object]


@pytest.fixture
def files(here: Here) -> Here:
    """Scores, labels in their three forms; the runner works in that folder."""
    rng = np.random.default_rng(0)
    rows = 1500
    truth = np.zeros(rows, int)
    truth[300:320], truth[900:960] = 1, 1
    score = rng.random(rows) + 0.6 * truth
    stamps = np.datetime64("2026-01-01T00:00:00") + np.arange(rows) * np.timedelta64(300, "s")
    cells = [f"{stamps[i]},{score[i]:.4f},{int(score[i] > 1.0)},{truth[i]}" for i in range(rows)]
    Path("scores.csv").write_text("\n".join(["time,score,is_anomaly,truth", *cells]))
    kinds = ["flatline" if t else "" for t in truth]
    wave = np.sin(np.arange(rows) * 2 * np.pi / 48)
    lines = [f"{stamps[i]},{wave[i]:.3f},{truth[i]},{kinds[i]}" for i in range(rows)]
    Path("labels.csv").write_text("\n".join(["time,value,label,anomaly_kind", *lines]))
    Path("windows.csv").write_text(f"start,end\n{stamps[300]},{stamps[319]}\n{stamps[900]},{stamps[959]}\n")
    Path("rows.csv").write_text("score\n" + "\n".join(f"{s:.4f}" for s in score))
    Path("rowwindows.csv").write_text("start,end\n301,320\n901,960\n")
    return here


def evaluate(files, *words):
    done = files("timeseries", "evaluate", *words)
    assert done.code == 0, done.err
    return done


def test_labels_in_every_form_give_the_same_figures(files):
    made = [
        json.loads(evaluate(files, "scores.csv", "--labels", labels, "--window", 48, "--json").out)
        for labels in ("truth", "labels.csv", "windows.csv")
    ]
    assert made[0]["measures"] == made[1]["measures"] == made[2]["measures"]
    assert made[1]["kinds"] == [{"kind": "flatline", "events": 2, "found": 2}]
    by_row = json.loads(evaluate(files, "rows.csv", "--labels", "rowwindows.csv", "--window", 48, "--json").out)
    assert by_row["measures"]["vus_pr"]["value"] == made[0]["measures"]["vus_pr"]["value"]
    assert set(by_row["measures"]) == {"vus_pr", "auc_pr"}


def test_what_a_person_reads(files):
    done = evaluate(files, "scores.csv", "--labels", "labels.csv", "--report", "page.html")
    assert done.out.startswith("1,500 rows, 0.7 weeks, 2 events in 5.3 % of them, ")
    assert "buffers up to 48 rows" in done.out  # the period of the series beside the labels
    for words in ("VUS-PR", "random", "always alarm", "False alarms a week", "flatline"):
        assert words in done.out
    assert "isleading" not in done.out
    page = Path("page.html").read_text()
    assert "VUS-PR" in page
    assert "<script" not in page
    assert json.loads(Path("page.json").read_text())["events"] == 2
    assert "misleading" in evaluate(files, "scores.csv", "--labels", "truth", "--point-adjusted").out


def test_the_events_of_detect_are_the_alarms_and_series_stay_apart(files):
    """Two series in turn: an event of each, one with a calm row; each would be many runs of rows."""
    lines = []
    for row in range(100):
        for name, first, number in (("a", 20, 1), ("b", 40, 2)):
            inside = first <= row < first + 10
            alarm, truth = inside and row != first + 5, inside and name == "a"
            lines.append(f"{row},{name},{int(inside)},{int(alarm)},{number if inside else ''},{int(truth)}")
    Path("two.csv").write_text("\n".join(["t,series,score,is_anomaly,event_id,truth", *lines]))
    made = json.loads(evaluate(files, "two.csv", "--labels", "truth", "--window", 0, "--json").out)
    assert (made["events"], made["alarms"], made["alarms_are"]) == (1, 2, "events")
    assert made["measures"]["event_precision"]["value"] == 0.5
    runs = json.loads(
        evaluate(files, "two.csv", "--labels", "truth", "--window", 0, "--alarm-column", "is_anomaly", "--json").out
    )
    assert (runs["events"], runs["alarms"], runs["alarms_are"]) == (1, 4, "runs of rows")
    assert "2 alarms (events)" in evaluate(files, "two.csv", "--labels", "truth").out


def test_a_window_in_a_gap_is_that_of_the_row_after_it(files):
    rows = [f"{hour},0,{int(hour == 13) or ''}" for hour in (9, 10, 11, 13, 14)]
    Path("late.csv").write_text("\n".join(["t,score,event_id", *rows]))
    Path("gap.csv").write_text("start,end\n12,12\n")
    made = json.loads(evaluate(files, "late.csv", "--labels", "gap.csv", "--json").out)
    assert (made["events"], made["anomalous_rows"], made["measures"]["event_f1"]["value"]) == (1, 1, 1.0)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("scores.csv", "--labels", "nothing.csv"), 2, "no such column in scores.csv, and no such file"),
        (("scores.csv", "--labels", "wide.csv"), 3, "wide.csv: no labels in it: neither a column 'is_anomaly'"),
        (("scores.csv", "--labels", "truth", "--score-column", "scor"), 2, "no column 'scor'. Did you mean 'score'"),
        (("labels.csv", "--labels", "label"), 2, "no column 'score' and none 'is_anomaly'"),
        (("short.csv", "--labels", "labels.csv"), 3, "labels.csv has 1,500 rows and short.csv 2"),
        (("short.csv", "--labels", "late.csv"), 3, "no row of the scores lies in this window"),
        (("short.csv", "--labels", "back.csv"), 3, "row 1: the window ends before it starts"),
        (("words.csv", "--labels", "t"), 3, "row 2, column 'score': 'high' is no number"),
        (("odd.csv", "--labels", "t"), 3, "row 1, column 't': 'perhaps' is neither"),
        (("calm.csv", "--labels", "t"), 3, "no row is labelled anomalous"),
        (("holes.csv", "--labels", "t"), 3, "no row has a score"),
        (("empty.csv", "--labels", "t"), 3, "empty"),
    ],
)
def test_bad_input_is_one_line(files, words, code, says):
    Path("short.csv").write_text("score\n1\n2\n")
    Path("wide.csv").write_text("a,b\n1,2\n")
    Path("late.csv").write_text("start,end\n7,9\n")
    Path("back.csv").write_text("start,end\n2,1\n")
    Path("words.csv").write_text("score,t\n1,0\nhigh,1\n")
    Path("odd.csv").write_text("score,t\n1,perhaps\n2,1\n")
    Path("calm.csv").write_text("score,t\n1,0\n2,0\n")
    Path("holes.csv").write_text("score,t\nnan,0\n,1\n")
    Path("empty.csv").write_text("")
    done = files("timeseries", "evaluate", *words)
    assert done.code == code, done.err
    assert len(done.err.splitlines()) == 1
    assert any(word in done.err for word in says.split("|")), done.err
