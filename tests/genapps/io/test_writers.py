"""What is written reads back the same, appears whole or not at all, and stops quietly when nobody listens."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.errors import GenappsError, UsageError
from genapps.io.tables import read_table
from genapps.io.writers import TableWriter, check_output, output_format

_TEXTS = st.one_of(
    st.none(), st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=5)
)
_HOSTILE = [
    "",
    None,
    "a,b",
    "a;b",
    "a\tb",
    'say "hi"',
    '"',
    '""',
    "two\nlines",
    "\r",
    " x ",
    "ü\U0001f600",
    "\\",
    "\\n",
    "\x1f",
]


def _write(path: Path, *tables: pa.Table, spreadsheet_safe: bool = False) -> bytes:
    with TableWriter(path, spreadsheet_safe=spreadsheet_safe) as writer:
        for table in tables:
            writer.write(table)
    assert writer.rows == sum(table.num_rows for table in tables)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.gz"])
def test_texts_read_back_the_same(tmp_path: Path, suffix: str) -> None:
    first = pa.table({"a": _HOSTILE, 'b, "c"': _HOSTILE[::-1], "": ["x"] * len(_HOSTILE)})
    path = tmp_path / f"t{suffix}"
    _write(path, first, first.slice(2, 3), first.slice(0, 0))
    assert read_table(path).equals(pa.concat_tables([first, first.slice(2, 3)]))


def test_a_name_of_spaces_over_empty_cells_is_still_a_table(tmp_path: Path) -> None:
    table = pa.table({" ": pa.array([None, None], pa.string())})
    path = tmp_path / "t.csv"
    _write(path, table)
    assert read_table(path).equals(table)


@given(
    names=st.lists(st.text("ab\",;\t| '\n=", max_size=3), min_size=1, max_size=3, unique=True),
    data=st.data(),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]),
)
def test_any_texts_read_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], data: st.DataObject, suffix: str
) -> None:
    rows = data.draw(st.lists(st.tuples(*[_TEXTS] * len(names)), min_size=1, max_size=5))
    table = pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})
    path = tmp_path_factory.mktemp("w") / f"t{suffix}"
    written = _write(path, table)
    assert read_table(path).equals(table)
    if suffix == ".csv":  # an independent reader sees the same cells
        found = list(csv.reader(io.StringIO(written.decode(), newline="")))
        expected = [[cell or "" for cell in row] for row in rows]
        assert [row or [""] for row in found] == [names, *expected]


TYPED = pa.table(
    {
        "i": pa.array([1, None, -(2**63)], pa.int64()),
        "f": [0.1, None, 1e20],
        "whole": [1.0, 2.0, None],
        "b": [True, None, False],
        "d": [decimal.Decimal("1.50"), None, decimal.Decimal("-2.00")],
        "day": [dt.date(2020, 2, 29), None, dt.date(1, 1, 1)],
        "t": pa.array([0, None, 1_500_000], pa.timestamp("us")),
        "z": pa.array([0, None, 1_500_000], pa.timestamp("us", "Europe/Paris")),
        "hour": pa.array([dt.time(1, 2), None, dt.time(1, 2, 3, 500_000)], pa.time64("us")),
        "s": ["x", None, ""],
    }
)


def test_types_as_csv(tmp_path: Path) -> None:
    assert _write(tmp_path / "t.csv", TYPED).decode().splitlines() == [
        "i,f,whole,b,d,day,t,z,hour,s",
        "1,0.1,1,true,1.50,2020-02-29,1970-01-01 00:00:00,1970-01-01 01:00:00+0100,01:02:00,x",
        ",,2,,,,,,,",
        "-9223372036854775808,1e+20,,false,-2.00,0001-01-01,1970-01-01 00:00:01.500000,"
        '1970-01-01 01:00:01.500000+0100,01:02:03.500000,""',
    ]


def test_quotes_change_no_other_cell(tmp_path: Path) -> None:
    """Two ways lead to the same bytes: the fast one, where no cell of a piece needs quotes, and the other."""
    plain = TYPED.set_column(9, "s", pa.array(["x", None, "y"]))
    quoted = plain.append_column("q", pa.array(['"'] * 3))
    fast = _write(tmp_path / "t.csv", plain).decode().splitlines()
    slow = _write(tmp_path / "t.csv", quoted).decode().splitlines()
    assert slow == [fast[0] + ",q", *[line + ',""""' for line in fast[1:]]]


