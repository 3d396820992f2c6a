"""Schemas as files: read back equal, and each contradiction refused in one line."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from genapps.errors import InputError
from genapps_tabular.schema import ColumnSchema, Schema, detect, schema_from

TABLE = pa.table({
    "age": pa.array([str(20 + i % 50) for i in range(300)]),
    "paid": pa.array([f"${i * 37 % 1000:,}.50" for i in range(300)]),
    "Stadt": pa.array(["Köln", "N/A", "東京"] * 100),
    "ok": pa.array(["yes", "no", None] * 100),
    "when": pa.array([f"{1 + i % 28:02}.{1 + i % 12:02}.2020 10:{i % 60:02}" for i in range(300)]),
    "born": pa.array([None if i % 9 == 0 else f"{1950 + i % 40}-05-{1 + i % 28:02}" for i in range(300)]),
    "id": pa.array(range(300)),
    "same": pa.array([1.5] * 300),
})  # fmt: skip


def test_a_schema_is_read_back_equal() -> None:
    schema = detect(TABLE)
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    assert schema_from(schema.to_json(), TABLE) == schema
    again.check(TABLE)


def test_a_file_for_people_leaves_defaults_out() -> None:
    plain = detect(TABLE).to_json()
    assert plain["genapps_schema"] == 1
    assert plain["columns"][0] == {"name": "age", "kind": "number", "dtype": "string", "nullable": False, "decimals": 0}


def changed(**values: Any) -> dict[str, Any]:
    """A schema of one column with these keys; None takes a key away."""
    column = {"name": "a", "kind": "number", "dtype": "string", **values}
    return {"genapps_schema": 1, "columns": [{k: v for k, v in column.items() if v is not None}]}


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        (changed(kind="numbr"), "column 'a' has an unknown kind 'numbr'. Did you mean 'number'"),
        (changed(decimal=2), "column 'a' has an unknown key 'decimal'. Did you mean 'decimals'"),
        (changed(kind=None), "column 'a' has no kind"),
        (changed(kind=3), "column 'a' has kind 3"),
        (changed(decimals="two"), "column 'a' has decimals 'two'"),
        (changed(decimals=1, least_decimals=2), "column 'a' has 1 decimals, and at least 2"),
        (changed(dtype="strin"), "column 'a' has an unknown dtype 'strin'"),
        (changed(dtype="timestamp[us]"), "which is no number"),
        (changed(kind="datetime"), "needs a format"),
        (changed(kind="datetime", dtype="int64"), "holds no datetimes"),
        (changed(kind="date", format="%Y"), "does not tell a date"),
        (changed(kind="datetime", format="%Y-%m-%d"), "does not tell a datetime"),
        (changed(kind="date", format="%Y-%m-%d %q"), "a format with %q"),
        (changed(kind="date", format="%d/%m/%Y %d"), "names a part twice"),
        (changed(kind="time", format="%I:%M"), "without %p"),
        (changed(thousands=".", point="."), "both between thousands and before decimals"),
        (changed(words="NA"), "column 'a' has words 'NA'"),
        (changed(nullable="no"), "true or false"),
        ({"genapps_schema": 1, "columns": [{"kind": "number"}]}, "needs a name"),
        ({"genapps_schema": 2, "columns": []}, "upgrade genapps"),
        ({"genapps_schema": 1, "columns": [], "column": 1}, "unknown key 'column'"),
        ({"genapps_schema": 1, "columns": changed()["columns"] * 2}, "column 'a' is there 2 times"),
        ([], "needs the form"),
        ({"columns": {"a": {}}}, "needs the form"),
    ],
)
def test_contradictions_are_refused(plain: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        Schema.from_json(plain)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.drop_columns(["age"]), "has no column 'age'"),
        (TABLE.append_column("more", TABLE["age"]), "has a column 'more'"),
        (TABLE.set_column(0, "age", pa.array(["1"] * 299 + ["old"])), "row 300, column 'age': 'old' is no number"),
        (
            TABLE.set_column(4, "when", pa.array(["yesterday"] * 300)),
            "row 1, column 'when': 'yesterday' is no datetime",
        ),
        (TABLE.set_column(0, "age", pa.array([True] * 300)), "column 'age' is to hold numbers and holds bool"),
        (TABLE.set_column(7, "same", pa.array([1.0, 2.0] * 150)), "column 'same' is to be constant"),
    ],
)
def test_tables_that_do_not_fit_are_refused(table: pa.Table, message: str) -> None:
    with pytest.raises(InputError) as refused:
        detect(TABLE).check(table)
    assert message in str(refused.value)


def test_missing_cells_and_words_fit() -> None:
    schema = detect(TABLE)
    schema.check(TABLE.set_column(0, "age", pa.array([None] * 300, pa.string())))
    schema.check(TABLE.set_column(5, "born", pa.nulls(300)))
    worded = ColumnSchema("age", "number", words=("old",))
    Schema((worded,)).check(pa.table({"age": ["1", "old"]}))


def test_a_text_column_told_to_be_a_number_is_refused_by_its_row() -> None:
    wrong = Schema.from_json({"genapps_schema": 1, "columns": [{"name": "c", "kind": "number", "dtype": "string"}]})
    with pytest.raises(InputError, match="row 2, column 'c': 'x' is no number"):
        wrong.check(pa.table({"c": ["1", "x"]}))
