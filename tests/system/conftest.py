"""Files that commands must refuse in one line, each with its name, its exit code and the words it deserves."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

GOOD = b"age,income\n39,<=50K\n52,>50K\n"


@dataclass(frozen=True)
class BadTable:
    """A file that no table can be read from, the exit code it deserves, and words its message must hold."""

    name: str
    path: Path
    exit_code: int
    says: str


def _zip() -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", b"0\n" * 5_000_000)
    return target.getvalue()


def _parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = BytesIO()
    pq.write_table(pa.table({"age": [39] * 98_765}), target)
    return target.getvalue()


def declare_rows(data: bytes, rows: int, declared: int) -> bytes:
    """A Parquet file of `rows` rows whose footer says there are `declared`."""
    length = int.from_bytes(data[-8:-4], "little")
    footer = data[-8 - length : -8].replace(b"\x16" + _varint(rows), b"\x16" + _varint(declared))
    return data[: -8 - length] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _varint(value: int) -> bytes:
    value, out = value * 2, bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


# name: (file name, exit code, words, how to make its bytes)
_BAD: dict[str, tuple[str, int, str, Callable[[], bytes]]] = {
    "empty": ("t.csv", 3, "the file is empty", lambda: b""),
    "blank": ("t.csv", 3, "the file is empty", lambda: b"\n \n"),
    "header only": ("t.csv", 3, "only a header line", lambda: b"age,income\n"),
    "duplicate names": ("t.csv", 3, "columns 1 and 3 are both named 'age'", lambda: b"age,income,age\n1,2,3\n"),
    "ragged": ("t.csv", 3, "line 3: expected 2 cells, found 3", lambda: b"age,income\n1,2\n1,2,3\n"),
    "short row": ("t.csv", 3, "line 3: expected 2 cells, found 1", lambda: b"age,income\n1,2\n1\n"),
    "latin-1": (
        "t.csv",
        3,
        "line 4: not UTF-8 text; try --encoding latin-1",
        lambda: GOOD + "1,Zürich\n".encode("latin-1"),
    ),
    "utf-16": ("t.csv", 3, "--encoding utf-16", lambda: GOOD.decode().encode("utf-16")),
    "NUL bytes": ("t.csv", 3, "line 3: a NUL byte", lambda: b"age,income\n1,2\n3,\x004\n"),
    "open quote": ("t.csv", 3, 'line 3: a quote (") is opened', lambda: b'age,income\n1,2\n3,"4\n5,6\n'),
    "zip": ("t.csv", 3, "a zip archive or an Excel workbook", _zip),
    "pickle": ("t.csv", 3, "a Python pickle", lambda: b"\x80\x04\x95\x00\x00"),
    "gzip bomb": ("t.csv.gz", 3, "expands to more than 200 times", lambda: gzip.compress(b"a\n" + b"0\n" * 40_000_000)),
    "gzip cut short": ("t.csv.gz", 3, "the gzip file is damaged", lambda: gzip.compress(GOOD * 9)[:-9]),
    "parquet bomb": (
        "t.parquet",
        3,
        "declares 1,250,000,000 rows",
        lambda: declare_rows(_parquet(), 98_765, 1_250_000_000),
    ),
    "parquet cut short": ("t.parquet", 3, "the Parquet file is damaged", lambda: _parquet()[:-20]),
    "parquet by name": ("t.parquet", 3, "not a Parquet file", lambda: GOOD),
    "bad JSON line": ("t.jsonl", 3, "line 2: not valid JSON", lambda: b'{"a": 1}\n{"a": \n'),
    "JSON of numbers": ("t.jsonl", 3, "line 1: expected an object", lambda: b"3\n4\n"),
    "deep JSON": ("t.jsonl", 3, "nested deeper", lambda: b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"),
}


@pytest.fixture(params=[*_BAD, "missing", "directory"])
def bad_table(request: pytest.FixtureRequest, tmp_path: Path) -> BadTable:
    """Each bad table in turn: a test that asks for this one runs once for every file."""
    return make_bad_table(request.param, tmp_path)


@pytest.fixture
def bad(tmp_path: Path) -> Callable[[str], BadTable]:
    """One bad table by its name, e.g. bad("ragged")."""
    return lambda name: make_bad_table(name, tmp_path)


def make_bad_table(name: str, folder: Path) -> BadTable:
    """Make one bad table in a folder."""
    folder = folder / "bad" / name.replace(" ", "-")
    folder.mkdir(parents=True)
    if name == "missing":
        return BadTable(name, folder / "t.csv", 2, "no such file")
    if name == "directory":
        return BadTable(name, folder, 2, "is a directory")
    file_name, code, says, make = _BAD[name]
    (folder / file_name).write_bytes(make())
    return BadTable(name, folder / file_name, code, says)


@pytest.fixture
def one_row(tmp_path: Path) -> Path:
    """A sound table of a single row, which most tasks cannot use."""
    path = tmp_path / "one_row.csv"
    path.write_bytes(b"age,income\n39,<=50K\n")
    return path


@pytest.fixture
def damaged_models() -> Callable[[Path], dict[str, tuple[Path, str]]]:
    """From a sound model file: copies beside it that must be refused (exit code 3), with words of the message."""

    def damage(model: Path) -> dict[str, tuple[Path, str]]:
        data = model.read_bytes()
        middle = len(data) // 2
        versions = {
            "cut short": (data[:middle], "cut short|damaged"),
            "one bit": (data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :], "damaged"),
            "newer": (_newer(data), "upgrade"),
            "empty": (b"", "empty"),
            "a table": (GOOD, "not a genapps model"),
        }
        made = {}
        for name, (changed, says) in versions.items():
            path = model.with_name(f"{name.replace(' ', '_')}.genapps")
            path.write_bytes(changed)
            made[name] = (path, says)
        return made

    return damage


def _newer(data: bytes) -> bytes:
    """The same model as a later format would mark it."""
    old = json.dumps('"format_version":1')[1:-1].encode()
    assert data.count(old) == 1
    return data.replace(old, old[:-1] + b"9")


@dataclass(frozen=True)
class Done:
    """A finished command: its exit code and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run `genapps WORDS...` inside this process, in an empty folder: much faster than a process of its own."""
    from genapps.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Done:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run
