"""What judges images offers, whatever it looks at, and good images judged by what did not learn them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

Watch = Callable[[str, int, int], None]  # what is done, how much of it, of how much
Link = tuple[int, int]  # two images that show the same thing
FOLDS = 5
CHECKED = 2_000  # good images that are judged by what did not learn them, at most
MOST_PIXELS = 2**20  # of a tile of an image that is larger
_LEAST_LEARNT = 0.05  # of the images, while others are held out


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


@dataclass(frozen=True)
class Fold:
    """Numbers of images that are held out together, and of those that are learnt meanwhile."""

    held: list[int]
    learnt: list[int]


def folds(count: int, seed: int, links: Sequence[Link] = (), parts: int = FOLDS) -> list[Fold]:
    """Each image held out once, a fifth together; no more folds than it takes to hold out as many as are checked.

    Of linked images, which show the same thing, none is learnt while another is held out: they are held out together as
    far as a fifth has room for them, and those left over are not learnt meanwhile. No links are minded that would leave
    nothing to learn (`minded`).
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(count, generator=generator).tolist()
    parts = min(parts, count)
    if links:
        held = _together(order, links, parts)
    else:
        held = [sorted(order[k::parts]) for k in range(parts)]
    enough = next((k for k in range(1, parts) if sum(map(len, held[:k])) >= CHECKED), parts)
    near = _near(links)
    found = [Fold(one, others(count, [*one, *(j for i in one for j in near.get(i, ()))])) for one in held[:enough]]
    if links and min(len(one.learnt) for one in found) < _LEAST_LEARNT * count:
        return folds(count, seed, (), parts)
    return found


def minded(count: int, seed: int, links: Sequence[Link]) -> bool:
    """Whether enough is left to learn where links are minded; where all images are linked it is not."""
    return bool(links) and folds(count, seed, links) != folds(count, seed)


def _near(links: Sequence[Link]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for i, j in links:
        found.setdefault(i, set()).add(j)
        found.setdefault(j, set()).add(i)
    return found


def _together(order: Sequence[int], links: Sequence[Link], parts: int) -> list[list[int]]:
    """Fifths of as many images each, linked ones next to one another: breadth first, from one to those linked to it."""
    near, seen, row = _near(links), set[int](), list[int]()
    for first in order:
        waiting = [] if first in seen else [first]
        seen.update(waiting)
        while waiting:
            row.append(one := waiting.pop(0))
            fresh = sorted(near.get(one, set()) - seen)
            seen.update(fresh)
            waiting += fresh
    cuts = [round(k * len(row) / parts) for k in range(parts + 1)]
    return [sorted(row[a:b]) for a, b in pairwise(cuts)]


def others(count: int, fold: Sequence[int]) -> list[int]:
    """All numbers below `count` that are not in the fold."""
    held = set(fold)
    return [i for i in range(count) if i not in held]
