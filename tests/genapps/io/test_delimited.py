"""CSV as people write it is read cell by cell; what is not rectangular text is refused with the line."""

from __future__ import annotations

import csv
import gzip
import io
import string
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.errors import InputError, UsageError
from genapps.io.limits import Limits
from genapps.io.tables import iter_tables, read_table

Read = Callable[..., dict[str, list[str | None]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write bytes to a file of the given name and read it as a table."""

    def run(data: bytes, name: str = "t.csv", **options: object) -> dict[str, list[str | None]]:
        path = tmp_path / name
        path.write_bytes(data)
        table = read_table(path, **options)  # type: ignore[arg-type]
        assert set(table.schema.types) == {pa.string()}
        assert pa.concat_tables(iter_tables(path, batch_rows=2, **options)).equals(table)  # type: ignore[arg-type]
        columns: dict[str, list[str | None]] = table.to_pydict()
        return columns

    return run


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        (b"a,b\n1,x\n", {"a": ["1"], "b": ["x"]}),
        (b"a,b\n1,x", {"a": ["1"], "b": ["x"]}),
        (b"a,b\r\n1,x\r\n2,y\r\n", {"a": ["1", "2"], "b": ["x", "y"]}),
        (b"a,b\r1,x\r2,y\r", {"a": ["1", "2"], "b": ["x", "y"]}),
        (b"\xef\xbb\xbfa,b\n1,x\n", {"a": ["1"], "b": ["x"]}),
        (b'\xef\xbb\xbf"a",b\n1,x\n', {"a": ["1"], "b": ["x"]}),
        (b'a,b\n1,""\n2,\n', {"a": ["1", "2"], "b": ["", None]}),
        (b'a,b\n1,"x,y"\n2,"say ""hi"""\n', {"a": ["1", "2"], "b": ["x,y", 'say "hi"']}),
        (b'a,b\n1,"two\nlines"\n2,"two\r\nlines"\n', {"a": ["1", "2"], "b": ["two\nlines", "two\r\nlines"]}),
        (b'"a\nb",c\n1,2\n', {"a\nb": ["1"], "c": ["2"]}),
        (b'"a,b",c\n1,2\n', {"a,b": ["1"], "c": ["2"]}),
        ("größe,文字\n1,ß\n2,\U0001f600\n".encode(), {"größe": ["1", "2"], "文字": ["ß", "\U0001f600"]}),
        (b"a;b\n1,5;x\n", {"a": ["1,5"], "b": ["x"]}),
        (b"a;b\n1,5;2,5\n", {"a": ["1,5"], "b": ["2,5"]}),
        (b"a\tb\n1,5\tx\n", {"a": ["1,5"], "b": ["x"]}),
        (b"a|b\n1,5|x\n", {"a": ["1,5"], "b": ["x"]}),
        (b"a,b|c\n1,x|y\n", {"a": ["1"], "b|c": ["x|y"]}),
        (b"name;title,age\nx;y,3\n", {"name;title": ["x;y"], "age": ["3"]}),
        (b"a\n1\n\n3\n", {"a": ["1", None, "3"]}),
        (b'a\n""\n', {"a": [""]}),
        (b"a,b\n\n1,x\n\n\n2,y\n\n", {"a": ["1", "2"], "b": ["x", "y"]}),
        (b"\n\na,b\n1,x\n", {"a": ["1"], "b": ["x"]}),
        (b",a\n0,x\n", {"": ["0"], "a": ["x"]}),
        (b"a,b\n NA,nan\nNULL,#N/A\n", {"a": [" NA", "NULL"], "b": ["nan", "#N/A"]}),
        (b"a,b\n007,1e400\n+1,-0\n", {"a": ["007", "+1"], "b": ["1e400", "-0"]}),
        (
            b",".join(b"column %d" % i for i in range(9_999)) + b"\n" + b"1," * 9_998 + b"1\n",
            {f"column {i}": ["1"] for i in range(9_999)},
        ),
        (b'a,b\n5" pipe,x\n', {"a": ['5" pipe'], "b": ["x"]}),
    ],
)
def test_what_people_write(read: Read, data: bytes, columns: dict[str, list[str | None]]) -> None:
    assert read(data) == columns
    assert read(gzip.compress(data), "t.csv.gz") == columns
    assert read(gzip.compress(data)) == columns  # whatever its name


def test_the_suffix_tsv_means_tabs(read: Read) -> None:
    assert read(b"a,b\tc\n1,2\t3\n", "t.tsv") == {"a,b": ["1,2"], "c": ["3"]}
    assert read(b"a,b\n1,2\n", "t.TSV") == {"a,b": ["1,2"]}


_CELL = st.one_of(st.none(), st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=6))


