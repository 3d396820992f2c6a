"""Numbers are read as files write them, and what is no number is counted rather than guessed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_timeseries.reading.numerals import PLAIN, recognize_numeral

NAN = float("nan")


def cells(*texts: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts, pa.string())])


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1.5", "-2", "+3e2", ".5", "5."], [1.5, -2, 300, 0.5, 5]),
        ([" 1.5 ", "2"], [1.5, 2]),
        (["1,5", "-2,25", "3"], [1.5, -2.25, 3]),
        (["0,125", "0,250"], [0.125, 0.25]),
        (["1,500", "2,250", "1,000,000.5"], [1500, 2250, 1_000_000.5]),
        (["1.234,5", "2"], [1234.5, 2]),
        (["1 234,5", "1\u00a0000"], [1234.5, 1000]),
        (["1'234.5", "7"], [1234.5, 7]),
        (["12.5 °C", "13 °C"], [12.5, 13]),
        (["12,5 kW", "13,25 kW"], [12.5, 13.25]),
        (["45%", "50%"], [45, 50]),
        (["on", "Off", "ON"], [1, 0, 1]),
        (["true", "false"], [1, 0]),
        (["1", "NA", "", "n/a", "null", "-", None, "NaN"], [1, *[NAN] * 7]),
        (["1", "inf", "-Infinity"], [1, np.inf, -np.inf]),
    ],
)
def test_forms(texts: list[str], numbers: list[float]) -> None:
    numeral = recognize_numeral(cells(*texts))
    assert numeral is not None
    read, lost, _ = numeral.read(cells(*texts))
    np.testing.assert_array_equal(read, numbers)
    assert lost == 0


@pytest.mark.parametrize(
    "texts", [["red", "blue"], ["2024-01-01"], ["a1", "1b", "c"], ["on", "off", "auto", "manual", "auto"]]
)
def test_text_is_no_number(texts: list[str]) -> None:
    assert recognize_numeral(cells(*texts)) is None


def test_what_is_no_number_is_counted_and_shown() -> None:
    numeral = recognize_numeral(cells("1", "2", "error", "3", "#REF!"))
    assert numeral == PLAIN
    read, lost, example = numeral.read(cells("1", "error", "#REF!", "NA"))
    assert (read[0], lost, example) == (1, 2, "error")
    assert np.isnan(read[1:]).all()


def test_a_comma_before_three_digits_is_what_it_is_known_to_be() -> None:
    column = cells("20,125", "19,875")
    for known, number in ((False, 20_125), (True, 20.125)):
        numeral = recognize_numeral(column, decimal_comma=known)
        assert numeral is not None
        assert numeral.read(column)[0][0] == number


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_any_float_comes_back(numbers: list[float]) -> None:
    column = cells(*(repr(number) for number in numbers))
    numeral = recognize_numeral(column)
    assert numeral is not None
    assert numeral.read(column)[0].tolist() == numbers


@given(st.lists(st.floats(-1e9, 1e9).map(lambda number: round(number, 2)), min_size=1, max_size=20))
def test_decimal_commas_come_back(numbers: list[float]) -> None:
    column = cells("0,5", *(f"{number:,.2f}".translate(str.maketrans(",.", ".,")) for number in numbers))
    numeral = recognize_numeral(column)
    assert numeral is not None
    assert numeral.read(column)[0].tolist() == [0.5, *numbers]
