"""What the page of molecules says: exact counts, every cell, nothing unescaped, and few characters a molecule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.report.text import clip
from genapps_molecule.report import Promise, Sheet, Told, grid
from genapps_molecule.report.page import page_text
from genapps_molecule.report.proposed import promises, told_of
from genapps_molecule.report.tally import BARS, MOST_BINS, Tally

HOSTILE = [
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "\"'`><b>", "{{ 7*7 }}{% raw %}",
    "\u202e\x00\x1b[31m", "]]><!--", "W" * 5_000, "&lt;b&gt;", "\u2028</style>",
]  # fmt: skip
TOLD = Told("A title", "A verdict.")


def rows_of(text: str) -> dict[str, list[object]]:
    """The cells that the page holds as data, by column."""
    found = re.search(r'<script type="application/json" id="rows">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    return dict(zip(data["names"], data["columns"], strict=True))


def sheet_of(n: int = 3, most: int = 2_000, **columns: object) -> Sheet:
    sheet = Sheet(most)
    sheet.add({"smiles": ["C" * (1 + k % 9) + "O" for k in range(n)], **columns})  # type: ignore[dict-item]
    return sheet


# Counts --------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-300, 300), min_size=1, max_size=60))
def test_bars_hold_every_whole_number_once(values: list[int]) -> None:
    tally = Tally(1.0, whole=True)
    for value in values:
        tally.add(np.array([value], np.float64))
    bars = tally.bars()
    assert bars is not None
    assert sum(bars.counts) == len(values)
    assert len(bars.counts) <= BARS
    assert (bars.lowest, bars.highest) == (min(values), max(values))
    assert bars.mean == pytest.approx(sum(values) / len(values))
    step = (bars.high - bars.low) / len(bars.counts)
    counted = [0] * len(bars.counts)
    for value in values:  # one by one, by what the bars say of themselves
        counted[min(max(int((value - bars.low) // step), 0), len(counted) - 1)] += 1
    assert tuple(counted) == bars.counts


def test_a_tally_stays_small_whatever_comes() -> None:
    rng = np.random.default_rng(0)
    tally = Tally(1e-6)
    for scale in (1.0, 1e3, 1e9, 1e200, 1e300):
        tally.add(rng.normal(size=5_000) * scale)
    tally.add(np.array([np.nan, np.inf, -np.inf]))
    bars = tally.bars()
    assert bars is not None
    assert sum(bars.counts) == tally.n == 25_000
    assert len(tally.counts) <= MOST_BINS


def test_one_value_far_out_does_not_hide_the_others() -> None:
    tally = Tally(1.0)
    tally.add(np.append(np.random.default_rng(0).normal(300, 40, 999), 1e6))
    bars = tally.bars()
    assert bars is not None
    assert bars.highest == 1e6
    assert bars.high < 500


def test_nothing_has_no_bars() -> None:
    tally = Tally(1.0)
    tally.add(np.array([np.nan]))
    assert tally.bars() is None


# Rows ----------------------------------------------------------------------------------------------------------------


def test_every_cell_is_in_the_page_as_it_was() -> None:
    columns = {
        "name": ["a", "b", "c"],
        "qed": np.array([0.1234, np.nan, 1.0]),
        "rings": pa.array([1, None, 3], pa.int64()),
        "in_training": np.array([True, False, True]),
        "alerts": ["", "brenk:x", ""],
        "pIC50": ["7.3", "", "5"],
        "plate": ["007", "008", "009"],
        "nothing": ["", None, ""],
    }
    rows = rows_of(page_text(sheet_of(**columns), TOLD))
    assert rows == {
        "smiles": ["CO", "CCO", "CCCO"],
        "name": ["a", "b", "c"],
        "qed": [0.1234, None, 1.0],
        "rings": [1, None, 3],
        "in_training": [True, False, True],
        "alerts": ["", "brenk:x", ""],
        "pIC50": [7.3, None, 5],
        "plate": ["007", "008", "009"],
    }


def test_columns_of_a_file_are_called_as_there() -> None:
    names = [column.short for column in sheet_of(3, dose=[1, 2, 3], **{"pIC50 (nM)": [1, 2, 3]}).columns()]
    assert names[-2:] == ["Dose", "pIC50 (nM)"]


def test_lots_come_together_even_where_a_column_comes_late() -> None:
    sheet = Sheet()
    sheet.add({"smiles": ["C", "CC"], "qed": [0.1, 0.2]})
    sheet.add({"smiles": ["CCC"], "note": ["late"]})
    sheet.add({"smiles": []})
    rows = rows_of(page_text(sheet, TOLD))
    assert rows == {"smiles": ["C", "CC", "CCC"], "qed": [0.1, 0.2, None], "note": [None, None, "late"]}


def test_beyond_the_most_figures_are_counted_and_pictures_are_not_drawn() -> None:
    sheet = sheet_of(50, 20, mw=np.arange(50.0))
    sheet.add({"smiles": ["CCO"] * 7, "mw": [900.0] * 7})
    text = page_text(sheet, TOLD)
    assert "The first 20 of 57 molecules." in text
    assert text.count('class="mol"') == 20
    assert "900" in text
    assert all(len(values) == 20 for values in rows_of(text).values())


def test_a_file_of_a_thousand_columns_is_a_page_of_some() -> None:
    wide = {f"c{k}": ["x", "y", "z"] for k in range(1_000)}
    text = page_text(sheet_of(**wide, mw=np.ones(3), alerts=["", "", "a"]), TOLD)
    rows = rows_of(text)
    assert {"smiles", "c0", "mw", "alerts"} <= set(rows)
    assert len(rows) < 70
    assert f"{1_003 - len(rows)} columns are left out." in text


def test_no_molecule_is_a_page_too() -> None:
    sheet = Sheet()
    sheet.add({"smiles": [], "qed": np.zeros(0)})
    text = page_text(sheet, TOLD)
    assert "All 0 molecules." in text
    assert rows_of(text) == {"smiles": []}


def test_a_thousand_molecules_are_small(tiny_smiles: list[str]) -> None:
    some = tiny_smiles[:100]
    figures = {name: np.round(np.random.default_rng(0).random(len(some)), 4) for name in "abcdefghijkl"}
    sheet = Sheet()
    sheet.add({"smiles": some, "scaffold": some, "nearest_training": some, **figures})
    empty = len(page_text(sheet_of(0), TOLD).encode())
    assert (len(page_text(sheet, TOLD).encode()) - empty) * 1_000 / len(some) < 4 * 2**20


# Words of others -----------------------------------------------------------------------------------------------------


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    told = Told(
        HOSTILE[0], HOSTILE[1], tuple(HOSTILE), tuple((one, one) for one in HOSTILE), dict.fromkeys(HOSTILE, 2),
        (Promise(HOSTILE[1], 1, 2),), tuple(HOSTILE), subject=HOSTILE[2],
    )  # fmt: skip
    names = {one: [one] * len(HOSTILE) for one in HOSTILE}
    sheet = Sheet()
    sheet.add({"smiles": HOSTILE, "name": HOSTILE, "alerts": HOSTILE, **names, f"n{HOSTILE[1]}": [1.0] * len(HOSTILE)})
    text = page_text(sheet, told)
    assert re.findall(r"<(?:img|b|iframe|a href=\"http)[ >]", text) == []
    assert len(re.findall(r"<script\b", text)) == len(re.findall(r"</script", text)) == 2
    assert "{{ 7*7 }}{% raw %}" in text
    assert "\x00" not in text.partition('id="rows"')[0]
    rows = rows_of(text)
    assert rows["smiles"] == HOSTILE
    assert rows["name"] == [clip(one, 1_000) for one in HOSTILE]
    assert HOSTILE[0] in unescape(text)


def test_the_policy_names_the_one_script_that_may_run() -> None:
    import base64
    import hashlib

    text = page_text(sheet_of(), TOLD)
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert unescape(policy[1]) == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert re.findall(r'(?:src|href)="(?!#|data:,")[^"]*"', text) == []
    assert not re.search(r"fetch\(|XMLHttpRequest|innerHTML|eval\(|import\(", script[0])


def test_the_figures_go_beside_as_json(tmp_path: Path) -> None:
    grid(tmp_path / "g.html", {"smiles": ["CCO"]}, TOLD, figures={"a": float("nan"), "b": {"c": [float("inf"), 1]}})
    assert json.loads((tmp_path / "g.json").read_text()) == {"a": None, "b": {"c": [None, 1]}}


# Promises ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def order() -> Callable[..., object]:
    from genapps_molecule.proposing.sources import Shape
    from genapps_molecule.proposing.tasks import Order
    from genapps_molecule.traits.ranges import Wish

    def make(**words: object) -> object:
        return Order(
            wish=Wish.parse("mw>=50"), filters=("pains",), novel_to=frozenset({"CCCCO"}),
            shape=Shape.parse(scaffold="c1ccccc1"), **words,
        )  # type: ignore[arg-type]  # fmt: skip

    return make


def test_promises_are_looked_up_again_and_a_broken_one_shows(order: Callable[..., object]) -> None:
    kept = ["Cc1ccccc1", "CCc1ccccc1"]
    assert {(one.held, one.of) for one in promises(kept, order())} == {(2, 2)}  # type: ignore[arg-type]
    broken = {"can be read": "C(", "canonical": "c1ccccc1C", "there once": kept[0], "contains the scaffold": "CCCCCCCO",
              "in range: mw>=50": "CC", "not in --novel-to": "CCCCO"}  # fmt: skip
    for words, text in broken.items():
        found = {one.words: one.held for one in promises([*kept, text], order())}  # type: ignore[arg-type]
        assert found[words] == 2, words


def test_a_page_says_when_a_promise_is_not_kept(order: Callable[..., object]) -> None:
    from genapps_molecule.generators.sampling import Yield
    from genapps_molecule.proposing.tasks import Proposed

    for text, level in {"CCc1ccccc1": "good", "CCO": "poor"}.items():
        found = Proposed([text], {"smiles": [text], "alerts": [""]}, Yield(), 0.1)
        assert told_of(found, order(n=1)).level == level  # type: ignore[arg-type]
