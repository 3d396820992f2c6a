"""What a person hands over (arrays, tensors, lists of sequences) as a batch of a space, and the space it suggests."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels, Space, Tokens, Variable

_LARGEST = 1e100  # numbers beyond this overflow when squared and summed
_MOST_CODES = 1_000_000  # sizes of a variable beyond this are a mistake: identifiers, sums of money


@dataclass(frozen=True)
class Ragged:
    """Sequences of different lengths, laid end to end.

    values: (sum of lengths,) codes, or (sum of lengths, D) frames. lengths: (N,) integers.
    """

    values: Tensor
    lengths: Tensor

    def __post_init__(self) -> None:
        if self.lengths.ndim != 1 or int(self.lengths.sum()) != len(self.values):
            raise UsageError(
                f"lengths must add up to the number of steps: {int(self.lengths.sum())} is not {len(self.values)}"
            )

    @classmethod
    def of(cls, sequences: Sequence[Any]) -> Ragged:
        """From a list of sequences: arrays or tensors (T,) or (T, D), or plain lists."""
        parts = [tensor_of(sequence) for sequence in sequences]
        if not parts:
            raise InputError("no sequences to learn from")
        if len({part.shape[1:] for part in parts}) > 1:
            raise InputError(f"sequences of different widths: {sorted({tuple(part.shape[1:]) for part in parts})}")
        kind = reduce(torch.promote_types, (part.dtype for part in parts))
        return cls(torch.cat([part.to(kind) for part in parts]), torch.tensor([len(part) for part in parts]))

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.values.split(self.lengths.tolist()))

    @property
    def starts(self) -> Tensor:
        """Where each sequence begins in `values`, (N,)."""
        return self.lengths.cumsum(0) - self.lengths

    def take(self, rows: Tensor) -> Ragged:
        """The sequences of those numbers (M,), in that order."""
        lengths = self.lengths[rows]
        ends = lengths.cumsum(0)
        total = int(ends[-1]) if len(ends) else 0
        within = torch.arange(total) - torch.repeat_interleave(ends - lengths, lengths)
        return Ragged(self.values[torch.repeat_interleave(self.starts[rows], lengths) + within], lengths)

    def padded(self, fill: float = 0) -> tuple[Tensor, Tensor]:
        """All sequences at the longest one's length: values (N, T) or (N, T, D), and a mask (N, T) of what is real."""
        longest = int(self.lengths.max()) if len(self) else 0
        mask = torch.arange(longest) < self.lengths[:, None]
        values = torch.full((len(self), longest, *self.values.shape[1:]), fill, dtype=self.values.dtype)
        values[mask] = self.values
        return values, mask


Batch = Tensor | Ragged


def as_batch(data: Any, space: Space) -> Batch:
    """The data as a batch of the space, kept in float32 or float64 where it came so.

    Raises InputError where its shape or its values do not belong to the space, naming what is wrong.
    """
    if isinstance(space, Columns):
        return _rows(tensor_of(data), space)
    if isinstance(space, Pixels):
        return _pixels(tensor_of(data), space)
    batch = _sequences(data, 1 if isinstance(space, Tokens) else 2)
    if not len(batch) or not len(batch.values):
        raise InputError("no sequences to learn from" if not len(batch) else "all sequences are empty")
    if isinstance(space, Tokens):
        if batch.values.ndim != 1:
            raise InputError(
                f"sequences of rows of {tuple(batch.values.shape[1:])} where sequences of codes are expected"
            )
        codes = _integers(batch.values, "the sequences").long()
        _check_codes(codes, space.size, "the sequences")
        return Ragged(codes, batch.lengths)
    values = batch.values[:, None] if batch.values.ndim == 1 else batch.values
    return Ragged(_rows(values, space.row), batch.lengths)


