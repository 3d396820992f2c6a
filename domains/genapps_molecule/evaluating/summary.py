"""What was judged, as a person reads it in a terminal and as a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from genapps.errors import UsageError
from genapps.io.atomic import check_apart, check_target, replacing
from genapps.report.files import check_report, figures_beside
from genapps.report.text import NOTHING, grid
from genapps.wording import counted
from genapps_molecule.evaluating.judging import PUBLISHED_N, Figure, Judged

_SHOWN = 5  # reasons


def lines(judged: Judged) -> Iterator[str]:
    """A line a figure: value, n, what real molecules reach at that n, a published figure, and what it is."""
    yield f"{counted(judged.molecules, 'molecule')} in {counted(judged.rows, 'row')}, beside {judged.reference}"
    for reason, count in sorted(judged.dropped.items(), key=lambda item: -item[1])[:_SHOWN]:
        yield f"  {count:,} no molecule: {reason}"
    published = any(one.published is not None for one in judged.figures)
    head = ["", "value", "n", "real", *([f"CharRNN, n {PUBLISHED_N:,}"] if published else [])]
    yield ""
    body = [[*_row(one), *([_number(one.published)] if published else [])] for one in judged.figures]
    table = list(grid([head, *body]))
    width = max(map(len, table))
    yield table[0]
    for line, one in zip(table[1:], judged.figures, strict=True):
        yield f"{line.ljust(width)}  {one.words}; {one.better} is better"


def check_places(output: str | None, report: Path | None, read: Iterable[str | None]) -> None:
    """Refuse places for figures and page that could not be written, or that are read. Raises UsageError."""
    check_report(report)
    figures = None if output == "-" else output
    if figures is not None and not figures.endswith(".json"):
        raise UsageError(f"{output}: figures are written as JSON; name a file that ends in .json")
    check_apart([figures, report, None if report is None else figures_beside(report)], read)
    if figures is not None:
        check_target(figures)


def write_judged(judged: Judged, output: str) -> None:
    """The figures as JSON; "-" is stdout."""
    text = json.dumps(judged.to_json(), ensure_ascii=False, indent=1) + "\n"
    if output == "-":
        click.echo(text, nl=False)
        return
    with replacing(output) as handle:
        handle.write(text.encode())


def _row(one: Figure) -> list[str]:
    return [one.key, _number(one.value), f"{one.n:,}", _number(one.floor)]


def _number(value: float | None) -> str:
    if value is None or value != value:
        return NOTHING
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.1f}"
