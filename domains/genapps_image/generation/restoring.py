"""A photograph with a hole as a model sees it, and what the model made at the photograph's own size.

A model thinks in images of one size. What it makes is enlarged smoothly, which adds no detail, and at the border of the
hole, within one pixel of the model's, moved to the shade of what is known there. What is known stays, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from genapps_image.codec import Codec, image_of, to_channels
from genapps_image.records import Bytes, Picture, Skipped

Mask = NDArray[np.bool_]
SMALLER = "use a smaller hole, or a model of a larger --size"


@dataclass(frozen=True)
class Window:
    """The part of a photograph that the model sees, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Holed:
    """A photograph and its hole, (H, W), as they are and as the model sees them: (C, h, w) bytes and (h, w)."""

    picture: Picture
    hole: Mask
    window: Window
    seen: Tensor
    unknown: Tensor


def window_of(hole: Mask, codec: Codec) -> Window | str:
    """The largest part of the model's shape, as much in the middle as the hole allows; or why there is none."""
    rows, columns = hole.shape
    scale = min(rows / codec.height, columns / codec.width)
    sides = min(rows, max(1, round(codec.height * scale))), min(columns, max(1, round(codec.width * scale)))
    starts = []
    for axis, (whole, side) in enumerate(zip(hole.shape, sides, strict=True)):
        there = np.flatnonzero(hole.any(1 - axis))
        first, last = int(there[0]), int(there[-1])
        if last - first >= side:
            shape = f"{sides[1]} x {sides[0]} pixels (width x height)"
            return f"the hole is larger than the {shape} that the model sees of it; cut the image to the model's shape"
        starts.append(min(max((whole - side) // 2, last + 1 - side), first))
    return Window(starts[0], starts[1], *sides)


def holed(picture: Picture, hole: Mask, codec: Codec) -> Holed | Skipped:
    """A photograph with its hole as the model is shown it, or why it cannot be.

    What lies in the hole is smoothed away first, so that none of it comes into the pixels beside it as the image
    shrinks; every pixel of the model's that the hole touches is unknown.
    """
    window = window_of(hole, codec)
    if isinstance(window, str):
        return Skipped(picture.name, window)
    if codec.channels == 1 and colored(picture.pixels):
        why = "in color, and the model makes grey images; fit one on images in color, or take --at-model-size"
        return Skipped(picture.name, why)
    gap = hole[window.place]
    plain = smoothed(picture.pixels[window.place], gap)
    size = (codec.width, codec.height)
    small = np.asarray(image_of(to_channels(plain, codec.channels)).resize(size, Image.Resampling.LANCZOS))
    touched = np.asarray(Image.fromarray(gap.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)) > 0
    if touched.all():
        return Skipped(picture.name, f"nothing is known of it at the model's {size[0]} x {size[1]} pixels; {SMALLER}")
    seen = np.array((small[:, :, None] if small.ndim == 2 else small).transpose(2, 0, 1), order="C")
    return Holed(picture, hole, window, torch.from_numpy(seen), torch.from_numpy(touched))


def restored(one: Holed, made: Tensor) -> Bytes:
    """The photograph (H, W, C) with its hole filled by what was made at the model's size (C, h, w), bytes or floats."""
    window, pixels = one.window, one.picture.pixels
    step = max(1, round(max(window.height / made.shape[1], window.width / made.shape[2])))
    near = around(
        one.hole[window.place], step
    )  # all that what is filled depends on, so that a large image costs no more
    truth, gap = pixels[window.place][near], one.hole[window.place][near]
    content = _enlarged(made.float(), window, near, pixels.shape[2])
    hole = torch.from_numpy(gap)
    apart = means_around(torch.where(hole, 0.0, _channels(truth) - content), step)
    known = means_around((~hole).float()[None], step)
    # Half of the square is known at a straight border, nothing of it one step further in: so the move fades away.
    moved = content + (2 * known).clamp_max(1) * apart / known.clamp_min(1e-9)
    result = pixels.copy()
    result[window.place][near][gap] = _bytes(moved)[gap]
    return result


def around(hole: Mask, reach: int | None = None) -> tuple[slice, slice]:
    """Rows and columns of the hole and up to `reach` pixels around it; as many as its own sides have if not given."""
    found = []
    for axis, size in enumerate(hole.shape):
        there = np.flatnonzero(hole.any(1 - axis))
        low, high = int(there[0]), int(there[-1]) + 1
        more = max(high - low, 8) if reach is None else reach
        found.append(slice(max(0, low - more), min(size, high + more)))
    return found[0], found[1]


def means_around(values: Tensor, reach: int) -> Tensor:
    """The means (C, H, W) over the square of pixels up to `reach` away, of those that there are; in time of H x W."""
    for axis in (1, 2):
        size = values.shape[axis]
        sums = F.pad(values.double().cumsum(axis).movedim(axis, -1), (1, 0)).movedim(-1, axis)
        at = torch.arange(size)
        low, high = (at - reach).clamp_min(0), (at + reach + 1).clamp_max(size)
        count = (high - low).view(-1, *[1] * (2 - axis))
        values = ((sums.index_select(axis, high) - sums.index_select(axis, low)) / count).float()
    return values


def smoothed(pixels: Bytes, hole: Mask) -> Bytes:
    """Pixels (H, W, C) with the hole (H, W) filled by what lies around it, ever smoother inwards; 0 if nothing does.

    Means of known pixels at ever half the size, taken back where there were none (Gortler et al., "The Lumigraph",
    1996, section 3.4).
    """
    near, result = around(hole), pixels.copy()
    gap = hole[near]
    values, _ = _pulled(_channels(pixels[near]), torch.from_numpy(~gap).float()[None])
    result[near][gap] = _bytes(values)[gap]
    return result


def _pulled(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    if bool((known > 0).all()) or max(values.shape[1:]) == 1:
        return values, known
    weighed = F.avg_pool2d(values * known, 2, ceil_mode=True, count_include_pad=False)
    share = F.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False)
    coarse, _ = _pulled(weighed / share.clamp_min(1e-9), share)
    size = (values.shape[1], values.shape[2])
    back = F.interpolate(coarse[None], size, mode="bilinear", align_corners=False)[0]
    return known * values + (1 - known) * back, known


def colored(pixels: Bytes) -> bool:
    """Whether pixels (H, W, C) differ from grey anywhere."""
    return pixels.shape[2] >= 3 and bool((pixels[:, :, :1] != pixels[:, :, 1:3]).any())


def _enlarged(made: Tensor, window: Window, near: tuple[slice, slice], channels: int) -> Tensor:
    """What was made (C', h, w) near a place of the window, (channels, H, W) floats, by the bicubic filter.

    It is opaque where only the photograph has an alpha.
    """
    kept = 4 if min(channels, made.shape[0]) == 4 else 1 if channels <= 2 else 3
    image = image_of(to_channels(_bytes(made), kept))
    down, across = made.shape[1] / window.height, made.shape[2] / window.width
    rows, columns = near
    box = (columns.start * across, rows.start * down, columns.stop * across, rows.stop * down)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    large = np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box))
    found = _channels(large[:, :, None] if large.ndim == 2 else large)
    return found if len(found) == channels else torch.cat([found, torch.full_like(found[:1], 255)])


def _channels(pixels: Bytes) -> Tensor:
    """(C, H, W) floats of (H, W, C)."""
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float()


def _bytes(values: Tensor) -> Bytes:
    """(H, W, C) of (C, H, W)."""
    return values.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def scaled(hole: Mask, shape: tuple[int, int]) -> Mask:
    """The same hole in an image of another size (H, W)."""
    size = (shape[1], shape[0])
    return np.asarray(Image.fromarray(hole.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)) > 0
