"""Files appear together at the end, or stay as they were; and what ends a run is told by its exit code."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from genapps.cli import Terminated, main
from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.records import Drawer

OLD = "what was there before\n"
WORDS = ("molecule", "propose", "-o", "out.csv", "--report", "page.html", "--dropped", "why.csv")


class Scripted:
    """A drawer that writes the same few texts, and raises what it is given after so many rounds."""

    members = training = None

    def __init__(self, texts: list[str], error: type[BaseException] | None = None, rounds: int = 2) -> None:
        self.texts, self.error, self.rounds = texts, error, rounds

    def draw(self, n: int, *_: object, **__: object) -> list[str]:
        if self.error is not None and self.rounds == 0:
            raise self.error
        self.rounds -= 1
        return [self.texts[k % len(self.texts)] for k in range(n)]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Drawer], None]:
    """Puts a drawer in place of the model that ships, in a folder with old results."""
    monkeypatch.chdir(tmp_path)
    for name in ("out.csv", "page.html", "why.csv"):
        Path(name).write_text(OLD)
    return lambda drawer: monkeypatch.setattr(SmilesModel, "shipped", lambda: drawer)


def untouched(*names: str) -> bool:
    return all(Path(name).read_text() == OLD for name in names)


@pytest.mark.parametrize(
    ("error", "code", "said"), [(KeyboardInterrupt, 130, "interrupted"), (Terminated, 143, "term")]
)
def test_who_stops_it_finds_the_old_files(
    error: type[BaseException], code: int, said: str, shipped: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    shipped(Scripted(["CCO", "CCN"], error))
    assert main([*WORDS, "-n", "50"]) == code
    out, err = capsys.readouterr()
    assert out == "" and said in err and len(err.splitlines()) == 1
    assert untouched("out.csv", "page.html", "why.csv")
    assert {path.name for path in Path().iterdir()} == {"out.csv", "page.html", "why.csv"}


def test_no_molecule_is_a_failure_with_a_remedy(
    shipped: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    shipped(Scripted(["C(C", "CCO"]))
    assert main([*WORDS, "-n", "5", "--where", "mw>=900", "--most", "30"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert "0 of 5 molecules were found: no more than 30 were to be drawn" in err and "widen the ranges" in err
    assert untouched("out.csv", "page.html")
    with Path("why.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30 and {row["reason"].partition(":")[0] for row in rows} >= {"no valid chemistry"}


def test_what_was_found_in_time_is_delivered(shipped: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    shipped(Scripted(["CCO", "CCN"]))
    assert main([*WORDS[:4], "-n", "5", "--budget", "0.01s"]) == 0
    assert "2 of 5 molecules were found: the time of 10 ms is up" in capsys.readouterr().err
    assert len(Path("out.csv").read_text().splitlines()) == 3
