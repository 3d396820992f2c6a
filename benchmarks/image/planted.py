"""Textures of scikit-image as crops, and faults planted in them: scratches, blobs, missing parts, other colors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

TEXTURES = ("brick", "grass", "gravel")
FAULTS = ("scratch", "blob", "missing", "color")
SIDE = 64
BORDER = 320  # row of a texture above which crops are learnt from
TINT = np.array([1.0, 0.93, 0.82])

Judged = tuple[Tensor, str, NDArray[np.bool_]]  # a crop (3, S, S), its kind and where it is odd


def apart(path: Path, generator: np.random.Generator) -> tuple[list[Tensor], list[Judged]]:
    """40 good crops of the upper part; 24 of the lower part, as they are and with each fault. None overlap."""
    whole = _whole(path)
    good = [tensor(crop) for crop in _grid(whole[:BORDER])]
    judged: list[Judged] = []
    for crop in _grid(whole[BORDER:]):
        judged.append((tensor(crop), "good", np.zeros((SIDE, SIDE), bool)))
        for kind in FAULTS:
            broken, mask = fault(crop, kind, generator)
            judged.append((tensor(broken), kind, mask))
    return good, judged


def overlapping(path: Path, generator: np.random.Generator, learnt: int, judged: int) -> tuple[list[Tensor], Tensor]:
    """Good crops of 128 pixels, anywhere in the upper part to learn, and anywhere in the lower part."""
    whole = _whole(path)
    good = [tensor(crop) for crop in _anywhere(whole[:BORDER], generator, learnt)]
    return good, torch.stack([tensor(crop) for crop in _anywhere(whole[BORDER:], generator, judged)])


def _whole(path: Path) -> NDArray[np.float64]:
    return np.asarray(Image.open(path).convert("L"), np.float64)[:, :, None] * TINT


def _grid(whole: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    height, width = (side // SIDE * SIDE for side in whole.shape[:2])
    for top in range(0, height, SIDE):
        for left in range(0, width, SIDE):
            yield whole[top : top + SIDE, left : left + SIDE]


def _anywhere(
    whole: NDArray[np.float64], generator: np.random.Generator, count: int, side: int = 128
) -> Iterator[NDArray[np.float64]]:
    for _ in range(count):
        top, left = (int(generator.integers(0, length - side + 1)) for length in whole.shape[:2])
        yield whole[top : top + side, left : left + side]


def fault(
    crop: NDArray[np.float64], kind: str, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A crop (H, W, 3) with one fault, and where it is (H, W)."""
    down, across = np.mgrid[:SIDE, :SIDE]
    y, x = generator.uniform(16, SIDE - 16, 2)
    shade = crop.mean((0, 1)) + generator.choice([-1.0, 1.0]) * 60
    if kind == "scratch":
        turn, length = generator.uniform(0, np.pi), generator.uniform(24, 40)
        along = (across - x) * np.cos(turn) + (down - y) * np.sin(turn)
        beside = (down - y) * np.cos(turn) - (across - x) * np.sin(turn) + 3 * np.sin(along / 9)
        cover = np.clip(1.5 - np.abs(beside), 0, 1) * (np.abs(along) < length / 2)
        other = np.broadcast_to(shade, crop.shape)
    elif kind == "blob":
        cover = 0.7 * np.clip(generator.uniform(6, 11) - np.hypot(across - x, (down - y) * 1.2), 0, 1)
        other = np.broadcast_to(shade, crop.shape)
    elif kind == "missing":
        cover = ((np.abs(across - x) < generator.uniform(8, 14)) & (np.abs(down - y) < 10)).astype(float)
        other = np.broadcast_to(crop.mean((0, 1)), crop.shape)
    else:
        cover = np.clip((generator.uniform(9, 15) - np.hypot(across - x, down - y)) / 2, 0, 1)
        other = crop * generator.permutation([1.25, 1.0, 0.75])
    return crop * (1 - cover[:, :, None]) + other * cover[:, :, None], cover > 0.3


def tensor(crop: NDArray[np.float64]) -> Tensor:
    """(3, S, S) bytes."""
    return torch.from_numpy(np.round(crop).clip(0, 255).astype(np.uint8)).permute(2, 0, 1).contiguous()
