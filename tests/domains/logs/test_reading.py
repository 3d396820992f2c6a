"""Lines come out of whatever a file holds, one at a time, and what was odd is said."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.errors import GenappsError, InputError, UsageError
from genapps_logs.reading import LINE_LIMIT, LogReader


def read(path: Path | str) -> tuple[list[tuple[int, str]], LogReader]:
    with LogReader(path) as reader:
        return list(reader.lines()), reader


@pytest.fixture
def log(tmp_path: Path):  # type: ignore[no-untyped-def]
    def make(data: bytes, name: str = "a.log") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return make


def test_lines_and_their_numbers(log) -> None:  # type: ignore[no-untyped-def]
    lines, reader = read(log(b"one\r\n\r\n  \n\ttwo\nthree"))
    assert lines == [(1, "one"), (4, "\ttwo"), (5, "three")]
    assert (reader.oddities.lines, reader.oddities.blank) == (5, 2)
    assert not list(reader.oddities.notes())


def test_the_same_from_gzip_and_standard_input(log, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    text = "".join(f"line {n} ü\n" for n in range(5000)).encode()
    expected = read(log(text))[0]
    assert len(expected) == 5000
    assert read(log(gzip.compress(text), "b.gz"))[0] == expected
    for data in (text, gzip.compress(text)):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        assert read("-")[0] == expected


def test_bad_bytes_are_replaced_and_counted(log) -> None:  # type: ignore[no-untyped-def]
    lines, reader = read(log("gut\nZürich\n".encode() + "Zürich is fine\n".encode("latin-1")))
    assert [text for _, text in lines] == ["gut", "Zürich", "Z\ufffdrich is fine"]
    (note,) = reader.oddities.notes()
    assert note == "1 line with bytes that are not UTF-8, read as �: line 3"


def test_nul_bytes_are_left_out_and_counted(log) -> None:  # type: ignore[no-untyped-def]
    lines, reader = read(log(b"\0" * 100_000 + b"after rotation\nnext\nx\0y\n"))
    assert [text for _, text in lines] == ["after rotation", "next", "xy"]
    assert reader.oddities.nul == 2
    assert "NUL" in next(reader.oddities.notes())


def test_marks_and_colors_are_no_part_of_the_text(log) -> None:  # type: ignore[no-untyped-def]
    lines, _ = read(log("\ufeff".encode() + b"first\n\x1b[31mred\x1b[0m alert\n"))
    assert [text for _, text in lines] == ["first", "red alert"]


def test_a_line_of_ten_megabytes_is_cut_with_a_note(log) -> None:  # type: ignore[no-untyped-def]
    lines, reader = read(log(b"before\n" + b"x" * 10_000_000 + b"\nafter\n"))
    assert [(number, len(text)) for number, text in lines] == [(1, 6), (2, LINE_LIMIT), (3, 5)]
    (note,) = reader.oddities.notes()
    assert note.startswith("1 line longer than 65,536 bytes") and note.endswith("line 2")


def test_a_cut_line_of_other_letters_is_not_called_damaged(log) -> None:  # type: ignore[no-untyped-def]
    lines, reader = read(log(b"a" + "ü".encode() * 100_000 + b"\nnext\n"))
    assert len(lines) == 2 and reader.oddities.bad_bytes == 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"\n\n \n", "only blank lines"),
        (b"\0" * 5000, "only blank lines"),
        (np.random.default_rng(0).bytes(100_000), "not text but binary data"),
        (b"a fine line\n" * 30_000 + np.random.default_rng(0).bytes(2_000_000), "bytes of 2,3.* are no text"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "a PNG image"),
        ("line\n".encode("utf-16"), "UTF-16"),
        (gzip.compress(b"some line\n" * 9999, mtime=0)[:-20], "gzip file is damaged or cut short"),
        (b"\x1f\x8b" + b"x" * 100, "gzip file is damaged or cut short"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_log_is_refused_in_one_line(log, data: bytes, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=says) as caught:
        read(log(data))
    assert "\n" not in str(caught.value)
    assert "a.log: " in str(caught.value)


def test_a_little_garbage_inside_a_log_is_left_out_and_said(log) -> None:  # type: ignore[no-untyped-def]
    junk = bytes(range(1, 9)) * 20
    lines, reader = read(log(b"fine line\n" * 500 + junk + b"\n" + b"fine line\n" * 500))
    assert len(lines) == 1000
    assert list(reader.oddities.notes()) == ["1 line of no text (160 bytes), left out: line 501"]


def test_places_that_are_no_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read(tmp_path / "none.log")
    with pytest.raises(UsageError, match="is a directory"):
        read(tmp_path)


@given(st.binary(max_size=3000))
def test_any_bytes_give_lines_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "a.log"
    path.write_bytes(data)
    try:
        lines, reader = read(path)
    except GenappsError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert all(text and "\n" not in text and "\0" not in text for _, text in lines)
        assert reader.oddities.lines <= data.count(b"\n") + 1 or data[:2] == b"\x1f\x8b"
