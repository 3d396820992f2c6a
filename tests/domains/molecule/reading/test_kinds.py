"""Columns of texts as what they hold: numbers where each would be written so again, and otherwise texts."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from genapps_molecule.reading.kinds import DECIMAL, TEXT, WHOLE, kinds_of, number_of, typed


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-20", "0"], WHOLE),
        (["1", "2.50", "1e-3"], DECIMAL),
        (["12345678901234567", "3"], WHOLE),
        (["12345678901234567", "0.5"], TEXT),  # as a decimal number it would be another one
        (["1234567890123456789"], TEXT),
        (["007", "8"], TEXT),
        (["1", "n/a"], TEXT),
        (["+5"], TEXT),
        (["1,5"], TEXT),
        (["nan"], TEXT),
        (["1e999"], TEXT),
        (["5", "", " "], WHOLE),
    ],
)
def test_a_column_is_what_all_of_its_cells_are(cells: list[str], kind: int) -> None:
    assert kinds_of({"x": cell} for cell in cells) == {"x": kind}
    column = typed([*cells, None], kind)
    assert column.type == {WHOLE: pa.int64(), DECIMAL: pa.float64(), TEXT: pa.string()}[kind]
    read = {WHOLE: int, DECIMAL: float, TEXT: str}[kind]
    assert column.to_pylist() == [*(read(cell) if cell.strip() else None for cell in cells), None]


def test_an_empty_column_has_no_kind() -> None:
    assert kinds_of([{"x": "", "y": "1"}, {"x": " "}]) == {"y": WHOLE}


@pytest.mark.parametrize("text", ["5", "+5", "007", ".5", "5.", "1e3", "-1.5E-2"])
def test_a_cell_is_a_number_however_it_is_written(text: str) -> None:
    assert number_of(text) == float(text)


@pytest.mark.parametrize("text", ["", "nan", "inf", "1_000", ">5", "1,5", "0x1f", "five", "1" * 400, "1e999"])
def test_and_nothing_else_is(text: str) -> None:
    assert math.isnan(number_of(text))