def infer_space(data: Any) -> Space:
    """The space that data suggests by its shape and type.

    (N, D) floats are numbers; integers, truth values and floats that are all 0 or 1 are codes. A `Ragged` or a list of
    sequences, and (N, T, D), are sequences; (N, C, H, W) are images. Raises UsageError for any other shape.
    """
    if not isinstance(data, Ragged) and not (_is_list_of_sequences(data)):
        array = tensor_of(data)
        if array.ndim == 2:
            return Columns(_variables(array))
        if array.ndim == 4:
            levels = 2 if array.dtype == torch.bool or _is_binary(array) else 0
            levels = 256 if array.dtype == torch.uint8 and not levels else levels
            channels, height, width = (int(n) for n in array.shape[1:])
            return Pixels(channels, height, width, levels)
        if array.ndim != 3:
            raise UsageError(f"data of shape {tuple(array.shape)}: give (rows, columns), sequences, or (N, C, H, W)")
        data = array
    batch = _sequences(data, None)
    longest = int(batch.lengths.max()) if len(batch) else 0
    if batch.values.ndim == 1 and not batch.values.is_floating_point():
        return Tokens(_size(batch.values), longest)
    return Frames(_variables(batch.values if batch.values.ndim > 1 else batch.values[:, None]), longest)


def rows_of(batch: Batch, rows: Tensor) -> Batch:
    """Some rows, or sequences, of a batch."""
    return batch.take(rows) if isinstance(batch, Ragged) else batch[rows]


def numbers_of(batch: Batch) -> Tensor:
    """A batch's values as one tensor, whatever their arrangement."""
    return batch.values if isinstance(batch, Ragged) else batch


def tensor_of(data: Any) -> Tensor:
    """An array, a tensor, nested lists or a pandas table of numbers as a tensor; InputError for what is none.

    NA of a pandas table becomes NaN.
    """
    if isinstance(data, Tensor):
        return _plain(data.detach())
    pandas = sys.modules.get("pandas")  # who hands over its tables has imported it
    if pandas is not None and isinstance(data, pandas.DataFrame | pandas.Series):
        data = _table(data)
    if data is None or isinstance(data, Mapping | str | bytes):
        raise InputError(f"{type(data).__name__} is no data to learn from; give an array, a tensor or a list of lists")
    try:
        array = np.asarray(data)
    except ValueError:
        raise InputError(
            "rows of different lengths where an array is expected; give every row as many values"
        ) from None
    if isinstance(data, np.ma.MaskedArray):
        array = np.where(np.ma.getmaskarray(data), np.nan, array.astype(np.float64))
    if array.dtype.kind not in "biuf":
        raise InputError(f"values of type {array.dtype} are not numbers; encode them, or convert them to float or int")
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    array = np.ascontiguousarray(array)
    return _plain(torch.from_numpy(array if array.flags.writeable else array.copy()))


def _table(data: Any) -> np.ndarray:
    """A pandas table or column as an array; InputError naming the column that holds no numbers."""
    columns = [data.iloc[:, j] for j in range(data.shape[1])] if data.ndim == 2 else [data]
    arrays: list[np.ndarray] = []
    for column in columns:
        kind = getattr(column.dtype, "kind", "O")
        if kind not in "biuf":
            raise InputError(
                f"column {column.name!r} holds values of type {column.dtype}, not numbers; encode it, or leave it out"
            )
        if isinstance(column.dtype, np.dtype):
            arrays.append(column.to_numpy())
        elif kind == "f" or column.isna().any():
            arrays.append(column.to_numpy(dtype=np.float64, na_value=np.nan))
        else:
            arrays.append(column.to_numpy(dtype=np.int64))
    if data.ndim == 1:
        return arrays[0]
    return np.column_stack(arrays) if arrays else np.empty((len(data), 0))


def _plain(tensor: Tensor) -> Tensor:
    """Half precision as float32, unsigned words as int64; refuses what is no array of numbers."""
    if tensor.is_complex() or tensor.layout != torch.strided:
        raise InputError("complex numbers and sparse tensors are not taken; give a dense array of real numbers")
    if tensor.dtype in (torch.float16, torch.bfloat16):
        return tensor.float()
    return tensor.long() if tensor.dtype in (torch.uint16, torch.uint32, torch.uint64) else tensor


def depth(item: Any) -> int:
    """Dimensions of an array or of nested lists. Raises InputError for lists that are nested unevenly."""
    try:
        return np.ndim(item)
    except ValueError:
        raise InputError("rows of different lengths in one sequence; give every row as many values") from None


def _is_list_of_sequences(data: Any) -> bool:
    if not isinstance(data, list | tuple) or not data:
        return False
    widths = {depth(item) for item in data}
    lengths = {len(item) for item in data if depth(item)}
    arrays = any(isinstance(item, np.ndarray | Tensor) for item in data)
    return 0 not in widths and (arrays or len(lengths) > 1)


