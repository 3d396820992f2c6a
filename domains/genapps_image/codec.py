"""Pictures as one tensor of one size, and back: the images that a model learns, and files of those it makes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.spaces import Pixels
from genapps_image.records import Bytes, Picture, Skipped

MOST_BYTES = 8 * 2**30  # of a tensor of images
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Codec:
    """One size and one number of channels for all images.

    height, width: pixels. channels: 1 grey, 3 red, green, blue, 4 those and alpha. fit: "cover" cuts the edges that are
    too long, "pad" fills those that are too short with the image's own border.
    """

    height: int
    width: int
    channels: int
    fit: str = "cover"

    def __post_init__(self) -> None:
        if self.channels not in (1, 3, 4):
            raise UsageError(f"images of {self.channels} channels; there are 1 (grey), 3 (RGB) and 4 (RGBA)")

    @property
    def space(self) -> Pixels:
        """What a model is told of the images: bytes."""
        return Pixels(self.channels, self.height, self.width, 256)

    def encode(self, picture: Picture) -> Bytes:
        """(C, H, W), bytes."""
        image = image_of(to_channels(picture.pixels, self.channels))
        size = (self.width, self.height)
        if image.size != size:
            image = _covering(image, size) if self.fit == "cover" else _padded(image, size)
        pixels = np.asarray(image, np.uint8)
        return np.array((pixels[:, :, None] if pixels.ndim == 2 else pixels).transpose(2, 0, 1), order="C")

    def decode(self, images: Tensor) -> list[Bytes]:
        """Pixels (H, W, C) of each of a batch (N, C, H, W) of bytes, or of numbers that are rounded to bytes."""
        rows = images if images.dtype == torch.uint8 else images.round().clamp(0, 255).to(torch.uint8)
        return list(rows.permute(0, 2, 3, 1).contiguous().numpy())

    def to_json(self) -> dict[str, Any]:
        """For a model file."""
        return asdict(self)


@dataclass(frozen=True)
class Batch:
    """Images as one tensor.

    images: (N, C, H, W) bytes. labels: (N,) numbers of classes, or None. names: (N,). skipped: what could not be used.
    """

    images: Tensor
    labels: Tensor | None
    names: list[str]
    classes: list[str]
    skipped: list[Skipped]


def gather(pictures: Iterable[Picture | Skipped], codec: Codec, classes: Sequence[str] = ()) -> Batch:
    """All images at once, in the codec's size. Raises InputError where they would not fit in memory, or there are none.

    classes: the names of the classes by number; labels are None where it is empty.
    """
    number = {name: k for k, name in enumerate(classes)}
    rows, labels, names, skipped = [], [], [], []
    most = MOST_BYTES // (codec.channels * codec.height * codec.width)
    for one in pictures:
        if isinstance(one, Skipped):
            skipped.append(one)
        elif number and one.label not in number:
            skipped.append(Skipped(one.name, f"of class {one.label!r}, which is not known"))
        else:
            rows.append(torch.from_numpy(codec.encode(one)))
            labels.append(number.get(one.label or "", 0))
            names.append(one.name)
            if len(rows) > most:
                raise InputError(
                    f"more than {most:,} images of {codec.height} x {codec.width} pixels; use a smaller --size"
                )
    if not rows:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"no image that can be used{why}")
    return Batch(torch.stack(rows), torch.tensor(labels) if number else None, names, list(classes), skipped)


def to_channels(pixels: Bytes, channels: int) -> Bytes:
    """(H, W, C) with that many channels; alpha is laid over white where it is not kept."""
    image = image_of(pixels)
    if channels == 4:
        return np.asarray(image.convert("RGBA"), np.uint8)
    if image.mode in ("LA", "RGBA"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    wanted = image.convert(MODES[channels])
    found = np.asarray(wanted, np.uint8)
    return found[:, :, None] if found.ndim == 2 else found


def image_of(pixels: Bytes) -> Image.Image:
    """A Pillow image of pixels (H, W, C)."""
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


def _covering(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of the image in the shape that is wanted, by area where it shrinks, by Lanczos' filter elsewhere."""
    width, height = image.size
    scale = max(size[0] / width, size[1] / height)
    left, top = (
        max(0.0, (width - size[0] / scale) / 2),
        max(0.0, (height - size[1] / scale) / 2),
    )  # rounding may fall below
    return image.resize(size, Image.Resampling.LANCZOS, box=(left, top, width - left, height - top))


def _padded(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The whole image in the middle, its border repeated outwards."""
    scale = min(size[0] / image.width, size[1] / image.height)
    inner = (min(size[0], max(1, round(image.width * scale))), min(size[1], max(1, round(image.height * scale))))
    pixels = np.asarray(image.resize(inner, Image.Resampling.LANCZOS))
    gaps = [(extra // 2, extra - extra // 2) for extra in (size[1] - inner[1], size[0] - inner[0])]
    return Image.fromarray(np.pad(pixels, [*gaps, *[(0, 0)] * (pixels.ndim - 2)], mode="edge"))
