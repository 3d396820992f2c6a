"""A first look at every image: which can be used, with which boxes and mask, and small copies of some to learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from genapps_image.augmentation.annotations import Annotations
from genapps_image.augmentation.boxes import Box, Refused
from genapps_image.augmentation.masks import Masks
from genapps_image.codec import Codec, gather
from genapps_image.presets import Seen, choose
from genapps_image.reading.pictures import Pictures
from genapps_image.records import Skipped, Unreadable

MOST = 3_000  # images that are judged by and learnt from, of all classes together
_SIDE = 32  # of the copies, at most


@dataclass
class Looked:
    """usable: numbers of the images, by class ("" where there are none). boxes: of each image that has some."""

    usable: dict[str, list[int]] = field(default_factory=dict)
    boxes: dict[int, tuple[Box, ...]] = field(default_factory=dict)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    channels: list[int] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """Sorted, numbers by their value; none where images have no class."""
        found = [name for name in self.usable if name]
        return sorted(found, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))

    @property
    def count(self) -> int:
        """Images that can be used."""
        return sum(map(len, self.usable.values()))


@dataclass(frozen=True)
class Small:
    """Small copies of images. images: (N, C, H, W), bytes; labels: (N,) or None; numbers: (N,) which they are."""

    images: Tensor
    labels: Tensor | None
    numbers: list[int]
    codec: Codec


def look(
    pictures: Pictures,
    annotations: Annotations | None,
    masks: Masks | None,
    progress: Callable[[int, int], None] | None = None,
) -> Looked:
    """Read every image once; what cannot be used is told with the reason, and costs itself only."""
    found = Looked()
    if annotations is not None:
        found.refused += annotations.refused
    for i, one in enumerate(pictures):
        if progress is not None:
            progress(i + 1, len(pictures))
        if isinstance(one, Skipped):
            found.skipped.append(one)
            continue
        size = (one.pixels.shape[0], one.pixels.shape[1])
        if masks is not None:
            try:
                masks.read(one.name, size)
            except Unreadable as error:
                found.skipped.append(Skipped(one.name, str(error)))
                continue
        if annotations is not None:
            boxes, refused = annotations.of(one.name, size)
            found.refused += refused
            if boxes:
                found.boxes[i] = boxes
        found.usable.setdefault(one.label or "", []).append(i)
        found.sizes.append(size)
        found.channels.append(one.pixels.shape[2])
    return found


def small(pictures: Pictures, looked: Looked, seed: int, most: int = MOST) -> Small:
    """Small copies of up to `most` images, as many of each class as there are, or as are left for it."""
    classes = looked.classes
    quota = max(1, most // max(1, len(classes)))
    generator = torch.Generator().manual_seed(seed)
    numbers: list[int] = []
    for name in classes or [""]:
        rows = looked.usable[name]
        chosen = (
            torch.randperm(len(rows), generator=generator)[:quota].tolist() if len(rows) > quota else range(len(rows))
        )
        numbers += sorted(rows[k] for k in chosen)
    alpha = sum(channels in (2, 4) for channels in looked.channels)
    channels = 1 if set(looked.channels) <= {1} else 4 if alpha > looked.count / 2 else 3
    codec = choose(Seen(looked.count, looked.sizes, channels, len(classes))).codec
    if max(codec.height, codec.width) > _SIDE:
        codec = Codec(min(codec.height, _SIDE), min(codec.width, _SIDE), channels)
    batch = gather(pictures.take(numbers), codec, classes)
    return Small(batch.images, batch.labels, numbers, codec)
