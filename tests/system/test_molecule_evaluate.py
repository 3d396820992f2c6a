"""`genapps molecule evaluate` as a user runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Here = Callable[..., Any]
TEXTS = [f"{head}{ring}" for head in ("C", "CC", "CO", "CN", "FC", "ClC") for ring in ("c1ccccc1", "C1CCNCC1", "C1CC1")]


@pytest.fixture
def lists(here: Here) -> Here:
    Path("mine.smi").write_text("\n".join([*TEXTS, "C(", TEXTS[0]]) + "\n")
    Path("real.smi").write_text("\n".join([*TEXTS[:12], "CCOC(=O)c1ccccc1", "CC(=O)N1CCNCC1"]) + "\n")
    return here


def test_figures_beside_moses(lists: Here) -> None:
    done = lists("molecule", "evaluate", "mine.smi", "--no-fcd", "--report", "page.html")
    assert done.code == 0, done.err
    assert "19 molecules in 20 rows, beside MOSES" in done.out
    assert "CharRNN, n 30,000" in done.out and "SNN/Test" in done.out
    assert "FCD/Test" not in done.out
    page = Path("page.html").read_text("utf-8")
    beside = json.loads(Path("page.json").read_text("utf-8"))
    assert page.count('<svg class="mol"') == 19
    assert page.count('<svg class="chart histogram"') == len(beside["distributions"]) == 4
    assert "no SMILES" in page and "CharRNN, n 30,000" in page and "real molecules" in page.lower()
    assert not re.search(r"(?:src|href)=.?https?:", page), "it is read offline"
    found = {one["key"]: one["value"] for one in beside["figures"]}
    assert found["valid"] == 0.95
    for spread in beside["distributions"].values():
        assert sum(spread["own"]) == pytest.approx(1) and sum(spread["reference"]) == pytest.approx(1)


def test_json_beside_a_list_of_ones_own(lists: Here) -> None:
    words = ("molecule", "evaluate", "mine.smi", "--reference", "real.smi", "--training", "real.smi", "--json")
    done = lists(*words, "-o", "figures.json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found == json.loads(Path("figures.json").read_text())
    figures = {one["key"]: one for one in found["figures"]}
    assert figures["valid"]["value"] == 0.95 and figures["valid"]["n"] == 20
    assert figures["FCD/reference"]["floor"] > 0
    assert 0 < figures["Novelty"]["value"] < 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["none.smi"], 2, "none.smi"),
        (["mine.smi", "-o", "x.txt"], 2, ".json"),
        (["mine.smi", "--report", "x.json"], 2, "name it .html"),
        (["mine.smi", "--report", "x.html", "-o", "x.json"], 2, "another result"),
        (["mine.smi", "--reference", "real.smi", "--report", "real.smi"], 2, "would overwrite the input"),
        (["mine.smi", "--report", "no/x.html"], 2, "does not exist"),
        (["empty.smi"], 3, "empty.smi"),
        (["mine.smi", "--reference", "bad.smi"], 3, "bad.smi"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line(lists: Here, words: list[str], code: int, says: str) -> None:
    Path("empty.smi").write_text("")
    Path("bad.smi").write_text("(((\nnope\n")
    done = lists("molecule", "evaluate", *words)
    assert done.code == code and says in done.err and done.err.count("\n") == 1
