"""Which classes made images belong to, and whether some are missing; made images need no labels for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.metrics.bins import compare

VOTERS = 5
_ROWS = 512
_FEWER = 0.5  # of the share that is due, below which a class is called missing
_CERTAIN = 3.0  # standard errors below what is due


@dataclass(frozen=True)
class ClassShare:
    """A class among the images of each side, as their nearest reference images vote, and how far it is reached.

    n: its reference images. made, held_out: shares. z: of the two-proportion test, negative where too few were made.
    covered, covered_held_out: the share of its reference images with such an image among their neighbors.
    """

    name: str
    n: int
    made: float
    held_out: float
    z: float
    covered: float
    covered_held_out: float

    @property
    def is_missing(self) -> bool:
        """Whether less than half of what is due was made, beyond chance."""
        return self.made < _FEWER * self.held_out and self.z < -_CERTAIN


def class_shares(
    names: Sequence[str],
    labels: Tensor,
    reference: Tensor,
    sides: tuple[Tensor, Tensor],
    covered: tuple[Tensor, Tensor],
) -> tuple[ClassShare, ...]:
    """Of features (N, D) of reference images with their classes (N,), and of made and held-out images (M, D).

    covered: (N,) of each reference image, by made and by held-out ones. Classes without a reference image are left out.
    """
    made, held_out = (torch.bincount(vote(rows, reference, labels), minlength=len(names)) for rows in sides)
    test = compare(held_out.numpy(), made.numpy())
    found = []
    for k, name in enumerate(names):
        mine = labels == k
        if bool(mine.any()):
            reached = [float(one[mine].float().mean()) for one in covered]
            shares = float(test.made[k]), float(test.train[k])
            found.append(ClassShare(name, int(mine.sum()), *shares, float(test.z[k]), reached[0], reached[1]))
    return tuple(found)


def vote(rows: Tensor, reference: Tensor, labels: Tensor) -> Tensor:
    """(M,) the class that most of the five nearest reference images have; the lower number of equal ones."""
    k = min(VOTERS, len(reference))
    count = int(labels.max()) + 1
    found = []
    for part in rows.split(_ROWS):
        near = labels[torch.cdist(part, reference).topk(k, largest=False).indices]  # (m, k)
        found.append(torch.nn.functional.one_hot(near, count).sum(1).argmax(1))
    return torch.cat(found)
