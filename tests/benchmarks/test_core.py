"""The page of the families' benchmarks is what their committed results say."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "core"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    module = __import__("table")
    for name in ("table", "keep", "record"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return module


def test_the_page_is_made_of_the_results(table: ModuleType) -> None:
    assert table.page() == table.PAGE.read_text("utf-8")
    known = {section[0] for section in table.SECTIONS}
    assert {path.stem for path in (FOLDER / "results").glob("*.json")} <= known
