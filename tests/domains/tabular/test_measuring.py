"""Tables as measuring arrays, whatever way their values are written."""

from __future__ import annotations

from datetime import date, datetime, time

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import InputError
from genapps_tabular.measuring import Gauge, hash_rows, independent
from genapps_tabular.schema import ColumnSchema, Schema


def one(column: ColumnSchema, values: pa.Array, *others: pa.Array) -> tuple[Gauge, np.ndarray]:
    """The gauge of a single column, and what it measures in the first table."""
    tables = [pa.table({column.name: array}) for array in (values, *others)]
    gauge = Gauge.fit(Schema((column,)), *tables)
    return gauge, gauge.measure(tables[0])


def test_numbers_written_and_typed_measure_alike() -> None:
    column = ColumnSchema("pay", "number", decimals=2, thousands=",", suffix=" EUR")
    _, written = one(column, pa.array(["1,234.50 EUR", None, "-7.00 EUR", "0.00 EUR"]))
    _, typed = one(column, pa.array([1234.5, None, -7.0, -0.0]))
    np.testing.assert_array_equal(written, typed)
    assert not np.signbit(typed[3, 0])


def test_words_among_numbers_are_a_column_of_their_own() -> None:
    column = ColumnSchema("load", "number", words=("N/A", ">100"))
    gauge, found = one(column, pa.array(["1", "N/A", ">100", None, "7"]))
    assert [facet.role for facet in gauge.facets] == ["number", "word"]
    assert list(gauge.categorical) == [False, True]
    np.testing.assert_array_equal(found[:, 0], [1, np.nan, np.nan, np.nan, 7])
    np.testing.assert_array_equal(found[:, 1], [np.nan, 1, 0, np.nan, np.nan])


def test_infinities_are_words_and_numbers_stay_finite() -> None:
    _, found = one(ColumnSchema("x", "number", words=("inf",)), pa.array([np.inf, 1e305, 2.0]))
    np.testing.assert_array_equal(found[:, 0], [np.nan, 1e300, 2])
    np.testing.assert_array_equal(found[:, 1], [0, np.nan, np.nan])


def test_labels_are_those_of_all_tables_and_counts_those_of_training_rows() -> None:
    column = ColumnSchema("city", "category", missing=("?",))
    gauge, found = one(column, pa.array(["b", "a", "b", "?", None]), pa.array(["c"]))
    assert gauge.facets[0].labels == ("a", "b", "c")
    assert gauge.facets[0].counts is not None
    assert gauge.facets[0].counts.tolist() == [1, 2, 0]
    np.testing.assert_array_equal(found[:, 0], [1, 0, 1, np.nan, np.nan])
    np.testing.assert_array_equal(gauge.measure(pa.table({"city": ["d", "c"]}))[:, 0], [3, 2])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("category", [["1", "0", "1"], [1, 0, 1], [1.0, 0.0, 1.0], ["1.0", "0.0", "1.00"]]),
        ("boolean", [["True", "False", "True"], [True, False, True], ["true", "false", "TRUE"]]),
    ],
)
def test_a_category_is_the_same_in_every_dress(kind: str, values: list[list[object]]) -> None:
    gauge, first = one(ColumnSchema("x", kind), pa.array(values[0]))  # type: ignore[arg-type]
    for dress in values[1:]:
        np.testing.assert_array_equal(gauge.measure(pa.table({"x": dress})), first)
    dictionary = pa.table({"x": pa.array([str(v) for v in values[0]]).dictionary_encode()})
    np.testing.assert_array_equal(gauge.measure(dictionary), first)


def test_moments_are_seconds_with_the_clock_and_the_weekday_beside() -> None:
    column = ColumnSchema("at", "datetime", format="%d.%m.%Y %H:%M")
    gauge, written = one(column, pa.array(["01.01.1970 00:00", "05.01.1970 06:30", "bad", None]))
    assert [facet.role for facet in gauge.facets] == ["moment", "clock", "weekday"]
    np.testing.assert_array_equal(written[:, 0], [0, 4 * 86400 + 23400, np.nan, np.nan])
    np.testing.assert_array_equal(written[:, 1], [0, 23400, np.nan, np.nan])
    np.testing.assert_array_equal(written[:, 2], [3, 0, np.nan, np.nan])  # a Thursday and a Monday
    typed = gauge.measure(pa.table({"at": [datetime(1970, 1, 1), datetime(1970, 1, 5, 6, 30), None, None]}))
    np.testing.assert_array_equal(typed, written)


def test_dates_and_times_of_day() -> None:
    _, days = one(ColumnSchema("on", "date"), pa.array([date(1970, 1, 2), None]))
    np.testing.assert_array_equal(days, [[86400, 4], [np.nan, np.nan]])
    _, times = one(ColumnSchema("at", "time"), pa.array([time(1, 0, 1), None]))
    np.testing.assert_array_equal(times, [[3601], [np.nan]])


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (ColumnSchema("x", "datetime", dtype="timestamp[s]"), ["2020-01-01"]),
        (ColumnSchema("x", "date"), [1.5]),
        (ColumnSchema("x", "number"), [datetime(2020, 1, 1)]),
    ],
)
def test_a_column_of_another_type_is_named(column: ColumnSchema, values: list[object]) -> None:
    with pytest.raises(InputError, match=r"^column 'x': .* cannot be read as (number|date|datetime); give"):
        one(column, pa.array(values))


def test_identifiers_and_text_are_not_measured() -> None:
    schema = Schema((ColumnSchema("id", "identifier"), ColumnSchema("note", "text")))
    table = pa.table({"id": ["1", "2"], "note": ["a", "b"]})
    gauge = Gauge.fit(schema, table)
    assert gauge.measure(table).shape == (2, 0)


def test_hashes_know_equal_rows_and_only_those() -> None:
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 20, (5000, 3)).astype(float)
    rows[rows == 7] = np.nan
    keys = [tuple("nan" if np.isnan(x) else x for x in row) for row in rows]
    assert len(np.unique(hash_rows(rows))) == len(set(keys))
    assert len(np.unique(hash_rows(rows[:, ::-1].copy()))) == len(set(keys))
    other = np.array([[np.float64(np.nan)], [-np.float64(np.nan)]])
    assert len(np.unique(hash_rows(other))) == 1


def test_hashes_do_not_depend_on_how_a_table_is_cut() -> None:
    table = pa.table({"x": [str(i % 7) for i in range(100)]})
    gauge = Gauge.fit(Schema((ColumnSchema("x", "category"),)), table)
    cut = pa.concat_tables([table.slice(0, 33), table.slice(33)])
    np.testing.assert_array_equal(gauge.hashes(table), gauge.hashes(cut))


def test_independent_columns_keep_what_belongs_to_one_column_together() -> None:
    values = [str(i) if i % 3 else "N/A" for i in range(300)]
    schema = Schema((ColumnSchema("x", "number", words=("N/A",)), ColumnSchema("y", "number")))
    table = pa.table({"x": values, "y": list(range(300))})
    gauge = Gauge.fit(schema, table)
    drawn = independent(gauge, gauge.measure(table), np.random.default_rng(0))
    assert (np.isnan(drawn[:, 0]) != np.isnan(drawn[:, 1])).all()
    assert (drawn[:, 0] != drawn[:, 2]).mean() > 0.9