def _sequences(data: Any, ndim: int | None) -> Ragged:
    """Sequences from a Ragged, a list of them, an array of equal ones, or one single sequence."""
    if isinstance(data, Ragged):
        return data
    if isinstance(data, list | tuple) and (not data or depth(data[0])):
        return Ragged.of(data)
    array = tensor_of(data)
    if ndim is not None and array.ndim == ndim:
        return Ragged(array, torch.tensor([len(array)]))
    return Ragged(array.flatten(0, 1), torch.full((len(array),), array.shape[1]))


def _rows(array: Tensor, space: Columns) -> Tensor:
    if array.ndim != 2 or array.shape[1] != len(space.variables):
        raise InputError(f"data of shape {tuple(array.shape)} where {len(space.variables)} columns are expected")
    if space.discrete:
        codes = _integers(array, "the columns")
        # One look at all first: it is much faster.
        if codes.numel() and (int(codes.max()) >= min(space.sizes) or int(codes.min()) < -1):
            for j, size in enumerate(space.sizes):
                _check_codes(codes[:, j], size, f"column {j}")
        return codes
    numbers = array if array.is_floating_point() else array.double()
    most = min(_LARGEST, torch.finfo(numbers.dtype).max)
    if _beyond(numbers) and bool((far := numbers.abs() > most).any()):
        column = int(far.any(0).nonzero()[0, 0])
        what = "infinite values" if bool(torch.isinf(numbers).any()) else f"values beyond {_LARGEST:g}"
        raise InputError(f"column {column} has {what}; remove them, or replace them by NaN for unknown")
    for j, size in enumerate(space.sizes):
        if size:
            _check_codes(_integers(numbers[:, j], f"column {j}"), size, f"column {j}")
    return numbers


def _beyond(numbers: Tensor) -> bool:
    """Whether some number may be too large: one look at all, in which NaN counts as perhaps."""
    if not numbers.numel():
        return False
    low, high = torch.aminmax(numbers)
    return not (float(low) >= -_LARGEST and float(high) <= _LARGEST)


def _pixels(array: Tensor, space: Pixels) -> Tensor:
    if array.ndim == 2 and array.shape[1] == space.channels * space.height * space.width:
        array = array.view(-1, *space.shape)
    if array.ndim != 4 or tuple(array.shape[1:]) != space.shape:
        raise InputError(f"images of shape {tuple(array.shape[1:])} where {space.shape} is expected")
    if space.levels:
        codes = _integers(array, "the images")
        _check_codes(codes, space.levels, "the images")
        return codes
    numbers = array if array.is_floating_point() else array.float()
    if bool(torch.isinf(numbers).any()):
        raise InputError("the images have infinite values; remove them")
    return numbers


def _integers(array: Tensor, where: str) -> Tensor:
    if not array.is_floating_point():
        return array.to(torch.uint8) if array.dtype == torch.bool else array
    unknown = torch.isnan(array)
    known = torch.where(unknown, 0, array)
    if not bool((known == known.round()).all()):
        raise InputError(f"{where} hold codes, so whole numbers, but some values are not")
    return torch.where(unknown, -1, known).long()


def _check_codes(codes: Tensor, size: int, where: str) -> None:
    if not codes.numel():
        return
    if int(codes.max()) >= size:
        raise InputError(f"{where}: code {int(codes.max())} where codes run from 0 to {size - 1}")
    if int(codes.min()) < -1:
        raise InputError(f"{where}: code {int(codes.min())}; codes run from 0, and only -1 stands for unknown")


def _variables(array: Tensor) -> tuple[Variable, ...]:
    if not array.is_floating_point():
        return tuple(Categorical(_size(array[:, j])) for j in range(array.shape[1]))
    if _is_binary(array):
        return (Categorical(2),) * array.shape[1]
    return (Continuous(),) * array.shape[1]


def _is_binary(array: Tensor) -> bool:
    known = array[~torch.isnan(array)] if array.is_floating_point() else array
    return known.numel() > 0 and bool(((known == 0) | (known == 1)).all())


def _size(codes: Tensor) -> int:
    size = max(int(codes.max()) + 1, 2) if len(codes) else 2
    if size > _MOST_CODES:
        raise InputError(f"codes up to {size - 1} are too many; give numbers as floats, or number the codes from 0")
    return size