@given(
    names=st.lists(
        st.text(string.ascii_letters + ' ",;é', min_size=1, max_size=5), min_size=1, max_size=4, unique=True
    ),
    data=st.data(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_the_standard_librarys_csv_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], data: st.DataObject, end: str
) -> None:
    rows = data.draw(st.lists(st.tuples(*[_CELL] * len(names)), min_size=1, max_size=6))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    for row in rows:
        text.write(",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row) + end)
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    table = read_table(path)
    assert table.column_names == names
    assert [tuple(row.values()) for row in table.to_pylist()] == rows


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b" \n\t\r\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"a,b", "only a header line, no rows"),
        (b"a,b\n", "only a header line, no rows"),
        (b"a,b\n\n\n", "only a header line, no rows"),
        (b"a,b,a\n1,2,3\n", "columns 1 and 3 are both named 'a'"),
        (b",\n1,2\n", "columns 1 and 2 are both named ''"),
        (b"a,b\n1,2\n1,2,3\n", "line 3: expected 2 cells, found 3"),
        (b"a,b\n1,2\n1\n", "line 3: expected 2 cells, found 1"),
        (b"a,b\n1\n", "line 2: expected 2 cells, found 1"),
        (b'a,b\n"1\n1",2\n\n1,2,3\n', "line 5: expected 2 cells, found 3"),
        (b"a\n\n1,2\n", "line 3: expected 1 cell, found 2"),
        (b"a,b\n1,2\n" * 1 + b"1,2\n" * 400_000 + b"1\n", "line 400003: expected 2 cells, found 1"),
        (b"a,b\n1,\xfc\n", "line 2: not UTF-8 text; try --encoding latin-1"),
        (b"a,\xfc\n1,2\n", "line 1: not UTF-8"),
        (b"a,b\n" + b"1,2\n" * 500_000 + b"1,\xfc\n", "line 500002: not UTF-8"),
        (b"a,b\r1,2\r1,\xfc\r", "line 3: not UTF-8"),
        (b"a,b\n1,\xc3", "line 2: not UTF-8"),
        (b"a,b\n1,\0\n", "line 2: a NUL byte"),
        (b"a,\0b\n1,2\n", "line 1: a NUL byte"),
        (b"\0" * 100, "a NUL byte"),
        ("a,b\n1,2\n".encode("utf-16"), "line 1: the text is UTF-16; say so with --encoding utf-16"),
        (b'a,b\n1,2\n1,"2\n3,4\n', r'line 3: a quote \("\) is opened and never closed'),
        (b'a,b\n1,"2', "line 2: a quote"),
        (b'a,b\n1,"' + b"x\n" * 3_000_000, r"a row longer than 4 MiB after row \d+; is a quote"),
        (b'a,b\n1,2\n1,"' + b"x" * 2_000_000 + b'"\n', "row 2, column 'b': a cell longer than 1 MiB"),
        (b"PK\x03\x04....", "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV"),
        (b'\x10\x01\0\0\0\0\0\0{"__metadata__":{}}', "a model file; see what it holds with: genapps model show"),
        (b"x," * 600_000 + b"\n", "line 1: no header line of at most 1 MiB"),
        (b",".join(b"c%d" % i for i in range(10_001)) + b"\n", "10,001 columns, more than the 10,000 allowed"),
    ],
)
def test_what_is_refused(read: Read, data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=rf"t\.csv: .*{says}") as failure:
        read(data)
    assert failure.value.exit_code == 3
    assert "\n" not in str(failure.value)


def test_an_encoding_that_is_named(read: Read) -> None:
    text = "größe,b\nä,2\n"
    for encoding in ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig", "mac-roman"]:
        assert read(text.encode(encoding), encoding=encoding) == {"größe": ["ä"], "b": ["2"]}
    with pytest.raises(InputError, match="line 1: not ASCII text; give the right one with --encoding"):
        read(text.encode(), encoding="ascii")
    with pytest.raises(InputError, match="line 1: not UTF-16 text; give the right one with --encoding"):
        read(b"a,b\n1,2\n", encoding="utf-16")
    no_texts = ["idna", "IDNA", "punycode", "unicode_escape", "raw-unicode-escape", "undefined"]
    for unknown in ["latin-0", "rot13", "base64", "a\0b", *no_texts]:
        with pytest.raises(UsageError, match="no such text encoding"):
            read(b"a,b\n1,2\n", encoding=unknown)


@pytest.mark.parametrize("cut", [1, 100, 65_535, 65_536, 65_537, 1_048_575, 1_048_576, 4_194_303])
def test_characters_across_the_borders_of_blocks(read: Read, cut: int) -> None:
    first = "x" * max(cut - 6, 1)
    limits = Limits(max_cell_bytes=2**23, max_row_bytes=2**23)
    assert read(f"a,b\n{first},é\u20ac\U0001f600\n".encode(), limits=limits) == {
        "a": [first],
        "b": ["é\u20ac\U0001f600"],
    }


def test_only_the_first_rows(read: Read) -> None:
    data = b"a,b\n" + b"".join(b"%d,x\n" % i for i in range(1_000_000))
    assert read(data, rows=3) == {"a": ["0", "1", "2"], "b": ["x"] * 3}
    assert read(data + b"ragged\n", rows=1) == {"a": ["0"], "b": ["x"]}


def test_batches_have_the_asked_size(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a\n" + b"1\n" * 1_000_003)
    assert [table.num_rows for table in iter_tables(path, batch_rows=250_000)] == [250_000] * 4 + [3]


def test_gzip_may_not_hide_a_flood(read: Read, tmp_path: Path) -> None:
    flood = gzip.compress(b"a\n" + b"0\n" * 40_000_000)
    assert len(flood) < 100_000
    with pytest.raises(InputError, match=r"expands to more than 200 times its size; .* gunzip"):
        read(flood, "t.csv.gz")
    small = gzip.compress(b"a\n" + b"0\n" * 1_000_000)  # as dense, but it cannot hurt
    assert len(read(small, "t.csv.gz")["a"]) == 1_000_000


@pytest.mark.parametrize("damage", [lambda d: d[:-5], lambda d: d[:30], lambda d: d[:20] + b"\xff" * 9 + d[29:]])
def test_a_damaged_gzip(read: Read, damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(InputError, match="the gzip file is damaged"):
        read(damage(gzip.compress(b"a,b\n" + b"".join(b"%d,x\n" % (i * i) for i in range(9_999)))), "t.csv.gz")


def test_too_many_rows(read: Read) -> None:
    with pytest.raises(InputError, match="more than the 5 rows allowed"):
        read(b"a\n" + b"1\n" * 6, limits=Limits(max_rows=5))
