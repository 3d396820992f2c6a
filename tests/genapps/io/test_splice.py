"""Cells replaced in delimited text: against the standard library's own reader, and byte for byte elsewhere."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.io.splice import append_cells, replace_cells

CELL = st.text(st.sampled_from('ab ,;"\n\té'), max_size=4)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], list[list[str | None]]]:
    """Rows of text, and for each cell new text or None."""
    columns = draw(st.integers(2, 4))
    row = st.lists(CELL, min_size=columns, max_size=columns).filter(lambda cells: any(cells))
    rows = draw(st.lists(row, min_size=1, max_size=5))
    new = st.lists(st.none() | CELL, min_size=columns, max_size=columns)
    return rows, draw(st.lists(new, min_size=len(rows), max_size=len(rows)))


def written(header: list[str], rows: list[list[str]], delimiter: str, end: str, quoting: int) -> str:
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([header, *rows])
    return target.getvalue()


@settings(max_examples=300, deadline=None)
@given(
    tables(),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
)
def test_every_cell_reads_as_asked(
    table: tuple[list[list[str]], list[list[str | None]]], delimiter: str, end: str, quoting: int, marked: bool
) -> None:
    rows, new = table
    header = [f"column {k}" for k in range(len(rows[0]))]
    text = "\ufeff" * marked + written(header, rows, delimiter, end, quoting)
    cells = {name: pa.chunked_array([pa.array([row[k] for row in new], pa.string())]) for k, name in enumerate(header)}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.csv"), Path(folder, "out.csv")
        source.write_bytes(text.encode())
        assert replace_cells(source, target, header, cells, len(rows))
        result = target.read_bytes().decode()
        assert replace_cells(source, target, header, {}, len(rows))
        assert target.read_bytes() == source.read_bytes()
    read = list(csv.reader(io.StringIO(result.removeprefix("\ufeff"), newline=""), delimiter=delimiter))
    expected = [[n if n is not None else o for o, n in zip(*pair, strict=True)] for pair in zip(rows, new, strict=True)]
    assert read == [header, *expected]
    assert result.startswith("\ufeff") == marked


@settings(max_examples=300, deadline=None)
@given(
    tables(),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
)
def test_columns_are_appended_and_every_other_byte_stays(
    table: tuple[list[list[str]], list[list[str | None]]], delimiter: str, end: str, quoting: int, marked: bool
) -> None:
    rows, new = table
    header = [f"column {k}" for k in range(len(rows[0]))]
    text = "\ufeff" * marked + written(header, rows, delimiter, end, quoting)
    more = {"x": [row[0] or "" for row in new], 'y"': [str(k) for k in range(len(rows))]}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.csv"), Path(folder, "out.csv")
        source.write_bytes(text.encode())
        cells = {name: pa.chunked_array([values]) for name, values in more.items()}
        assert append_cells(source, target, header, cells, len(rows))
        result = target.read_bytes().decode()
        assert append_cells(source, target, header, {}, len(rows))
        assert target.read_bytes() == source.read_bytes()
    read = list(csv.reader(io.StringIO(result.removeprefix("\ufeff"), newline=""), delimiter=delimiter))
    assert read == [
        [*header, *more],
        *([*row, *cell] for row, cell in zip(rows, zip(*more.values(), strict=True), strict=True)),
    ]


def splice(tmp_path: Path, data: bytes, name: str = "in.csv", encoding: str | None = None) -> bytes | None:
    """The file with its empty cells of column b filled with é."""
    (tmp_path / name).write_bytes(data)
    cells = {"b": pa.chunked_array([["é", None]])}
    done = replace_cells(tmp_path / name, tmp_path / f"out-{name}", ["a", "b"], cells, 2, encoding)
    return (tmp_path / f"out-{name}").read_bytes() if done else None


def test_odd_files_keep_their_oddities(tmp_path: Path) -> None:
    assert splice(tmp_path, b"\n\na,b\r\n\r\n1,\r\n2,x") == "\n\na,b\r\n\r\n1,é\r\n2,x".encode()
    assert splice(tmp_path, b'"a","b"\n"1",\n 2 ,"x""y" \n\n') == '"a","b"\n"1",é\n 2 ,"x""y" \n\n'.encode()
    assert splice(tmp_path, "a,b\nü,\n2,x\n".encode("latin-1"), encoding="latin-1") == "a,b\nü,é\n2,x\n".encode(
        "latin-1"
    )


def test_compressed_text_stays_compressed(tmp_path: Path) -> None:
    made = splice(tmp_path, gzip.compress(b"a,b\n1,\n2,x\n"), "in.csv.gz")
    assert made is not None
    assert gzip.decompress(made).decode() == "a,b\n1,é\n2,x\n"


@pytest.mark.parametrize("data", [b"a,c\n1,\n2,x\n", b"a,b\n1,\n", b"a,b\n1,\n2,x\n3,y\n", b"a b\n1\n2\n"])
def test_other_files_are_left_alone(data: bytes, tmp_path: Path) -> None:
    assert splice(tmp_path, data) is None
    assert not (tmp_path / "out-in.csv").exists()


def test_a_column_of_its_own_counts_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a\n1\n\n3\n")
    cells = {"a": pa.chunked_array([[None, "2", None]])}
    assert replace_cells(tmp_path / "in.csv", tmp_path / "out.csv", ["a"], cells, 3)
    assert (tmp_path / "out.csv").read_text() == "a\n1\n2\n3\n"


def test_to_stdout(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "in.csv").write_bytes(b"a,b\r\n1,\r\n2,x\r\n")
    assert replace_cells(tmp_path / "in.csv", "-", ["a", "b"], {"b": pa.chunked_array([["y", None]])}, 2)
    assert capfdbinary.readouterr().out == b"a,b\r\n1,y\r\n2,x\r\n"
