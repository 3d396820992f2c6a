"""What the report shows of columns and pairs: shares that are right, few enough, and nobody's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps_tabular.evaluation import ColumnView
from genapps_tabular.fidelity import paired
from genapps_tabular.measuring import Gauge, Sides
from genapps_tabular.metrics import take_sides
from genapps_tabular.schema import ColumnSchema, Schema
from genapps_tabular.views import FEWEST, MOST_BINS, MOST_CATEGORIES, column_views, pair_view


def sides(columns: dict[str, tuple[str, Any, Any]]) -> Sides:
    """Two tables of columns (kind, real values, synthetic values)."""
    schema = Schema(tuple(ColumnSchema(name, kind) for name, (kind, _, _) in columns.items()))  # type: ignore[arg-type]
    real, synthetic = (pa.table({name: pa.array(column[k]) for name, column in columns.items()}) for k in (1, 2))
    return take_sides(Gauge.fit(schema, real, synthetic), real, synthetic, None, max_rows=10_000, seed=0)


def view(kind: str, real: Any, synthetic: Any) -> ColumnView:
    return column_views(sides({"x": (kind, real, synthetic)}))[0]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.one_of(st.floats(-1e12, 1e12), st.integers(-300, 300).map(float)), min_size=1, max_size=80),
    st.integers(0, 3),
)
def test_bins_are_few_and_round_and_take_up_every_value(values: list[float], digits: int) -> None:
    values = [round(value, digits) for value in values] * FEWEST
    shown = view("number", values, values[::2])
    assert 2 <= len(shown.labels) <= MOST_BINS + 1
    assert len(shown.real) == len(shown.synthetic) == len(shown.labels) - 1
    assert sum(shown.real) == pytest.approx(1) and sum(shown.synthetic) == pytest.approx(1)
    edges = [float(label) for label in shown.labels]
    assert edges == sorted(edges)
    assert edges[0] <= np.quantile(values, 0.01) and np.quantile(values, 0.99) <= edges[-1]


def test_whole_numbers_stand_in_the_middle_of_bins_of_one() -> None:
    shown = view("number", [1, 2, 2, 3] * 10, [3] * 5)
    assert shown.labels == ("0.5", "1.5", "2.5", "3.5")
    assert shown.real == (0.25, 0.5, 0.25)
    assert shown.synthetic == (0, 0, 1)


def test_a_bin_of_few_people_is_not_shown() -> None:
    shown = view("number", [0.0] * 1000 + [50.0] * (FEWEST - 1) + [100.0] * 20, [0.0])
    filled = [share for share in shown.real if share]
    assert len(filled) == 2
    assert sum(filled) == pytest.approx(1)
    assert filled[1] == pytest.approx(20 / 1020)


def test_rare_and_many_categories_are_merged() -> None:
    many = [f"v{i:02}" for i in range(40) for _ in range(100 - i)]
    shown = view("category", [*many, "alone"], [*many, "invented"])
    assert len(shown.labels) == MOST_CATEGORIES
    assert shown.labels[:2] == ("v00", "v01") and shown.labels[-1] == "other"
    assert sum(shown.real) == pytest.approx(1)
    few = view("category", ["a"] * 10 + ["b"] * (FEWEST - 1), ["a", "c"])
    assert few.labels == ("a", "other")
    assert few.real == pytest.approx((10 / 14, 4 / 14))
    assert few.synthetic == (0.5, 0.5)


def test_missing_values_are_told_apart_from_the_others() -> None:
    shown = view("category", ["a"] * 6 + [None] * 2, ["a"] * 4 + [None] * 12)
    assert (shown.missing_real, shown.missing_synthetic) == (0.25, 0.75)
    assert shown.real == shown.synthetic == (1.0,)
    assert shown.similarity == 1


def test_moments_have_bins_of_days_or_hours() -> None:
    year = [datetime(2020, 1, 1) + timedelta(days=i) for i in range(365)]
    dates = view("datetime", year, year)
    assert all(datetime.fromisoformat(label) for label in dates.labels)
    assert all(len(label) == 10 for label in dates.labels)
    hours = view("datetime", [datetime(2020, 1, 1) + timedelta(hours=i % 24) for i in range(400)], year[:1])
    assert 20 <= len(hours.real) <= 30
    assert max(hours.real) < 0.1


def test_pairs_show_dependence_whatever_the_kind() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=3000)
    code = [str(c) for c in (x > 0).astype(int) + (x > 1)]
    free = generator.normal(size=3000)
    columns = {"x": ("number", x, free), "square": ("number", x**2, x**2), "code": ("category", code, code)}
    given_sides = sides({**columns, "free": ("number", free, free)})
    shown = pair_view(given_sides, *paired(given_sides))
    assert shown is not None
    assert shown.columns == ("x", "square", "code", "free")
    real, synthetic = np.array(shown.real), np.array(shown.synthetic)
    np.testing.assert_array_equal(real, real.T)
    np.testing.assert_array_equal(np.diag(real), 1)
    assert real[0, 1] > 0.5, "a dependence that correlation does not see"
    assert real[0, 2] > 0.8
    assert real[0, 3] < 0.05
    assert synthetic[0, 1] < 0.05 and synthetic[0, 3] > 0.75
    assert np.array(shown.similarity)[1, 2] == pytest.approx(1)


def test_one_column_has_no_pairs() -> None:
    alone = sides({"x": ("number", [1, 2], [1, 2]), "y": ("category", ["a", "a"], ["a", "a"])})
    assert pair_view(alone, *paired(alone)) is None
