"""Good images that show the same thing: copies, near copies, and crops that overlap.

Such images are no evidence for one another: one that was judged beside its copy would look far more usual than a new
image does. They are told by strong points: the surroundings of a point are found again in another image, and then all
that both images would share is compared, what is as fine as noise above all, which two photographs of one thing do
not have in common.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps_image.augmentation.copies import near_copies
from genapps_image.detection.judging import Link, Source, Watch
from genapps_image.detection.places import blurred

MOST = 2_000  # good images that are compared
_WHOLE = 5_000  # small ones that are, as a whole
_SIDE = 256  # pixels of the longer side at which they are
_POINTS, _MOST_POINTS, _LEAST_POINTS = 6_000, 48, 3  # of all images, and of one
_REACH = 6  # pixels around a point that describe it
_APART = 5  # pixels between points
_ALIKE, _FINE = 0.97, 0.9  # correlation of what two images share, and of what is fine in it
_LEAST_SHARED = 1 / 16  # of an image
_QUIET = 2.0  # levels: deviation of what shows nothing
_CHUNK = 1_024


def alike(images: Source) -> list[Link]:
    """Pairs (i, j), i < j, of small images of one size of which one is a near copy of the other; of 5,000 at most."""
    if not 1 < len(images) <= _WHOLE:
        return []
    return near_copies(torch.stack([images[i] for i in range(len(images))]))


def overlapping(images: Source, watch: Watch | None = None) -> list[Link]:
    """Pairs (i, j), i < j, of images of any sizes of which at least a sixteenth is the same, wherever it lies in each.

    Of the first 2,000 images; found where they were shifted, not where they were turned or scaled.
    """
    count = min(len(images), MOST)
    each = max(_LEAST_POINTS, min(_MOST_POINTS, _POINTS // max(count, 1)))
    greys, around, owners, places = [], [], [], []
    for i in range(count):
        grey = _grey(images[i])
        found, described = _points(grey.float(), each)
        greys.append(grey)
        around.append(described)
        places.append(found)
        owners.append(torch.full((len(found),), i))
        if watch is not None:
            watch("comparing good images", i + 1, count)
    if not count:
        return []
    rows, owner, place = torch.cat(around), torch.cat(owners), torch.cat(places)
    shifts: set[tuple[int, int, int, int]] = set()
    for start in range(0, len(rows), _CHUNK):
        near = rows[start : start + _CHUNK] @ rows.T >= _ALIKE
        near &= owner[start : start + _CHUNK, None] < owner
        one, other = near.nonzero(as_tuple=True)
        one = one + start
        pairs = torch.cat([owner[one, None], owner[other, None], place[one] - place[other]], 1)
        shifts |= {(a, b, c, d) for a, b, c, d in pairs.unique(dim=0).tolist()}
    linked: set[Link] = set()
    for i, j, down, across in sorted(shifts):
        if (i, j) not in linked and _shared(greys[i], greys[j], down, across):
            linked.add((i, j))
    return sorted(linked)


def _grey(image: Tensor) -> Tensor:
    """(H, W) bytes of an image (C, H, W), at most 256 pixels a side."""
    grey = image[:3].float().mean(0)[None, None]
    scale = _SIDE / max(grey.shape[2:])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in grey.shape[2:]]
        grey = F.interpolate(grey, size, mode="bilinear", antialias=True, align_corners=False)
    return grey[0, 0].round().to(torch.uint8)


def _points(grey: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """(K, 2) rows and columns of the strongest corners of a grey image (H, W), and what is around each (K, D), of
    mean 0 and length 1. A corner: its surroundings change in both directions (Harris and Stephens, 1988).
    """
    height, width = grey.shape
    if min(height, width) <= 2 * _REACH + 1:
        return torch.zeros(0, 2, dtype=torch.long), torch.zeros(0, 4 * _REACH**2)
    smooth = blurred(grey[None, None], 1.0)
    padded = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    xx, yy, xy = (blurred(part, 1.5) for part in (across**2, down**2, across * down))
    corner = (xx * yy - xy**2) / (xx + yy + 1.0)
    highest = corner == F.max_pool2d(corner, _APART, 1, _APART // 2)
    inner = torch.zeros_like(corner)
    inside = (slice(None), slice(None), slice(_REACH, height - _REACH), slice(_REACH, width - _REACH))
    inner[inside] = torch.where(highest, corner, torch.zeros_like(corner))[inside]
    strengths, chosen = inner.flatten().topk(min(most, inner.numel()))
    chosen = chosen[strengths > _QUIET]
    found = torch.stack([chosen // width, chosen % width], 1)
    patches = [grey[y - _REACH : y + _REACH, x - _REACH : x + _REACH].flatten() for y, x in found.tolist()]
    rows = torch.stack(patches) if patches else torch.zeros(0, 4 * _REACH**2)
    return found, F.normalize(rows - rows.mean(1, keepdim=True), dim=1)


def _shared(one: Tensor, other: Tensor, down: int, across: int) -> bool:
    """Whether grey images are the same where they lie over one another, the other one moved by so many pixels."""
    top, left = max(down, 0), max(across, 0)
    bottom = min(one.shape[0], other.shape[0] + down)
    right = min(one.shape[1], other.shape[1] + across)
    if (bottom - top) * (right - left) < _LEAST_SHARED * min(one.numel(), other.numel()) or min(
        bottom - top, right - left
    ) < _REACH:
        return False
    first = one[top:bottom, left:right].float()
    second = other[top - down : bottom - down, left - across : right - across].float()
    if _correlation(first, second) < _ALIKE:
        return False
    fine = [(part - blurred(part[None, None], 1.0)[0, 0]) for part in (first, second)]
    return _correlation(*fine) >= _FINE


def _correlation(one: Tensor, other: Tensor) -> float:
    """0 where either shows nothing."""
    one, other = one - one.mean(), other - other.mean()
    lengths = one.norm() * other.norm()
    return float((one * other).sum() / lengths) if float(lengths) > 1e-3 * one.numel() else 0.0
