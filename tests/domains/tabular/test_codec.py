"""Whole tables: round trips of generated ones, what is unknown, what a model file holds."""

from __future__ import annotations

import json
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genapps_tabular.codec import CHUNK, CodecConfig, TableCodec
from genapps_tabular.schema import detect

texts = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.decimals(-1000, 1000, places=2).map(str),
    st.sampled_from(
        ["", "a", "ü", "N/A", "?", "true", "false", "2020-01-02", "2020-02-30", "07", "1e5", "-", "$5", "1,000"]
    ),
    st.text(max_size=8),
    st.dates().map(str),
)
typed = st.sampled_from(
    [pa.int64(), pa.float64(), pa.float32(), pa.bool_(), pa.date32(), pa.string(), pa.timestamp("ms")]
)


@st.composite
def columns(draw: st.DrawFn, rows: int) -> pa.Array:
    """A column of text, of few or of many values, or a typed one, with missing cells."""
    if draw(st.booleans()):
        pool = draw(st.lists(st.one_of(st.none(), texts), min_size=1, max_size=draw(st.sampled_from([2, 5, 60]))))
        return pa.array([pool[i] for i in draw(st.lists(st.integers(0, len(pool) - 1), min_size=rows, max_size=rows))],
                        pa.string())  # fmt: skip
    kind = draw(typed)
    numbers = draw(st.lists(st.one_of(st.none(), st.integers(-50_000, 50_000)), min_size=rows, max_size=rows))
    if kind == pa.bool_():
        return pa.array([None if n is None else n > 0 for n in numbers])
    if pa.types.is_string(kind):
        return pa.array([None if n is None else str(n / 8) for n in numbers], kind)
    if pa.types.is_floating(kind):
        return pa.array([None if n is None else n / 8 for n in numbers], kind)
    return pa.array(numbers, pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(1, 60))
    names = draw(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4, unique=True))
    return pa.table([draw(columns(rows)) for _ in names], names=names)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables(), st.sampled_from(["tokens", "mixed"]))
def test_any_table_comes_back_in_its_own_form(table: pa.Table, numbers: Literal["tokens", "mixed"]) -> None:
    schema = detect(table)
    schema.check(table)
    codec = TableCodec.fit(table, schema, CodecConfig(numbers=numbers, max_tokens=8), np.random.default_rng(0))
    codes = codec.encode(table)
    assert codes.shape == (len(table), len(codec.space.variables))
    assert codes.dtype == (np.int32 if codec.space.discrete else np.float32)
    made = codec.decode(codes, np.random.default_rng(1))
    assert made.schema == table.schema
    again = codec.encode(made)
    for name, column in zip(schema.names, schema.columns, strict=True):
        assert made[name].null_count == table[name].null_count
        if column.kind in ("category", "boolean", "constant") or (column.kind == "date"):
            assert made[name].equals(table[name])
        for variable in codec.parts[name]:
            if codec.space.sizes[variable]:
                np.testing.assert_array_equal(codes[:, variable], again[:, variable])
    arrays, plain = codec.state()
    loaded = TableCodec.from_state(arrays, json.loads(json.dumps(plain)))
    assert loaded.space == codec.space
    assert str(loaded.decode(codes, np.random.default_rng(1)).to_pylist()) == str(made.to_pylist())


