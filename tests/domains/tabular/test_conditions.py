"""Conditions as text, and what they mean to a codec."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import UsageError
from genapps_tabular.codec import CodecConfig, TableCodec
from genapps_tabular.conditions import Between, Condition, Equals, IsMissing, OneOf, parse
from genapps_tabular.schema import ColumnSchema, Schema, detect

SCHEMA = Schema((ColumnSchema("age", "number"), ColumnSchema("income", "category"), ColumnSchema("a=b", "category")))


@pytest.mark.parametrize(
    ("text", "name", "condition"),
    [
        ("age=30", "age", Equals("30")),
        ("age=30..40", "age", Between("30", "40")),
        ("age=..40", "age", Between(None, "40")),
        ("age=-5..", "age", Between("-5", None)),
        ("age=1.5..2.5", "age", Between("1.5", "2.5")),
        ("income=>50K", "income", Equals(">50K")),
        ("income=<=50K", "income", Equals("<=50K")),
        ("income=a=b", "income", Equals("a=b")),
        ("a=b=c", "a=b", Equals("c")),
        ("income=NY|NJ", "income", OneOf(("NY", "NJ"))),
        ("income=missing", "income", IsMissing()),
        ("age=2013-01-01..2013-02-01", "age", Between("2013-01-01", "2013-02-01")),
    ],
)
def test_texts(text: str, name: str, condition: Condition) -> None:
    assert parse([text], SCHEMA) == {name: condition}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["agee=3"], "there is no column 'agee'. Did you mean 'age'"),
        (["age"], "'age' is no condition"),
        (["age="], "needs a value"),
        (["age=.."], "needs a low or a high end"),
        (["age=3", "age=4"], "'age' has two conditions"),
    ],
)
def test_texts_that_are_none(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(texts, SCHEMA)
    assert message in str(refused.value)


TABLE = pa.table({
    "n": pa.array([str(i % 200 + i // 200) for i in range(2000)]),
    "word": pa.array(["1..2", "a|b", "missing", "c"] * 500),
    "same": pa.array(["k"] * 2000),
    "none": pa.nulls(2000, pa.string()),
    "town": pa.array([f"Upper {c}{d}" for c in "abcde" for d in "vwxyz"] * 80),
    "day": pa.array([dt.date(2020, 1, 1) + dt.timedelta(days=i % 300) for i in range(2000)]),
})  # fmt: skip


@pytest.fixture(scope="module", params=["tokens", "mixed"])
def codec(request: pytest.FixtureRequest) -> TableCodec:
    return TableCodec.fit(TABLE, detect(TABLE), CodecConfig(numbers=request.param), np.random.default_rng(0))


@pytest.mark.parametrize("value", ["1..2", "a|b", "missing"])
def test_a_value_of_the_column_wins_over_syntax(codec: TableCodec, value: str) -> None:
    conditions = parse([f"word={value}"], codec.schema)
    (constraint,) = codec.constraints(conditions)
    assert constraint.weights[0].sum() == 1
    code = int(constraint.weights[0][0].argmax())
    codes = codec.encode(TABLE)[:1]
    codes[0, codec.parts["word"][0]] = code
    assert codec.decode(codes, np.random.default_rng(0), conditions=conditions)["word"].to_pylist() == [value]


def test_constraints_name_the_tables_variables(codec: TableCodec) -> None:
    found = codec.constraints({"day": Equals("2020-03"), "n": Between(3, 9), "same": Equals("k")})
    assert [c.variables for c in found] == [codec.parts["day"], codec.parts["n"]]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"m": Equals(1)}, "there is no column 'm'"),
        ({"n": Between(500, 600)}, "its values lie in 0..208"),
        ({"n": Equals("many")}, "'many' is none"),
        ({"n": Between(9, 3)}, "the range is empty"),
        ({"n": Between(3.2, 3.8)}, "multiples of 1"),
        ({"n": IsMissing()}, "no missing values"),
        ({"n": Equals("500")}, "'n' never is 500: its values lie in 0..208"),
        ({"n": OneOf(("3", "3.5"))}, "'n' never is 3.5: its values are multiples of 1"),
        ({"word": Equals("cc")}, "never is 'cc'; its values are '1..2', 'a|b', 'c', 'missing'"),
        ({"word": OneOf(("c", "cc"))}, "never is 'cc'; its values are"),
        ({"town": Equals("upper CX")}, "never is 'upper CX'; its 25 values include 'Upper cx'"),
        ({"town": Equals("?")}, "never is '?'; its 25 values include 'Upper av', 'Upper aw', 'Upper ax'"),
        ({"same": OneOf(("p", "q"))}, "never is 'p' or 'q': it is always 'k'"),
        ({"same": IsMissing()}, "never is 'missing': it is always 'k'"),
        ({"none": Equals("q")}, "never is 'q': it is always missing"),
        ({"none": Between("a", "q")}, "is always missing; leave it out"),
        ({"day": Equals("2031-01-01")}, "'day' never is 2031-01-01: its values lie in 2020-01-01..2020-10-26"),
        ({"word": Between("a", "b")}, "which have no ranges"),
        ({"same": Equals("q")}, "always 'k'"),
        ({"day": Between("2031-01-01", None)}, "its values lie in 2020-01-01..2020-10-26"),
        ({"day": Equals("today")}, "'today' is none"),
    ],
)
def test_impossible_ones_name_the_column(codec: TableCodec, condition: dict[str, Condition], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        codec.constraints(condition)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_ranges_weight_is_the_share_of_each_bin() -> None:
    """Oracle: the training values themselves, bin by bin."""
    values = np.random.default_rng(0).integers(0, 10_000, 20_000)
    table = pa.table({"n": values})
    codec = TableCodec.fit(table, detect(table), CodecConfig(), np.random.default_rng(0))
    (constraint,) = codec.constraints({"n": Between(2345, 2789)})
    codes = codec.encode(table)[:, 0]
    for code, weight in enumerate(constraint.weights[0][0]):
        mine = values[codes == code]
        assert abs(weight - ((mine >= 2345) & (mine <= 2789)).mean()) < 0.08


def test_a_name_in_another_unicode_form_is_the_same_name() -> None:
    composed, decomposed = "gr\u00f6\u00dfe", "gro\u0308\u00dfe"
    for name, asked in ((composed, decomposed), (decomposed, composed)):
        schema = detect(pa.table({name: list(range(300))}))
        assert parse([f"{asked}=3..5"], schema) == {name: Between("3", "5")}
