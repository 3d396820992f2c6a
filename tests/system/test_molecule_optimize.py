"""`genapps molecule optimize` as a user runs it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

Here = Callable[..., object]
START = """CC(=O)Nc1ccc(O)cc1
CC(C)Cc1ccc(C(C)C(=O)O)cc1
Cn1cnc2c1c(=O)n(C)c(=O)n2C
not-one
CCN(CC)CCNC(=O)c1ccc(N)cc1
c1ccc2[nH]ccc2c1
OCCN1CCN(c2ccccc2)CC1
O=C(Nc1ccccc1)c1ccncc1
"""
ASSAY = ["c1ccccc1C,4.1", "CCCCO,2.0", "CCOC(C)=O,x", "CCCN,1.5"]


@pytest.fixture
def desk(here: Here) -> Here:
    Path("start.smi").write_text(START)
    Path("lead.smi").write_text("O=C(Nc1ccccc1)c1ccncc1 lead\n")
    rows = [f"{text},{len(text) / 5:.2f}" for text in START.split() if text != "not-one"]
    Path("assay.csv").write_text("\n".join(["smiles,pIC50", *rows, *ASSAY]) + "\n")
    Path("mine.py").write_text("def score(smiles):\n    return smiles.count('N') / len(smiles)\n")
    return here


def table(name: str) -> list[dict[str, str]]:
    with Path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_best_come_out_with_what_is_said_of_each(desk):
    wish = "qed*0.5 + similarity(lead.smi)*0.5"
    done = desk("molecule", "optimize", "--objective", wish, "--calls", 120, "-n", 10, "--start", "start.smi",
                "-o", "best.csv", "--report", "page.html", "--state", "run.genapps")  # fmt: skip
    assert done.code == 0, done.err
    assert "120 calls" in done.out
    assert "start.smi: row 4: no SMILES" in done.err
    rows = table("best.csv")
    assert len(rows) == 10
    assert list(rows[0])[:4] == ["smiles", "rank", "score", "similarity(lead.smi)"]
    assert {"qed", "sa", "alerts", "scaffold", "nearest_better", "call"} <= set(rows[0])
    for row in rows:
        assert float(row["score"]) == pytest.approx(0.5 * float(row["qed"]) + 0.5 * float(row["similarity(lead.smi)"]))
    page = Path("page.html").read_text("utf-8")
    assert "<svg" in page
    assert "Score over calls" in page
    assert "script-src 'sha256-" in page
    assert not re.search(r"(src|href)=.http", page)
    figures = json.loads(Path("page.json").read_text())
    assert (figures["calls"], figures["delivered"]) == (120, 10)


def test_a_search_is_kept_and_goes_on(desk):
    words = (
        "molecule",
        "optimize",
        "--objective",
        "qed",
        "--start",
        "start.smi",
        "--state",
        "run.genapps",
        "-o",
        "o.csv",
    )
    assert desk(*words, "--calls", 40).code == 0
    again = desk(*words, "--calls", 60)
    assert again.code == 2
    assert "add --resume to go on with it" in again.err
    more = desk(*words, "--calls", 60, "--resume", "--json")
    assert json.loads(more.out)["calls"] == 60
    other = desk("molecule", "optimize", "--objective", "logp", *words[4:], "--calls", 60, "--resume")
    assert other.code == 2
    assert "begun with another objective" in other.err


BLOCKS = """
import os, signal, time
print("imported")
def score(smiles):
    print("asked")
    with open("asked.txt", "a+") as file:
        file.write(smiles + "\\n")
        file.seek(0)
        if len(file.readlines()) == 17:
            os.kill(os.getpid(), getattr(signal, os.environ["SENT"]))
            time.sleep(1000)
    return len(smiles)
