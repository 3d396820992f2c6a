"""`--report` of score and filter as a person calls them: the page has what the table has, and nothing is left of a run
that could not be."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

Here = Callable[..., object]
INPUT = """id,structure,pIC50,comment
<script>alert(1)</script>,CCO,7.30,"a ""b"", c"
b,c1ccccc1,5,
c,nonsense,1,
d,CC(=O)Oc1ccccc1C(=O)O,6.1,
e,O=[N+]([O-])c1ccc(Cl)cc1,4.2,
"""


@pytest.fixture
def desk(here: Here) -> Here:
    Path("mine.csv").write_text(INPUT)
    return here


def data_of(page: str) -> dict[str, list[object]]:
    found = re.search(r'id="rows">(.*?)</script>', Path(page).read_text("utf-8"), re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    return dict(zip(data["names"], data["columns"], strict=True))


def test_score_shows_every_molecule_with_what_the_input_says_of_it(desk):
    done = desk("molecule", "score", "mine.csv", "-o", "out.csv", "--report", "grid.html", "--threads", 1)
    assert done.code == 0, done.err
    assert "wrote grid.html" in done.err
    with Path("out.csv").open(newline="") as file:
        table = [row for row in csv.DictReader(file) if not row["reason"]]
    data = data_of("grid.html")
    assert data["smiles"] == [row["smiles"] for row in table]
    assert data["name"] == ["<script>alert(1)</script>", "b", "d", "e"]
    assert data["pIC50"] == [7.3, 5, 6.1, 4.2]
    assert data["qed"] == pytest.approx([float(row["qed"]) for row in table])
    assert "brenk" in str(data["alerts"])
    page = Path("grid.html").read_text("utf-8")
    assert page.count('<svg class="mol"') == 4
    assert "line 4: nonsense: no SMILES" in page
    assert json.loads(Path("grid.json").read_text())["kept"] == 4


def test_filter_shows_what_is_kept_and_why_others_are_not(desk):
    done = desk("molecule", "filter", "mine.csv", "--where", "mw>=100", "--filters", "mcf", "-o", "kept.csv",
                "--report", "grid.html", "--threads", 1, "--json")  # fmt: skip
    assert done.code == 0, done.err
    assert json.loads(done.out)["report_file"] == "grid.html"
    data = data_of("grid.html")
    assert len(data["smiles"]) == json.loads(done.out)["kept"]
    assert min(data["mw"]) >= 100
    page = Path("grid.html").read_text("utf-8")
    assert "not mw&gt;=100" in page
    assert "Why others were dropped" in page


def test_a_page_goes_over_nothing(desk):
    for words in (("--report", "mine.csv"), ("-o", "out.json.csv", "--report", "no/grid.html"), ("--report", "a.json")):
        done = desk("molecule", "score", "mine.csv", "--threads", 1, *words)
        assert done.code == 2, words
    assert Path("mine.csv").read_text() == INPUT
    assert sorted(path.name for path in Path().iterdir()) == ["mine.csv"]