def test_types_as_json_lines_and_parquet(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in _write(tmp_path / "t.jsonl", TYPED).splitlines()]
    assert lines[0] == {
        "i": 1,
        "f": 0.1,
        "whole": 1.0,
        "b": True,
        "d": 1.5,
        "day": "2020-02-29",
        "t": "1970-01-01 00:00:00",
        "z": "1970-01-01 01:00:00+0100",
        "hour": "01:02:00",
        "s": "x",
    }
    assert lines[1] == dict.fromkeys(lines[0]) | {"whole": 2.0}
    assert read_table(tmp_path / "t.jsonl").schema.field("whole").type == pa.float64()
    _write(tmp_path / "t.parquet", TYPED)
    assert read_table(tmp_path / "t.parquet").equals(TYPED)


def test_what_is_no_number_is_null_in_json(tmp_path: Path) -> None:
    written = _write(tmp_path / "t.jsonl", pa.table({"f": [float("nan"), float("inf"), -0.0, 5e-324, 12345678.0]}))
    values = [json.loads(line, parse_constant=str)["f"] for line in written.splitlines()]
    assert values[:2] == [None, None]
    assert [np.float64(value) for value in values[2:]] == [-0.0, 5e-324, 12345678.0]


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("-", "'-"),
        ("-5", "-5"),
        ("+5.25e-3", "+5.25e-3"),
        ("-.5", "-.5"),
        ("-5\n=1", "'-5\n=1"),
        ("a=1", "a=1"),
        ("", ""),
        (None, None),
        ("'", "'"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv.gz"])
def test_spreadsheet_safe(tmp_path: Path, cell: str | None, safe: str | None, suffix: str) -> None:
    table = pa.table({"=evil": pa.array([cell, "x"]), "n": [-1, -2]})
    path = tmp_path / f"t{suffix}"
    _write(path, table, spreadsheet_safe=True)
    assert read_table(path).to_pydict() == {"'=evil": [safe, "x"], "n": ["-1", "-2"]}
    _write(path, table)
    assert read_table(path).to_pydict() == {"=evil": [cell, "x"], "n": ["-1", "-2"]}


def test_equal_rows_give_equal_bytes_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in [".csv", ".csv.gz", ".parquet", ".jsonl.gz"]:
        first = _write(tmp_path / f"a{suffix}", TYPED)
        with monkeypatch.context() as later:
            later.setattr("time.time", lambda: 2e9)
            assert _write(tmp_path / f"b{suffix}", TYPED) == first
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == _write(tmp_path / "c.csv", TYPED)


def test_the_first_table_fixes_the_types(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    _write(path, pa.table({"a": pa.array([1.5])}), pa.table({"a": pa.array([None], pa.null())}), pa.table({"a": [2]}))
    assert read_table(path).to_pydict() == {"a": [1.5, None, 2.0]}
    with pytest.raises(ValueError, match="names"):
        _write(path, pa.table({"a": [1]}), pa.table({"b": [1]}))
    assert read_table(path).num_rows == 3


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".csv.gz"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, suffix: str, error: type[BaseException]) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(error), TableWriter(path) as writer:
        writer.write(TYPED)
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("-", ("csv", False)),
        ("a.csv", ("csv", False)),
        ("a.b.TSV", ("tsv", False)),
        ("a.csv.gz", ("csv", True)),
        ("a.ndjson", ("jsonl", False)),
        ("a.pq", ("parquet", False)),
    ],
)
def test_formats(target: str, kind: tuple[str, bool]) -> None:
    assert output_format(target) == kind


