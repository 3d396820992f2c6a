"""A report is two files, and one that cannot be written is refused beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest

from genapps.errors import GenappsError, UsageError
from genapps.report.files import check_report, figures_beside, write_files


def test_both_files_are_written(tmp_path: Path) -> None:
    check_report(tmp_path / "a.b.html")
    write_files(tmp_path / "a.b.html", "<p>é", "{}")
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {"a.b.html": "<p>é", "a.b.json": "{}"}


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("folder", "is a directory"),
        ("taken.html", r"taken\.json: is a directory"),
        ("absent/r.html", "mkdir -p"),
        ("r.json", r"name it \.html"),
    ],
)
def test_what_cannot_be_written_is_refused(page: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken.json").mkdir()
    with pytest.raises(UsageError, match=says):
        check_report(tmp_path / page)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(GenappsError, match="no permission"):
        check_report(tmp_path / "r.html")


def test_no_report_is_nothing_to_refuse() -> None:
    check_report(None)


def test_figures_lie_beside_their_page() -> None:
    assert figures_beside("x/r.html") == Path("x/r.json")
