"""The page every domain's report is: a verdict with its key figures, then sections of tables and charts.

A domain fills these dataclasses with words, numbers and charts; `render` turns them into one HTML file that needs no
script and no network. What is said about data is escaped by the template; only `charts` writes markup of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal, Protocol

import jinja2
from markupsafe import Markup

from genapps.report import charts
from genapps.report.charts import Mark
from genapps.report.text import clip, figure

Level = Literal["good", "usable", "poor"]


@dataclass(frozen=True)
class Score:
    """One figure and its controls; `meaning` explains it plainly, `protocol` says how it was measured on n rows."""

    name: str
    marks: tuple[Mark, ...]  # the synthetic data's first, then its controls
    better: Literal["higher", "lower", "half", "real"]
    n: int = 0
    protocol: str = ""
    note: str = ""
    meaning: str = ""
    group: str = ""

    @property
    def chart(self) -> Markup:
        """The figure and its controls on a scale."""
        return charts.scale(self.marks, better=self.better, label=f"{self.name}: {charts.describe(self.marks)}")

    @property
    def aim(self) -> str:
        """What an ideal figure is, in words."""
        return {
            "higher": "higher is better",
            "lower": "lower is better",
            "half": "0.5 is ideal",
            "real": "near real is better",
        }[self.better]


@dataclass(frozen=True)
class Scores:
    """A table of figures, a column for the synthetic data and for each control."""

    kind: ClassVar[str] = "scores"
    title: str
    scores: tuple[Score, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The heads of the columns: those of the longest row."""
        return max((tuple(mark.name for mark in score.marks) for score in self.scores), key=len, default=())


@dataclass(frozen=True)
class Figure:
    """A chart with its title, a figure beside it and a line below."""

    title: str
    chart: Markup
    aside: str = ""
    subtitle: str = ""
    below: Markup | str = ""
    wide: bool = False  # as wide as the page's text


@dataclass(frozen=True)
class Figures:
    """A grid of charts that fills the width of the page."""

    kind: ClassVar[str] = "figures"
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Table:
    """Plain rows; the first column is a row's head, the last `numbers` columns are aligned as numbers."""

    kind: ClassVar[str] = "table"
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 0
    folded: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and values, in columns."""

    kind: ClassVar[str] = "facts"
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Terms:
    """Words and what they mean."""

    kind: ClassVar[str] = "terms"
    title: str
    terms: tuple[tuple[str, str], ...]


class Block(Protocol):
    """What a section is made of: its template is named by `kind`; a domain may have blocks of its own."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Section:
    """A part of the page under its own heading."""

    anchor: str
    title: str
    lead: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    subject: str  # what kind of report, above the title
    level: Level
    verdict: str
    facts: tuple[str, ...]  # a line of short facts below the verdict
    headline: tuple[Score, ...]  # four to six figures of the first screen
    sections: tuple[Section, ...] = field(default=())
    footer: str = ""
    word: str = ""  # before the verdict; the level's own where it is empty


def render(page: Page, template: str = "page.html", package: str | None = None, **words: Any) -> str:
    """The page as one HTML document; `package` has further templates, one of which may extend that of the core."""
    chosen = _environment(package).get_template(template)
    return chosen.render(page=page, word=page.word or _word(page.level), **words)


def legend(words: Sequence[tuple[Literal["real", "synthetic"], str]]) -> Markup:
    """Signs and their names on one line, for below a chart."""
    return Markup(" ").join(Markup('<span class="{0}">{1}</span>').format(role, word) for role, word in words)


def _word(level: Level) -> str:
    return {"good": "Good", "usable": "Usable with care", "poor": "Poor"}[level]


@cache
def _environment(package: str | None) -> jinja2.Environment:
    packages = ("genapps.report",) if package is None else (package, "genapps.report")
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name, "templates") for name in packages]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=figure, clip=clip)
    environment.globals["key"] = charts.key
    return environment