def example(rows: int = 4000) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table({
        "income": pa.array([f"{x:.2f}" for x in rng.lognormal(8, 1, rows)]),
        "gap": pa.array([None if i % 4 == 0 else "N/A" if i % 4 == 1 else str(i) for i in range(rows)]),
        "city": pa.array([["a", "b", None, "?"][i] for i in rng.integers(0, 4, rows)]),
        "key": pa.array(range(rows)),
        "same": pa.array(["x"] * rows),
        "day": pa.array([None if i % 5 == 0 else f"2020-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(rows)]),
    })  # fmt: skip


def fit(table: pa.Table, **config: Any) -> TableCodec:
    return TableCodec.fit(table, detect(table), CodecConfig(**config), np.random.default_rng(0))


@pytest.mark.parametrize("numbers", ["tokens", "mixed"])
def test_missing_cells_are_codes_or_unknown(numbers: str) -> None:
    table = example()
    codec = fit(table, numbers=numbers)
    told, open_ = codec.encode(table), codec.encode(table, missing="unknown")
    for name, missing in (("gap", [None, "N/A"]), ("city", [None, "?"]), ("day", [None])):
        absent = np.array([value in missing for value in table[name].to_pylist()])
        for variable in codec.parts[name]:
            codes = open_[:, variable]
            unknown = codes < 0 if codes.dtype == np.int32 else np.isnan(codes)
            np.testing.assert_array_equal(unknown, absent)
            np.testing.assert_array_equal(codes[~absent], told[~absent, variable])
    assert {c.variables for c in codec.present(table.column_names)} == {codec.parts[n] for n in ("gap", "city", "day")}


@pytest.mark.parametrize("numbers", ["tokens", "mixed"])
def test_what_was_never_seen_is_unknown_or_near(numbers: str) -> None:
    table = example()
    codec = fit(table, numbers=numbers)
    other = table.slice(1, 1).set_column(2, "city", pa.array(["elsewhere"])).set_column(0, "income", pa.array(["1e9"]))
    codes = codec.encode(other)[0]
    city = codes[codec.parts["city"][0]]
    assert city == -1 or np.isnan(city)
    assert not np.isnan(codes[codec.parts["income"][0]])
    made = codec.decode(codes[None], np.random.default_rng(0))
    assert made["city"].to_pylist() == [None]
    assert float(made["income"][0].as_py()) <= max(float(x) for x in table["income"].to_pylist())


def test_encoding_does_not_depend_on_chunks() -> None:
    table = example(600)
    codec = fit(table)
    many = pa.concat_tables([table] * (CHUNK // 600 + 2))
    assert len(many) > CHUNK
    codes = codec.encode(many)
    np.testing.assert_array_equal(codes.reshape(-1, 600, codes.shape[1])[-1], codec.encode(table))
    np.testing.assert_array_equal(codes[:600], codec.encode(table))


@pytest.mark.parametrize("numbers", ["tokens", "mixed"])
def test_a_model_file_never_holds_a_value_for_each_row(numbers: str) -> None:
    table = pa.table({"x": pa.array(np.random.default_rng(0).normal(size=2000))})
    arrays, _ = fit(table, numbers=numbers).state()
    held = np.concatenate([value.ravel() for value in arrays.values()])
    assert len(held) < 2000 * 0.8
    exact = np.isin(table["x"].to_numpy(), held)
    assert exact.mean() < 0.02


def test_the_least_and_largest_value_are_no_more_frequent_than_in_the_data() -> None:
    values = np.random.default_rng(0).integers(1000, 2_000_000, 20_000)
    table = pa.table({"x": values})
    codec = fit(table)
    made = codec.decode(np.repeat(codec.encode(table), 10, axis=0), np.random.default_rng(0))["x"].to_numpy()
    assert made.min() >= values.min()
    assert made.max() <= values.max()
    assert (made == values.max()).sum() <= 20
    assert (made == values.min()).sum() <= 20


def test_rounding_habits_are_kept() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(20_000) < 0.97, rng.integers(1, 5000, 20_000) * 100, rng.integers(1, 500_000, 20_000))
    table = pa.table({"x": values})
    codec = fit(table)
    made = codec.decode(codec.encode(table), rng)["x"].to_numpy()
    assert abs((made % 100 == 0).mean() - (values % 100 == 0).mean()) < 0.02


def test_decoding_is_a_function_of_codes_and_generator() -> None:
    table = example()
    codec = fit(table)
    codes = codec.encode(table)
    one, two = (codec.decode(codes, np.random.default_rng(5), first_row=7, seed=3) for _ in range(2))
    assert one.equals(two)
    assert not one.equals(codec.decode(codes, np.random.default_rng(6), first_row=7, seed=3))
    assert set(one["key"].to_pylist()).isdisjoint(codec.decode(codes, np.random.default_rng(5), first_row=7 + 4000,
                                                               seed=3)["key"].to_pylist())  # fmt: skip
