"""Whether a generator repeats what it learnt: how near its images lie to those, beside how near unseen images lie."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.metrics.neighbors import Nearest, nearer_share, nearness_error

_USUAL = 0.05  # of unseen images lie nearer than this, by the choice of the distance
_ALIKE = 0.995  # correlation of two small copies of one picture
_FLAT = 2.0  # standard deviation, of 255, below which an image shows nothing to be compared
_SAME = 0.5 / 255  # root mean square distance below which two images are the same


@dataclass(frozen=True)
class Nearness:
    """Distances are root mean squares over pixels from 0 to 1.

    nearer: share of the generated images that lie nearer to a training image than all but `usual` of the unseen ones
    do. same: of those that are a training image. median, unseen_median: of the distance to the nearest.
    pairs: (generated, training) row numbers of the nearest, nearest first, with their distance. toward: how much nearer
    they lie to training images than to unseen ones, 0.5 for not at all and 1 for copies, with its error: a blurred
    image lies near to all of them alike.
    """

    generated: int
    learnt: int
    unseen: int
    nearer: float
    usual: float
    same: float
    median: float
    unseen_median: float
    pairs: tuple[tuple[int, int, float], ...]
    toward: float = 0.5
    toward_error: float = 0.0

    @property
    def copied(self) -> bool:
        """Whether clearly more lie that near than unseen images do, and not to these just as well."""
        error = math.sqrt(self.usual * (1 - self.usual) * (1 / self.generated + 1 / max(self.unseen, 1)))
        near = self.nearer > self.usual + 3 * error
        return near and (self.same > 0.01 or self.toward > 0.5 + 2 * self.toward_error)

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {**asdict(self), "copied": self.copied}

    def line(self) -> str:
        """The same for a person."""
        told = (
            f"{100 * self.nearer:.0f} % of {self.generated:,} generated images lie nearer to a training image than all "
            f"but {100 * self.usual:.0f} % of {self.unseen:,} unseen images do"
        )
        return f"{told}: the model repeats what it learnt" if self.copied else told


def nearness(generated: Tensor, learnt: Tensor, real: Tensor, unseen: Tensor, most: int = 8) -> Nearness | None:
    """Of images (N, C, H, W) of bytes; learnt: real ones and their transforms. None where there are none of a kind."""
    if not (len(generated) and len(learnt) and len(unseen)):
        return None
    near, which = nearest(generated, learnt)
    apart, _ = nearest(unseen, learnt)
    limit = torch.quantile(apart, _USUAL)
    order = near.argsort()[:most].tolist()
    toward = nearer_share(_of(generated, real), _of(generated, unseen))
    return Nearness(
        len(generated),
        len(learnt),
        len(unseen),
        float((near < limit).float().mean()),
        _USUAL,
        float((near < _SAME).float().mean()),
        float(near.median()),
        float(apart.median()),
        tuple((k, int(which[k]), float(near[k])) for k in order),
        0.5 if toward is None else toward,
        nearness_error(len(generated), len(real), len(unseen)),
    )


def _of(images: Tensor, others: Tensor) -> Nearest:
    apart, _ = nearest(images, others)
    return Nearest(apart.numpy(), np.ones(len(apart), np.int64), len(others))


def nearest(images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """The distance (N,) of each image to the nearest of others, and which that is."""
    flat = others.flatten(1).float() / 255
    parts = []
    for chunk in images.flatten(1).split(256):
        found = torch.cdist(chunk.float() / 255, flat, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        parts.append((found.values / flat.shape[1] ** 0.5, found.indices))
    return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])


def near_copies(images: Tensor) -> list[tuple[int, int]]:
    """(first, later) row numbers of images (N, C, H, W) of bytes that are the same picture, or hardly differ: for each
    that was there before, in some form, the first of these.

    Hardly: their pixels correlate by 0.995 or more, as after another compression. A flat image is like none.
    """
    rows = images.flatten(1).float()
    rows = rows - rows.mean(1, keepdim=True)
    lengths = rows.norm(dim=1)
    rows = rows / lengths.clamp_min(1e-6)[:, None]
    flat = lengths < _FLAT * rows.shape[1] ** 0.5
    rows[flat] = 0
    found = []
    for start in range(0, len(rows), 256):
        alike = (rows[start : start + 256] @ rows.T >= _ALIKE).tril(start - 1)
        later = alike.any(1).nonzero()[:, 0]
        first = alike[later].int().argmax(1)
        found += list(zip(first.tolist(), (later + start).tolist(), strict=True))
    return sorted(found)
