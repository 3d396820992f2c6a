"""JSON lines and arrays become columns of one type each; every bad line is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps.errors import InputError
from genapps.io.tables import iter_tables, read_table

Read = Callable[..., pa.Table]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write text to a file of the given name and read it as a table."""

    def run(text: str | bytes, name: str = "t.jsonl", **options: Any) -> pa.Table:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_table(path, **options)

    return run


@pytest.mark.parametrize(
    ("values", "kind", "columns"),
    [
        ("1 2 null", pa.int64(), [1, 2, None]),
        ("1 2.5 -0.0", pa.float64(), [1.0, 2.5, -0.0]),
        ("1e3 NaN Infinity", pa.float64(), [1000.0, None, float("inf")]),
        ("true false null", pa.bool_(), [True, False, None]),
        ('"x" "" null', pa.string(), ["x", "", None]),
        ('"2013-01-01" "2013-01-01" "x"', pa.string(), ["2013-01-01", "2013-01-01", "x"]),
        ('1 "x" true', pa.string(), ["1", "x", "true"]),
        ("1 true 2.5", pa.string(), ["1", "true", "2.5"]),
        ("9223372036854775807 -9223372036854775808 0", pa.int64(), [2**63 - 1, -(2**63), 0]),
        ("9223372036854775808 1 2", pa.string(), ["9223372036854775808", "1", "2"]),
        ('[1,"ü"] {"a":[]} null', pa.string(), ['[1, "ü"]', '{"a": []}', None]),
        ('"a" [1] 2', pa.string(), ["a", "[1]", "2"]),
        ("null null null", pa.string(), [None, None, None]),
        ('"\\u00fc" "\\ud83d\\ude00" "\\n"', pa.string(), ["ü", "\U0001f600", "\n"]),
    ],
)
def test_each_kind_of_column(read: Read, values: str, kind: pa.DataType, columns: list[Any]) -> None:
    records = [f'{{"v": {value}}}' for value in values.split(" ")] if " {" not in values else []
    records = records or ['{"v": [1,"ü"]}', '{"v": {"a":[]}}', '{"v": null}']
    for text, name in [
        ("\n".join(records), "t.jsonl"),
        ("\r\n\r\n".join(records) + "\r\n", "t.ndjson"),
        ("\ufeff[" + ",".join(records) + "]", "t.json"),
        (" [\n" + "\n , ".join(records) + "\n]\n", "t.json"),
        ("\n".join(records), "t"),
    ]:
        table = read(text, name)
        assert table.schema == pa.schema([("v", kind)])
        assert table["v"].to_pylist() == columns


def test_missing_keys_are_missing_values_and_columns_come_as_they_appear(read: Read) -> None:
    table = read('{"b": 1}\n{"a": 2, "b": 3}\n{}\n{"c": "x"}\n')
    assert table.to_pydict() == {"b": [1, 3, None, None], "a": [None, 2, None, None], "c": [None, None, None, "x"]}


def test_a_column_that_changes_its_kind_late(read: Read, tmp_path: Path) -> None:
    lines = [f'{{"v": {i}}}' for i in range(40_000)] + ['{"v": "x"}']
    table = read("\n".join(lines))
    assert table["v"].to_pylist() == [*map(str, range(40_000)), "x"]
    batches = list(iter_tables(tmp_path / "t.jsonl", batch_rows=10_000))
    assert {batch.schema.field("v").type for batch in batches} == {pa.string()}
    assert [batch.num_rows for batch in batches] == [10_000] * 4 + [1]
    assert read("\n".join(lines), rows=5)["v"].to_pylist() == [0, 1, 2, 3, 4]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@given(rows=st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), _VALUES, min_size=1), min_size=1, max_size=5))
def test_array_and_lines_agree_and_keep_every_value(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("json")
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (folder / "t.json").write_text(json.dumps(rows, indent=1), "utf-8")
    table = read_table(folder / "t.jsonl")
    assert read_table(folder / "t.json").equals(table)
    for row, found in zip(rows, table.to_pylist(), strict=True):
        for name, value in found.items():
            given = row.get(name)
            text = pa.types.is_string(table.schema.field(name).type)
            assert value == (
                json.dumps(given, ensure_ascii=False) if text and type(given) not in (str, type(None)) else given
            )


@pytest.mark.parametrize("size", [10, 1_000, 1_048_570, 1_048_576, 3_000_000])
def test_arrays_longer_than_the_window(read: Read, size: int) -> None:
    rows = [{"a": "x" * min(size, 900_000), "n": i} for i in range(min(max(3, 3_000_000 // size), 60_000))]
    assert read(json.dumps(rows), "t.json").to_pylist() == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ('{"a": 1}\n{"a": \n', r"line 2: not valid JSON \(Expecting value at character"),
        ('{"a": 1}\n\n{"a": 1} {"a": 2}\n', "line 3: not valid JSON"),
        ('{"a": 1}\n[1]\n', r'line 2: expected an object like \{"age": 39\}, found an array'),
        ("3\n", "line 1: expected an object .* found a number"),
        ("null\n", "line 1: expected an object .* found null"),
        ('"x"\n', "line 1: expected an object .* found a text"),
        ('{"a": 1, "a": 2}\n', "line 1: the key 'a' occurs twice"),
        ("{}\n{}\n", "no rows; a table needs at least one object with keys"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "JSON nested deeper than 64 levels"),
        ('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}", "JSON nested deeper than 64 levels"),
        ('{"a": ' * 200_000, "JSON nested deeper than 64 levels"),
        ('{"a": "\\ud800"}', "column 'a' holds half a surrogate pair"),
        ('{"a": ' + "9" * 5_000 + "}", "line 1: "),
        ('{"a": "' + "x" * 5_000_000 + '"}', "line 1: longer than 4 MiB"),
        ('{"a": "' + "x" * 2_000_000 + '"}', "row 1, column 'a': a cell longer than 1 MiB"),
        ("{" + ",".join(f'"{i}":1' for i in range(10_001)) + "}", "10,001 columns"),
        (b'{"a": "\xfc"}', "line 1: not UTF-8 text; try --encoding latin-1"),
        (b'{"a": "\0"}', "line 1: a NUL byte"),
    ],
)
def test_lines_that_are_refused(read: Read, text: str | bytes, says: str) -> None:
    with pytest.raises(InputError, match=rf"t\.jsonl: .*{says}") as failure:
        read(text)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "line 1: not valid JSON"),
        ("[]", "no rows"),
        ("[[]]", "line 1: expected an object"),
        ('[{"a": 1}\n{"a": 2}]', "line 2: not valid JSON"),
        ('[{"a": 1},\n{"a": }]', "line 2: not valid JSON"),
        ('[{"a": 1}', "line 1: not valid JSON"),
        ('[{"a": 1}]\nx', "line 2: not valid JSON"),
        ('[,{"a": 1}]', "line 1: not valid JSON"),
        ('[{"a": 1},,{"a": 1}]', "line 1: not valid JSON"),
        ("[1\n,2]", "line 1: expected an object"),
        ("[" * 200_000, "JSON nested deeper than 64 levels"),
        ('\n\n[{"a": 1},\n2]', "line 4: expected an object"),
    ],
)
def test_arrays_that_are_refused(read: Read, text: str, says: str) -> None:
    with pytest.raises(InputError, match=rf"t\.json: .*{says}"):
        read(text, "t.json")
