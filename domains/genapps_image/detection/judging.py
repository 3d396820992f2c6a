"""What judges images offers, whatever it looks at, and good images judged by what did not learn them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

Watch = Callable[[str, int, int], None]  # what is done, how much of it, of how much
FOLDS = 5
CHECKED = 2_000  # good images that are judged by what did not learn them, at most
MOST_PIXELS = 2**20  # of a tile of an image that is larger


class Source(Protocol):
    """Images by number, each (C, H, W) of bytes; a tensor (N, C, H, W) is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Tensor: ...


@dataclass(frozen=True)
class Judged:
    """One image.

    score: higher is stranger. heat: (H, W) of its pixels, in the score's unit where there is one. nearest: the number
    of the good image that is most like it, among those kept.
    """

    score: float
    heat: Tensor
    nearest: int


class Judge(Protocol):
    """What has learnt good images."""

    kind: ClassVar[str]

    def judge(self, image: Tensor) -> Judged:
        """One image (C, H, W) of bytes."""
        ...

    def scores(self, images: Source) -> Tensor:
        """(N,) of many, without their heat."""
        ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON for a model file."""
        ...

    def words(self) -> str:
        """What it looks at, in a sentence."""
        ...


def folds(count: int, seed: int, parts: int = FOLDS) -> list[list[int]]:
    """Numbers of the images that are held out together, a fifth each; no more of them than are checked at all."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(count, generator=generator).tolist()
    parts = min(parts, count)
    found = [sorted(order[k::parts]) for k in range(parts)]
    enough = next((k for k in range(1, parts) if sum(map(len, found[:k])) >= CHECKED), parts)
    return found[:enough]


def others(count: int, fold: Sequence[int]) -> list[int]:
    """All numbers below `count` that are not in the fold."""
    held = set(fold)
    return [i for i in range(count) if i not in held]
