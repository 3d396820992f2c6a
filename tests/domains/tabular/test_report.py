"""The report says what the evaluation says, stays small and safe whatever columns are called, and is written whole."""

from __future__ import annotations

import json
import math
import random
import re
import stat
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import GenappsError, UsageError
from genapps.report.text import figure
from genapps_tabular.evaluation import ColumnView, Evaluation, Measure, PairView, Verdict
from genapps_tabular.meanings import HEADLINE, MEANINGS
from genapps_tabular.metrics import evaluate_tables
from genapps_tabular.report import MOST_DRAWN, positions, render, write_report
from genapps_tabular.schema import detect

HOSTILE = (
    "<script>alert('x')</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><svg onload=alert(1)>",
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "\u202eevil\u202c\x00\x1b[31m",
    "x" * 20_000,
    "a b\nc\td",
    "年齢 возраст العمر 👩\u200d🔬",
    "\ud800",
    "",
    "-->",
    "&amp;&#60;",
)


def text_of(page: str) -> str:
    """What a reader sees of a page."""
    body = page[page.index("<body>") :]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def attributes(page: str) -> set[str]:
    """The names of all attributes of a page, as a browser's parser finds them."""
    found: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda _, given: found.update(key for key, _ in given)  # type: ignore[method-assign]
    parser.feed(page)
    return found


def test_every_figure_of_every_measure_is_on_the_page(adult_evaluation: Evaluation) -> None:
    rows = re.findall(r'<tr role="row">(.*?)</tr>', render(adult_evaluation, "adult"), re.DOTALL)
    for measure in adult_evaluation.measures:
        row = text_of("<body>" + next(row for row in rows if measure.name in unescape(row)))
        for value in (measure.value, measure.ceiling, measure.floor, measure.copied):
            assert figure(value) in row.split()
        assert measure.protocol in row
        assert measure.note in row
        assert f"{measure.n:,}" in row or not measure.n


def test_the_first_screen_has_the_verdict_and_four_to_six_figures_with_their_controls(
    adult_evaluation: Evaluation,
) -> None:
    page = render(adult_evaluation, "adult")
    hero = page[page.index('<section class="hero"') : page.index("</section>")]
    assert adult_evaluation.verdict.text in text_of("<body>" + hero)
    cards = hero.split("<article")[1:]
    assert 4 <= len(cards) <= 6
    for card in cards:
        for control in ("Other real rows", "Independent columns", "Copy of the training rows"):
            assert control in card
    told = adult_evaluation["two_sample_auc"]
    assert told.name in cards[0]
    assert [figure(told.value), figure(told.ceiling)] == re.findall(r"0\.583|0\.498", text_of("<body>" + cards[0]))[:2]


def test_columns_and_facts_are_shown_worst_first(adult_evaluation: Evaluation) -> None:
    page = render(adult_evaluation, "adult")
    columns = page[page.index('<section id="columns"') : page.index('<section id="pairs"')]
    shown = re.findall(r"<h3><bdi>(.*?)</bdi>", columns)
    expected = sorted(adult_evaluation.columns, key=lambda column: column.similarity or 1)
    assert shown == [column.name for column in expected]
    text = text_of(page)
    for fact in ("autoregressive", "41.3 s", "812 MiB", "torch 2.13.0", "9f2b7c55d01e4c1a"):
        assert fact in text


def test_a_column_without_a_value_is_called_empty(adult_evaluation: Evaluation) -> None:
    columns = [ColumnView(f"c{share}", "constant", None, (), False, (), (), share, share) for share in (1.0, 0.5)]
    page = text_of(render(replace(adult_evaluation, columns=tuple(columns)), "none"))
    assert "c1.0 empty" in page
    assert "c0.5 constant" in page


def test_a_column_whose_missing_share_is_off_comes_first(adult_evaluation: Evaluation) -> None:
    off = replace(adult_evaluation.columns[0], name="off", similarity=1.0, missing_real=0.5, missing_synthetic=0.0)
    page = render(replace(adult_evaluation, columns=(*adult_evaluation.columns, off)), "adult")
    assert re.findall(r"<h3><bdi>(.*?)</bdi>", page)[0] == "off"


def wide(names: list[str], *, bins: int = 40) -> Evaluation:
    """An evaluation of as many columns as there are names, every part of it as large as it gets."""
    source = random.Random(3)
    columns = []
    for i, name in enumerate(names):
        shares = [source.random() for _ in range(bins)]
        real = tuple(s / sum(shares) for s in shares)
        numeric = i % 2 == 0
        labels = tuple(f"{i + b * 1.2345678:.10g}" if numeric else f"{name}{b}" for b in range(bins + numeric))
        columns.append(ColumnView(name, "number", source.random(), labels, numeric, real, real[::-1], 0.1, 0.2))
    n = len(names)
    matrix = tuple(tuple(source.random() for _ in range(n)) for _ in range(n))
    measures = tuple(
        Measure(key, names[i % n], "fidelity", "half", 0.1 * i, 0.5, 0.9, 1.0, 9, names[-1], names[-1])
        for i, key in enumerate(MEANINGS)
    )
    verdict = Verdict("poor", names[0])
    return Evaluation(
        measures, tuple(columns), PairView(tuple(names), matrix, matrix, matrix), verdict, {"real": 9}, {}
    )


