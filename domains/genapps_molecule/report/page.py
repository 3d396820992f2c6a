"""The page itself: what the run says of it, its figures with sliders, its molecules, and the script that moves them.

The script is part of the file and the only one that may run: the page's policy names its hash. Nothing is loaded, and
a reader without script sees the same molecules and figures.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from markupsafe import Markup

from genapps.report.charts import tag
from genapps.report.files import write_files
from genapps.report.page import Page, Section, render
from genapps.report.text import clip, figure
from genapps_molecule.report.sheet import Column, Sheet, Tile
from genapps_molecule.report.told import Told

_RANKS = ("rank", "call")  # numbers of rows: to sort by, not to choose a range of
_WIDE, _HIGH = 240, 44  # units of a small histogram


@dataclass(frozen=True)
class Properties:
    """A block: each figure's histogram, with the range that the reader wants of it."""

    kind: ClassVar[str] = "properties"
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Panel:
    """One figure's histogram."""

    column: Column
    chart: Markup
    low: str
    high: str
    mean: str
    lowest: str
    highest: str

    @property
    def step(self) -> float:
        """Between two places of a slider."""
        bars = self.column.bars
        return 1.0 if self.column.whole or bars is None else (bars.high - bars.low) / 100


@dataclass(frozen=True)
class Molecules:
    """A block: the molecules, and as data everything that is known of them."""

    kind: ClassVar[str] = "molecules"
    tiles: tuple[Tile, ...]
    columns: tuple[Column, ...]
    data: Markup

    @property
    def sortable(self) -> tuple[Column, ...]:
        """The columns of numbers."""
        return tuple(column for column in self.columns if column.bars is not None)


def grid(
    path: str | Path,
    rows: Sheet | Mapping[str, Sequence[Any]],
    told: Told,
    *,
    sections: Sequence[Section] = (),
    figures: Mapping[str, Any] | None = None,
) -> None:
    """Write the page and, beside it, `figures` as JSON. `rows`: a sheet, or columns (N,) with `smiles` among them.

    `sections` come before figures and molecules. Raises as `genapps.report.files.write_files` does.
    """
    sheet = rows if isinstance(rows, Sheet) else Sheet()
    if not isinstance(rows, Sheet):
        sheet.add(rows)
    beside = json.dumps(_finite(dict(figures or {})), indent=1, ensure_ascii=False)
    write_files(path, page_text(sheet, told, sections), beside + "\n")


def page_text(sheet: Sheet, told: Told, sections: Sequence[Section] = ()) -> str:
    """The page as HTML."""
    columns = sheet.columns()
    panels = tuple(_panel(column) for column in columns if column.bars is not None and column.name not in _RANKS)
    first = f"All {len(sheet):,}" if sheet.rows == len(sheet) else f"The first {len(sheet):,} of {sheet.rows:,}"
    shown = told.shown or first
    blocks = tuple(told.blocks())
    own = [*([Section("run", "What became of them", "", blocks)] if blocks else []), *sections]
    if panels:
        lead = "" if sheet.rows == len(sheet) else f"Histograms of all {sheet.rows:,} molecules."
        own.append(Section("figures", "Figures", lead, (Properties(panels),)))
    block = Molecules(sheet.tiles(), columns, _data(columns))
    without = f" {len(sheet.left_out):,} columns are left out." if sheet.left_out else ""
    own.append(Section("molecules", "Molecules", f"{shown} molecules.{without}", (block,)))
    page = Page(
        title=told.title,
        subject=clip(told.subject),
        level=told.level,
        word=told.word,
        verdict=clip(told.verdict, 1_000),
        facts=tuple(clip(fact, 100) for fact in told.facts),
        headline=told.headline,
        sections=tuple(own),
        footer="Pictures and properties by RDKit. This file needs no network; what is chosen in it stays in it.",
    )
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return render(page, "grid.html", "genapps_molecule.report", script=Markup(script), digest=digest)


@cache
def _script() -> str:
    """The page's script as it stands in the page, ends of lines included."""
    path = resources.files("genapps_molecule.report").joinpath("templates", "grid.js")
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def _panel(column: Column) -> Panel:
    bars = column.bars
    assert bars is not None
    top = max(bars.counts)
    wide = _WIDE / len(bars.counts)
    path = "".join(
        f"M{wide * k:.1f} {_HIGH}v-{max(_HIGH * count / top, 1):.1f}h{max(wide - 1, 0.5):.1f}V{_HIGH}z"
        for k, count in enumerate(bars.counts)
        if count
    )
    chart = tag(
        "svg",
        tag("path", class_="all", d=path),
        tag("path", class_="kept", d=""),
        viewBox=f"0 0 {_WIDE} {_HIGH}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{column.short}: {figure(bars.lowest)} to {figure(bars.highest)}, mean {figure(bars.mean)}",
    )
    high = bars.high - 1 if column.whole else bars.high
    ends = [_plain_number(value, column.whole) for value in (bars.low, high, bars.lowest, bars.highest)]
    return Panel(column, chart, ends[0], ends[1], figure(bars.mean), ends[2], ends[3])


def _plain_number(value: float, whole: bool) -> str:
    return str(int(value)) if whole else f"{value:.4g}" if abs(value) < 1e15 else f"{value:.4e}"


def _data(columns: Sequence[Column]) -> Markup:
    """Every cell as JSON that cannot end the element it stands in."""
    told = {"names": [column.name for column in columns], "columns": [list(column.values) for column in columns]}
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))) else value
