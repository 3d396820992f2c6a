"""What a family sees of a clip: stretches of about a second, each as a row of few numbers.

A clip of normal ones says little of what is normal; its stretches are many, and their order is what families of
sequences learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps_audio.detection.views import modulation, spread, texture

LENGTH, HOP = 32, 8  # frames of a stretch, about a second, and from one to the next
_PARTS = 12  # principal components
_LEAST = 0.3  # of the usual spread: no number counts more than about three times as much as others


def starts(frames: int) -> list[int]:
    """Where the stretches of a clip of so many frames begin; the last one ends where the clip does."""
    last = max(frames - LENGTH, 0)
    return [*range(0, last, HOP), last]


def numbers(cells: Tensor) -> Tensor:
    """(S, 216) of a clip's cells (T, 64): mean and spread of each band, pace, and which bands move together.

    A clip shorter than a stretch is one, its last frame repeated.
    """
    missing = LENGTH - len(cells)
    cells = torch.cat([cells, cells[-1:].expand(missing, -1)]) if missing > 0 else cells
    rows = []
    for start in starts(len(cells)):
        own = cells[start : start + LENGTH].double()
        rows.append(torch.cat([own.mean(0), spread(own), modulation(own), texture(own)]))
    return torch.stack(rows)


def over_frames(values: Tensor, frames: int) -> Tensor:
    """(T,): of each frame the mean of what is said of the stretches (S,) that cover it."""
    total, count = torch.zeros(frames, dtype=torch.double), torch.zeros(frames, dtype=torch.double)
    for start, value in zip(starts(frames), values.double(), strict=True):
        total[start : start + LENGTH] += value
        count[start : start + LENGTH] += 1
    return total / count


@dataclass(frozen=True)
class Axes:
    """Numbers (S, 216) as principal components and what these leave out. middle, scale: (216,). axes: (216, K).

    size: (K,) deviation of each component.
    """

    middle: Tensor
    scale: Tensor
    axes: Tensor
    size: Tensor

    @classmethod
    def learn(cls, rows: Sequence[Tensor]) -> Axes:
        """Of the stretches of normal clips."""
        every = torch.cat(list(rows))
        middle, scale = every.mean(0), spread(every)
        scale = scale + _LEAST * scale.median() + 1e-6
        _, strengths, turned = torch.linalg.svd((every - middle) / scale, full_matrices=False)
        kept = max(1, min(_PARTS, int((strengths > 1e-6 * strengths[0]).sum())))
        return cls(middle, scale, turned[:kept].T.contiguous(), strengths[:kept] / len(every) ** 0.5 + 1e-6)

    def __call__(self, rows: Tensor) -> Tensor:
        """(S, K + 1)."""
        scaled = (rows - self.middle) / self.scale
        parts = scaled @ self.axes
        left = (scaled - parts @ self.axes.T).square().mean(1, keepdim=True).sqrt()
        return torch.cat([parts / self.size, left], 1)
