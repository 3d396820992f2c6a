"""The page: well-formed, closed to scripts and networks, readable in both color schemes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib import resources

import pytest
from markupsafe import Markup

from genapps.report.charts import Mark
from genapps.report.page import Facts, Figure, Figures, Page, Score, Scores, Section, Table, Terms, legend, render

HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Which elements a page has, and whether each is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def score(name: str) -> Score:
    marks = (Mark("synthetic", "Synthetic", 0.6), Mark("ceiling", name, 0.5), Mark("floor", "Floor", None))
    return Score(name, marks, "half", 10, name, name, name, name)


def page(name: str) -> Page:
    blocks = (
        Scores(name, (score(name),)),
        Figures((Figure(name, Markup("<svg></svg>"), name, name, legend((("real", name),))),)),
        Table(name, (name, "n"), ((name, "1"),), numbers=1, folded=True),
        Facts(((name, name),)),
        Terms(name, ((name, name),)),
    )
    return Page(name, name, "poor", name, (name,), (score(name),), (Section("one", name, name, blocks),), name)


@pytest.mark.parametrize("name", ["plain", HOSTILE])
def test_a_page_is_well_formed_and_foreign_text_stays_text(name: str) -> None:
    html = render(page(name))
    outline = Outline(html)
    assert outline.open == []
    assert not {"script", "img", "iframe", "object"} & set(outline.seen)
    assert not [key for key, _ in outline.attributes if key.startswith("on")]
    assert html.count("{{ 7*7 }}") > 5 or name == "plain"  # shown, never evaluated
    assert "49" not in html


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = render(page("plain"))
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    outline = Outline(html)
    links = [value or "" for key, value in outline.attributes if key in ("href", "src", "action", "srcset")]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "url(" not in html
    assert "@import" not in html


def test_headings_tables_and_pictures_are_named() -> None:
    html = render(page("plain"))
    assert re.findall(r"<h1", html) == ["<h1"]
    assert html.count("<caption>") == html.count("<table")
    assert all("scope=" in head for head in re.findall(r"<th [^>]*>|<th>", html))
    pictures = re.findall(r"<svg class=[^>]*>", html)
    assert pictures
    assert all("aria-label=" in picture or 'aria-hidden="true"' in picture for picture in pictures)
    anchors = set(re.findall(r'href="#([^"]+)"', html))
    assert anchors <= set(re.findall(r'id="([^"]+)"', html))


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two colors."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_ink_has_enough_contrast_in_both_color_schemes() -> None:
    style = resources.files("genapps.report").joinpath("templates/page.css").read_text()
    schemes = [dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{([^}]*)\}", style)]
    assert len(schemes) == 2
    for colors in schemes:
        for ink in ("ink", "soft", "real-ink", "synthetic", "good", "usable", "poor"):
            assert contrast(colors[ink], colors["paper"]) >= 4.5, ink  # AA for text
        assert contrast(colors["real"], colors["paper"]) >= 3.0  # AA for graphics
