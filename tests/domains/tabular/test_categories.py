"""Categories in digits, rare ones kept back, and those that behave alike side by side."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps_tabular.codec import CodecConfig, TableCodec
from genapps_tabular.columns.categories import lay_out
from genapps_tabular.columns.neighbors import alike, told
from genapps_tabular.conditions import Equals
from genapps_tabular.schema import ColumnSchema, Schema, detect


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=500), st.integers(2, 40), st.booleans())
def test_each_value_has_one_path_of_small_digits(counts: list[int], most: int, keep_last: bool) -> None:
    amounts = np.sort(np.array(counts))[::-1].copy()
    order, paths = lay_out(amounts, most, keep_last)
    assert sorted(order.tolist()) == list(range(len(amounts)))
    assert len(np.unique(paths, axis=0)) == len(paths)
    rising = [tuple(p) for p in paths.tolist()]
    assert rising == sorted(rising)
    if len(amounts) <= most:
        assert paths.shape[1] == 1
    elif len(amounts) <= most**2 / 2:
        assert paths.shape[1] <= 2 + (most < 4)
        assert paths.max() <= most
    if keep_last:
        assert order[-1] == len(amounts) - 1
        assert (paths[:-1, 0] != paths[-1, 0]).all()


def fit(table: pa.Table, **config: int) -> TableCodec:
    schema = Schema(tuple(ColumnSchema(n, "category", str(table[n].type)) for n in table.column_names))
    return TableCodec.fit(table, schema, CodecConfig(**config), np.random.default_rng(0))  # type: ignore[arg-type]


@pytest.mark.parametrize("distinct", [130, 3000, 40_000])
def test_very_many_categories_take_few_codes(distinct: int) -> None:
    table = pa.table({"x": pa.array([f"v{i}" for i in np.random.default_rng(0).permutation(distinct)])})
    codec = fit(table)
    assert max(codec.space.sizes) <= 128
    assert sum(codec.space.sizes) < 400
    codes = codec.encode(table)
    assert codec.decode(codes, np.random.default_rng(0)).equals(table)
    anything = np.stack([np.random.default_rng(1).integers(0, s, 2000) for s in codec.space.sizes], axis=1)
    assert codec.decode(anything, np.random.default_rng(0))["x"].null_count == 0


def test_frequent_values_of_many_have_a_digit_of_their_own() -> None:
    table = pa.table({"x": pa.array(["top"] * 500 + [f"v{i}" for i in range(1000)])})
    codec = fit(table)
    first = codec.encode(table)[:, 0]
    assert (first[:500] == first[0]).all()
    assert (first[500:] != first[0]).all()


@pytest.mark.parametrize("most", [128, 20])
def test_rare_categories_are_never_made(most: int) -> None:
    values = ["a"] * 300 + ["b"] * 100 + [f"rare{i}" for i in range(60)] + [None] * 2
    table = pa.table({"x": pa.array(values)})
    codec = fit(table, protect_rare=5, max_tokens=most)
    made = codec.decode(np.repeat(codec.encode(table), 20, axis=0), np.random.default_rng(0))["x"]
    assert set(made.to_pylist()) == {"a", "b", None}
    assert made.null_count < 60 * 20 * 0.05 + 80
    with pytest.raises(Exception, match="never is 'rare3'"):
        codec.constraints({"x": Equals("rare3")})


def test_categories_that_behave_alike_share_their_first_digit() -> None:
    rng = np.random.default_rng(0)
    planes = np.repeat(np.arange(1000), 10)
    carrier = planes % 7  # decided by the plane, and by nothing in its name
    table = pa.table({
        "noise": pa.array([str(i) for i in rng.integers(0, 3, 10_000)]),
        "plane": pa.array([f"N{(p * 7919) % 100_003}" for p in planes]),
        "carrier": pa.array([f"c{c}" for c in carrier]),
    }).take(pa.array(rng.permutation(10_000)))  # fmt: skip
    codec = TableCodec.fit(table, detect(table), CodecConfig(), np.random.default_rng(0))
    codes = codec.encode(table)
    bucket, own = codes[:, codec.parts["plane"][0]], codes[:, codec.parts["carrier"][0]]
    pure = np.mean([len(np.unique(own[bucket == b])) == 1 for b in np.unique(bucket)])
    assert pure > 0.7
    assert codec.decode(codes, rng).equals(table)


def test_what_tells_nothing_is_not_used() -> None:
    rng = np.random.default_rng(0)
    values, noise = np.repeat(np.arange(500), 4), rng.integers(0, 3, 2000)
    assert alike(values, 500, []) is None
    assert alike(values, 500, [noise]) is None
    np.testing.assert_array_equal(alike(values, 500, [noise, values % 3]), np.arange(500) % 3)


def test_all_and_nothing_told() -> None:
    assert told(np.diag([5, 9, 2])) == pytest.approx(1)
    assert told(np.outer([1, 2, 3], [4, 5])) == pytest.approx(0)
    assert told(np.ones((4, 1), int)) == 0
