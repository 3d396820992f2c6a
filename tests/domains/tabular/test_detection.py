"""What a column is taken for, and how its values are written."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from genapps.errors import InputError
from genapps_tabular.codec import CodecConfig, TableCodec
from genapps_tabular.schema import ColumnSchema, detect

ROWS = 300
RNG = np.random.default_rng(3)
X = RNG.normal(size=ROWS)
DAYS = [dt.datetime(2018, 1, 1) + dt.timedelta(seconds=int(s)) for s in RNG.integers(0, 10**8, ROWS)]


def one(values: list[Any] | pa.Array, name: str = "x") -> ColumnSchema:
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, pa.string())
    return detect(pa.table({name: array})).columns[0]


def again(values: list[Any], name: str = "x") -> list[Any]:
    """The column after encoding and decoding."""
    table = pa.table({name: pa.array(values, pa.string())})
    codec = TableCodec.fit(table, detect(table), CodecConfig(), np.random.default_rng(0))
    made = codec.decode(codec.encode(table), np.random.default_rng(1)).column(0)
    assert made.type == pa.string()
    return list(made.to_pylist())


NUMBERS = {
    "integers": ([str(i) for i in RNG.integers(-500, 500, ROWS)], r"-?\d+"),
    "decimals": ([f"{x:.2f}" for x in X], r"-?\d+\.\d\d"),
    "free decimals": ([str(round(float(x), 4)) for x in X], r"-?\d+\.\d{1,4}"),
    "one decimal that is always 0": ([f"{i}.0" for i in RNG.integers(0, 999, ROWS)], r"\d+\.0"),
    "binary fractions": ([repr(float(x)) for x in X], r"-?\d+\.\d+"),
    "scientific": ([f"{x * 1e9:.3e}" for x in X], r"-?\d+(\.\d+)?(e\+\d+)?"),
    "separated thousands": ([f"{i:,}" for i in RNG.integers(0, 2 * 10**6, ROWS)], r"\d{1,3}(,\d{3})*"),
    "European": ([f"{x:,.2f}".translate(str.maketrans(",.", ".,")) for x in np.exp(X * 3)],
                 r"\d{1,3}(\.\d{3})*,\d\d"),
    "decimal comma": ([f"{x:.1f}".replace(".", ",") for x in X], r"-?\d+,\d"),
    "dollars": ([f"-${-x:.2f}" if x < 0 else f"${x:.2f}" for x in X], r"-?\$\d+\.\d\d"),
    "percent": ([f"{x:.1f}%" for x in X], r"-?\d+\.\d%"),
    "unit": ([f"{i} kg" for i in RNG.integers(0, 999, ROWS)], r"\d+ kg"),
    "leading blank": ([f" {i}" for i in RNG.integers(0, 999, ROWS)], r" \d+"),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_come_back_as_they_are_written(name: str) -> None:
    import re

    values, form = NUMBERS[name]
    assert one(values).kind == "number"
    made = again(values)
    wrong = [value for value in made if not re.fullmatch(form, value)]
    assert not wrong, wrong[:5]


def test_words_beside_numbers_are_kept_and_some_mean_missing() -> None:
    values = ["NA" if i % 7 == 0 else "?" if i % 11 == 0 else ">100" if x > 1 else f"{x:.1f}" for i, x in enumerate(X)]
    column = one(values)
    assert (column.kind, set(column.words), set(column.missing)) == ("number", {">100"}, {"NA", "?"})
    made = again(values)
    for word in ("NA", "?", ">100"):
        assert [v == word for v in made] == [v == word for v in values]


@pytest.mark.parametrize(
    "values",
    [
        [f"{i:05}" for i in RNG.integers(0, 100, ROWS)],  # leading zeros
        [["1", "2", "A", "B"][i] for i in RNG.integers(0, 4, ROWS)],  # as many words as numbers
        [str(10**19 + int(i)) for i in RNG.integers(0, 50, ROWS)],  # more digits than a double holds
        ["1.2.3" if i % 2 else "1.2.10" for i in range(ROWS)],
        ["w1" if i % 3 else "w2" for i in range(ROWS)],
    ],
)
def test_codes_are_no_numbers(values: list[str]) -> None:
    assert one(values).kind == "category"
    assert again(values) == values


@pytest.mark.parametrize("words", ["true false", "TRUE FALSE", "Yes No", "y n", "on off", "T F"])
def test_truth_values_keep_their_words(words: str) -> None:
    values = [words.split()[i] for i in RNG.integers(0, 2, ROWS)]
    assert one(values).kind == "boolean"
    assert again(values) == values


def test_zero_and_one_stay_numbers() -> None:
    assert one([str(i) for i in RNG.integers(0, 2, ROWS)]).kind == "number"


FORMATS = [
    "%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d %b %Y", "%B %d, %Y", "%m/%d/%y",
    "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+02:00",
    "%Y-%m-%d %H:%M:%S +0530", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%H:%M", "%H:%M:%S",
]  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_dates_come_back_as_they_are_written(format: str) -> None:
    values = [d.strftime(format) for d in DAYS]
    column = one(values)
    clock = any(letter in format for letter in ("%H", "%I"))
    assert column.kind == ("time" if format[:2] == "%H" else "datetime" if clock else "date")
    assert again(values) == values


def test_dates_without_leading_zeros() -> None:
    values = [f"{d.month}/{d.day}/{d.year} {d.hour}:{d.minute:02}" for d in DAYS]
    assert one(values).kind == "datetime"
    assert again(values) == values


@pytest.mark.parametrize("digits", [1, 3, 6])
def test_fractions_of_seconds_are_drawn(digits: int) -> None:
    values = [f"{d:%Y-%m-%d %H:%M:%S}.{int(i):0{digits}}" for d, i in zip(DAYS, RNG.integers(0, 10**digits, ROWS),
                                                                         strict=True)]  # fmt: skip
    made = again(values)
    assert [v[:19] for v in made] == [v[:19] for v in values]
    assert {len(v) for v in made} == {20 + digits}


def test_several_offsets_are_kept_row_by_row() -> None:
    values = [d.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if i % 3 else "-05:00") for i, d in enumerate(DAYS)]
    assert again(values) == values


def test_dates_that_do_not_exist_are_words() -> None:
    values = ["0000-00-00" if i % 10 == 0 else d.strftime("%Y-%m-%d") for i, d in enumerate(DAYS)]
    column = one(values)
    assert (column.kind, column.words) == ("date", ("0000-00-00",))
    assert again(values) == values


KINDS: dict[str, tuple[str, list[Any] | pa.Array]] = {
    "customer_id": ("identifier", [str(i) for i in RNG.permutation(10**6)[:ROWS]]),
    "CustomerID": ("identifier", pa.array(RNG.permutation(10**6)[:ROWS])),
    "row": ("identifier", [str(i) for i in range(ROWS)]),
    "fnlwgt": ("number", [str(i) for i in RNG.permutation(10**6)[:ROWS]]),
    "sorted amounts": ("number", pa.array(np.sort(RNG.permutation(10**7)[:ROWS]))),
    "idle": ("number", pa.array(RNG.permutation(10**6)[:ROWS])),
    "measure": ("number", pa.array(X)),
    "shop_id": ("category", pa.array(RNG.integers(0, 20, ROWS))),
    "paid_id": ("identifier", pa.array([None if i % 50 == 0 else i * 37 for i in range(ROWS)])),
    "phones": ("number", pa.array(RNG.integers(0, 20, ROWS))),
    "code": ("identifier", [f"AX-{i:05}" for i in RNG.permutation(10**5)[:ROWS]]),
    "mail": ("identifier", [f"user{i}@mail.org" for i in range(ROWS)]),
    "city": ("category", [["Zürich", "東京", "São Paulo"][i] for i in RNG.integers(0, 3, ROWS)]),
    "note": ("text", [" ".join(RNG.choice(["it", "was", "late", "broken", "fine", "parcel"], 12)) for _ in DAYS]),
    "same": ("constant", ["x"] * ROWS),
    "none": ("constant", [None] * ROWS),
    "null type": ("constant", pa.nulls(ROWS)),
    "x or none": ("category", [None if i % 2 else "x" for i in range(ROWS)]),
    "bool": ("boolean", pa.array([bool(i % 2) for i in range(ROWS)])),
    "date32": ("date", pa.array([d.date() for d in DAYS])),
    "stamp": ("datetime", pa.array(DAYS)),
    "time64": ("time", pa.array([d.time() for d in DAYS])),
    "dictionary of numbers": ("category", pa.array([1, 2, 3] * 100).dictionary_encode()),
    "large": ("category", pa.array(["a", "b", "c"] * 100, pa.large_string())),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds(name: str) -> None:
    kind, values = KINDS[name]
    assert one(values, name).kind == kind


def test_lists_are_refused() -> None:
    with pytest.raises(InputError, match="'x' holds list"):
        one(pa.array([[1], [2, 3]]))


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="'a' is there 2 times"):
        detect(pa.table([pa.array(["1"]), pa.array(["2"])], names=["a", "a"]))


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_a_few_rows_are_enough(rows: int) -> None:
    table = pa.table({
        "number": pa.array(["1.5", "2.5", "7", "0", "1"][:rows]),
        "word": pa.array(["a", "b", "a", None, "c"][:rows]),
        "day": pa.array(["2020-01-01", "2020-01-02", "2021-01-01", "2020-05-01", None][:rows]),
    })  # fmt: skip
    for numbers in ("tokens", "mixed"):
        codec = TableCodec.fit(table, detect(table), CodecConfig(numbers=numbers), np.random.default_rng(0))  # type: ignore[arg-type]
        made = codec.decode(codec.encode(table), np.random.default_rng(0))
        assert made.schema == table.schema
        assert len(made) == rows


def test_numbered_names_are_identifiers_and_amounts_are_numbers() -> None:
    """What surrounds a number is a currency or a unit, or else the whole is a name."""

    def kind(form: str) -> str:
        values = [form.format(i * 7) for i in range(400)]
        return detect(pa.table({"c": values})).columns[0].kind

    assert kind("person{}@example.org") == kind("customer-{}") == "identifier"
    assert kind("EUR {}") == kind("{} km/h") == kind("${}.50") == "number"
