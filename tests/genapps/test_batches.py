"""What people hand over becomes a batch of a space, or an error that says why not."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genapps.batches import Ragged, as_batch, infer_space, rows_of
from genapps.errors import InputError, UsageError
from genapps.models import GMM, HMM
from genapps.models.base import Family
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels, Space, Tokens, space_from_json

SPACES: list[Space] = [
    Columns((Categorical(3, ordered=True), Continuous())),
    Tokens(7, 20),
    Frames((Continuous(), Categorical(2)), 5),
    Pixels(3, 8, 9, 256),
]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: type(space).__name__)
def test_a_space_comes_back_from_json(space: Space) -> None:
    assert space_from_json(space.to_json()) == space


@pytest.mark.parametrize(
    ("data", "space"),
    [
        (np.zeros((4, 2)) + 0.5, Columns((Continuous(), Continuous()))),
        (np.array([[0, 5], [2, 1]]), Columns((Categorical(3), Categorical(6)))),
        (np.array([[0.0, 1.0], [1.0, np.nan]]), Columns((Categorical(2), Categorical(2)))),
        (np.array([[True, False]]), Columns((Categorical(2), Categorical(2)))),
        ([[0.5, 1.5], [2.5, 3.5]], Columns((Continuous(), Continuous()))),
        ([[0, 1, 4], [2]], Tokens(5, 3)),
        ([np.zeros((3, 2)) + 0.5, np.ones((1, 2))], Frames((Continuous(), Continuous()), 3)),
        ([np.array([1.9, 2.7]), np.array([0.2])], Frames((Continuous(),), 2)),
        (np.full((3, 1), np.nan), Columns((Continuous(),))),
        (np.zeros((2, 3, 4)) + 0.5, Frames((Continuous(),) * 4, 3)),
        (np.zeros((2, 1, 3, 4)), Pixels(1, 3, 4, 2)),
        (np.full((2, 1, 3, 4), 200, np.uint8), Pixels(1, 3, 4, 256)),
        (np.full((2, 1, 3, 4), 0.3), Pixels(1, 3, 4)),
    ],
)
def test_a_space_is_inferred_and_fits_the_data(data: object, space: Space) -> None:
    assert infer_space(data) == space
    assert len(as_batch(data, space)) == len(data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "space", "message"),
    [
        (np.array(["a"]), SPACES[0], "not numbers"),
        (np.zeros((2, 3)), SPACES[0], r"shape \(2, 3\) where 2 columns are expected"),
        (np.array([[0.0, np.inf]]), SPACES[0], "column 1 has infinite values"),
        (np.array([[0.5]]), Columns((Categorical(2),)), "whole numbers"),
        (np.array([[2]]), Columns((Categorical(2),)), "column 0: code 2 where codes run from 0 to 1"),
        ([], SPACES[1], "no sequences"),
        ([[], []], SPACES[1], "all sequences are empty"),
        ([[9]], SPACES[1], "code 9 where codes run from 0 to 6"),
        ([np.zeros((2, 2)), np.zeros((2, 3))], SPACES[2], "different widths"),
        (np.zeros((1, 1, 2, 2)), SPACES[3], "images of shape"),
        (np.array([[10**7]]), None, "too many"),
        ([np.array([0.5, 1.0])], SPACES[1], "whole numbers"),
        ([[0, -3]], SPACES[1], "only -1 stands for unknown"),
        (np.array([[0.0, 1e200]]), SPACES[0], "column 1 has values beyond"),
        (np.array([[0.5, 1.0]]), SPACES[0], "column 0 hold codes"),
        (np.array([[7.0, 1.0]]), SPACES[0], "column 0: code 7"),
        (np.zeros((1, 2), complex), SPACES[0], "not numbers"),
        (np.zeros(3), None, "give \\(rows, columns\\)"),
    ],
)
def test_what_does_not_fit_is_refused(data: object, space: Space | None, message: str) -> None:
    with pytest.raises((InputError, UsageError), match=message):
        as_batch(data, space or infer_space(data))


def test_float64_and_float32_stay_what_they_are() -> None:
    space = Columns((Continuous(),))
    for dtype in (np.float32, np.float64):
        batch = as_batch(np.ones((2, 1), dtype), space)
        assert isinstance(batch, torch.Tensor) and str(batch.dtype).endswith(np.dtype(dtype).name)


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=8), st.data())
def test_taking_and_padding_sequences(lists: list[list[int]], data: st.DataObject) -> None:
    ragged = Ragged.of([torch.tensor(items, dtype=torch.long) for items in lists])
    assert [part.tolist() for part in ragged] == lists
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=8))
    taken = rows_of(ragged, torch.tensor(rows, dtype=torch.long))
    assert [part.tolist() for part in taken] == [lists[row] for row in rows]
    values, mask = ragged.padded(-1)
    assert [row[keep].tolist() for row, keep in zip(values, mask, strict=True)] == lists
    assert bool((values[~mask] == -1).all())


def test_lengths_must_add_up() -> None:
    with pytest.raises(UsageError, match="add up"):
        Ragged(torch.zeros(3), torch.tensor([1, 1]))


def test_masked_half_and_read_only_arrays_are_taken_for_what_they_hold() -> None:
    space = Columns((Continuous(),))
    masked = as_batch(np.ma.masked_greater(np.array([[1.0], [5.0]]), 3), space)
    assert isinstance(masked, torch.Tensor) and torch.isnan(masked).tolist() == [[False], [True]]
    half = as_batch(torch.ones(2, 1, dtype=torch.float16), space)
    assert isinstance(half, torch.Tensor) and half.dtype == torch.float32
    fixed = np.ones((2, 1))
    fixed.flags.writeable = False
    as_batch(fixed, space)  # no warning


def test_one_sequence_of_numbers_makes_all_of_them_numbers() -> None:
    ragged = Ragged.of([[1, 2], [0.5], [3]])
    assert ragged.values.tolist() == [1.0, 2.0, 0.5, 3.0]


def test_a_table_of_pandas_is_numbers_and_its_na_unknown() -> None:
    table = pd.DataFrame(
        {"bool": [True, False], "float": [0.5, 2.5], "whole": pd.array([4, None], dtype="Int64"), "int": [1, 2]}
    )
    batch = as_batch(table, infer_space(table))
    assert isinstance(batch, torch.Tensor)
    assert np.array_equal(batch.numpy(), [[1, 0.5, 4, 1], [0, 2.5, np.nan, 2]], equal_nan=True)
    whole = pd.DataFrame({"bool": [True, False], "whole": pd.array([4, 2], dtype="Int64")})
    assert infer_space(whole) == Columns((Categorical(2), Categorical(5)))


@pytest.mark.parametrize("values", [["red", "blue"], pd.Categorical(["red", "blue"]), [1j, 2j]])
def test_a_column_of_pandas_that_holds_no_numbers_is_named(values: object) -> None:
    with pytest.raises(InputError, match=r"column 'colour' holds values of type .*, not numbers"):
        infer_space(pd.DataFrame({"number": [0.5, 1.5], "colour": values}))


NO_NUMBERS = [
    np.array([["a", "b"]]),
    None,
    {"a": [1]},
    np.array([[1, None]], object),
    pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    ["abc", "cab"],
    np.ones((4, 2), complex),
    [np.ones((3, 2)), None],
    [[[1, 2], [3]]],
    torch.ones(3, 2, dtype=torch.complex64),
]


@pytest.mark.parametrize("family", [GMM, HMM])
@pytest.mark.parametrize("data", NO_NUMBERS, ids=lambda data: type(data).__name__)
def test_what_holds_no_numbers_is_refused_in_one_line(family: type[Family], data: object) -> None:
    with pytest.raises(InputError, match="; ") as error:
        family(2).fit(data)
    assert "\n" not in str(error.value)