"""


@pytest.mark.parametrize(("sent", "code", "how"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
def test_a_call_that_takes_forever_is_cut_short_and_all_others_are_kept(desk, monkeypatch, sent, code, how):
    monkeypatch.setenv("SENT", sent)
    Path("slow.py").write_text(BLOCKS)
    words = ["molecule", "optimize", "--objective", "slow.py:score", "--start", "start.smi", "--calls", 30, "--json"]
    done = desk(*words, "-o", "part.csv", "--state", "run.genapps")
    assert done.code == code
    last = done.err.splitlines()[-1]
    assert last.startswith(f"genapps: {how}; run.genapps keeps all 16 finished calls")
    assert "--resume" in last
    assert len(table("part.csv")) == 16
    assert "asked" not in done.out and "imported" not in done.out, "stdout is for the result alone"
    more = desk(*words, "-o", "parts.csv", "--state", "run.genapps", "--resume")
    assert json.loads(more.out)["calls"] == 30
    assert len(Path("asked.txt").read_text().split()) == 31, "the call that was cut short is made again, and no other"
    assert desk(*words, "-o", "whole.csv").code == 0
    assert Path("parts.csv").read_text() == Path("whole.csv").read_text()


def test_a_search_that_was_ended_before_any_call_says_so(desk, monkeypatch):
    monkeypatch.setenv("SENT", "SIGINT")
    Path("slow.py").write_text(BLOCKS.replace("== 17", "== 1"))
    done = desk("molecule", "optimize", "--objective", "slow.py:score", "--start", "start.smi", "-o", "o.csv")
    assert (done.code, done.err.splitlines()[-1]) == (130, "genapps: interrupted")
    assert not Path("o.csv").exists()


def test_a_search_that_is_not_there_begins_anew_and_says_so(desk):
    done = desk("molecule", "optimize", "--objective", "qed", "--start", "start.smi", "--calls", 10, "--resume",
                "--state", "run.genapps", "-o", "o.csv")  # fmt: skip
    assert (done.code, done.err.splitlines()[0]) == (0, "run.genapps: no search to go on from; starting anew")


def test_a_model_fitted_to_a_table_is_an_objective(desk):
    wish = "qsar(assay.csv, y=pIC50) - unsure(assay.csv, y=pIC50)"
    done = desk("molecule", "optimize", "--objective", wish, "--start", "start.smi", "--calls", 40, "-n", 5,
                "-o", "best.sdf")  # fmt: skip
    assert done.code == 0, done.err
    assert "fitted to 10 molecules, 1 rows left out (row 11: 'x' in pIC50 is no number)" in done.err
    assert done.err.count("fitted to") == 1
    assert Path("best.sdf").read_text().count("$$$$") == 5


def test_a_function_is_an_objective_and_ranges_hold(desk):
    ranges = ("--where", "100<=mw<=260, rings>=1", "--filters", "brenk", "--distinct", 0.7)
    done = desk("molecule", "optimize", "--objective", "mine.py:score", "--start", "start.smi", "--calls", 60, "-n", 8,
                *ranges, "-o", "o.csv")  # fmt: skip
    assert done.code == 0, done.err
    rows = table("o.csv")
    assert rows
    assert all(100 <= float(row["mw"]) <= 260 and float(row["rings"]) >= 1 for row in rows)
    assert all("brenk" not in row["alerts"] for row in rows)
    assert all(float(row["nearest_better"]) <= 0.7 for row in rows)


def test_molecules_that_are_known_are_not_delivered(desk):
    words = ["molecule", "optimize", "--objective", "similarity(start.smi)", "--start", "start.smi", "--calls", 40,
             "-n", 5, "-o", "o.csv"]  # fmt: skip
    done = desk(*words)
    assert "5 of 5 rows are molecules of start.smi; add --novel-to start.smi to have others" in done.err
    assert all(float(row["score"]) == 1 for row in table("o.csv"))
    done = desk(*words, "--novel-to", "start.smi")
    assert "--novel-to" not in done.err
    rows = table("o.csv")
    assert len(rows) == 5
    assert all(float(row["score"]) < 1 for row in rows)
    assert all(len(row[name]) <= 9 for row in rows for name in ("score", "qed", "mw")), "no digits that say nothing"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--objective", "qde"), 2, "qde"),
        (("--objective", "qed", "--where", "mw>=500, mw<=300"), 2, "no molecule can meet this"),
        (("--objective", "gone.py:score"), 2, "no such file"),
        (("--objective", "qed", "--start", "gone.smi"), 2, "gone.smi"),
        (("--objective", "qed", "--start", "start.smi", "-o", "start.smi"), 2, "would overwrite the input"),
        (("--objective", "qed", "--resume"), 2, "--resume goes on with what --state kept"),
        (("--objective", "qsar(assay.csv, y=gone)"), 2, "no column 'gone'"),
        (("--objective", "log(0 - mw)", "--start", "start.smi"), 3, "no score for any molecule"),
        ((), 2, "--objective"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(desk, words, code, said):
    done = desk("molecule", "optimize", *words, *(() if "-o" in words else ("-o", "o.csv")))
    assert done.code == code, done.err
    assert said in done.err
    assert not Path("o.csv").exists()
