"""The two files of a report: its page, and the same figures beside it as JSON."""

from __future__ import annotations

from pathlib import Path

from genapps.errors import UsageError
from genapps.io.atomic import check_target, replacing


def figures_beside(page: str | Path) -> Path:
    """Where the figures of a page go. Raises UsageError where that is the page itself."""
    beside = Path(page).with_suffix(".json")
    if beside == Path(page):
        raise UsageError(f"{page}: the report is an HTML page and its figures go beside it as JSON: name it .html")
    return beside


def check_report(page: str | Path | None) -> None:
    """Refuse a report that could not be written, so that a long run fails before it starts; None is no report.

    Raises what `figures_beside` and `genapps.io.atomic.check_target` do.
    """
    if page is not None:
        check_target(page)
        check_target(figures_beside(page))


def check_page(report: str | Path | None) -> None:
    """Refuse a report that is not .html, or could not be written. Raises as `check_report`."""
    check_report(report)
    if report is not None and Path(report).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{report}: the report is an HTML page; name it .html")


def check_figures(output: str | Path | None) -> None:
    """Refuse a file for figures that is not .json, such as an image's, or could not be written. Raises UsageError."""
    if output is None or str(output) == "-":
        return
    place = Path(output)
    device = place.exists() and not place.is_file() and not place.is_dir()
    if place.suffix.lower() != ".json" and not place.is_dir() and not device:
        raise UsageError(f"{output}: the figures are written as JSON; name it .json")
    check_target(place)


def write_files(page: str | Path, text: str, figures: str) -> None:
    """Write the figures, then the page, each whole or not at all. Raises as `check_report` does."""
    for path, content in ((figures_beside(page), figures), (Path(page), text)):
        with replacing(path) as part:
            part.write(content.encode())
