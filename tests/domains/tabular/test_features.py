"""Plain features: each kind of column as what it is, robust scales, and the same again from a file."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.errors import InputError
from genapps.spaces import Categorical, Continuous
from genapps_tabular.features import FAR, MOST_LEVELS, Axes, Feature, Features
from genapps_tabular.schema import Schema, detect


def features(table: pa.Table) -> Features:
    return Features.fit(table, detect(table), "t.csv")


def one(values: object) -> Feature:
    return features(pa.table({"x": values})).features[0]


def people(rows: int = 400, seed: int = 0) -> pa.Table:
    draw = np.random.default_rng(seed)
    age = draw.integers(18, 90, rows)
    return pa.table(
        {
            "id": [f"p{k:04d}-{draw.integers(2**40):x}" for k in range(rows)],
            "age": pa.array(age, mask=draw.random(rows) < 0.1),
            "gain": np.where(draw.random(rows) < 0.6, 0.0, np.round(draw.lognormal(7, 1.5, rows), 2)),
            "stars": draw.integers(1, 6, rows),
            "city": draw.choice(["Köln", "Paris", "Rom"], rows),
            "born": [f"{2024 - a}-0{1 + k % 9}-1{k % 9}" for k, a in enumerate(age)],
            "member": draw.choice(["yes", "no"], rows),
            "here": ["yes"] * rows,
        }
    )


def test_each_column_is_taken_for_what_it_is() -> None:
    found = {feature.name: feature for feature in features(people()).features}
    assert {name: feature.kind for name, feature in found.items()} == {
        "age": "number",
        "gain": "number",
        "stars": "steps",
        "city": "category",
        "born": "number",
        "member": "category",
    }
    assert found["gain"].atom == 0.0
    assert found["gain"].unit > 0
    assert found["gain"].variables == (Categorical(2), Continuous())
    assert found["stars"].variables == (Categorical(5, ordered=True),)
    assert dict(features(people()).left_out) == {"id": "an identifier", "here": "constant"}


def test_a_column_without_a_value_is_called_empty() -> None:
    text, number = pa.nulls(240, pa.string()), pa.nulls(240, pa.float64())
    table = people(240).append_column("no", text).append_column("nan", number)
    table = table.append_column("gone", pa.array(["?"] * 240))
    schema = detect(table)
    asked = {"no": "constant", "nan": "number", "gone": "category"}
    columns = [replace(c, kind=asked.get(c.name, c.kind), missing=("?",)) for c in schema.columns]
    left = dict(Features.fit(table, Schema(tuple(columns)), "t").left_out)
    assert {name: left[name] for name in (*asked, "here")} == {**dict.fromkeys(asked, "empty"), "here": "constant"}


def test_what_was_done_is_said() -> None:
    notes = "\n".join(features(people()).notes)
    for words in ("'gain': strongly skewed", "'gain': the frequent value 0", "'id': left out (an identifier)"):
        assert words in notes


def test_the_same_features_come_back_from_json() -> None:
    table = people()
    made = features(table)
    again = Features.from_json(json.loads(json.dumps(made.to_json())))
    assert again.space == made.space
    assert np.array_equal(again.encode(again.read(table)), made.encode(made.read(table)), equal_nan=True)


@settings(deadline=None, max_examples=50)
@given(st.floats(1e-6, 1e6), st.floats(-1e6, 1e6))
def test_another_unit_or_origin_changes_nothing(scale: float, shift: float) -> None:
    values = np.random.default_rng(0).normal(size=300)
    first, second = one(values), one(values * scale + shift)
    a, b = first.encode(values)[0], second.encode(values * scale + shift)[0]
    assert b == pytest.approx(a, abs=1e-6 + 1e-9 * abs(shift) / scale)


def test_outliers_neither_set_the_scale_nor_lie_endlessly_far() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    values[:3] = 1e9, -1e12, 1e100
    codes = one(values).encode(values)[0]
    assert np.isfinite(codes).all()
    assert np.abs(codes[3:]).max() < FAR
    assert codes[1] < -FAR < FAR < codes[0] < codes[2]  # their order stays
    assert codes[3:].std() == pytest.approx(1, abs=0.1)


def test_gaps_and_what_was_never_seen_are_unknown() -> None:
    table = people()
    made = features(table)
    other = table.slice(0, 2).set_column(table.column_names.index("city"), "city", pa.array(["Wien", None]))
    codes = made.encode(made.read(other))
    city = [f.name for f in made.features].index("city") + 1  # behind the gain's two variables
    assert np.isnan(codes[:, city]).all()
    assert np.isnan(made.encode(made.read(table))[:, 0]).mean() == pytest.approx(0.1, abs=0.05)


def test_rare_categories_are_one_and_endless_ones_are_left_out() -> None:
    draw = np.random.default_rng(0)
    many = [f"c{k}" for k in np.minimum(draw.geometric(0.1, 2000), 40)]
    assert one(many).labels[-1] == "other"
    assert one(many).variables == (Categorical(MOST_LEVELS),)
    endless = pa.table({"zip": [f"z{k % 900}" for k in range(1800)], "x": draw.normal(size=1800)})
    assert dict(features(endless).left_out) == {"zip": "900 categories, most of them rare"}


def test_a_column_that_says_the_same_counts_once() -> None:
    table = people()
    again = pa.array([{"Köln": "DE", "Paris": "FR", "Rom": "IT"}[c] for c in table["city"].to_pylist()])
    assert dict(features(table.append_column("land", again)).left_out)["land"] == "says the same as city"


def test_a_table_with_nothing_to_tell_rows_apart_by_is_refused() -> None:
    with pytest.raises(InputError, match="no column to tell rows apart by"):
        features(pa.table({"id": [f"k{k:05d}x{k * 7919 % 4093}" for k in range(300)], "c": ["a"] * 300}))
    with pytest.raises(InputError, match=r"has no column 'age'.*Did you mean 'Age'"):
        features(people()).check(pa.table({"Age": [1, 2]}), "t.csv")


def test_axes_weigh_a_column_of_codes_about_as_much_as_a_number() -> None:
    table = people(2000)
    made = features(table)
    codes = made.encode(made.read(table))
    axes = Axes.fit(made.space, codes)
    points = axes(codes)
    assert np.isfinite(points).all()
    variance, first = points.var(axis=0), 0
    for size in made.space.sizes:
        own = variance[first : first + max(size, 1)].sum()
        assert own == pytest.approx(1, abs=0.65)
        first += max(size, 1)