def test_hostile_names_are_shown_as_text_and_never_run() -> None:
    names = list(HOSTILE)
    evaluation = replace(wide(names), provenance={names[0]: names[1], "versions": {names[2]: names[3]}})
    page = render(evaluation, HOSTILE[0])
    page.encode("utf-8")
    tags = set(re.findall(r"<([a-zA-Z!]+)", page))
    assert not tags & {"script", "img", "iframe", "object", "embed"}
    assert not [key for key in attributes(page) if key.startswith("on") or key in ("src", "srcset", "action")]
    assert page.count("</style>") == 1
    assert not set(page) & set("\u202e\x00\x1b")
    text = text_of(page)
    assert "<script>alert('x')</script>" in text
    assert "{{ 7*7 }}" in text
    assert "年齢 возраст العمر" in text


def test_five_hundred_columns_fit_in_two_megabytes_and_what_is_left_out_is_said() -> None:
    names = [f"{i} " + "<&\"'>" * 40 for i in range(500)]
    page = render(wide(names), "wide")
    assert len(page.encode()) < 2_000_000
    assert page.count('class="chart histogram"') + page.count('class="chart bars"') == MOST_DRAWN
    assert "Drawn are the 60 least alike of 500" in text_of(page)
    assert "The other 440 columns" in text_of(page)
    assert all(f"<bdi>{i} " in page for i in range(500))
    assert "Drawn are the 24 of 500 columns whose dependences changed most" in text_of(page)


def test_thousands_of_columns_fit_too() -> None:
    evaluation = replace(wide([f"c{i}" * 40 for i in range(3000)], bins=2), pairs=None)
    page = render(evaluation, "wider")
    assert len(page.encode()) < 2_000_000
    assert "1,940 more alike still are left out" in text_of(page)


def test_an_evaluation_with_nothing_to_show_is_still_a_page() -> None:
    nan = float("nan")
    empty = ColumnView("none", "number", None, (), True, (), (), 1.0, 1.0)
    odd = ColumnView("odd", "number", nan, ("1", "1", "2"), True, (nan, 0.0), (0.0, 0.0))
    measure = Measure("two_sample_auc", "Told apart", "fidelity", "half", None, note="too few rows")
    pairs = PairView(("a", "b"), ((1, nan), (nan, 1)), ((1, 0), (0, 1)), ((1, nan), (nan, 1)))
    verdict = Verdict("poor", "")
    for evaluation in (
        Evaluation((), (), None, verdict, {}),
        Evaluation((measure,), (empty, odd), pairs, verdict, {"real": 1}, {"x": nan}),
    ):
        page = render(evaluation, "")
        assert not re.search(r"\bnan\b", text_of(page))
        assert "Poor." in text_of(page)


@pytest.mark.parametrize(
    ("labels", "gaps"),
    [
        (("0", "1", "10"), [1, 9]),
        (("2013-01-01", "2013-01-02", "2013-01-11"), [86400, 9 * 86400]),
        (("2013-01-01T00:00:00", "2013-01-01T06:00:00"), [21600]),
        (("00:00:00", "12:00:00", "18:00:00"), [1, 1]),
        (("5", "5", "6"), [1, 1]),
        (("1", "inf", "nan"), [1, 1]),
    ],
)
def test_bin_edges_stand_where_they_lie_or_evenly(labels: tuple[str, ...], gaps: list[float]) -> None:
    assert np.diff(positions(labels)).tolist() == gaps


def test_an_axis_of_whole_numbers_names_whole_numbers(adult_evaluation: Evaluation) -> None:
    labels = ("0.5", "1.5", "2.5", "3.5")
    column = ColumnView("n", "number", 1.0, labels, True, (0.2, 0.3, 0.5), (0.2, 0.3, 0.5))
    page = render(replace(adult_evaluation, columns=(column,)), "whole")
    chart = page[page.index('class="chart histogram"') :].split("</svg>")[0]
    assert re.findall(r">([^<]+)</text>", chart) == ["1", "2", "3"]


def test_the_json_beside_the_page_holds_the_same_figures(adult_evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation = replace(adult_evaluation, provenance={"seconds": math.inf, "path": tmp_path, "seed": np.int64(3)})
    write_report(evaluation, tmp_path / "report.html", title="Adult & co")
    assert (tmp_path / "report.html").read_text("utf-8") == render(evaluation, "Adult & co")
    figures = json.loads((tmp_path / "report.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert figures["title"] == "Adult & co"
    assert {m["key"]: m["value"] for m in figures["measures"]} == {m.key: m.value for m in evaluation.measures}
    assert figures["provenance"]["seconds"] is None
    assert figures["provenance"]["seed"] == 3
    column = figures["columns"][0]
    assert column["real"] == pytest.approx(evaluation.columns[0].real, rel=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_a_report_named_json_is_refused(adult_evaluation: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"name it .*\.html"):
        write_report(adult_evaluation, tmp_path / "report.json", title="x")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_report_whole(
    adult_evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.html"
    write_report(adult_evaluation, target, title="old")
    old = target.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(GenappsError, match="disk full"):
        write_report(adult_evaluation, target, title="new")
    assert target.read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]
    assert stat.S_ISREG(target.stat().st_mode)


@pytest.mark.parametrize("number", [False, True])
def test_every_measure_that_an_evaluation_can_have_is_explained(number: bool) -> None:
    source = np.random.default_rng(0)
    columns = {"a": source.normal(size=240), "b": source.normal(size=240)}
    table = pa.table(columns if number else columns | {"c": [f"k{i}" for i in source.integers(0, 3, 240)]})
    parts = [table.slice(80 * i, 80) for i in range(3)]
    evaluation = evaluate_tables(*parts, schema=detect(parts[0]))
    keys = {measure.key for measure in evaluation.measures}
    assert keys <= set(MEANINGS)
    assert set(HEADLINE) <= keys
    page = render(evaluation, "small")
    assert all(MEANINGS[key] in text_of(page) for key in keys)
