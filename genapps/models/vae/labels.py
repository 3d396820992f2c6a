"""Classes that some rows have and others lack: checked, kept for learning, and brought into every batch."""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.errors import InputError

_MOST_CLASSES = 1000
_SHARE = 4  # of a batch one row in so many has a label, at least


def checked_labels(labels: Tensor | None, rows: int) -> tuple[Tensor, int]:
    """Labels (N,), -1 where unknown, and the number of classes: 0 where there are no labels at all.

    Raises InputError for numbers that are no labels.
    """
    if labels is None:
        return torch.full((rows,), -1), 0
    if int(labels.min()) < -1 or int(labels.max()) < 0:
        raise InputError("labels are whole numbers from 0, -1 where a row has none; at least one row needs a label")
    classes = int(labels.max()) + 1
    if classes > _MOST_CLASSES:
        raise InputError(f"{classes} classes are too many; number the labels from 0")
    return labels, classes


def with_labels_last(order: Tensor, labels: Tensor) -> Tensor:
    """Row numbers in an order whose first rows are set aside: labels that are scarce are too good for that."""
    known = labels[order] >= 0
    return torch.cat([order[~known], order[known]]) if 2 * int(known.sum()) < len(order) else order


def with_more_labels(rows: Tensor, labels: Tensor, named: Tensor, draws: torch.Generator) -> Tensor:
    """The row numbers of a batch, and as many labelled ones beside them as make up for there being few."""
    missing = len(rows) // _SHARE - int((labels[rows] >= 0).sum())
    if not len(named) or missing <= 0:
        return rows
    return torch.cat([rows, named[torch.randint(len(named), (missing,), generator=draws)]])
