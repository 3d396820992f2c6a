"""What is asked for in Python means what it means in the command."""

from __future__ import annotations

import pyarrow as pa

from genapps_tabular.checks import conditions_of
from genapps_tabular.conditions import Between, Equals, OneOf
from genapps_tabular.schema import detect

SCHEMA = detect(pa.table({"age": list(range(60)), "state": ["NY", "NJ", "CT"] * 20}))


def test_texts_mappings_and_conditions_agree() -> None:
    texts = conditions_of(["age=30..40", "state=NY|NJ"], SCHEMA)
    assert conditions_of({"age": "30..40", "state": "NY|NJ"}, SCHEMA) == texts
    assert texts["state"] == OneOf(("NY", "NJ"))
    plain = conditions_of({"age": 30, "state": ["NY", "NJ"]}, SCHEMA)
    assert plain == {"age": Equals(30), "state": OneOf(("NY", "NJ"))}
    assert conditions_of({"age": Between(30, 40)}, SCHEMA) == {"age": Between(30, 40)}
    assert conditions_of("state=NY", SCHEMA) == {"state": conditions_of({"state": "NY"}, SCHEMA)["state"]}
    assert conditions_of(None, SCHEMA) == {}