@pytest.mark.parametrize("target", ["a", "a.gz", ".csv", "a.xlsx", "a.parquet.gz", "a.csv.zip", "csv"])
def test_other_suffixes_are_wrong_usage(tmp_path: Path, target: str) -> None:
    with pytest.raises(UsageError):
        TableWriter(tmp_path / target)
    assert list(tmp_path.iterdir()) == []


def test_targets_are_checked_before_the_work(tmp_path: Path) -> None:
    check_output("-")
    check_output(tmp_path / "a.csv", spreadsheet_safe=True)
    with pytest.raises(UsageError, match="--spreadsheet-safe is for"):
        check_output(tmp_path / "a.parquet", spreadsheet_safe=True)
    with pytest.raises(UsageError, match="mkdir -p"):
        check_output(tmp_path / "no" / "a.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(UsageError, match="is a directory"):
        check_output(tmp_path / "d.csv")


_ENDLESS = """
import sys
import pyarrow as pa
from genapps.errors import GenappsError
from genapps.io.writers import TableWriter
table = pa.table({"a": ["x" * 99] * 1000, "b": range(1000)})
try:
    with TableWriter(sys.argv[1]) as writer:
        for _ in range(int(sys.argv[2])):
            writer.write(table)
except GenappsError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
print("after", file=sys.stderr)
"""


def _python(*words: object, **settings: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-c", _ENDLESS, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **settings)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(("suffix", "size"), [(".csv", 0), (".jsonl", 10), (".parquet", 3_000), (".csv.gz", 3_000)])
def test_a_full_disk(tmp_path: Path, suffix: str, size: int, full_disk: Callable[[int], Callable[[], None]]) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"old")
    done = _python(path, 300, preexec_fn=full_disk(size))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{path}: disk full while writing it; free some space and run again\n"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_standard_output_and_a_reader_that_leaves() -> None:
    done = _python("-", 2)
    assert done.stdout.splitlines()[:2] == ["a,b", "x" * 99 + ",0"]
    assert len(done.stdout.splitlines()) == 2001
    command = [sys.executable, "-B", "-c", _ENDLESS, "-", "1000000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as endless:
        assert endless.stdout and endless.stderr
        assert endless.stdout.readline() == b"a,b\n"
        endless.stdout.close()
        assert endless.stderr.read() == b"after\n"
        assert endless.wait(30) == 0


def test_a_full_standard_output() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-B", "-c", _ENDLESS, "-", "100"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
    assert done.stderr.startswith("stdout: disk full while writing it")
    assert done.returncode == 1


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    table = pa.table({"a": ["x" * 99] * 65_536, "b": range(65_536)})
    for suffix in (".csv", ".parquet"):
        with TableWriter(tmp_path / f"t{suffix}") as writer:
            peaks = []
            for _ in range(8):
                writer.write(table)
                peaks.append(pa.total_allocated_bytes())
        assert max(peaks[4:]) <= max(peaks[:4]) + 1_000_000


def test_writing_outside_the_block_is_a_defect(tmp_path: Path) -> None:
    writer = TableWriter(tmp_path / "t.csv")
    with pytest.raises(RuntimeError):
        writer.write(TYPED)


def test_a_device_or_pipe_takes_csv_directly(tmp_path: Path) -> None:
    with TableWriter("/dev/null") as nowhere:
        nowhere.write(TYPED)
    with pytest.raises(GenappsError, match="disk full"), TableWriter("/dev/full") as writer:
        writer.write(TYPED)


@pytest.mark.parametrize("names", [["", ";;"], ["", ";;;"], ["a;b", ""], ['";"', "|"]])
def test_names_made_of_other_delimiters_do_not_mislead_the_reader(tmp_path: Path, names: list[str]) -> None:
    table = pa.table([pa.array([None, "x"]), pa.array([None, "y;z"])], names=names)
    _write(tmp_path / "t.csv", table)
    assert read_table(tmp_path / "t.csv").equals(table)
