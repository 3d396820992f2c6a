"""SDV's metadata: read in both its forms, written in the newer."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from genapps.errors import InputError
from genapps_tabular.schema import detect, schema_from

TABLE = pa.table({
    "guest": pa.array([f"g{i}@mail.org" for i in range(200)]),
    "room": pa.array([str(100 + i % 40) for i in range(200)]),
    "fee": pa.array([f"{i * 7 % 300}.25" for i in range(200)]),
    "vip": pa.array([bool(i % 5) for i in range(200)]),
    "checkin": pa.array([f"{1 + i % 28:02} Jan 2020" for i in range(200)]),
    "mobile": pa.array([str(5_550_000 + i * i) for i in range(200)]),
})  # fmt: skip
COLUMNS: dict[str, Any] = {
    "guest": {"sdtype": "email", "pii": True},
    "room": {"sdtype": "categorical"},
    "fee": {"sdtype": "numerical"},
    "vip": {"sdtype": "boolean"},
    "checkin": {"sdtype": "datetime", "datetime_format": "%d %b %Y"},
    "mobile": {"sdtype": "phone_number", "pii": True},
}
KINDS = ("identifier", "category", "number", "boolean", "date", "identifier")
V1 = {"columns": COLUMNS, "primary_key": "guest", "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1"}
V2 = {"tables": {"hotel": {"columns": COLUMNS, "primary_key": "guest"}}, "relationships": []}


@pytest.mark.parametrize("metadata", [V1, V2])
def test_both_versions_are_read(metadata: dict[str, Any]) -> None:
    schema = schema_from(metadata, TABLE)
    assert tuple(column.kind for column in schema.columns) == KINDS
    assert schema["checkin"].format == "%d %b %Y"
    assert schema["fee"].decimals == 2
    schema.check(TABLE)


def test_written_metadata_is_read_back() -> None:
    schema = schema_from(V2, TABLE)
    metadata = schema.to_sdv_metadata("hotel")
    assert metadata["tables"]["hotel"]["columns"]["checkin"] == COLUMNS["checkin"]
    assert {c: v["sdtype"] for c, v in metadata["tables"]["hotel"]["columns"].items()} == {
        "guest": "id", "room": "categorical", "fee": "numerical", "vip": "boolean", "checkin": "datetime",
        "mobile": "id",
    }  # fmt: skip
    assert schema_from(metadata, TABLE) == schema


def test_a_datetime_that_was_not_detected_takes_its_format_from_metadata() -> None:
    table = pa.table({"at": pa.array(["31+01+2020"] * 5 + ["01+02+2020"])})
    assert detect(table)["at"].kind == "category"
    told = schema_from(
        {"tables": {"t": {"columns": {"at": {"sdtype": "datetime", "datetime_format": "%d+%m+%Y"}}}}}, table
    )
    assert (told["at"].kind, told["at"].format) == ("date", "%d+%m+%Y")
    told.check(table)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"tables": {"a": {"columns": {}}, "b": {"columns": {}}}}, "exactly one table and has a, b"),
        ({"tables": {}}, "exactly one table and has none"),
        ({"tables": {"a": {}}}, 'has no "columns"'),
        ({"tables": {"a": {"columns": {"gest": {"sdtype": "id"}}}}}, "no column 'gest'. Did you mean 'guest'"),
        ({"tables": {"a": {"columns": {"guest": {}}}}}, "column 'guest' has no sdtype"),
        ({"tables": {"a": {"columns": {"guest": {"sdtype": "datetime"}}}}}, "column 'guest' is a datetime in text"),
    ],
)
def test_what_does_not_fit_is_refused(metadata: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        schema_from(metadata, TABLE)
    assert message in str(refused.value)
