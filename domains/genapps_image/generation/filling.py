"""Images with their holes filled: `genapps image inpaint`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genapps.errors import InputError, UsageError
from genapps_image.codec import Codec
from genapps_image.generation.checking import Checked, check
from genapps_image.generation.holes import Box, hole_of
from genapps_image.generation.restoring import Holed, Mask, holed, restored
from genapps_image.model import ImageModel
from genapps_image.reading.pictures import Pictures, open_pictures
from genapps_image.records import Picture, Skipped
from genapps_image.writing import WRITTEN, write_image, write_json

_PART = 100  # images filled at once
_HELD = 2**28  # bytes of photographs held at once
_HALF = 128  # of 255: how much of a pixel is in the hole for it to count as in it
_HOLES = 8  # holes that the check takes its shapes from

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wish:
    """What is filled, and how.

    mask, box: as `hole_of` takes them. label: of what class. draws: completions of each. at_model_size: results have
    the size of the model's images, not their own. check: a folder of whole images that errors are measured on.
    """

    mask: str | None = None
    box: Box | None = None
    label: str | None = None
    draws: int = 1
    seed: int = 0
    at_model_size: bool = False
    check: str | None = None

    def to_json(self) -> dict[str, Any]:
        """What a manifest says of all its images."""
        where = {"mask": self.mask, "box": self.box, "label": self.label}
        return {"seed": self.seed, **where, "at_model_size": self.at_model_size}


@dataclass(frozen=True)
class Filled:
    """One image that was filled: its name, its files, its size (H, W), and the share of its pixels that were made."""

    name: str
    files: tuple[str, ...]
    size: tuple[int, int]
    share: float


@dataclass(frozen=True)
class Inpainted:
    """All that were filled, what could not be used, and how far from the truth such fills are, where that was asked."""

    filled: list[Filled]
    skipped: list[Skipped]
    checked: Checked | None = None

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        rows = [{"name": one.name, "files": list(one.files), "share": one.share} for one in self.filled]
        told = {} if self.checked is None else {"checked": self.checked.to_json()}
        skipped = [{"name": one.name, "reason": one.reason} for one in self.skipped]
        return {"filled": len(self.filled), **told, "images": rows, "skipped": skipped}

    def lines(self, model: ImageModel) -> list[str]:
        """For a person."""
        sizes = sorted({one.size for one in self.filled})
        size = f"{sizes[0][0]} x {sizes[0][1]}" if len(sizes) == 1 else f"{len(sizes):,} sizes"
        share = sum(one.share for one in self.filled) / len(self.filled)
        said = [
            f"filled       {len(self.filled):,} images at {size}, {share:.0%} of their pixels, by the {model.family}"
        ]
        own = (model.codec.height, model.codec.width)
        if sizes != [own]:
            said.append(f"             thought of at {own[0]} x {own[1]}, and enlarged: no finer detail was made")
        if self.checked is not None:
            said += self.checked.lines()
        return said


def inpaint(
    path: str,
    model: ImageModel,
    output: str,
    wish: Wish,
    progress: Progress = lambda what, done, total: None,
) -> Inpainted:
    """Fill the hole of every image of a folder, or of one; write them, PNGs in a folder, with a manifest.

    Images that cannot be used, and those whose mask does not fit, are skipped. Raises UsageError for a class that was
    not learnt, InputError where nothing was filled, or nothing can be checked.
    """
    pictures, hole = open_pictures(path), hole_of(wish.mask, wish.box)
    whole = None if wish.check is None else open_pictures(wish.check)
    alone = len(pictures) == 1 and Path(output).suffix.lower() in WRITTEN and wish.draws == 1
    folder = Path(output)
    if not alone and folder.suffix.lower() in WRITTEN:
        raise UsageError(f"{output}: one file for several images; name a folder: -o {folder.with_suffix('')}/")
    if not alone:
        folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(wish.seed)
    skipped: list[Skipped] = []
    filled: list[Filled] = []
    shapes: list[Mask] = []
    for part in _parts(_readied(pictures, hole, model.codec, wish, skipped, progress)):
        shapes += [one.hole for one in part[: _HOLES - len(shapes)]]
        filled += _fill(model, part, folder, alone, wish, generator)
    if not filled:
        raise InputError(f"{path}: nothing was filled; {skipped[0].name}: {skipped[0].reason}" if skipped else path)
    checked = None if whole is None else check(model, whole, shapes, wish.label, wish.seed, progress)
    if not alone:
        rows = [{"name": one.name, "files": list(one.files), "share": round(one.share, 4)} for one in filled]
        told = {} if checked is None else {"checked": checked.to_json()}
        write_json(folder / "manifest.json", {"family": model.family, **wish.to_json(), **told, "images": rows})
    return Inpainted(filled, skipped, checked)


def _readied(
    pictures: Pictures,
    find: Callable[[Picture], Mask | str],
    codec: Codec,
    wish: Wish,
    skipped: list[Skipped],
    progress: Progress,
) -> Iterator[Holed]:
    """Those that can be filled; the others are added to `skipped`."""
    for done, one in enumerate(pictures, 1):
        ready = one if isinstance(one, Skipped) else _ready(one, find(one), codec, wish.at_model_size)
        if isinstance(ready, Skipped):
            skipped.append(ready)
        else:
            yield ready
        progress("filling", done, len(pictures))


def _ready(picture: Picture, hole: Mask | str, codec: Codec, at_model_size: bool) -> Holed | Skipped:
    if isinstance(hole, str):
        return Skipped(picture.name, hole)
    if not at_model_size:
        return holed(picture, hole, codec)
    mask = replace(picture, pixels=hole[:, :, None].astype(np.uint8) * 255)
    small = replace(picture, pixels=codec.encode(picture).transpose(1, 2, 0))
    inside: Mask = replace(codec, channels=1).encode(mask)[0] >= _HALF
    if not inside.any():
        return Skipped(picture.name, "nothing to fill in what is left of it at the model's size")
    return holed(small, inside, codec)


def _parts(ready: Iterator[Holed]) -> Iterator[list[Holed]]:
    """As many as are filled at once, and as fit in memory."""
    part: list[Holed] = []
    for one in ready:
        part.append(one)
        if len(part) == _PART or sum(held.picture.pixels.nbytes for held in part) > _HELD:
            yield part
            part = []
    if part:
        yield part


def _fill(
    model: ImageModel, part: Sequence[Holed], place: Path, alone: bool, wish: Wish, generator: torch.Generator
) -> list[Filled]:
    seen, unknown = torch.stack([one.seen for one in part]), torch.stack([one.unknown for one in part])
    files: list[list[str]] = [[] for _ in part]
    for draw in range(wish.draws):
        made = model.impute(seen, unknown, wish.label, generator=generator)
        for one, content, names in zip(part, made, files, strict=True):
            stem = str(Path(one.picture.name).with_suffix("")) + (f"-{draw + 1}" if wish.draws > 1 else "")
            target = place if alone else place / f"{stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            write_image(target, restored(one, content))
            names.append(target.name if alone else f"{stem}.png")
    return [
        Filled(one.picture.name, tuple(names), one.hole.shape, float(one.hole.mean()))
        for one, names in zip(part, files, strict=True)
    ]
