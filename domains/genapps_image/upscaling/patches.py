"""Pairs to learn from: pieces of the user's own images, and the same pieces made small."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.training import order
from genapps_image.codec import to_channels
from genapps_image.reading.pictures import Pictures
from genapps_image.records import Bytes, Skipped
from genapps_image.upscaling.shrinking import cropped, shrunk, to_tensor

MOST_IMAGES = 2000  # that are learnt from, evenly over a larger folder
MOST_PIXELS = 48_000_000  # held in memory, of all images together
MOST_HELD_OUT = 50
_PURPOSE = 7  # of the generator that holds images out
_SMALLEST = 8  # pixels of a side of the small image, below which there is no pattern to learn


@dataclass(frozen=True)
class Piece:
    """An image, or the middle of a large one, (H, W, 1 or 3) with sides that the factor divides.

    mark: what the image is known by, see `mark`.
    """

    name: str
    pixels: Bytes
    mark: str


@dataclass(frozen=True)
class Material:
    """Images to learn from and images to judge by, none in both.

    halves: whether, for want of images, what is held out is the right quarter of each.
    """

    learnt: list[Piece]
    held_out: list[Piece]
    halves: bool = False


def collect(
    pictures: Pictures, factor: int, *, seed: int, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Piece], list[Skipped]]:
    """The images of a folder that are large enough, each once and all of as many channels, and those that are not used.

    Of more than 2,000 a random 2,000 are read, and of large ones the middle, so that memory is bounded. Raises
    InputError where there is none.
    """
    numbers = list(range(len(pictures)))
    if len(numbers) > MOST_IMAGES:
        numbers = sorted(
            torch.randperm(len(numbers), generator=order.derived(seed, _PURPOSE, 1))[:MOST_IMAGES].tolist()
        )
    most = max(96 * 96, MOST_PIXELS // max(len(numbers), 1))
    found: dict[str, Piece] = {}
    skipped = []
    for done, i in enumerate(numbers, 1):
        one = pictures.one(i)
        if isinstance(one, Skipped):
            skipped.append(one)
        elif min(one.pixels.shape[:2]) < factor * _SMALLEST:
            height, width = one.pixels.shape[:2]
            skipped.append(Skipped(one.name, f"{width} x {height} pixels: too small to learn from at x{factor}"))
        elif bool((one.pixels == one.pixels[0, 0]).all()):
            skipped.append(Skipped(one.name, "of one color: nothing to learn from"))
        else:
            known = mark(one.pixels)
            pixels = cropped(_window(without_alpha(one.pixels), most), factor)
            found.setdefault(known, Piece(one.name, pixels, known))
        if progress is not None:
            progress(done, len(numbers))
    if not found:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"{pictures.where}: no image to learn from{why}")
    channels = max(piece.pixels.shape[2] for piece in found.values())
    return [replace(piece, pixels=to_channels(piece.pixels, channels)) for piece in found.values()], skipped


def divide(pieces: Sequence[Piece], factor: int, *, share: float, seed: int) -> Material:
    """Hold out that share of the images, at least one and at most 50; of fewer than four, the right quarter of each."""
    if len(pieces) < 4:
        parts = [_cut(piece.pixels, factor) for piece in pieces]
        left = [replace(piece, pixels=part[0]) for piece, part in zip(pieces, parts, strict=True)]
        right = [replace(piece, pixels=part[1]) for piece, part in zip(pieces, parts, strict=True)]
        return Material(left, right, halves=True)
    mixed = torch.randperm(len(pieces), generator=order.derived(seed, _PURPOSE)).tolist()
    count = min(MOST_HELD_OUT, len(pieces) - 1, max(1, round(share * len(pieces))))
    return Material([pieces[i] for i in sorted(mixed[count:])], [pieces[i] for i in sorted(mixed[:count])])


def mark(pixels: Bytes) -> str:
    """What an image is known by: 16 hexadecimal digits of its size and pixels."""
    return hashlib.sha256(str(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def without_alpha(pixels: Bytes) -> Bytes:
    """(H, W, 1 or 3), on white where alpha says so."""
    return to_channels(pixels, 1 if pixels.shape[2] <= 2 else 3)


def _window(pixels: Bytes, most: int) -> Bytes:
    """The middle of an image, of at most that many pixels."""
    height, width = pixels.shape[:2]
    if height * width <= most:
        return pixels
    scale = (most / (height * width)) ** 0.5
    rows, columns = max(1, int(height * scale)), max(1, int(width * scale))
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns].copy()


def _cut(pixels: Bytes, factor: int) -> tuple[Bytes, Bytes]:
    """The left three quarters, and the rest."""
    width = pixels.shape[1] // factor
    edge = max(1, min(width - 1, width * 3 // 4)) * factor
    return pixels[:, :edge], pixels[:, edge:]


class Patches:
    """Places in the images to learn from; `draw` gives pairs of small and large pieces there, turned and mirrored.

    side: pixels of a small piece; where half of the images are smaller, as many as the middle one has. Images that are
    smaller than a piece are left out.
    """

    def __init__(self, images: list[Bytes], factor: int, side: int) -> None:
        self.factor = factor
        sides = sorted(min(pixels.shape[:2]) // factor for pixels in images)
        self.side = min(side, sides[len(sides) // 2])
        large = [pixels for pixels in images if min(pixels.shape[:2]) // factor >= self.side]
        self.large = [to_tensor(pixels) for pixels in large]
        self.small = [to_tensor(shrunk(pixels, factor)) for pixels in large]
        places = [
            (k, top, left)
            for k, image in enumerate(self.small)
            for top in range(0, image.shape[1] - self.side + 1, self.side)
            for left in range(0, image.shape[2] - self.side + 1, self.side)
        ]
        self.places = torch.tensor(places)

    def __len__(self) -> int:
        return len(self.places)

    def draw(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Small pieces (B, C, s, s) and large ones (B, C, f s, f s), between -0.5 and 0.5, near the places of rows."""
        side, factor = self.side, self.factor
        moves = torch.randint(-side // 2, side // 2 + 1, (len(rows), 2), generator=generator).tolist()
        turns = torch.randint(8, (len(rows),), generator=generator).tolist()
        small, large = [], []
        for (k, top, left), (down, across), turn in zip(
            self.places[rows % len(self.places)].tolist(), moves, turns, strict=True
        ):
            height, width = self.small[k].shape[-2:]
            y, x = min(max(top + down, 0), height - side), min(max(left + across, 0), width - side)
            small.append(turned(self.small[k][:, y : y + side, x : x + side], turn))
            y, x, end = y * factor, x * factor, side * factor
            large.append(turned(self.large[k][:, y : y + end, x : x + end], turn))
        return centered(torch.stack(small)), centered(torch.stack(large))


def turned(image: Tensor, turn: int) -> Tensor:
    """(..., H, W) by quarter turns `turn % 4`, then mirrored where `turn` is 4 or more: the eight ways it can lie."""
    out = torch.rot90(image, turn % 4, (-2, -1))
    return out.flip(-1) if turn >= 4 else out


def unturned(image: Tensor, turn: int) -> Tensor:
    """What `turned` undoes."""
    return torch.rot90(image.flip(-1) if turn >= 4 else image, -(turn % 4), (-2, -1))


def centered(images: Tensor) -> Tensor:
    """Bytes as numbers between -0.5 and 0.5."""
    return images.float() / 255 - 0.5


def to_bytes(values: Tensor) -> Tensor:
    """Numbers between -0.5 and 0.5 as bytes."""
    return ((values + 0.5) * 255).round().clamp(0, 255).to(torch.uint8)
