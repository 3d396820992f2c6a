"""Which steps the numbers of a column are multiples of."""

import numpy as np
import pyarrow as pa
import pytest

from genapps_tabular.columns.numerals import divides, step_of, write
from genapps_tabular.schema import detect

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "step"),
    [
        pytest.param(RNG.integers(1, 99, 300) * 100.0, 100.0, id="hundreds"),
        pytest.param(np.round(RNG.random(300) * 50, 2), 0.01, id="cents"),
        pytest.param(np.round(5e8 + RNG.random(300) * 5e8, 2), 0.01, id="cents of large amounts"),
        pytest.param(RNG.random(300) * 1e-11, 0.0, id="tiny"),
        pytest.param(np.array([0.1 + 0.2, 0.1, 0.7]), 0.1, id="sums of binary fractions"),
    ],
)
def test_the_step_of_a_column(values: np.ndarray, step: float) -> None:
    assert step_of(values, None) == step


def test_zero_is_a_multiple_and_less_than_a_step_is_not() -> None:
    assert divides(1.0, np.array([0.0, 3.0]))
    assert not divides(1.0, np.array([1e-12]))


@pytest.mark.parametrize("kind", [np.uint64, np.int64, np.uint8, np.int8])
def test_the_ends_of_an_integer_type_do_not_overflow(kind: type[np.integer]) -> None:
    info = np.iinfo(kind)
    column = pa.array([info.min, info.max, 3, 4], pa.from_numpy_dtype(kind))
    (schema,) = detect(pa.table({"value": column})).columns
    found = write(np.array([float(info.min), float(info.max), 3.0]), schema, True)
    assert found.type == column.type
    assert found[0].as_py() == info.min and found[2].as_py() == 3
    assert found[1].as_py() == pytest.approx(info.max, rel=1e-15)
