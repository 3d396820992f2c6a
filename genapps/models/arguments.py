"""What people give `fit`, checked: each function raises one line that says what is wrong and what to give."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from genapps.batches import Batch, numbers_of
from genapps.config import check
from genapps.errors import InputError, UsageError
from genapps.training.settings import TrainingConfig


def checked_training(training: Any) -> TrainingConfig:
    """The settings of training, or the usual ones for None. Raises UsageError for anything else."""
    if training is None:
        return TrainingConfig()
    if not isinstance(training, TrainingConfig):
        named = isinstance(training, Mapping) and all(isinstance(name, str) for name in training)
        given = ", ".join(f"{name}={value!r}" for name, value in training.items()) if named else "epochs=3"
        raise UsageError(f"training is of type {type(training).__name__}; give TrainingConfig({given})")
    check(training, "training")
    return training


def has_unknown(batch: Batch) -> bool:
    """Whether a value is NaN, or a code negative."""
    numbers = numbers_of(batch)
    return bool(torch.isnan(numbers).any()) if numbers.is_floating_point() else bool((numbers < 0).any())


def whole_number(value: Any, name: str, least: int) -> int:
    """The whole number, of numpy or Python; UsageError for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"{name} must be a whole number, not {value!r}") from None
    if not least <= number < 2**63:
        raise UsageError(f"{name} must be {max(least, 0)} or more, not {number}")
    return number


def classes_of(labels: Any) -> Tensor:
    """Labels as whole numbers."""
    try:
        classes = torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError):
        raise UsageError("labels must be whole numbers; number the classes from 0") from None
    if classes.is_floating_point() and not bool((classes == classes.round()).all()):
        raise UsageError("labels must be whole numbers; number the classes from 0, -1 where one is unknown")
    if classes.numel() and int(classes.min()) < -1:
        raise UsageError(f"labels run from 0, and only -1 stands for unknown, not {int(classes.min())}")
    return classes.long()


def one_each(values: Any, rows: int, name: str) -> Tensor:
    """The values as a tensor (rows,)."""
    tensor = torch.as_tensor(values)
    if tensor.shape != (rows,):
        raise UsageError(f"{name} of shape {tuple(tensor.shape)} for {rows} rows: one value each is needed")
    return tensor


def weights_of(weights: Tensor) -> Tensor:
    """Weights (N,) that a fit can use, float64."""
    if not bool((torch.isfinite(weights) & (weights >= 0)).all()) or float(weights.sum()) <= 0:
        raise InputError("sample_weight must be finite, not negative, and not all zero")
    return weights.double()
