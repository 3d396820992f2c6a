"""The page in a real browser: quiet, closed to the network, never wider than the window, printable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from genapps_tabular.evaluation import ColumnView, Evaluation, PairView, Verdict
from genapps_tabular.report import render

LONG = "W" * 300
WIDER = "return document.documentElement.scrollWidth - window.innerWidth"
# Texts of a chart that stick out of it to either side, so that nothing is cut off or written over its neighbor.
STICKING_OUT = """
return [...document.querySelectorAll('svg.chart')].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const own = text.getBoundingClientRect();
    return own.left < box.left - 2 || own.right > box.right + 2;
  }).map(text => text.textContent);
})"""
OVERLAPPING = """
return [...document.querySelectorAll('svg.histogram, svg.scale')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect());
  return boxes.filter((a, i) => boxes.some((b, j) => j > i && a.left < b.right && b.left < a.right
    && a.top < b.bottom && b.top < a.bottom));
}).length"""


@pytest.fixture
def page(adult_evaluation: Evaluation, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(render(adult_evaluation, "adult.csv"), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_is_quiet_loads_nothing_and_fits_the_window(browser: Any, page: Path, width: int, scheme: str) -> None:
    browser.open(page, width=width, scheme=scheme)
    assert browser.evaluate("return window.innerWidth") == width
    assert browser.evaluate(WIDER) <= 0
    assert browser.evaluate(STICKING_OUT) == []
    assert browser.evaluate(OVERLAPPING) == 0
    assert browser.console() == []
    assert browser.requests() == [page.as_uri()]


def test_the_reader_who_prefers_dark_gets_a_dark_page(browser: Any, page: Path) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    browser.open(page, width=1280)
    assert browser.evaluate(ground) == "rgb(255, 255, 255)"
    browser.open(page, width=1280, scheme="dark")
    assert browser.evaluate(ground) == "rgb(20, 23, 26)"


def test_the_verdict_and_all_key_figures_are_on_the_first_screen(browser: Any, page: Path) -> None:
    browser.open(page, width=1280, height=800)
    assert browser.evaluate("return document.querySelectorAll('.card').length") == 6
    assert browser.evaluate("return document.querySelector('.hero').getBoundingClientRect().bottom") <= 800


def test_names_of_any_length_do_not_widen_the_page(browser: Any, tmp_path: Path, adult_evaluation: Evaluation) -> None:
    half = (0.5, 0.5)
    columns = (
        ColumnView(LONG, "category", 0.5, (LONG, LONG[:-1]), False, half, half, 0.1, 0.1),
        ColumnView(LONG, "datetime", 0.5, ("2013-01-01T05:10:00", "2013-01-02T05:10:00", "2013-01-03T05:10:00"), True,
                   half, half),
    )  # fmt: skip
    matrix = ((1.0, 0.5), (0.5, 1.0))
    evaluation = Evaluation(
        adult_evaluation.measures, columns, PairView((LONG, LONG), matrix, matrix, matrix), Verdict("good", LONG),
        {"real": 10**12}, {LONG: LONG, "versions": {LONG: LONG}},
    )  # fmt: skip
    path = tmp_path / "long.html"
    path.write_text(render(evaluation, LONG), encoding="utf-8")
    for width in (360, 768, 1280):
        browser.open(path, width=width)
        assert browser.evaluate(WIDER) <= 0
        assert browser.evaluate(STICKING_OUT) == []
        assert browser.evaluate(OVERLAPPING) == 0


def test_a_script_in_the_page_would_not_run(browser: Any, page: Path) -> None:
    """The policy of the page itself holds even where escaping would fail."""
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<main>", "<main><script>document.title = 'run'</script>"), encoding="utf-8")
    browser.open(page, width=1280)
    assert browser.evaluate("return document.title") != "run"
    assert any("Content Security Policy" in entry["message"] for entry in browser.console())


def test_the_page_prints_to_a_few_pages(browser: Any, page: Path) -> None:
    browser.open(page, width=1280, scheme="dark")
    printed = browser.pdf()
    assert printed.startswith(b"%PDF-")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 9
    browser.command("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.evaluate("return getComputedStyle(document.body).color") == "rgb(28, 31, 35)"  # ink on white paper
    assert browser.evaluate("return getComputedStyle(document.querySelector('nav')).display") == "none"
