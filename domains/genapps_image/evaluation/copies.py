"""Which made images repeat a training image, judged by how near unseen real images come to training images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.errors import InputError

ALLOWED = 0.01  # share of unseen real images that would be called copies
EXACT = 0.02  # nearness of what differs by less than can be seen
_OTHERS = 10  # the neighbor that says what "near" means around an image
_UNSEEN = 0.25  # levels of grey by which two images differ unseen
_FLAT = 4.0  # levels: deviation of the pixels of an image that shows nothing
_ROWS = 64


@dataclass(frozen=True)
class Near:
    """Of each of M images: its nearest training image (M,) and how near it is (M,), relative to the tenth nearest.

    0 is a copy, 1 no nearer than nine others. An image that shows nothing, such as a black one, is no copy: 1.
    """

    index: Tensor
    ratio: Tensor


@dataclass(frozen=True)
class Copies:
    """What was found in one search.

    share: of made images as near to a training image as 1 % of unseen real ones are; unseen: the same share of those,
    `among` of them. limit: how near that is. near: of each made image.
    """

    share: float
    unseen: float
    among: int
    limit: float
    near: Near

    @property
    def exact(self) -> int:
        """How many made images are a training image but for what cannot be seen; 0 where unseen ones are too."""
        return int((self.near.ratio <= EXACT).sum()) if self.limit > EXACT else 0

    @property
    def certain(self) -> float:
        """The share of copies that is beyond what chance gives to as many made and unseen images; 0 for none."""
        least, _ = proven(self.share, len(self.near.ratio))
        _, usual = proven(self.unseen, self.among)
        return max(0.0, least - usual)


def nearest(images: Tensor, training: Tensor) -> Near:
    """Of small images (M, C, h, w) among training images (N, C, h, w), as they are or mirrored.

    Raises InputError for two training images or fewer.
    """
    if len(training) < 3:
        raise InputError(f"{len(training)} training images; copies are told from 3 on")
    k = min(_OTHERS, len(training) - 1)
    found, ratios = [], []
    unseen = _UNSEEN * training[0].numel() ** 0.5
    rows = training.flatten(1).float()
    for part in images.float().split(_ROWS):
        apart = torch.minimum(torch.cdist(part.flatten(1), rows), torch.cdist(part.flip(3).flatten(1), rows))
        least = apart.topk(k, largest=False)
        found.append(least.indices[:, 0])
        ratio = (least.values[:, 0] + unseen) / (least.values[:, -1] + unseen)
        ratios.append(torch.where(part.flatten(1).std(1) < _FLAT, torch.ones_like(ratio), ratio))
    return Near(torch.cat(found), torch.cat(ratios))


def copies(made: Near, unseen: Near) -> Copies:
    """Made images as near to training images as only 1 % of unseen ones are, in the same search."""
    limit = float(unseen.ratio.double().quantile(ALLOWED, interpolation="lower"))
    shares = [float((near.ratio <= limit).float().mean()) for near in (made, unseen)]
    return Copies(shares[0], shares[1], len(unseen.ratio), limit, made)


def proven(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of n (Wilson, "Probable inference", 1927)."""
    z = 1.96
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)
